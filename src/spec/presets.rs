//! Presets: published values that are laid under a spec which names them, so that whatever the spec says
//! itself stands over them. What it says of network or optimiser holds for the critics too, unless it says
//! otherwise of them. What comes of it is written out in full, preset or not.

use super::tree::{self, Item, Node, Place, Sources, Table};
use super::{Catalogue, Kind, SpecError, overlay};

/// The values of one published code, for agents of some names.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// Agents that have it.
    pub agents: &'static [&'static str],
    /// Its word in `agent.preset`.
    pub name: &'static str,
    /// Sections of a spec.
    pub toml: &'static str,
}

/// The spec with the preset of its agent under it; as it is where it has no agent, or none that is known.
pub(super) fn under(root: &Table, catalogue: &Catalogue, sources: &Sources) -> Result<Table, SpecError> {
    let Some(preset) = root.get("agent").and_then(|agent| chosen(agent, catalogue)) else {
        return Ok(root.clone());
    };
    let mut whole = tree::parse(preset.toml, sources)?;
    // A place in a preset is no place in the user's file.
    whole.0.iter_mut().for_each(|field| {
        field.place = Place::File;
        nowhere(&mut field.node);
    });
    for name in ["network", "optimizer"] {
        let of_critics = matches!(whole.get("critic").map(|node| &node.item),
            Some(Item::Table(critic)) if critic.get(name).is_some());
        if let (true, Some(field)) = (of_critics, root.field(name)) {
            let path = ["critic".to_owned(), name.to_owned()];
            overlay::lay(&mut whole, &path, field.place, field.node.clone());
        }
    }
    for field in &root.0 {
        overlay::lay(&mut whole, std::slice::from_ref(&field.key), field.place, field.node.clone());
    }
    Ok(whole)
}

/// The preset that an agent names, or its first one if it names none.
fn chosen<'a>(agent: &Node, catalogue: &'a Catalogue) -> Option<&'a Preset> {
    let (name, named) = match &agent.item {
        Item::Text(name) => (name.as_str(), None),
        Item::Table(table) => (table.text("name")?, table.text("preset")),
        _ => return None,
    };
    let parameters = catalogue.entry("agents", name)?.parameters;
    let default = parameters.iter().find_map(|parameter| match parameter.kind {
        Kind::Text { default, .. } if parameter.name == "preset" => default,
        _ => None,
    });
    let word = named.or(default)?;
    catalogue.presets.iter().find(|preset| preset.name == word && preset.agents.contains(&name))
}

fn nowhere(node: &mut Node) {
    node.place = Place::File;
    match &mut node.item {
        Item::Table(table) => {
            for field in &mut table.0 {
                field.place = Place::File;
                nowhere(&mut field.node);
            }
        }
        Item::List(items) => items.iter_mut().for_each(nowhere),
        _ => {}
    }
}
