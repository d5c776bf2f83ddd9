//! Losses of convolutional networks, step by step, against `PyTorch`'s on the same stream from the same
//! checkpoints (`tests/reference/replay_conv.sh`), to 1e-4 relative over 50 steps; and, in evaluation mode
//! with the running statistics that they leave, after the last.

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
        "cnn" => format!("cnn-{activation}"),
        kind => format!("{kind}-{}-{activation}", network.text("norm")),
    }
}

/// Losses by (run, step), in their order.
fn reference() -> BTreeMap<(String, String), f64> {
    let text = include_str!("reference/replay_conv.csv");
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        ((cells[0].to_string(), cells[1].to_string()), cells[2].parse().unwrap())
    };
    text.lines().skip(1).map(row).collect()
}

#[test]
fn losses_follow_pytorch_for_50_steps_and_in_evaluation() {
    let text = include_str!("reference/replay_conv.toml");
    let plans = Spec::parse(text, "replay_conv.toml", &[], &catalogue()).unwrap().plans(None).unwrap();
    let out = tempfile::tempdir().unwrap();
    let images = data::load("generated-textures", None, &mut Silent).unwrap();
    let options = Options { quiet: true, ..Options::new(out.path()) };
    let summary = run_all(&plans, &Trainer::new([images], Keep::None, true), &options).unwrap();
    assert_eq!(summary.done, 6, "{:?}", summary.failures);
    let mut theirs = reference();
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
    assert!(theirs.is_empty(), "no run for {:?}", theirs.keys().next());
}
