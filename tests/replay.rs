//! A rational network's losses, step by step, against `PyTorch`'s on the same stream from the same
//! checkpoint (`tests/reference/replay.sh`): to 1e-4 relative over 200 steps, with Adam and with SGD.

use std::fs;
use std::path::Path;

use plasticity_bench::catalogue::catalogue;
use plasticity_bench::data::{self, Silent};
use plasticity_bench::record::{StepRow, read};
use plasticity_bench::runner::{Options, Trainer, run_all};
use plasticity_bench::spec::Spec;
use plasticity_bench::train::checkpoint::Keep;

fn reference(optimizer: &str) -> Vec<f64> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference");
    let text = fs::read_to_string(folder.join(format!("replay_{optimizer}.csv"))).unwrap();
    text.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().parse().unwrap()).collect()
}

#[test]
fn losses_follow_pytorch_for_200_steps() {
    let text = include_str!("reference/replay.toml");
    let plans = Spec::parse(text, "replay.toml", &[], &catalogue()).unwrap().plans(None).unwrap();
    let out = tempfile::tempdir().unwrap();
    let digits = data::load("generated-digits", None, &mut Silent).unwrap();
    let options = Options { quiet: true, ..Options::new(out.path()) };
    let summary = run_all(&plans, &Trainer::new([digits], Keep::None, true), &options).unwrap();
    assert_eq!(summary.done, 2, "{:?}", summary.failures);
    for run in &summary.runs {
        let name = &run.plan.optimizer.name;
        let ours = read::<StepRow>(&run.dir).unwrap();
        let theirs = reference(name);
        assert_eq!((ours.len(), theirs.len()), (200, 200));
        for (row, theirs) in ours.iter().zip(theirs) {
            let difference = (f64::from(row.loss) - theirs).abs() / theirs;
            assert!(difference < 1e-4, "{name} step {}: {} against {theirs}", row.step, row.loss);
        }
    }
}
