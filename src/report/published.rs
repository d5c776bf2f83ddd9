//! Ours beside what others published.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail, ensure};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::metric::{METRICS, named};
use super::statistics::{Bootstrap, Estimate, Interval};
use super::tables::{Cell, Mark, Rank, Table};
use crate::optimizers::max_grad_norm;
use crate::results::{Cell as Group, Results};
use crate::spec::{Length, Plan, Value, Work, number};
use crate::words::counted;

/// A published figure: a line of benchmarks/published.csv.
#[derive(Clone, Debug, Deserialize)]
pub struct Published {
    /// Paper and table or figure.
    pub source: String,
    /// Protocol: name of a spec, or FAMILY-DATASET, which every spec with that stream and data is of.
    pub benchmark: String,
    /// As in [`METRICS`].
    pub metric: String,
    /// Activation.
    pub activation: String,
    /// Method, `none`, or `layer-norm` for an MLP with layer normalisation.
    pub method: String,
    /// The figure.
    pub mean: Figure,
    /// What the source gives as its spread, where it gives one.
    pub plus_minus: Option<f64>,
    /// Its seeds.
    pub seeds: Option<usize>,
    /// Tasks of its stream, where they are known.
    #[serde(default)]
    pub tasks: Option<usize>,
    /// Optimiser steps of each.
    #[serde(default)]
    pub steps: Option<usize>,
    /// Learning rate that it was reached at, where that is known.
    #[serde(default)]
    pub learning_rate: Option<f64>,
    /// Why another measurement may differ.
    pub note: String,
    /// Optimiser that it was reached with, where others of ours are not to stand beside it.
    #[serde(default)]
    pub optimizer: Option<String>,
}

/// A number as a source prints it.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// The number.
    pub value: f64,
    /// Half a unit of its last digit, which is as far as the number that was rounded may lie from it: 0.0005 for 0.719.
    pub half_unit: f64,
}

impl<'de> Deserialize<'de> for Figure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let value = text.parse().map_err(|_| D::Error::custom(format!("{text:?} is no number")))?;
        let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((&text, "0"));
        let decimals = digits.split_once('.').map_or(0, |(_, decimals)| decimals.len());
        // Infinity and NaN have no exponent; the check of a line refuses them.
        let exponent: f64 = exponent.parse().unwrap_or(0.0);
        Ok(Self { value, half_unit: 0.5 * libm::exp10(exponent - decimals as f64) })
    }
}

/// Reads the figures in `path`.
///
/// # Errors
/// If it is no table of figures: with the line and the reason.
pub fn read(path: &Path) -> anyhow::Result<Vec<Published>> {
    let what = || {
        format!(
            "the published figures in {} could not be read; a table as benchmarks/published.csv is one",
            path.display()
        )
    };
    ensure!(!path.is_dir(), "{}: it is a folder", what());
    let mut reader = csv::Reader::from_path(path).with_context(what)?;
    let mut published: Vec<Published> = Vec::new();
    for row in reader.deserialize() {
        let figure: Published = row.with_context(what)?;
        // The header is line 1.
        let line = published.len() + 2;
        figure.check().with_context(|| format!("line {line} of {}", path.display()))?;
        published.push(figure);
    }
    ensure!(!published.is_empty(), "{}: it has no figure", what());
    Ok(published)
}

impl Published {
    /// What makes a figure one that others can be held against.
    fn check(&self) -> anyhow::Result<()> {
        if named(&self.metric).is_none() {
            let known: Vec<&str> = METRICS.iter().map(|metric| metric.name).collect();
            bail!("there is no metric {:?}; there are {}", self.metric, known.join(", "));
        }
        ensure!(self.mean.value.is_finite(), "the mean is {}, which is no figure", self.mean.value);
        let spread = self.plus_minus.unwrap_or(0.0);
        ensure!(spread >= 0.0 && spread.is_finite(), "plus_minus is {spread}; it is 0 or more, or left out");
        let rate = self.learning_rate.unwrap_or(1.0);
        ensure!(
            rate > 0.0 && rate.is_finite(),
            "the learning rate is {rate}; it is more than 0, or left out"
        );
        for (name, count) in [("seeds", self.seeds), ("tasks", self.tasks), ("steps", self.steps)] {
            ensure!(count != Some(0), "{name} is 0; it is 1 or more, or left out");
        }
        Ok(())
    }
}

/// One row for every figure and every variant of ours that it is comparable with.
#[must_use]
pub fn table(results: &Results, published: &[Published]) -> Table {
    let header = [
        "benchmark",
        "variant",
        "metric",
        "source",
        "published",
        "ours",
        "seeds",
        "difference",
        "inside",
        "why it may differ",
    ];
    let (mut rows, mut metrics) = (Vec::new(), Vec::new());
    let mut without: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for theirs in published {
        if !results.cells.iter().any(|cell| is_comparable(cell, theirs)) {
            let method =
                if theirs.method == "none" { String::new() } else { format!(" + {}", theirs.method) };
            without.entry(&theirs.benchmark).or_default().push(format!("{}{method}", theirs.activation));
        }
        for cell in results.cells.iter().filter(|cell| is_comparable(cell, theirs)) {
            let Some(metric) = named(&theirs.metric) else { continue };
            let values = cell.metric(metric.name).into_values().collect();
            let estimate = Bootstrap::TABLES.estimate(&[values]);
            let seeds = cell.tally().runs();
            let ours = |interval, n| Cell::Figure { interval, mark: Mark::Plain, n, seeds };
            if !metrics.contains(&metric) {
                metrics.push(metric);
            }
            let spread = theirs.plus_minus.map_or_else(String::new, |spread| format!(" ± {spread}"));
            rows.push(vec![
                Cell::Text(results.benchmarks[cell.benchmark].clone()),
                Cell::Text(results.variants[cell.variant].clone()),
                Cell::Text(metric.title.to_owned()),
                Cell::Text(theirs.source.clone()),
                Cell::Text(format!("{}{spread}", theirs.mean.value)),
                estimate.map_or(Cell::Empty, |e| ours(e.mean, e.n)),
                Cell::Count(estimate.map_or(0, |e| e.n)),
                estimate.map_or(Cell::Empty, |e| ours(e.mean.less(theirs.mean.value), e.n)),
                Cell::Text(verdict(estimate, theirs).to_owned()),
                Cell::Text(reasons(cell, estimate, theirs)),
            ]);
        }
    }
    let mut notes = vec![
        "✓: the published figure, give or take its own ± (without one: half a unit of its last digit), \
         lies within our 95 % interval; ✗: outside; –: too few of our seeds for an interval."
            .into(),
        "Figures of other protocols are not set beside ours: benchmark, activation and method have to be \
         the same, and rationals unconstrained. A figure of FAMILY-DATASET stands beside every benchmark \
         with that stream and data."
            .into(),
    ];
    if rows.is_empty() {
        notes.insert(0, "None of the published figures has runs here.".into());
    }
    let has_runs = |benchmark: &str| results.cells.iter().any(|cell| is_of(cell, benchmark));
    let without = without.into_iter().map(|(benchmark, which)| match which.len() {
        few if few < 5 || has_runs(benchmark) => format!("{benchmark} ({})", which.join(", ")),
        many => format!("{benchmark} ({many} figures)"),
    });
    let without: Vec<String> = without.collect();
    if !without.is_empty() {
        notes.push(format!("Published and without runs here: {}.", without.join("; ")));
    }
    let header = header.map(str::to_owned).to_vec();
    Table {
        title: "Beside published figures".into(),
        benchmark: None,
        rank: Rank::Asked,
        notes,
        metrics,
        brief: (0..header.len()).collect(),
        header,
        rows,
    }
}

/// `random_labels_mnist` and `random-labels-mnist` are one.
fn same(a: &str, b: &str) -> bool {
    let plain = |text: &str| text.to_ascii_lowercase().replace('_', "-");
    plain(a) == plain(b)
}

/// Whether a cell follows the protocol of this name.
fn is_of(cell: &Group, benchmark: &str) -> bool {
    let plan = cell.plan();
    let protocol = match &plan.work {
        Work::Supervised { data, stream } => format!("{}-{}", stream.family.name, data.dataset),
        Work::Control(control) => format!("{}-{}", control.change.name, control.environment),
        Work::Diagnostic(diagnostic) => diagnostic.name.clone(),
    };
    same(&plan.name, benchmark) || same(&protocol, benchmark)
}

fn is_comparable(cell: &Group, theirs: &Published) -> bool {
    let plan = cell.plan();
    let free = match plan.activation.get("constraint") {
        Some(Value::Choice(constraint)) => constraint.name == "none",
        _ => true,
    };
    is_of(cell, &theirs.benchmark)
        && same(&plan.activation.name, &theirs.activation)
        && same(&methods(plan), &theirs.method)
        && theirs.optimizer.as_ref().is_none_or(|theirs| same(&plan.optimizer.name, theirs))
        && free
}

/// A plan's methods, among which the field's tables count layer normalisation.
fn methods(plan: &Plan) -> String {
    let names = plan.method_names();
    let normed = plan.network.name == "mlp" && plan.network.get("norm") == Some(&Value::Text("layer".into()));
    match (normed, plan.methods.is_empty()) {
        (false, _) => names,
        (true, true) => "layer-norm".into(),
        (true, false) => format!("{names} + layer-norm"),
    }
}

fn verdict(estimate: Option<Estimate>, theirs: &Published) -> &'static str {
    let Some(Estimate { n: 2.., mean: Interval { low, high, .. }, .. }) = estimate else { return "–" };
    let Figure { value, half_unit } = theirs.mean;
    let spread = theirs.plus_minus.unwrap_or(half_unit);
    if low <= value + spread && value - spread <= high { "✓" } else { "✗" }
}

fn reasons(cell: &Group, estimate: Option<Estimate>, theirs: &Published) -> String {
    let ours = cell.plan().tasks();
    let steps = match &cell.plan().work {
        Work::Supervised { stream, .. } => match stream.length {
            Length::Steps(steps) => Some(steps),
            Length::Epochs(_) => None,
        },
        Work::Control(control) => Some(control.steps),
        Work::Diagnostic(_) => None,
    };
    let mut reasons = Vec::new();
    if let Some(tasks) = theirs.tasks.filter(|tasks| *tasks != ours) {
        reasons.push(format!("ours has {ours} tasks, theirs {tasks}"));
    }
    if let Some(run) = cell.done().find(|run| run.scored < run.tasks) {
        reasons.push(format!("of ours the {} scored of {} tasks count", run.scored, run.tasks));
    }
    let diverged = cell.tally().diverged;
    if diverged > 0 {
        let are = if diverged == 1 { "is" } else { "are" };
        reasons.push(format!("{diverged} of our seeds diverged and {are} in no mean"));
    }
    if let (Some(steps), Some(ours)) = (theirs.steps, steps)
        && steps != ours
    {
        reasons.push(format!("ours takes {ours} steps a task, theirs {steps}"));
    }
    let rates = (cell.plan().optimizer.optional_number("learning_rate"), theirs.learning_rate);
    if let (Some(ours), Some(theirs)) = rates
        && ours != theirs
    {
        reasons.push(format!("ours at learning rate {}, theirs at {}", number(ours), number(theirs)));
    }
    if let Some(most) = max_grad_norm(&cell.plan().optimizer) {
        reasons.push(format!("ours clips gradients to norm {}", number(most)));
    }
    if let (Some(seeds), Some(estimate)) = (theirs.seeds, estimate)
        && estimate.n < seeds
    {
        reasons.push(format!("{} against {seeds}", counted(estimate.n, "seed")));
    }
    if !theirs.note.is_empty() {
        reasons.push(theirs.note.clone());
    }
    reasons.join("; ")
}
