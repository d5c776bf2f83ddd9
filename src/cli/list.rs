//! `list [SECTION]`: what specs can name, from the registries themselves.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use super::kind::{default, range};
use super::{Exit, Failure, output, reference, spec_file};
use crate::catalogue::catalogue;
use crate::runner::engines::ENGINES;
use crate::spec::{Entry, Parameter};

/// Where the suite's own specs are.
const BENCHMARKS: &str = "benchmarks";

/// Arguments.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What to show [default: all]
    section: Option<Section>,
    /// Print the reference docs/spec.md instead
    #[arg(long, conflicts_with = "section")]
    markdown: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Section {
    Activations,
    Constraints,
    Tasks,
    Methods,
    Probes,
    ValueProbes,
    Benchmarks,
    Datasets,
    Networks,
    Optimizers,
    Environments,
    Changes,
    Agents,
    Diagnostics,
    Engines,
}

impl Section {
    /// Section of the catalogue, and where a spec names its entries.
    fn place(self) -> (&'static str, &'static str) {
        match self {
            Self::Activations => ("activations", "[activation] name"),
            Self::Constraints => ("constraints", "[activation] constraint"),
            Self::Tasks => ("families", "[stream] family"),
            Self::Methods => ("methods", "[method] name"),
            Self::Probes => ("probes", "[probes] names"),
            Self::ValueProbes => ("value probes", "what every evaluation of an agent measures"),
            Self::Benchmarks => ("", "the folder benchmarks/"),
            Self::Datasets => ("datasets", "[data] dataset"),
            Self::Networks => ("networks", "[network] kind"),
            Self::Optimizers => ("optimizers", "[optimizer] name"),
            Self::Environments => ("environments", "worlds for an agent"),
            Self::Changes => ("changes", "[stream] family of an environment"),
            Self::Agents => ("agents", "[agent] name"),
            Self::Diagnostics => ("diagnostics", "overestimation with a known answer"),
            Self::Engines => ("", "submit --engine"),
        }
    }

    fn title(self) -> String {
        let word = self.to_possible_value().expect("no section is hidden");
        format!("{}: {}", word.get_name(), self.place().1)
    }
}

/// Prints the sections.
pub fn run(args: &Args) -> Result<Exit, Failure> {
    if args.markdown {
        return output::print(reference::markdown().trim_end()).map(|()| Exit::Done);
    }
    let sections = args.section.map_or_else(|| Section::value_variants().to_vec(), |one| vec![one]);
    let texts: Vec<String> =
        sections.into_iter().map(|section| text(section, Path::new(BENCHMARKS))).collect();
    output::print(&texts.join("\n"))?;
    Ok(Exit::Done)
}

fn text(section: Section, folder: &Path) -> String {
    let body = match section {
        Section::Benchmarks => benchmarks(folder),
        Section::Engines => engines(),
        _ => entries(catalogue().section(section.place().0)),
    };
    format!("{}\n{body}\n", section.title())
}

fn entries(entries: &[Entry]) -> String {
    let mut table = output::table(["name", "default", "range", "what it is"]);
    for entry in entries {
        let mut what = entry.summary.to_owned();
        if !entry.source.is_empty() {
            let _ = write!(what, " [{}]", entry.source);
        }
        table.add_row([entry.name, "", "", &what]);
        for parameter in entry.parameters {
            let Parameter { name, summary, kind } = parameter;
            table.add_row([format!("  {name}"), default(kind), range(kind), (*summary).to_owned()]);
        }
    }
    table.to_string()
}

fn engines() -> String {
    let mut table = output::table(["name", "what it is"]);
    for engine in ENGINES {
        table.add_row([engine.name, engine.summary]);
    }
    table.to_string()
}

/// The specs in `folder`; one that is not valid says so in its row.
fn benchmarks(folder: &Path) -> String {
    let mut files: Vec<PathBuf> = match std::fs::read_dir(folder) {
        Ok(files) => files.filter_map(|file| Some(file.ok()?.path())).collect(),
        Err(_) => return format!("There is no folder {} here.", folder.display()),
    };
    files.retain(|file| file.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    let mut table = output::table(["name", "runs", "source", "file"]);
    for file in files {
        let spec = spec_file::read(&file, &[]).and_then(|spec| Ok((spec.plans(None)?.len(), spec)));
        let (name, runs, source) = match spec {
            Ok((runs, spec)) => (spec.name().to_owned(), runs.to_string(), spec.source().to_owned()),
            Err(failure) => (String::new(), String::new(), format!("not valid: {failure}")),
        };
        table.add_row([name, runs, source, file.display().to_string()]);
    }
    table.to_string()
}
