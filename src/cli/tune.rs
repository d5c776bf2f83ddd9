//! `tune SPEC.toml`

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow, ensure};
use clap::ValueEnum;

use super::grid::GridArgs;
use super::{Exit, Failure, output, run};
use crate::atomic::Staged;
use crate::catalogue::catalogue;
use crate::report::metric::{Better, METRICS, Metric, named};
use crate::report::{search, tables};
use crate::results::{self, Outcome, Results, Search, Tried};
use crate::runner::interrupt;
use crate::spec::{Plan, Spec, TUNING_SUFFIX, Tuning, variants_toml};
use crate::stderr::tell;

/// Name of the spec of the best settings, beside the tuning runs.
const BEST: &str = "best.toml";

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    run: run::Args,
    /// Carry out one stage alone: the tuning runs, or the report's runs with the best settings
    #[arg(long, value_name = "STAGE")]
    stage: Option<Stage>,
}

/// What is carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Stage {
    /// Every setting of every variant on the tuning seeds.
    Tuning,
    /// The best of each on the report's seeds.
    Report,
}

impl Stage {
    /// Its word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tuning => "tuning",
            Self::Report => "report",
        }
    }
}

/// A spec with `[tune]`, ready to be carried out.
pub struct Task<'a> {
    tuning: &'a Tuning,
    metric: &'static Metric,
    seeds: Vec<u64>,
    /// OUT/NAME-tune
    folder: PathBuf,
}

/// Carries it out.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    let grid = &args.run.grid;
    let spec = grid.spec.read()?;
    let task = Task::new(&spec, grid)?;
    if args.run.dry_run {
        args.run.describe(&task.tuning.plans())?;
        output::print(&task.then())?;
        return Ok(Exit::Done);
    }
    let interrupt = interrupt::install().map_err(Failure::usage)?;
    let mut tuned = Exit::Done;
    if args.stage != Some(Stage::Report) {
        task.write()?;
        tuned = args.run.carry_out(&task.tuning.plans(), &interrupt, false)?;
        if !matches!(tuned, Exit::Done | Exit::RunsFailed) {
            return Ok(tuned);
        }
    }
    let results = task.results()?;
    let search = task.search(&results)?;
    let unfinished = search::unfinished(search);
    if unfinished > 0 && args.stage == Some(Stage::Tuning) {
        // This process has done its share.
        return Ok(tuned);
    }
    if unfinished > 0 {
        tell(format_args!(
            "{unfinished} of the tuning runs have no result yet, so no best setting is chosen: once the other \
             shards have ended, the same command goes on."
        ));
        return Ok(if tuned == Exit::RunsFailed { tuned } else { Exit::LeftToOthers });
    }
    if !args.run.quiet {
        let table = tables::search(&results, search);
        output::print(&tables::terminal(&table, output::terminal()))?;
    }
    let plans = task.pick(search, true)?;
    if args.stage == Some(Stage::Tuning) {
        return Ok(tuned);
    }
    let reported = args.run.carry_out(&plans, &interrupt, true)?;
    Ok(if reported == Exit::Done { tuned } else { reported })
}

impl<'a> Task<'a> {
    /// Checks what only the report knows: the metric.
    pub fn new(spec: &'a Spec, grid: &GridArgs) -> Result<Self, Failure> {
        let Some((tuning, seeds)) = spec.tuning(grid.seeds())? else {
            return Err(Failure::usage(anyhow!(
                "{} has no [tune] section, which says what is tried: add one, or use `run`",
                grid.spec.spec.display()
            )));
        };
        let metric = metric(tuning).map_err(Failure::usage)?;
        let folder = grid.out.join(tuning.name());
        Ok(Self { tuning, metric, seeds, folder })
    }

    /// The benchmark of the tuning runs.
    pub fn name(&self) -> &str {
        self.tuning.name()
    }

    /// What a dry run says of the second stage.
    fn then(&self) -> String {
        let count = self.tuning.variants.len();
        format!(
            "\nThen the best of {} settings by {}, for each of {count} variants, on {} other seeds: {} runs.",
            self.tuning.variants[0].settings.len(),
            self.metric.title,
            self.seeds.len(),
            count * self.seeds.len()
        )
    }

    /// Says which run is which setting, for this command and for reports.
    fn write(&self) -> Result<(), Failure> {
        results::write_tuning(&self.folder, self.tuning).map_err(Failure::usage)
    }

    /// The tuning runs on disk.
    pub fn results(&self) -> Result<Results, Failure> {
        results::gather(std::slice::from_ref(&self.folder), &catalogue()).map_err(Failure::usage)
    }

    /// The search among them.
    pub fn search<'r>(&self, results: &'r Results) -> Result<&'r Search, Failure> {
        results.searches.first().ok_or_else(|| {
            let problems = results.problems.join("; ");
            Failure::usage(anyhow!(
                "the search of settings in {} cannot be read: {problems}",
                self.folder.display()
            ))
        })
    }

    /// The report's runs: the best setting of every variant that has one. Writes them as a spec; tells what
    /// lost.
    pub fn pick(&self, search: &Search, tells: bool) -> Result<Vec<Plan>, Failure> {
        let mut best = Vec::new();
        for (variant, (label, settings)) in self.tuning.variants.iter().zip(&search.variants) {
            if let (Some(sentence), true) = (losers(label, settings), tells) {
                tell(format_args!("{sentence}"));
            }
            if let Some(index) = search::best(settings, self.metric) {
                best.push(Plan { name: variant.base.name.clone(), ..variant.settings[index].clone() });
            } else {
                tell(format_args!("{label} is left out of the report: every one of its settings lost."));
            }
        }
        if best.is_empty() {
            return Err(Failure {
                exit: Exit::RunsFailed,
                error: anyhow!("no variant has a setting that came to its end on every tuning seed"),
            });
        }
        self.spec(&best).map_err(Failure::usage)
    }

    /// Writes the spec of the best settings and reads it back.
    fn spec(&self, best: &[Plan]) -> anyhow::Result<Vec<Plan>> {
        let seeds: Vec<String> = self.tuning.seeds.iter().map(ToString::to_string).collect();
        let comment = format!(
            "The best of {} settings for each variant, by {} averaged over the tuning seeds {}.\n\
             Written by plasticity-bench tune; it runs as any spec does.",
            self.tuning.variants[0].settings.len(),
            self.metric.name,
            seeds.join(", ")
        );
        let text = variants_toml(best, &self.seeds, &comment);
        let path = self.folder.join(BEST);
        // Shards write the same; a file that says so already is left alone.
        if fs::read_to_string(&path).ok().as_ref() != Some(&text) {
            let write = || Staged::write(&path, |file| file.write_all(text.as_bytes()))?.commit();
            write().with_context(|| format!("{} could not be written", path.display()))?;
        }
        let plans = Spec::parse(&text, &path.display().to_string(), &[], &catalogue())?.plans(None)?;
        let wanted = |plan: &Plan| {
            let first = Plan { seed: self.seeds[0], ..plan.clone() };
            plans.iter().any(|read| read.digest() == first.digest())
        };
        ensure!(
            best.iter().all(wanted),
            "{} does not read back as the runs that were chosen",
            path.display()
        );
        Ok(plans)
    }
}

/// The metric, in the direction that the spec says.
fn metric(tuning: &Tuning) -> anyhow::Result<&'static Metric> {
    let Some(metric) = named(&tuning.metric) else {
        let known: Vec<&str> = METRICS.iter().map(|metric| metric.name).collect();
        return Err(anyhow!(
            "{}: tune.metric = {:?} is no metric of the report: take one of {}",
            tuning.place,
            tuning.metric,
            known.join(", ")
        ));
    };
    let own = match metric.better {
        Better::Higher => "higher",
        Better::Lower => "lower",
        Better::NearerZero => "nearer-zero",
    };
    match &tuning.better {
        Some(said) if said != own => Err(anyhow!(
            "{}: of {}, {own} is better, and tune.better says {said}: leave it out, or take another metric",
            tuning.place,
            metric.name
        )),
        _ => Ok(metric),
    }
}

/// What lost, in a sentence.
fn losers(label: &str, settings: &[Tried]) -> Option<String> {
    let mut lost = Vec::new();
    for tried in settings.iter().filter(|tried| search::mean(tried).is_none()) {
        let count = |wanted: &Outcome| tried.outcomes.iter().filter(|outcome| *outcome == wanted).count();
        let kinds = [
            ("diverged", Outcome::Diverged),
            ("failed", Outcome::Failed),
            ("without the metric", Outcome::Without),
        ];
        let told = kinds.iter().map(|(word, kind)| (word, count(kind))).filter(|(_, count)| *count > 0);
        let told: Vec<String> = told.map(|(word, count)| format!("{count} {word}")).collect();
        lost.push(format!("  {} ({})", tried.setting, told.join(", ")));
    }
    let (count, all) = (lost.len(), settings.len());
    (count > 0).then(|| format!("{label}: {count} of {all} settings lost:\n{}", lost.join("\n")))
}

/// Folder of the tuning runs of the benchmark `name`.
pub fn folder(out: &Path, name: &str) -> PathBuf {
    out.join(format!("{name}{TUNING_SUFFIX}"))
}

/// What a spec with `[tune]` has to hand to a cluster.
pub fn stage(
    task: &Task<'_>,
    is_done: impl Fn(&[Plan]) -> anyhow::Result<bool>,
) -> Result<(Stage, Vec<Plan>), Failure> {
    let plans = task.tuning.plans();
    if !is_done(&plans).map_err(Failure::usage)? {
        return Ok((Stage::Tuning, plans));
    }
    task.write()?;
    let results = task.results()?;
    Ok((Stage::Report, task.pick(task.search(&results)?, true)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lost_is_told_with_its_reasons() {
        let tried = |setting: &str, outcomes: &[Outcome]| Tried {
            setting: setting.to_owned(),
            outcomes: outcomes.to_vec(),
        };
        let settings = [
            tried("a=1", &[Outcome::Value(1.0), Outcome::Value(2.0)]),
            tried("a=2", &[Outcome::Diverged, Outcome::Failed]),
            tried("a=3", &[Outcome::Without, Outcome::Without]),
        ];
        assert_eq!(
            losers("relu", &settings).unwrap(),
            "relu: 2 of 3 settings lost:\n  a=2 (1 diverged, 1 failed)\n  a=3 (2 without the metric)"
        );
        assert_eq!(losers("relu", &settings[..1]), None);
    }
}
