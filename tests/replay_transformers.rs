//! Losses of transformers, step by step, against `PyTorch`'s on the same streams from the same checkpoints
//! (`tests/reference/replay_transformers.sh`), to 1e-4 relative over 50 steps, and in evaluation after the last.

mod common;

use plasticity_bench::spec::Plan;

/// The name of a run in the reference.
fn name(plan: &Plan) -> String {
    let (network, activation) = (&plan.network, &plan.activation.name);
    match network.name.as_str() {
        "vit" => format!("vit-{}-{activation}", network.text("pool")),
        kind => format!("{kind}-{activation}"),
    }
}

#[test]
fn losses_follow_pytorch_for_50_steps_and_in_evaluation() {
    let mut theirs = common::replay::losses(include_str!("reference/replay_transformers.csv"));
    let (vit, gpt) = (include_str!("reference/replay_vit.toml"), include_str!("reference/replay_gpt.toml"));
    for spec in [(vit, "generated-textures", 4), (gpt, "generated-text", 2)] {
        common::replay::follow(spec, name, &mut theirs);
    }
    assert!(theirs.is_empty(), "no run for {:?}", theirs.keys().next());
}
