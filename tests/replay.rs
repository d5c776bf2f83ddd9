//! A rational network's losses, step by step, against `PyTorch`'s on the same stream from the same
//! checkpoint (`tests/reference/replay.sh`): to 1e-4 relative over 200 steps, with Adam and with SGD.

use std::fs;
use std::path::Path;

use plasticity_bench::catalogue::catalogue;
use plasticity_bench::data::{self, Silent};
use plasticity_bench::record::{CoefficientRow, Phase, StepRow, TaskRow, read};
use plasticity_bench::runner::{Options, Summary, Trainer, run_all};
use plasticity_bench::spec::Spec;
use plasticity_bench::train::checkpoint::Keep;

fn reference(optimizer: &str) -> Vec<f64> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference");
    let text = fs::read_to_string(folder.join(format!("replay_{optimizer}.csv"))).unwrap();
    text.lines().skip(1).map(|line| line.split(',').nth(1).unwrap().parse().unwrap()).collect()
}

/// The runs of a spec beside the references.
fn trained(name: &str) -> (tempfile::TempDir, Summary) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference").join(name);
    let text = fs::read_to_string(path).unwrap();
    let plans = Spec::parse(&text, name, &[], &catalogue()).unwrap().plans(None).unwrap();
    let out = tempfile::tempdir().unwrap();
    let digits = data::load("generated-digits", None, &mut Silent).unwrap();
    let options = Options { quiet: true, ..Options::new(out.path()) };
    let summary = run_all(&plans, &Trainer::new([digits], Keep::None, true), &options).unwrap();
    assert_eq!((summary.done, summary.failures.len()), (plans.len(), 0), "{:?}", summary.failures);
    (out, summary)
}

/// Whether the losses of all 200 steps of a run are those of the reference.
fn follows(run: &Path, name: &str) {
    let (ours, theirs) = (read::<StepRow>(run).unwrap(), reference(name));
    assert_eq!((ours.len(), theirs.len()), (200, 200));
    for (row, theirs) in ours.iter().zip(theirs) {
        let difference = (f64::from(row.loss) - theirs).abs() / theirs;
        assert!(difference < 1e-4, "{name} step {}: {} against {theirs}", row.step, row.loss);
    }
}

#[test]
fn losses_follow_pytorch_for_200_steps() {
    let (_out, summary) = trained("replay.toml");
    for run in &summary.runs {
        follows(&run.dir, &run.plan.optimizer.name);
    }
}

/// Three hidden layers: two matrices are torch.optim.Muon's, the first and the last AdamW's.
#[test]
fn losses_under_muon_follow_pytorch_for_200_steps() {
    let (_out, summary) = trained("replay_muon.toml");
    follows(&summary.runs[0].dir, "muon");
}

/// A column of a CSV of quantities.
fn quantities(name: &str) -> Vec<(String, f64)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference");
    let text = fs::read_to_string(folder.join(name)).unwrap();
    let rows = text.lines().skip(1).map(|line| line.split_once(',').unwrap());
    rows.map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect()
}

/// `tests/reference/replay_zoo.sh`: KAT's groups step by step, a mixture in evaluation after its training.
#[test]
fn kats_losses_and_a_mixtures_evaluation_follow_pytorch() {
    let (_out, summary) = trained("replay_zoo.toml");
    for run in &summary.runs {
        if run.plan.activation.name == "kat" {
            follows(&run.dir, "kat");
            continue;
        }
        let task = &read::<TaskRow>(&run.dir).unwrap()[0];
        let last = read::<CoefficientRow>(&run.dir).unwrap();
        let pick = |layer: usize| {
            let of = |row: &&CoefficientRow| {
                row.layer == format!("activations.{layer}")
                    && row.coefficient == "pick"
                    && row.phase == Phase::End
            };
            last.iter().find(of).unwrap().value
        };
        for (quantity, theirs) in quantities("replay_mixture.csv") {
            let ours = match quantity.as_str() {
                "train_loss" => task.train_loss.unwrap(),
                "train_accuracy" => task.train_accuracy.unwrap(),
                "pick_0" => pick(0),
                "pick_1" => pick(1),
                other => panic!("{other}"),
            };
            assert!(
                (ours - theirs).abs() < 1e-4 * theirs.abs().max(1.0),
                "{quantity}: {ours} against {theirs}"
            );
        }
        assert_ne!(pick(0) + pick(1), 0.0, "no layer picked another than the first function");
    }
}
