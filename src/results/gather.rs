//! Runs by benchmark and variant.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::find::find;
use super::labels::labels;
use super::run::{Run, open};
use super::tuning::{Search, searches};
use crate::record::Status;
use crate::spec::{Catalogue, Plan};

/// How the runs of a cell ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Trained to the end: those that figures are made of.
    pub done: usize,
    /// Ended by a loss that is not finite.
    pub diverged: usize,
    /// Ended by an error.
    pub failed: usize,
    /// Begun and not ended.
    pub unfinished: usize,
    /// Trained to the end, and with rows missing or changed since: they are in no figure.
    pub damaged: usize,
}

impl Tally {
    /// All of them.
    #[must_use]
    pub fn runs(self) -> usize {
        self.done + self.diverged + self.failed + self.unfinished + self.damaged
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
    /// The runs that were trained to the end and are whole.
    pub fn done(&self) -> impl Iterator<Item = &Run> {
        self.runs.values().filter(|run| run.counts())
    }

    /// A metric of each finished run that has it, by seed.
    #[must_use]
    pub fn metric(&self, name: &str) -> BTreeMap<u64, f64> {
        self.done().filter_map(|run| Some((run.plan.seed, *run.metrics.get(name)?))).collect()
    }

    /// How the runs ended.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for run in self.runs.values() {
            *match run.status.status {
                Status::Done if run.damage.is_some() => &mut tally.damaged,
                Status::Done => &mut tally.done,
                Status::Diverged => &mut tally.diverged,
                Status::Failed => &mut tally.failed,
                Status::Running => &mut tally.unfinished,
            } += 1;
        }
        tally
    }

    /// The plan, of the lowest seed.
    ///
    /// # Panics
    /// Never: a cell is made for a run.
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
    /// Every pair that has a run, by benchmark, then by variant.
    pub cells: Vec<Cell>,
    /// Settings that were tried for variants.
    pub searches: Vec<Search>,
    /// What was left out of the figures, and why.
    pub problems: Vec<String>,
}

impl Results {
    /// The variants on a benchmark.
    pub fn of(&self, benchmark: usize) -> impl Iterator<Item = &Cell> {
        let first = self.cells.partition_point(|cell| cell.benchmark < benchmark);
        self.cells[first..].iter().take_while(move |cell| cell.benchmark == benchmark)
    }

    /// One pair.
    #[must_use]
    pub fn cell(&self, benchmark: usize, variant: usize) -> Option<&Cell> {
        let found = self.cells.binary_search_by_key(&(benchmark, variant), |c| (c.benchmark, c.variant));
        Some(&self.cells[found.ok()?])
    }

    /// Every run.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        self.cells.iter().flat_map(|cell| cell.runs.values())
    }
}

/// Reads all runs under the folders `given`. A run that cannot be read becomes one of the problems, not the
/// end of the report.
///
/// # Errors
/// If a folder cannot be read or holds no runs, or no run can be read.
pub fn gather(given: &[PathBuf], catalogue: &Catalogue) -> anyhow::Result<Results> {
    let found = find(given)?;
    let (mut runs, mut problems) = (Vec::new(), Vec::new());
    for read in read_all(&found.runs, catalogue) {
        match read {
            Ok(run) => {
                problems.extend(run.damage.as_ref().map(|damage| {
                    format!(
                        "left out: {}: {damage}; remove the folder and run the same command again",
                        run.folder.display()
                    )
                }));
                runs.push(run);
            }
            Err(error) => problems.push(format!("left out: {error:#}")),
        }
    }
    problems.extend(found.passed_over());
    anyhow::ensure!(!runs.is_empty(), "none of the runs could be read; {}", problems.join("; "));
    let mut results = arrange(runs, problems);
    let runs = results.cells.iter().flat_map(|cell| cell.runs.values().map(|run| (cell.benchmark, run)));
    let (found, unreadable) = searches(runs);
    results.searches = found;
    results.problems.extend(unreadable);
    Ok(results)
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
    let (mut benchmarks, mut variants) = (Names::default(), Names::default());
    // By label: folders of one slug stand in the order of their digests, which says nothing.
    labels.iter().map(|(_, variant)| variant).collect::<BTreeSet<_>>().into_iter().for_each(|variant| {
        variants.position(variant.clone());
    });
    let mut cells: BTreeMap<(usize, usize), BTreeMap<u64, Run>> = BTreeMap::new();
    for (run, (benchmark, variant)) in runs.into_iter().zip(labels) {
        let place = (benchmarks.position(benchmark), variants.position(variant));
        let runs = cells.entry(place).or_default();
        let seed = run.plan.seed;
        let kept = match runs.remove(&seed) {
            Some(other) => {
                let (kept, left, why) = better(other, run);
                problems.push(format!(
                    "left out: {} {why} {}, which counts",
                    left.folder.display(),
                    kept.folder.display()
                ));
                kept
            }
            None => run,
        };
        runs.insert(seed, kept);
    }
    let cell = |((benchmark, variant), runs)| Cell { benchmark, variant, runs };
    let cells = cells.into_iter().map(cell).collect();
    Results { benchmarks: benchmarks.names, variants: variants.names, cells, searches: Vec::new(), problems }
}

/// Of two runs that a report cannot tell apart, the one that counts, the other, and why: a finished and
/// whole one before any other, then the one with more figures, then the one that was met first.
fn better(first: Run, second: Run) -> (Run, Run, &'static str) {
    let rank = |run: &Run| {
        let finished = match run.status.status {
            Status::Done | Status::Diverged if run.damage.is_none() => 3,
            Status::Done | Status::Diverged => 2,
            Status::Running => 1,
            Status::Failed => 0,
        };
        (finished, run.metrics.len(), run.probes.last.len(), run.tasks)
    };
    let same_plan = first.plan.digest() == second.plan.digest();
    let (ranks, swapped) = ((rank(&first), rank(&second)), rank(&second) > rank(&first));
    let why = match (same_plan, ranks.0.0 == ranks.1.0, ranks.0 == ranks.1) {
        (true, false, _) => "is of the same plan as, and did not come as far as,",
        (true, true, false) => "is of the same plan as, and has fewer figures than,",
        (true, true, true) => "is the same run as",
        (false, false, _) => "differs from, in what it measures alone, and did not come as far as,",
        (false, true, false) => "differs from, in what it measures alone, and has fewer figures than,",
        (false, true, true) => "differs in what it measures alone from",
    };
    if swapped { (second, first, why) } else { (first, second, why) }
}

/// Names in the order in which they were first asked for.
#[derive(Default)]
struct Names {
    names: Vec<String>,
    positions: BTreeMap<String, usize>,
}

impl Names {
    fn position(&mut self, name: String) -> usize {
        if let Some(&position) = self.positions.get(&name) {
            return position;
        }
        self.positions.insert(name.clone(), self.names.len());
        self.names.push(name);
        self.names.len() - 1
    }
}
