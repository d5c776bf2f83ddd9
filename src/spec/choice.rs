//! A name and its parameters, checked against the catalogue.

use std::collections::BTreeMap;

use super::overlay;
use super::reader::Section;
use super::tree::{Item, Node, Table};
use super::{Catalogue, Choice, Entry, Kind, SpecError, Value};

/// How a choice is written.
#[derive(Clone, Copy)]
pub(super) struct Shape<'a> {
    /// Section of the catalogue.
    pub of: &'a str,
    /// One of its entries, for messages: `activation`.
    pub noun: &'a str,
    /// Key that names the entry.
    pub naming: &'a str,
    /// Name where none is given.
    pub default: Option<&'a str>,
    /// Other keys of the same table, which are not the entry's.
    pub beside: &'a [&'a str],
}

/// Reads the choice that `section` makes.
pub(super) fn read(
    section: Section<'_>,
    shape: Shape<'_>,
    catalogue: &Catalogue,
) -> Result<Choice, SpecError> {
    let entries = catalogue.section(shape.of);
    let (name, place) = match (section.text(shape.naming)?, shape.default) {
        (Some(named), _) => named,
        (None, Some(default)) => (default, section.place),
        (None, None) => {
            let cure =
                format!("name one of {}", entries.iter().map(|e| e.name).collect::<Vec<_>>().join(", "));
            return Err(section.missing(shape.naming, &cure));
        }
    };
    let Some(entry) = catalogue.entry(shape.of, name) else {
        return Err(section.unknown_name(shape.naming, name, place, entries.iter().map(|e| e.name)));
    };
    let mut accepted = vec![shape.naming];
    accepted.extend(shape.beside.iter().filter(|key| **key != shape.naming));
    accepted.extend(entry.parameters.iter().map(|parameter| parameter.name));
    section.only(&format!("the {} `{name}`", shape.noun), &accepted)?;
    Ok(Choice { name: name.to_owned(), parameters: parameters(section, entry, catalogue)? })
}

fn parameters(
    section: Section<'_>,
    entry: &Entry,
    catalogue: &Catalogue,
) -> Result<BTreeMap<String, Value>, SpecError> {
    let mut all = BTreeMap::new();
    for parameter in entry.parameters {
        let given = section.table.get(parameter.name);
        let value = match (&parameter.kind, given) {
            (Kind::Choice { of, default }, _) => {
                Some(Value::Choice(nested(section, parameter.name, of, default, catalogue)?))
            }
            (Kind::Names { of }, Some(node)) => {
                Some(Value::Names(names(section, parameter.name, node, of, catalogue)?))
            }
            (kind, Some(node)) => Some(section.parameter(parameter.name, node, kind)?),
            (kind, None) => kind.default(),
        };
        all.extend(value.map(|value| (parameter.name.to_owned(), value)));
    }
    Ok(all)
}

/// A list of names of the catalogue's section `of`, in the order in which they stand.
pub(super) fn names(
    section: Section<'_>,
    key: &str,
    node: &Node,
    of: &str,
    catalogue: &Catalogue,
) -> Result<Vec<String>, SpecError> {
    let Item::List(items) = &node.item else {
        return Err(section.wrong_type(key, node, "a list of names"));
    };
    let name = |item: &Node| match &item.item {
        Item::Text(name) if catalogue.knows(of, name) => Ok(name.clone()),
        Item::Text(name) => {
            let known = catalogue.section(of).iter().map(|entry| entry.name);
            Err(section.unknown_name(key, name, item.place, known))
        }
        _ => Err(section.wrong_type(key, item, "a list of names")),
    };
    items.iter().map(name).collect()
}

fn nested(
    section: Section<'_>,
    key: &str,
    of: &str,
    default: &str,
    catalogue: &Catalogue,
) -> Result<Choice, SpecError> {
    let node = section.table.get(key);
    let place = node.map_or(section.place, |node| node.place);
    let written;
    let table = match node.map(|node| &node.item) {
        Some(Item::Table(table)) => table,
        Some(Item::Text(word)) => {
            written = overlay::named(word.clone(), place, "name");
            &written
        }
        None => {
            written = Table::default();
            &written
        }
        Some(_) => {
            let node = node.expect("the item is its own");
            return Err(section.wrong_type(key, node, "a name or a table with a name"));
        }
    };
    let path = section.key(key);
    let inner = Section { path: &path, place, table, sources: section.sources };
    // The default is what is taken where nothing is said; a table is there to say something.
    let default = node.is_none().then_some(default);
    read(inner, Shape { of, noun: key, naming: "name", default, beside: &[] }, catalogue)
}
