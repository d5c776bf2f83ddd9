//! `data list`, `data fetch NAME`, `data verify NAME`

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

use super::download::Download;
use super::{Exit, Failure, output};
use crate::data::{self, Listing, SecondReader};
use crate::stderr::tell;

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    place: Place,
}

/// Where data are looked for first.
#[derive(Debug, clap::Args)]
pub struct Place {
    /// Folder to look for data sets in, before `PLASTICITY_DATA_DIR`, data/, the hub's cache and the hub
    #[arg(long, value_name = "DIR", global = true)]
    pub data_dir: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show all data sets and where each is found
    List,
    /// See to it that a data set is on this machine, downloading it where needed, and verify it
    Fetch {
        /// Name of the data set
        name: String,
    },
    /// Read and check every copy of a data set on this machine
    Verify {
        /// Name of the data set
        name: String,
        /// Read it with another library too, and compare every pixel and label
        #[arg(long, value_name = "READER")]
        with: Option<With>,
    },
}

/// Other readers of the same files.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum With {
    /// The loaders of candle-datasets, in builds with that cargo feature
    CandleDatasets,
}

/// Carries it out.
pub fn run(args: Args) -> Result<Exit, Failure> {
    let place = args.place.data_dir.as_deref();
    match args.command {
        Command::List => output::print(&listing(&data::list(place)))?,
        Command::Fetch { name } => {
            let report = data::fetch(&name, place, &mut Download::new(false))?;
            output::print(&report.to_string())?;
        }
        Command::Verify { name, with } => {
            let second = with.map(|With::CandleDatasets| SecondReader::CandleDatasets);
            // Every copy is reported; the first that is wrong decides how it ends.
            let mut wrong = None;
            for copy in data::verify(&name, place, second, &mut Download::new(false))? {
                match copy {
                    Ok(report) => output::print(&report.to_string())?,
                    Err(error) => match wrong {
                        None => wrong = Some(error),
                        Some(_) => tell(format_args!("error: {error}")),
                    },
                }
            }
            if let Some(error) = wrong {
                return Err(error.into());
            }
        }
    }
    Ok(Exit::Done)
}

fn listing(sets: &[Listing]) -> String {
    let mut table = output::table(["data set", "training", "test", "size", "classes", "where", "licence"]);
    for Listing { manifest, found } in sets {
        table.add_row([
            manifest.name.to_owned(),
            manifest.train.to_string(),
            manifest.test.to_string(),
            format!("{} × {} × {}", manifest.channels, manifest.height, manifest.width),
            manifest.classes.to_string(),
            found.clone().unwrap_or_else(|| "not here; `data fetch` downloads it".into()),
            manifest.licence.to_owned(),
        ]);
    }
    table.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_is_listed_with_its_size() {
        let folder = tempfile::tempdir().unwrap();
        let text = listing(&data::list(Some(folder.path())));
        let row = text.lines().find(|line| line.contains("generated-digits")).unwrap();
        assert!(row.contains("generated"), "{text}");
        for manifest in data::MANIFESTS {
            assert!(text.contains(manifest.name) && text.contains(&manifest.train.to_string()), "{text}");
        }
    }
}
