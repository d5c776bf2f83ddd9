//! `[grid]` and `[[variants]]`: what one spec lays over itself to become many runs.

use super::nearest::{hint, nearest, takes};
use super::overlay;
use super::reader::Section;
use super::sections::SECTIONS;
use super::seeds;
use super::tree::{Field, Item, Node, Place, Sources, Table};
use super::{MAX_RUNS, SpecError};

/// One thing to lay over the base.
#[derive(Clone, Debug)]
pub(super) struct Setting {
    pub path: Vec<String>,
    pub place: Place,
    pub value: Node,
}

/// An axis: its values are taken in turn.
#[derive(Clone, Debug)]
pub(super) struct Axis {
    pub path: Vec<String>,
    pub place: Place,
    pub values: Vec<Node>,
}

/// `[grid]`, taken apart.
#[derive(Clone, Debug, Default)]
pub(super) struct Grid {
    pub seeds: Option<Vec<u64>>,
    pub axes: Vec<Axis>,
}

/// Dotted key to path.
pub(super) fn path(key: &str) -> Vec<String> {
    key.split('.').map(|part| part.trim().trim_matches(['"', '\'']).trim().to_owned()).collect()
}

impl Grid {
    /// Reads `[grid]`; the points it leads to are checked one by one later.
    pub fn read(field: &Field, sources: &Sources) -> Result<Self, SpecError> {
        let mut grid = Self::default();
        grid.add(&[], field, sources)?;
        Ok(grid)
    }

    /// Adds what stands under `field`, whose own path ends with `[grid]` or one of its keys. What stood
    /// at the same path before is replaced if the new one comes from a `--set`.
    pub fn add(&mut self, prefix: &[String], field: &Field, sources: &Sources) -> Result<(), SpecError> {
        let here = Section { path: "grid", place: field.place, table: &Table(Vec::new()), sources };
        if prefix == ["seeds"] {
            self.seeds = Some(read_seeds(&field.node, here)?);
            return Ok(());
        }
        if let Some(section) = prefix.first()
            && !SECTIONS.contains(&section.as_str())
        {
            let accepted = || SECTIONS.into_iter().chain(["seeds"]);
            return Err(SpecError::UnknownKey {
                place: sources.name(field.place),
                owner: "[grid]".into(),
                key: prefix.join("."),
                hint: hint(nearest(section, accepted())),
                accepted: format!(
                    "{} Dotted keys too, as in \"optimizer.learning_rate\".",
                    takes(accepted())
                ),
            });
        }
        match &field.node.item {
            Item::Table(table) => {
                for inner in &table.0 {
                    let mut prefix = prefix.to_vec();
                    prefix.extend(path(&inner.key));
                    self.add(&prefix, inner, sources)?;
                }
                Ok(())
            }
            Item::List(values) if !values.is_empty() && !prefix.is_empty() => {
                let axis = Axis { path: prefix.to_vec(), place: field.place, values: values.clone() };
                match self.axes.iter_mut().find(|other| other.path == axis.path) {
                    None => self.axes.push(axis),
                    Some(other) if matches!(axis.place, Place::Set(_)) => *other = axis,
                    Some(_) => {
                        return Err(SpecError::Conflict {
                            place: sources.name(field.place),
                            sentence: format!(
                                "grid.{} stands in [grid] twice: join the two lists",
                                axis.path.join(".")
                            ),
                        });
                    }
                }
                Ok(())
            }
            _ if prefix.is_empty() => {
                let top = Section { path: "", ..here };
                Err(top.wrong_type("grid", &field.node, "a table"))
            }
            _ => Err(here.wrong_type(&prefix.join("."), &field.node, "a list of values, one for each run")),
        }
    }
}

/// Seeds in words, a number or a list, under the key `seeds` of `here`.
pub(super) fn read_seeds(node: &Node, here: Section<'_>) -> Result<Vec<u64>, SpecError> {
    let expected = "a text as in \"0..5\", a whole number, or a list of them";
    let mut all = Vec::new();
    let items = match &node.item {
        Item::List(items) if !items.is_empty() => items.as_slice(),
        Item::Text(_) | Item::Integer(_) => std::slice::from_ref(node),
        _ => return Err(here.wrong_type("seeds", node, expected)),
    };
    for item in items {
        let text = match &item.item {
            Item::Text(text) => text.clone(),
            Item::Integer(i) => i.to_string(),
            _ => return Err(here.wrong_type("seeds", item, expected)),
        };
        all.extend(read_seed_text(&text, &here.sources.name(item.place))?);
    }
    seeds::once(&mut all);
    Ok(all)
}

/// Seeds in words, from `place`.
pub(super) fn read_seed_text(text: &str, place: &str) -> Result<Vec<u64>, SpecError> {
    seeds::parse(text).map_err(|why| SpecError::Seeds { place: place.to_owned(), text: text.to_owned(), why })
}

/// `[[variants]]`: for each the settings that it lays over the base.
pub(super) fn read_variants(field: &Field, sources: &Sources) -> Result<Vec<Vec<Setting>>, SpecError> {
    let top = Section { path: "", place: field.place, table: &Table(Vec::new()), sources };
    let expected = "tables, each headed by [[variants]]";
    let Item::List(items) = &field.node.item else {
        return Err(top.wrong_type("variants", &field.node, expected));
    };
    if items.is_empty() {
        return Err(top.wrong_type("variants", &field.node, expected));
    }
    items
        .iter()
        .map(|item| match &item.item {
            Item::Table(table) => settings(table, sources),
            _ => Err(top.wrong_type("variants", item, expected)),
        })
        .collect()
}

fn settings(table: &Table, sources: &Sources) -> Result<Vec<Setting>, SpecError> {
    let setting = |field: &Field| {
        let path = path(&field.key);
        if SECTIONS.contains(&path[0].as_str()) {
            return Ok(Setting { path, place: field.place, value: field.node.clone() });
        }
        let mut accepted = takes(SECTIONS);
        accepted.push_str(" Dotted keys too, as in \"optimizer.learning_rate\".");
        if path[0] == "seeds" {
            accepted.push_str(" Seeds come from [grid] or --seeds.");
        }
        Err(SpecError::UnknownKey {
            place: sources.name(field.place),
            owner: "a variant".into(),
            key: field.key.clone(),
            hint: hint(nearest(&path[0], SECTIONS)),
            accepted,
        })
    };
    table.0.iter().map(setting).collect()
}

/// The product of the axes, the first one slowest: for each point the settings to lay over the base.
pub(super) fn product(axes: &[Axis], sources: &Sources) -> Result<Vec<Vec<Setting>>, SpecError> {
    let count = axes.iter().try_fold(1usize, |count, axis| count.checked_mul(axis.values.len()));
    let place = axes.first().map_or(Place::File, |axis| axis.place);
    let count = bounded(count, &sources.name(place))?;
    let point = |mut index: usize| {
        let mut settings: Vec<Setting> = axes
            .iter()
            .rev()
            .map(|axis| {
                let value = axis.values[index % axis.values.len()].clone();
                index /= axis.values.len();
                Setting { path: axis.path.clone(), place: value.place, value }
            })
            .collect();
        settings.reverse();
        settings
    };
    Ok((0..count).map(point).collect())
}

/// The number of runs, if it is one that a grid may have.
pub(super) fn bounded(runs: Option<usize>, place: &str) -> Result<usize, SpecError> {
    match runs {
        Some(runs) if runs <= MAX_RUNS => Ok(runs),
        _ => Err(SpecError::TooManyRuns {
            place: place.to_owned(),
            runs: runs.map_or_else(|| "more than 2^64".into(), |runs| runs.to_string()),
            limit: MAX_RUNS,
        }),
    }
}

/// Lays `settings` over `root`, whole sections before keys within them, whatever their order.
pub(super) fn apply(root: &mut Table, settings: &[Setting]) {
    let mut settings: Vec<&Setting> = settings.iter().collect();
    settings.sort_by_key(|setting| setting.path.len());
    for setting in settings {
        overlay::lay(root, &setting.path, setting.place, setting.value.clone());
    }
}
