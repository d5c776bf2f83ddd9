//! Agents: what they earn over environment steps, and how far their values are off.

use super::{Chart, Panel, Series, Style, band, scatter, slug};
use crate::report::ranking::Shown;
use crate::results::{Cell, Evaluations, Results};

type Curve = fn(&Evaluations) -> &[(f64, f64)];

/// Return of the evaluations over environment steps, normalised where every run is.
pub fn returns(results: &Results, benchmark: usize) -> Option<Chart> {
    let normalized =
        |run: &crate::results::Run| run.evaluations.normalized.len() == run.evaluations.returns.len();
    let scaled = results.of(benchmark).flat_map(Cell::done).all(normalized);
    let (label, curve): (&str, Curve) = if scaled {
        ("normalised return", |evaluations| &evaluations.normalized)
    } else {
        ("return", |evaluations| &evaluations.returns)
    };
    let panel = panel(results, benchmark, label, curve)?;
    let name = &results.benchmarks[benchmark];
    Some(Chart {
        file: format!("returns-{}", slug(name)),
        title: format!("Evaluation return: {name}"),
        caption:
            "Mean return of an evaluation's episodes by the mode of the policy, over environment steps; \
                  mean over the finished runs' seeds with its 95 % bootstrap band."
                .into(),
        benchmark: Some(benchmark),
        minor: false,
        ends: true,
        panels: vec![panel],
    })
}

/// Bias of the critics over environment steps, and against the return.
pub fn bias(results: &Results, benchmark: usize) -> Vec<Chart> {
    let name = &results.benchmarks[benchmark];
    let over_steps = panel(results, benchmark, "normalised Q bias", |evaluations| &evaluations.q_bias);
    let over_steps = over_steps.map(|panel| Chart {
        file: format!("q-bias-{}", slug(name)),
        title: format!("Bias of Q over environment steps: {name}"),
        caption: "Q(s, a) less the discounted return that followed, divided by the larger of that return's \
                  size and 10; mean over the finished runs' seeds with its 95 % bootstrap band. Above 0, \
                  values are overestimated."
            .into(),
        benchmark: Some(benchmark),
        minor: false,
        ends: true,
        panels: vec![panel],
    });
    let against = against_return(results, benchmark).map(|panel| Chart {
        file: format!("q-bias-return-{}", slug(name)),
        title: format!("Bias of Q against return: {name}"),
        caption: "A point a finished run, both at the last evaluation of each task. ρ is Spearman's rank \
                  correlation over all runs shown, r Pearson's; runs of one variant are not independent of \
                  each other, so neither is a test."
            .into(),
        benchmark: Some(benchmark),
        minor: false,
        ends: true,
        panels: vec![panel],
    });
    over_steps.into_iter().chain(against).collect()
}

fn panel(results: &Results, benchmark: usize, label: &str, curve: Curve) -> Option<Panel> {
    let shown = Shown::of(results, benchmark, super::LINES);
    let lines: Vec<Series> = shown
        .cells
        .iter()
        .filter_map(|cell| {
            let runs = cell.done().map(|run| Some(curve(&run.evaluations).iter().copied()));
            band(&results.variants[cell.variant], Style::of(cell.variant), runs)
        })
        .collect();
    (!lines.is_empty()).then(|| Panel::new("", "environment steps", label, lines))
}

fn against_return(results: &Results, benchmark: usize) -> Option<Panel> {
    let metric = crate::report::metric::headline(results, benchmark);
    scatter::panel(results, benchmark, "normalised Q bias", metric.title, |run| {
        Some((*run.metrics.get("q_bias")?, *run.metrics.get(metric.name)?))
    })
}
