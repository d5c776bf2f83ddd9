//! Laying one setting over others: what grid points, variants and `--set` do to the base spec.
//!
//! - A value replaces what stood under its key.
//! - A table is laid over a table key by key, with one exception: where both name something (an
//!   activation, an optimiser, a constraint) and the names differ, the new table replaces the old one,
//!   whose parameters would mean nothing to it. Of `[stream]` only the family's own parameters go.
//! - A word where something is named is short for the table that names it: `constraint = "frozen"`.
//! - A dotted key sets that key alone.

use super::keys::is_stream_key;
use super::tree::{Field, Item, Node, Place, Table};

/// Sections that choose one thing by name and hold nothing else.
const NAMING: [&str; 5] = ["activation", "optimizer", "method", "agent", "diagnostic"];
/// The two ways in which a task's length is given: one laid over a spec takes the other's place.
const LENGTHS: [&str; 2] = ["steps", "epochs"];

/// The key under which the table at `path` names what it chooses, if it chooses anything.
pub(super) fn naming_key(path: &[String]) -> Option<&'static str> {
    match path {
        [section] => match section.as_str() {
            "network" => Some("kind"),
            "stream" => Some("family"),
            section => NAMING.contains(&section).then_some("name"),
        },
        [] => None,
        [critic, inner @ ..] if critic == "critic" => naming_key(inner),
        [section, ..] => (NAMING.contains(&section.as_str())
            || ["network", "stream"].contains(&section.as_str()))
        .then_some("name"),
    }
}

/// The key of the table that a word at `path` is short for, if it may be short for one. Not for `[stream]`,
/// which is more than its family.
pub(super) fn word_key(path: &[String]) -> Option<&'static str> {
    if path == ["environment"] { Some("name") } else { naming_key(path).filter(|key| *key != "family") }
}

/// The table that a word stands for.
pub(super) fn named(word: String, place: Place, naming: &str) -> Table {
    let node = Node { place, item: Item::Text(word) };
    Table(vec![Field { key: naming.to_owned(), place, node }])
}

/// Lays `value`, whose key is at `place`, over what stands at `path` of `root`.
pub(super) fn lay(root: &mut Table, path: &[String], place: Place, value: Node) {
    lay_below(root, path, 0, place, value);
}

fn lay_below(table: &mut Table, path: &[String], depth: usize, place: Place, value: Node) {
    let here = &path[..=depth];
    let key = &path[depth];
    let last = depth + 1 == path.len();
    if let ["stream", key] = [&here[0][..], key]
        && last
        && depth == 1
        && LENGTHS.contains(&key)
    {
        table.0.retain(|field| field.key == key || !LENGTHS.contains(&field.key.as_str()));
    }
    let Some(field) = table.0.iter_mut().find(|field| field.key == *key) else {
        let mut node = Node { place, item: Item::Table(Table::default()) };
        match &mut node.item {
            Item::Table(inner) if !last => lay_below(inner, path, depth + 1, place, value),
            _ => node = value,
        }
        table.0.push(Field { key: key.clone(), place, node });
        return;
    };
    if last {
        merge(&mut field.node, value, here);
        field.place = place;
        return;
    }
    spell_out(&mut field.node, here);
    if let Item::List(items) = &mut field.node.item
        && let Some((item, rest)) = entry_of_list(items, &path[depth + 1..])
    {
        let path: Vec<String> = here.iter().chain(rest).cloned().collect();
        spell_out(item, here);
        if let (Item::Table(inner), false) = (&mut item.item, rest.is_empty()) {
            return lay_below(inner, &path, depth + 1, place, value);
        }
    }
    if !matches!(field.node.item, Item::Table(_)) {
        field.node = Node { place, item: Item::Table(Table::default()) };
    }
    if let Item::Table(inner) = &mut field.node.item {
        lay_below(inner, path, depth + 1, place, value);
    }
}

/// The entry of a list that `path` begins with, and the path within it: `ewc.strength` in a list of
/// methods.
fn entry_of_list<'a, 'p>(items: &'a mut [Node], path: &'p [String]) -> Option<(&'a mut Node, &'p [String])> {
    let (name, rest) = path.split_first()?;
    let named = |node: &Node| match &node.item {
        Item::Text(word) => word == name,
        Item::Table(table) => table.text("name") == Some(name),
        _ => false,
    };
    Some((items.iter_mut().find(|node| named(node))?, rest))
}

/// Lays `over` over `base`, both at `path`.
fn merge(base: &mut Node, mut over: Node, path: &[String]) {
    if matches!(base.item, Item::Table(_)) {
        spell_out(&mut over, path);
    } else if matches!(over.item, Item::Table(_)) {
        spell_out(base, path);
    }
    let renamed = differently_named(base, &over, path);
    match (&mut base.item, over.item) {
        (Item::Table(old), Item::Table(new)) => {
            if renamed {
                old.0.retain(|field| path == ["stream"] && is_stream_key(&field.key));
            }
            // Both lengths at once are an error of the table, which is found when it is read.
            let both = path == ["stream"] && LENGTHS.iter().all(|key| new.get(key).is_some());
            if both {
                old.0.retain(|field| !LENGTHS.contains(&field.key.as_str()));
            }
            for field in new.0 {
                if both && LENGTHS.contains(&field.key.as_str()) {
                    old.0.push(field);
                    continue;
                }
                let mut path = path.to_vec();
                path.push(field.key);
                let depth = path.len() - 1;
                lay_below(old, &path, depth, field.place, field.node);
            }
        }
        (old, new) => *old = new,
    }
    base.place = over.place;
}

fn differently_named(base: &Node, over: &Node, path: &[String]) -> bool {
    let (Item::Table(base), Item::Table(over)) = (&base.item, &over.item) else { return false };
    let Some(key) = naming_key(path) else { return false };
    matches!((base.text(key), over.text(key)), (Some(old), Some(new)) if old != new)
}

/// Turns a word that is short for a table into that table.
fn spell_out(node: &mut Node, path: &[String]) {
    let Some(naming) = word_key(path) else { return };
    if let Item::Text(word) = &mut node.item {
        let table = named(std::mem::take(word), node.place, naming);
        node.item = Item::Table(table);
    }
}
