//! A diagnostic is a benchmark like any other: from a spec to rows and to figures that tables show.

use plasticity_bench::catalogue::catalogue;
use plasticity_bench::record::{self, ProbeRow, Status, TaskRow};
use plasticity_bench::results;
use plasticity_bench::runner::{self, Options, Trainer};
use plasticity_bench::spec::Spec;
use plasticity_bench::train::checkpoint::Keep;

const SPEC: &str = "name = 'fit'\nnetwork = { kind = 'mlp', hidden = [8] }\nactivation = 'relu'\n\
                    optimizer = { name = 'adam', learning_rate = 1e-3 }\n\
                    diagnostic = { name = 'overestimation-fit', approximator = 'polynomial' }\n";

/// Figure 2 of Double DQN prints +0.61 for the sine and degree 6, +0.47 for the gaussian.
#[test]
fn a_grid_of_diagnostics_leaves_rows_and_figures() {
    let sets = ["grid.diagnostic.function=[\"sine\", \"gaussian\"]".to_owned()];
    let plans = Spec::parse(SPEC, "fit.toml", &sets, &catalogue()).unwrap().plans(Some("0..2")).unwrap();
    assert_eq!(plans.len(), 4);
    let out = tempfile::tempdir().unwrap();
    let options = Options { quiet: true, ..Options::new(out.path()) };
    let summary = runner::run_all(&plans, &Trainer::new([], Keep::Last, false), &options).unwrap();
    assert_eq!((summary.done, summary.runs.len()), (4, 4));
    for run in &summary.runs {
        let tasks = record::read::<TaskRow>(&run.dir).unwrap();
        assert_eq!((tasks.len(), tasks[0].status), (1, Status::Done));
        assert_eq!((tasks[0].family.as_str(), tasks[0].steps), ("overestimation-fit", None));
        let rows = record::read::<ProbeRow>(&run.dir).unwrap();
        let read = results::open(&run.dir, &catalogue()).unwrap();
        assert!(read.counts());
        let printed = if read.plan.to_toml().contains("gaussian") { 0.47 } else { 0.61 };
        let found = rows.iter().find(|row| row.probe == "overestimation").and_then(|row| row.value).unwrap();
        assert!((found - printed).abs() < 0.005, "{found} for {printed}");
        assert_eq!(read.metrics.get("overestimation"), Some(&found));
    }
}

#[test]
fn what_does_not_go_with_a_diagnostic_is_said() {
    let error = |more: &str| {
        let text = format!("{SPEC}{more}");
        Spec::parse(&text, "fit.toml", &[], &catalogue()).unwrap_err().to_string()
    };
    let data = error("data = { dataset = 'mnist' }\n");
    assert!(data.contains("keep one of the two"), "{data}");
    let probes = error("probes = { names = [] }\n");
    assert!(probes.contains("[probes] has no effect beside [diagnostic]"), "{probes}");
}
