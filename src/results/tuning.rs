//! `tuning.toml`: which runs of a benchmark are which setting of which variant. It stands beside the runs'
//! folders, in OUT/NAME-tune.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use super::labels::labels;
use super::run::Run;
use crate::atomic::Staged;
use crate::record::Status;
use crate::spec::{Plan, Tuning};

/// Name of the file.
pub const TUNING_FILE: &str = "tuning.toml";
/// Format of the file.
const FORMAT: u32 = 1;

/// The file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    format: u32,
    metric: String,
    seeds: Vec<u64>,
    variants: Vec<Variant>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Variant {
    label: String,
    settings: Vec<Setting>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Setting {
    /// In words.
    setting: String,
    /// Its folders, in the order of the seeds.
    runs: Vec<String>,
}

/// Writes the file into `folder`, which is made.
///
/// # Errors
/// If it cannot be written.
pub fn write_tuning(folder: &Path, tuning: &Tuning) -> anyhow::Result<()> {
    let bases: Vec<&Plan> = tuning.variants.iter().map(|variant| &variant.base).collect();
    let labels = labels(&bases).into_iter().map(|(_, label)| label);
    let runs = |plan: &Plan| {
        let slug = |&seed: &u64| Plan { seed, ..plan.clone() }.slug();
        tuning.seeds.iter().map(slug).collect()
    };
    let variants = labels.zip(&tuning.variants).map(|(label, variant)| Variant {
        label,
        settings: (variant.settings.iter().enumerate())
            .map(|(index, plan)| Setting { setting: variant.in_words(index), runs: runs(plan) })
            .collect(),
    });
    let contents = Contents {
        format: FORMAT,
        metric: tuning.metric.clone(),
        seeds: tuning.seeds.clone(),
        variants: variants.collect(),
    };
    let path = folder.join(TUNING_FILE);
    let write = || {
        fs::create_dir_all(folder)?;
        let text = toml::to_string(&contents).map_err(io::Error::other)?;
        Staged::write(&path, |file| file.write_all(text.as_bytes()))?.commit()
    };
    write().with_context(|| format!("{} could not be written", path.display()))
}

/// The settings that were tried for a benchmark's variants, with what came of them.
#[derive(Clone, Debug)]
pub struct Search {
    /// Position of the tuning runs in [`Results::benchmarks`](super::Results::benchmarks).
    pub benchmark: usize,
    /// Name of the metric that settings are compared by.
    pub metric: String,
    /// Seeds of every setting.
    pub seeds: Vec<u64>,
    /// By variant: its label and its settings.
    pub variants: Vec<(String, Vec<Tried>)>,
}

/// A setting.
#[derive(Clone, Debug)]
pub struct Tried {
    /// In words.
    pub setting: String,
    /// By seed, in order.
    pub outcomes: Vec<Outcome>,
}

/// What came of a setting with one seed.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The metric.
    Value(f64),
    /// The loss or a weight was not finite.
    Diverged,
    /// An error ended it.
    Failed,
    /// It is not there, or not whole.
    Unfinished,
    /// It was trained to the end and does not have the metric.
    Without,
}

impl Outcome {
    fn of(run: Option<&Run>, metric: &str) -> Self {
        let Some(run) = run else { return Self::Unfinished };
        match run.status.status {
            Status::Done if run.damage.is_some() => Self::Unfinished,
            Status::Done => run.metrics.get(metric).map_or(Self::Without, |&value| Self::Value(value)),
            Status::Diverged => Self::Diverged,
            Status::Failed => Self::Failed,
            Status::Running => Self::Unfinished,
        }
    }
}

/// The searches whose files stand beside runs, each of which comes with the position of its benchmark; and what
/// is wrong with those that cannot be read.
pub(super) fn searches<'a>(runs: impl Iterator<Item = (usize, &'a Run)>) -> (Vec<Search>, Vec<String>) {
    let mut folders: BTreeMap<&Path, BTreeMap<&str, (usize, &Run)>> = BTreeMap::new();
    for (benchmark, run) in runs {
        let name = run.folder.file_name().and_then(|name| name.to_str());
        if let (Some(parent), Some(name)) = (run.folder.parent(), name) {
            folders.entry(parent).or_default().insert(name, (benchmark, run));
        }
    }
    let (mut searches, mut problems) = (Vec::new(), Vec::new());
    for (folder, runs) in folders {
        match read(folder) {
            Ok(Some(contents)) => {
                let benchmark = runs.values().next().expect("a folder is there for a run").0;
                searches.push(search(contents, benchmark, &runs));
            }
            Ok(None) => {}
            Err(error) => problems.push(format!("left out: the search of settings: {error:#}")),
        }
    }
    (searches, problems)
}

fn search(contents: Contents, benchmark: usize, runs: &BTreeMap<&str, (usize, &Run)>) -> Search {
    let metric = contents.metric;
    let tried = |setting: Setting| Tried {
        outcomes: (setting.runs.iter())
            .map(|name| Outcome::of(runs.get(name.as_str()).map(|(_, run)| *run), &metric))
            .collect(),
        setting: setting.setting,
    };
    let variants = contents.variants.into_iter().map(|variant| {
        let settings = variant.settings.into_iter().map(tried).collect();
        (variant.label, settings)
    });
    Search { benchmark, variants: variants.collect(), seeds: contents.seeds, metric }
}

fn read(folder: &Path) -> anyhow::Result<Option<Contents>> {
    let path = folder.join(TUNING_FILE);
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read.with_context(|| format!("{} could not be read", path.display()))?,
    };
    let contents: Contents =
        toml::from_str(&text).with_context(|| format!("{} is not what tune writes", path.display()))?;
    ensure!(
        contents.format == FORMAT,
        "{} has format {}, and this version reads format {FORMAT}",
        path.display(),
        contents.format
    );
    let whole = |variant: &Variant| variant.settings.iter().all(|s| s.runs.len() == contents.seeds.len());
    ensure!(
        !contents.variants.is_empty() && contents.variants.iter().all(|v| !v.settings.is_empty() && whole(v)),
        "{} does not name a run for every seed of every setting",
        path.display()
    );
    Ok(Some(contents))
}
