//! What is tried of one key: a list of values, each of which is taken, or a distribution that is drawn from.

use super::SpecError;
use super::grid::path;
use super::nearest::{hint, nearest, takes};
use super::reader::Section;
use super::sections::SECTIONS;
use super::tree::{Field, Item, Node, Place, Sources, Table};
use crate::random::Stream;

/// Keys of a table that make it a distribution.
const KINDS: [&str; 3] = ["log_uniform", "uniform", "choice"];
/// Whether draws are whole numbers.
const INTEGER: &str = "integer";

/// A key of the spec and what is tried of it.
#[derive(Clone, Debug)]
pub(super) struct Searched {
    pub path: Vec<String>,
    pub place: Place,
    pub values: Values,
}

/// What is tried.
#[derive(Clone, Debug)]
pub(super) enum Values {
    /// Every one of them.
    Grid(Vec<Node>),
    /// Draws.
    Drawn(Distribution),
}

/// What draws follow.
#[derive(Clone, Debug)]
pub(super) enum Distribution {
    /// Uniform in [low, high], or log-uniform; of whole numbers both ends are among them.
    Range { low: f64, high: f64, log: bool, integer: bool },
    /// Each of them as likely as any other.
    Choice(Vec<Node>),
}

impl Searched {
    /// `optimizer.learning_rate`
    pub fn key(&self) -> String {
        self.path.join(".")
    }

    /// The generator of this key's draws. Variants that search the same key draw the same numbers, and a key
    /// more leaves the draws of the others as they are.
    pub fn stream(&self, seed: u64) -> Stream {
        Stream::new(seed, &format!("tune.{}", self.key()), 0)
    }
}

impl Distribution {
    /// One draw. Numbers have four digits, as a person would write them.
    pub fn draw(&self, place: Place, stream: &mut Stream) -> Node {
        let item = match *self {
            Self::Choice(ref values) => return values[stream.below(values.len() as u64) as usize].clone(),
            Self::Range { low, high, log: false, integer: true } => {
                Item::Integer(low as i64 + stream.below((high - low) as u64 + 1) as i64)
            }
            Self::Range { low, high, log, integer } => {
                let x = if log {
                    libm::exp(stream.uniform(libm::log(low), libm::log(high)))
                } else {
                    stream.uniform(low, high)
                };
                let rounded: f64 = format!("{x:.3e}").parse().expect("a number that was just written");
                let x = rounded.clamp(low, high);
                if integer { Item::Integer(x.round() as i64) } else { Item::Number(x) }
            }
        };
        Node { place, item }
    }
}

/// Adds the keys of a table of searches to those in `all`. One that is there already is replaced if `over`,
/// and otherwise stands there twice.
pub(super) fn add(
    all: &mut Vec<Searched>,
    prefix: &[String],
    field: &Field,
    sources: &Sources,
    over: bool,
) -> Result<(), SpecError> {
    let here = Section { path: "tune.search", place: field.place, table: &Table(Vec::new()), sources };
    if let Some(section) = prefix.first()
        && !SECTIONS.contains(&section.as_str())
    {
        return Err(SpecError::UnknownKey {
            place: sources.name(field.place),
            owner: "[tune.search]".into(),
            key: prefix.join("."),
            hint: hint(nearest(section, SECTIONS)),
            accepted: format!("{} Dotted keys, as in \"optimizer.learning_rate\".", takes(SECTIONS)),
        });
    }
    let values = match &field.node.item {
        Item::Table(table) if KINDS.iter().any(|kind| table.get(kind).is_some()) => {
            Values::Drawn(distribution(&prefix.join("."), table, here)?)
        }
        Item::Table(table) if prefix.is_empty() || !table.0.is_empty() => {
            for inner in &table.0 {
                let mut prefix = prefix.to_vec();
                prefix.extend(path(&inner.key));
                add(all, &prefix, inner, sources, over)?;
            }
            return Ok(());
        }
        Item::List(values) if !values.is_empty() && !prefix.is_empty() => Values::Grid(values.clone()),
        _ => {
            let expected = "a list of values or a distribution, as in { log_uniform = [1e-4, 1e-2] }";
            return Err(here.wrong_type(&prefix.join("."), &field.node, expected));
        }
    };
    let searched = Searched { path: prefix.to_vec(), place: field.place, values };
    match all.iter_mut().find(|other| other.path == searched.path) {
        None => all.push(searched),
        Some(other) if over || matches!(searched.place, Place::Set(_)) => *other = searched,
        Some(_) => {
            return Err(SpecError::Conflict {
                place: sources.name(field.place),
                sentence: format!("{} is searched twice: keep one of the two", searched.key()),
            });
        }
    }
    Ok(())
}

fn distribution(key: &str, table: &Table, here: Section<'_>) -> Result<Distribution, SpecError> {
    let section = Section { path: &here.key(key), table, ..here };
    section.only(&format!("the distribution of {key}"), &[&KINDS[..], &[INTEGER]].concat())?;
    let given: Vec<&str> = KINDS.into_iter().filter(|kind| table.get(kind).is_some()).collect();
    let conflict = |sentence: String| SpecError::Conflict { place: here.sources.name(here.place), sentence };
    let [kind] = given[..] else {
        return Err(conflict(format!("{key} has several distributions ({}): keep one", given.join(", "))));
    };
    let integer = section.flag(INTEGER)?.unwrap_or(false);
    let node = table.get(kind).expect("it is given");
    let Item::List(values) = &node.item else {
        return Err(section.wrong_type(kind, node, "a list"));
    };
    if kind == "choice" {
        if values.is_empty() || integer {
            return Err(conflict(format!(
                "the choice of {key} takes a list of at least one value, and nothing beside it"
            )));
        }
        return Ok(Distribution::Choice(values.clone()));
    }
    let ends: Option<Vec<f64>> = values.iter().map(|node| number(&node.item)).collect();
    let Some([low, high]) = ends.as_deref().and_then(|ends| <[f64; 2]>::try_from(ends).ok()) else {
        return Err(section.wrong_type(kind, node, "a list of two numbers, [LOW, HIGH]"));
    };
    let log = kind == "log_uniform";
    let bounded = low.is_finite() && high.is_finite() && high.abs().max(low.abs()) < 1e15;
    if !bounded || low > high || (log && low <= 0.0) {
        let above = if log { " above 0" } else { "" };
        return Err(conflict(format!("{kind} of {key} needs LOW at most HIGH{above}, both below 1e15")));
    }
    if integer && (low.fract() != 0.0 || high.fract() != 0.0) {
        return Err(conflict(format!("the whole numbers of {key} lie between two whole numbers")));
    }
    Ok(Distribution::Range { low, high, log, integer })
}

fn number(item: &Item) -> Option<f64> {
    match *item {
        Item::Number(x) => Some(x),
        Item::Integer(i) => Some(i as f64),
        _ => None,
    }
}
