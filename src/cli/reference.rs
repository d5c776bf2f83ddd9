//! `list --markdown`: the reference of all that a spec can say, as docs/spec.md holds it.

use std::fmt::Write as _;

use super::kind::{default, range};
use crate::catalogue::catalogue;
use crate::spec::{Entry, Parameter, keys};

/// What stands before the catalogue.
const HEAD: &str = include_str!("reference_head.md");

/// A section's heading, and where a spec names its entries.
fn heading(section: &str) -> (String, &'static str) {
    let place = match section {
        "datasets" => "`[data] dataset`. Files and checks: [data/README.md](../data/README.md)",
        "families" => "`[stream] family`. See [definitions](definitions.md#3-task-families-and-heads)",
        "networks" => "`[network] kind`",
        "activations" => "`[activation] name`",
        "constraints" => {
            "`[activation] constraint`, of rationals. See [definitions](definitions.md#constraints)"
        }
        "optimizers" => "`[optimizer] name`",
        "methods" => "`[method] name`; several by `[[method]]`",
        "probes" => "`[probes] names`. See [definitions](definitions.md#5-probes)",
        "value probes" => "Of an agent, at every evaluation. See [agents](agents.md#probes-of-values)",
        "environments" => "`[environment] name`. See [environments](environments.md)",
        "changes" => {
            "`[stream] family` of an environment. See [environments](environments.md#change-over-tasks)"
        }
        "agents" => "`[agent] name`. See [agents](agents.md)",
        "diagnostics" => {
            "Overestimation with a known answer. See [agents](agents.md#overestimation-with-a-known-answer)"
        }
        _ => "",
    };
    let title = match section {
        "datasets" => "Data sets".into(),
        "families" => "Task families".into(),
        "changes" => "Changes of environments".into(),
        other => other[..1].to_ascii_uppercase() + &other[1..],
    };
    (title, place)
}

/// The whole reference.
pub fn markdown() -> String {
    let mut text = format!(
        "{HEAD}\n## Keys of sections\n\nBeside these, a section takes the parameters of what it names.\n"
    );
    for (section, parameters) in keys::SECTIONS {
        let (header, rest) = section.split_once(' ').unwrap_or((section, ""));
        let _ = write!(text, "\n### [{header}]{}{rest}\n\n{HEADER}", if rest.is_empty() { "" } else { " " });
        text += &rows(parameters);
    }
    for (section, entries) in &catalogue().sections {
        let (title, place) = heading(section);
        let _ = write!(text, "\n## {title}\n\n");
        if !place.is_empty() {
            let _ = writeln!(text, "{place}.\n");
        }
        text += &table(entries);
    }
    text
}

/// A table's first lines.
const HEADER: &str = "| name | default | range | what it is |\n|---|---|---|---|\n";

fn table(entries: &[Entry]) -> String {
    let mut text = HEADER.to_owned();
    for entry in entries {
        let source = if entry.source.is_empty() { String::new() } else { format!(" [{}]", entry.source) };
        let _ = writeln!(text, "| **`{}`** | | | {}{} |", entry.name, cell(entry.summary), cell(&source));
        text += &rows(entry.parameters);
    }
    text
}

fn rows(parameters: &[Parameter]) -> String {
    let row = |Parameter { name, summary, kind }: &Parameter| {
        format!("| `{name}` | {} | {} | {} |\n", cell(&default(kind)), cell(&range(kind)), cell(summary))
    };
    parameters.iter().map(row).collect()
}

/// Text that stays within its cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The file is written by `plasticity-bench list --markdown`.
    #[test]
    fn docs_spec_md_is_current() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/spec.md");
        let written = std::fs::read_to_string(path).unwrap_or_default();
        let current = markdown();
        if let Some((line, (old, new))) =
            written.lines().zip(current.lines()).enumerate().find(|(_, (old, new))| old != new)
        {
            panic!("docs/spec.md:{}: `{old}` is now `{new}`: write it with `list --markdown`", line + 1);
        }
        assert_eq!(written, current, "docs/spec.md: write it with `plasticity-bench list --markdown`");
    }

    #[test]
    fn every_entry_and_every_key_is_in_the_reference() {
        let text = markdown();
        for (section, entries) in &catalogue().sections {
            assert!(!heading(section).1.is_empty(), "where does a spec name {section}?");
            for entry in entries {
                assert!(text.contains(&format!("**`{}`**", entry.name)), "{}", entry.name);
            }
        }
        for (_, parameters) in keys::SECTIONS {
            for parameter in *parameters {
                assert!(text.contains(&format!("| `{}` |", parameter.name)), "{}", parameter.name);
            }
        }
    }
}
