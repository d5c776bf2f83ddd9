//! Agents, from folders written by hand.

use std::path::Path;

use super::{plans, put, run};
use crate::catalogue::catalogue;
use crate::record::{EvaluationRow, Status, TaskRow};
use crate::report::{lead, plots, tables};
use crate::results::gather;
use crate::spec::Plan;

/// Runs of an agent: a return and a bias at each of three evaluations of one task after another.
fn agents(root: &Path, name: &str) {
    for mut plan in plans() {
        plan.name = name.to_owned();
        let rational = plan.activation.name != "relu";
        if rational && plan.seed == 3 {
            run(root, &plan, Status::Diverged, &[]);
            continue;
        }
        let folder = run(root, &plan, Status::Done, &[0.5, 0.5]);
        let rows: Vec<TaskRow> = (0..2).map(|task| TaskRow { task, ..TaskRow::default() }).collect();
        put(&folder, &rows);
        let base = if rational { 500.0 } else { 700.0 } + plan.seed as f64;
        let row = |index: usize| EvaluationRow {
            task: index / 2,
            environment_step: 1000 * (index + 1),
            episodes: 10,
            return_mean: base + 100.0 * index as f64,
            normalized_return: Some((base + 100.0 * index as f64) / 1000.0),
            q_bias_normalized: Some(if rational { 0.5 } else { -0.125 } * index as f64),
            ..EvaluationRow::default()
        };
        put(&folder, &(0..4).map(row).collect::<Vec<_>>());
    }
}

#[test]
fn agents_are_headed_by_their_return() {
    let root = tempfile::tempdir().unwrap();
    agents(root.path(), "swingup");
    agents(root.path(), "walk");
    let results = gather(&[root.path().to_owned()], &catalogue()).unwrap();
    assert!(results.problems.is_empty(), "{:?}", results.problems);
    let all = tables(&results, &[]);
    assert_eq!(all[0].title, "All benchmarks: normalised return");
    assert_eq!(all[0].header.last().map(String::as_str), Some("diverged"));
    let table = &all[1];
    for head in ["normalised return", "evaluation return", "return over training", "Q bias"] {
        assert!(table.header.iter().any(|title| title == head), "{head}: {:?}", table.header);
    }
    assert!(!table.header.iter().any(|title| title == "online accuracy"), "{:?}", table.header);
    let relu = results.cell(0, results.variants.iter().position(|label| label == "relu").unwrap()).unwrap();
    // The last of each task: 800 and 1000, and the seed.
    let returns: Vec<f64> = relu.metric("evaluation_return").into_values().collect();
    assert_eq!(returns, [900.0, 901.0, 902.0, 903.0]);
    assert_eq!(relu.metric("q_bias")[&0], -0.25);
    let text = tables::terminal(table, None);
    assert!(text.contains("▸0.9015 [0.901, 0.903]") && text.contains("▸901.5 [900.5, 902.5]"), "{text}");
    assert!(lead::lead(&results, 0).starts_with("relu has the best normalised return"));
    let brief = table.brief().unwrap().header;
    assert_eq!(brief[brief.len() - 3..], ["normalised return", "evaluation return", "Q bias"]);
    let charts = plots::charts(&results);
    let files: Vec<&str> = charts.iter().map(|chart| chart.file.as_str()).collect();
    for file in ["profile-all-normalized_return", "returns-walk", "q-bias-walk", "q-bias-return-walk"] {
        assert!(files.contains(&file), "{file}: {files:?}");
    }
    let curve = &charts.iter().find(|chart| chart.file == "returns-walk").unwrap().panels[0];
    assert_eq!(curve.y, "normalised return");
    // One of the rational's four seeds diverged.
    let behind = |label: &str| {
        let series = curve.series();
        let one = series.iter().find(|series| series.label.starts_with(label)).unwrap();
        (one.points.len(), one.n.clone())
    };
    assert_eq!((behind("relu"), behind("rational")), ((4, vec![4; 4]), (4, vec![3; 4])));
}

/// A plan of an agent.
pub(super) fn plan(name: &str, environment: &str) -> Plan {
    let mut plan = plans().remove(0);
    plan.name = name.to_owned();
    plan.work = crate::spec::Work::Control(crate::spec::ControlPlan {
        python: None,
        environment: environment.to_owned(),
        action_repeat: 1,
        change: crate::agents::tests::choice(&crate::environments::change::entries(), "single", &[]),
        tasks: 1,
        steps: 1000,
        agent: crate::agents::tests::choice(
            &crate::agents::entries(),
            "sac",
            &[("learning_starts", crate::spec::Value::Integer(10))],
        ),
        critic: crate::spec::CriticPlan::default(),
        evaluate_every: 100,
        evaluation_episodes: 1,
    });
    plan
}

/// Where all runs of an agent diverged there is no figure; they still are an agent's and count as its worst.
#[test]
fn agents_that_all_diverged_are_ranked_as_agents() {
    let root = tempfile::tempdir().unwrap();
    for seed in 0..2 {
        run(root.path(), &Plan { seed, ..plan("lost", "reacher-easy") }, Status::Diverged, &[]);
    }
    let results = gather(&[root.path().to_owned()], &catalogue()).unwrap();
    assert_eq!(results.benchmarks.len(), 1, "{:?}", results.problems);
    assert_eq!(crate::report::metric::headline(&results, 0).name, "normalized_return");
}
