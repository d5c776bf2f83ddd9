//! Losses of transformers, step by step, against `PyTorch`'s on the same streams from the same checkpoints
//! (`tests/reference/replay_transformers.sh`), to 1e-4 relative over 50 steps, and in evaluation after the last.

use std::collections::BTreeMap;

use plasticity_bench::catalogue::catalogue;
use plasticity_bench::data::{self, Silent};
use plasticity_bench::record::{StepRow, TaskRow, read};
use plasticity_bench::runner::{Options, Trainer, run_all};
use plasticity_bench::spec::{Plan, Spec};
use plasticity_bench::train::checkpoint::Keep;

/// The name of a run in the reference.
fn name(plan: &Plan) -> String {
    let (network, activation) = (&plan.network, &plan.activation.name);
    match network.name.as_str() {
        "vit" => format!("vit-{}-{activation}", network.text("pool")),
        kind => format!("{kind}-{activation}"),
    }
}

/// Losses by (run, step), in their order.
fn reference() -> BTreeMap<(String, String), f64> {
    let text = include_str!("reference/replay_transformers.csv");
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        ((cells[0].to_string(), cells[1].to_string()), cells[2].parse().unwrap())
    };
    text.lines().skip(1).map(row).collect()
}

#[test]
fn losses_follow_pytorch_for_50_steps_and_in_evaluation() {
    let specs = [
        (include_str!("reference/replay_vit.toml"), "generated-textures", 4),
        (include_str!("reference/replay_gpt.toml"), "generated-text", 2),
    ];
    let mut theirs = reference();
    for (text, dataset, runs) in specs {
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
    assert!(theirs.is_empty(), "no run for {:?}", theirs.keys().next());
}
