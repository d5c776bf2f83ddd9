//! Losses of convolutional networks, step by step, against `PyTorch`'s on the same stream from the same
//! checkpoints (`tests/reference/replay_conv.sh`), to 1e-4 relative over 50 steps; and, in evaluation mode
//! with the running statistics that they leave, after the last.

mod common;

use plasticity_bench::spec::Plan;

/// The name of a run in the reference.
fn name(plan: &Plan) -> String {
    let (network, activation) = (&plan.network, &plan.activation.name);
    match network.name.as_str() {
        "cnn" => format!("cnn-{activation}"),
        kind => format!("{kind}-{}-{activation}", network.text("norm")),
    }
}

#[test]
fn losses_follow_pytorch_for_50_steps_and_in_evaluation() {
    let mut theirs = common::replay::losses(include_str!("reference/replay_conv.csv"));
    let spec = include_str!("reference/replay_conv.toml");
    common::replay::follow((spec, "generated-textures", 6), name, &mut theirs);
    assert!(theirs.is_empty(), "no run for {:?}", theirs.keys().next());
}
