//! Runs by benchmark and variant.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::find::find;
use super::run::{Run, open};
use crate::record::Status;
use crate::spec::{Catalogue, Plan, axes, value};

/// Settings that a variant's label tells of by itself.
const TOLD: [&str; 5] =
    ["activation", "activation.version", "activation.start", "activation.constraint", "method"];

/// How the runs of a cell ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Trained to the end: those that figures are made of.
    pub done: usize,
    /// Whose loss or weights stopped being finite.
    pub diverged: usize,
    /// That an error ended.
    pub failed: usize,
    /// Begun and not ended.
    pub unfinished: usize,
}

impl Tally {
    /// All of them.
    #[must_use]
    pub fn runs(self) -> usize {
        self.done + self.diverged + self.failed + self.unfinished
    }

    /// Whether figures lack some of the runs.
    #[must_use]
    pub fn is_partial(self) -> bool {
        self.done < self.runs()
    }
}

/// A variant on a benchmark: runs that differ in their seeds alone.
#[derive(Debug)]
pub struct Cell {
    /// Position in [`Results::benchmarks`].
    pub benchmark: usize,
    /// Position in [`Results::variants`].
    pub variant: usize,
    /// By seed.
    pub runs: BTreeMap<u64, Run>,
}

impl Cell {
    /// The runs that were trained to the end.
    pub fn done(&self) -> impl Iterator<Item = &Run> {
        self.runs.values().filter(|run| run.status.status == Status::Done)
    }

    /// A metric of each finished run that has it, by seed.
    #[must_use]
    pub fn metric(&self, name: &str) -> BTreeMap<u64, f64> {
        self.done().filter_map(|run| Some((run.plan.seed, *run.metrics.get(name)?))).collect()
    }

    /// How the runs ended.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let count = |status| self.runs.values().filter(|run| run.status.status == status).count();
        Tally {
            done: count(Status::Done),
            diverged: count(Status::Diverged),
            failed: count(Status::Failed),
            unfinished: count(Status::Running),
        }
    }

    /// The plan, of the lowest seed.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.runs.first_key_value().expect("a cell is made for a run").1.plan
    }
}

/// All that was read.
#[derive(Debug)]
pub struct Results {
    /// Names, each once, in the order in which they were met.
    pub benchmarks: Vec<String>,
    /// Labels, the same.
    pub variants: Vec<String>,
    /// Every pair that has a run, benchmark by benchmark.
    pub cells: Vec<Cell>,
    /// What could not be read, and runs that were given twice.
    pub problems: Vec<String>,
}

impl Results {
    /// The variants on a benchmark.
    pub fn of(&self, benchmark: usize) -> impl Iterator<Item = &Cell> {
        self.cells.iter().filter(move |cell| cell.benchmark == benchmark)
    }

    /// One pair.
    #[must_use]
    pub fn cell(&self, benchmark: usize, variant: usize) -> Option<&Cell> {
        self.cells.iter().find(|cell| (cell.benchmark, cell.variant) == (benchmark, variant))
    }

    /// Every run.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        self.cells.iter().flat_map(|cell| cell.runs.values())
    }
}

/// Reads all runs under the folders `given`. A run that cannot be read is a problem that is told of, not
/// the end of the report.
pub fn gather(given: &[PathBuf], catalogue: &Catalogue) -> anyhow::Result<Results> {
    let (mut runs, mut problems) = (Vec::new(), Vec::new());
    for read in read_all(&find(given)?.runs, catalogue) {
        match read {
            Ok(run) => runs.push(run),
            Err(error) => problems.push(format!("left out: {error:#}")),
        }
    }
    anyhow::ensure!(!runs.is_empty(), "none of the runs could be read; {}", problems.join("; "));
    Ok(arrange(runs, problems))
}

/// Every folder's run in their order, read by as many threads as there are cores.
fn read_all(folders: &[PathBuf], catalogue: &Catalogue) -> Vec<anyhow::Result<Run>> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let each = folders.len().div_ceil(cores).max(1);
    let read = |folders: &[PathBuf]| folders.iter().map(|folder| open(folder, catalogue)).collect::<Vec<_>>();
    std::thread::scope(|scope| {
        let threads: Vec<_> = folders.chunks(each).map(|some| scope.spawn(move || read(some))).collect();
        let ended = |thread: std::thread::ScopedJoinHandle<'_, Vec<_>>| {
            thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        threads.into_iter().flat_map(ended).collect()
    })
}

fn arrange(runs: Vec<Run>, mut problems: Vec<String>) -> Results {
    let labels = labels(&runs.iter().map(|run| &run.plan).collect::<Vec<_>>());
    let mut results =
        Results { benchmarks: Vec::new(), variants: Vec::new(), cells: Vec::new(), problems: Vec::new() };
    for (run, (benchmark, variant)) in runs.into_iter().zip(labels) {
        let benchmark = position(&mut results.benchmarks, benchmark);
        let variant = position(&mut results.variants, variant);
        let known = results.cells.iter().position(|c| (c.benchmark, c.variant) == (benchmark, variant));
        let index = known.unwrap_or_else(|| {
            results.cells.push(Cell { benchmark, variant, runs: BTreeMap::new() });
            results.cells.len() - 1
        });
        let cell = &mut results.cells[index];
        match cell.runs.get(&run.plan.seed) {
            Some(first) => problems.push(format!(
                "{} is the same run as {} and counts once",
                run.folder.display(),
                first.folder.display()
            )),
            None => drop(cell.runs.insert(run.plan.seed, run)),
        }
    }
    results.cells.sort_by_key(|cell| (cell.benchmark, cell.variant));
    results.problems = problems;
    results
}

/// Benchmark and variant of each plan.
fn labels(plans: &[&Plan]) -> Vec<(String, String)> {
    let mut by_name: BTreeMap<&str, Vec<&Plan>> = BTreeMap::new();
    for plan in plans {
        by_name.entry(&plan.name).or_default().push(plan);
    }
    // What is the same throughout each benchmark is of its protocol: a relu at one's learning rate and a
    // relu at another's are one variant.
    let mut axes: Vec<String> = Vec::new();
    for plans in by_name.values() {
        for key in varying(plans, &["activation", "optimizer", "method"]) {
            if !axes.contains(&key) {
                axes.push(key);
            }
        }
    }
    let axes = telling(plans, axes);
    let settings: BTreeMap<&str, Vec<String>> =
        by_name.iter().map(|(name, plans)| (*name, varying(plans, &["data", "stream", "network"]))).collect();
    let benchmark = |plan: &Plan| benchmark(plan, &settings[plan.name.as_str()]);
    plans.iter().map(|plan| (benchmark(plan), variant(plan, &axes))).collect()
}

fn position(names: &mut Vec<String>, name: String) -> usize {
    names.iter().position(|known| *known == name).unwrap_or_else(|| {
        names.push(name);
        names.len() - 1
    })
}

/// The axes among `plans` whose keys are in one of these sections.
fn varying(plans: &[&Plan], sections: &[&str]) -> Vec<String> {
    let keys = axes(plans).into_iter().map(|axis| axis.key);
    keys.filter(|key| sections.contains(&key.split('.').next().unwrap_or_default())).collect()
}

/// The benchmark's name, and what its runs differ in beside the variant, if anything.
fn benchmark(plan: &Plan, settings: &[String]) -> String {
    let mut parts = vec![plan.name.clone()];
    parts.extend(settings.iter().map(|key| format!("{}={}", short(key), value(plan, key))));
    parts.join(" ")
}

/// Those of the axes that a label has to tell of. Of an activation's parameters only they are without
/// which two variants would be one: that proper-degree goes with other degrees is in its spec.
fn telling(plans: &[&Plan], mut axes: Vec<String>) -> Vec<String> {
    axes.retain(|key| !TOLD.contains(&key.as_str()));
    let mut parts: Vec<Vec<String>> = plans.iter().map(|plan| parts(plan, &axes)).collect();
    let names = || plans.iter().map(|plan| &plan.name);
    let distinct = |parts: &[Vec<String>]| names().zip(parts).collect::<BTreeSet<_>>().len();
    let all = distinct(&parts);
    for index in (0..axes.len()).rev() {
        if !axes[index].starts_with("activation.") {
            continue;
        }
        let mut without = parts.clone();
        for parts in &mut without {
            parts.remove(index + 1);
        }
        if distinct(&without) == all {
            axes.remove(index);
            parts = without;
        }
    }
    axes
}

/// The variant's label, and the settings that vary without being in it.
fn variant(plan: &Plan, axes: &[String]) -> String {
    let mut parts = parts(plan, axes);
    parts.retain(|part| !part.is_empty());
    parts.join(" ")
}

/// The same in parts: the label and one an axis, empty where the axis says nothing.
fn parts(plan: &Plan, axes: &[String]) -> Vec<String> {
    // A slope that the start does not have says nothing.
    let idle = |key: &str| key == "activation.start_slope" && value(plan, "activation.start") != "leaky_relu";
    let part = |key: &String| {
        let value = if idle(key) { String::new() } else { value(plan, key) };
        if value.is_empty() { value } else { format!("{}={value}", short(key)) }
    };
    std::iter::once(plan.variant_label()).chain(axes.iter().map(part)).collect()
}

fn short(key: &str) -> &str {
    match key {
        "optimizer.learning_rate" => "lr",
        "activation.learning_rate" => "coefficient_lr",
        _ => key.split_once('.').map_or(key, |(_, rest)| rest),
    }
}
