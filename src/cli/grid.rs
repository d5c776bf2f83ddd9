//! The arguments that make a grid and say how it is trained: those of `run`, which `submit` hands on.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::anyhow;
use clap::ValueEnum;

use super::Failure;
use super::data::Place;
use super::spec_file::SpecArgs;
use crate::spec::{Plan, Spec};
use crate::train::checkpoint::{self, Keep, Policy};

/// A grid and where its results go.
#[derive(Debug, clap::Args)]
pub struct GridArgs {
    #[command(flatten)]
    pub spec: SpecArgs,
    /// Seeds in place of the spec's: 0..5 (the end left out), 0,3,7 or 4
    #[arg(long, value_name = "SEEDS", allow_hyphen_values = true)]
    seeds: Option<String>,
    #[command(flatten)]
    pub place: Place,
    /// Folder of the results: DIR/NAME/RUN
    #[arg(long, value_name = "DIR", default_value = "results")]
    pub out: PathBuf,
    /// Leave runs that failed before as they are; without this they are tried again
    #[arg(long)]
    pub no_retry: bool,
    /// Write steps.csv: loss and accuracy of every step
    #[arg(long)]
    pub log_steps: bool,
    /// Checkpoints that stay: `none` leaves nothing to resume from, `all` keeps every task's
    #[arg(long, value_name = "WHICH", default_value = "last")]
    keep_checkpoints: Checkpoints,
    /// Seconds of computing within a task that a kill may cost; Ctrl-C and SIGTERM cost one step
    #[arg(long, value_name = "SECONDS", default_value_t = checkpoint::EVERY.as_secs_f64(), value_parser = seconds)]
    checkpoint_every: f64,
}

/// A number of seconds that a clock can take.
pub fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse::<f64>().ok().filter(|&seconds| Duration::try_from_secs_f64(seconds).is_ok());
    seconds.ok_or_else(|| "expected a number of seconds, as in 300 or 0.5".to_owned())
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Checkpoints {
    None,
    Last,
    All,
}

impl From<Checkpoints> for Keep {
    fn from(which: Checkpoints) -> Self {
        match which {
            Checkpoints::None => Self::None,
            Checkpoints::Last => Self::Last,
            Checkpoints::All => Self::All,
        }
    }
}

impl GridArgs {
    /// The spec and the runs that it makes.
    pub fn read(&self) -> Result<(Spec, Vec<Plan>), Failure> {
        let spec = self.spec.read()?;
        let plans = spec.plans(self.seeds.as_deref())?;
        Ok((spec, plans))
    }

    /// When checkpoints are written and which stay.
    pub fn policy(&self) -> Policy {
        Policy { keep: self.keep_checkpoints.into(), every: Duration::from_secs_f64(self.checkpoint_every) }
    }

    /// Seeds in place of the spec's.
    pub fn seeds(&self) -> Option<&str> {
        self.seeds.as_deref()
    }

    /// The arguments of `command` (`run`) for the same grid with its spec at `spec`. Relative paths start where
    /// they do here.
    pub fn words(&self, command: &str, spec: &Path) -> Result<Vec<String>, Failure> {
        let mut words = vec![command.to_owned(), text(spec)?];
        let mut add = |option: &str, value: String| words.extend([option.to_owned(), value]);
        self.spec.sets.iter().for_each(|set| add("--set", set.clone()));
        if let Some(seeds) = &self.seeds {
            add("--seeds", seeds.clone());
        }
        if let Some(folder) = &self.place.data_dir {
            add("--data-dir", text(folder)?);
        }
        add("--out", text(&self.out)?);
        let which = self.keep_checkpoints.to_possible_value().expect("no choice is hidden");
        add("--keep-checkpoints", which.get_name().to_owned());
        add("--checkpoint-every", self.checkpoint_every.to_string());
        words.extend(self.no_retry.then(|| "--no-retry".to_owned()));
        words.extend(self.log_steps.then(|| "--log-steps".to_owned()));
        Ok(words)
    }
}

/// A path as a word of a script.
pub fn text(path: &Path) -> Result<String, Failure> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        Failure::usage(anyhow!("{} is not UTF-8 and cannot stand in a script: rename it", path.display()))
    })
}
