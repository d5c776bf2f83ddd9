//! Losses of runs against those of `PyTorch`.

use std::collections::BTreeMap;

use plasticity_bench::catalogue::catalogue;
use plasticity_bench::data::{self, Silent};
use plasticity_bench::record::{StepRow, TaskRow, read};
use plasticity_bench::runner::{Options, Trainer, run_all};
use plasticity_bench::spec::{Plan, Spec};
use plasticity_bench::train::checkpoint::Keep;

/// Losses of a reference file by (run, step), in their order.
pub fn losses(text: &str) -> BTreeMap<(String, String), f64> {
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        ((cells[0].to_string(), cells[1].to_string()), cells[2].parse().unwrap())
    };
    text.lines().skip(1).map(row).collect()
}

/// Trains the `runs` runs of a spec on a data set and holds the loss of every step, and that of evaluation after the
/// last, against `theirs`, out of which each is taken; to 1e-4 relative.
pub fn follow(
    (text, dataset, runs): (&str, &str, usize),
    name: impl Fn(&Plan) -> String,
    theirs: &mut BTreeMap<(String, String), f64>,
) {
    let plans = Spec::parse(text, "replay.toml", &[], &catalogue()).unwrap().plans(None).unwrap();
    let out = tempfile::tempdir().unwrap();
    let set = data::load(dataset, None, &mut Silent).unwrap();
    let options = Options { quiet: true, ..Options::new(out.path()) };
    let summary = run_all(&plans, &Trainer::new([set], Keep::None, true), &options).unwrap();
    assert_eq!(summary.done, runs, "{:?}", summary.failures);
    let mut check = |run: &str, step: String, ours: f64| {
        let theirs = theirs.remove(&(run.to_string(), step.clone())).unwrap();
        let difference = (ours - theirs).abs() / theirs;
        assert!(difference < 1e-4, "{run} step {step}: {ours} against {theirs}");
    };
    for run in &summary.runs {
        let name = name(&run.plan);
        for row in read::<StepRow>(&run.dir).unwrap() {
            check(&name, row.step.to_string(), f64::from(row.loss));
        }
        let task = read::<TaskRow>(&run.dir).unwrap().remove(0);
        check(&name, "end".into(), task.train_loss.unwrap());
    }
}
