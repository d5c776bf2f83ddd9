//! One run's settings, all overlays applied, to a checked [`Plan`].

use super::choice::{self, Shape};
use super::overlay::{self, STREAM_KEYS};
use super::reader::Section;
use super::tree::{Item, Node, Place, Sources, Table};
use super::{
    Augmentation, Catalogue, Choice, DataPlan, ExamplesFrom, Head, Length, Order, Plan, ProbesPlan, Scaling,
    SpecError, StreamPlan, Work,
};

/// Sections that settings can be laid over.
pub(super) const SECTIONS: [&str; 7] =
    ["data", "stream", "network", "activation", "optimizer", "method", "probes"];

/// Far above any use, and so low that tasks × steps × examples cannot overflow.
const MOST: i64 = 1_000_000_000;
const MOST_TASKS: i64 = 1_000_000;
/// What `[probes] samples` is where it is not given (definitions: the probe set).
const SAMPLES: usize = 2000;

/// Checks everything about one run; the seed is left at 0.
pub(super) fn plan(root: &Table, catalogue: &Catalogue, sources: &Sources) -> Result<Plan, SpecError> {
    let reader = Reader { root, catalogue, sources };
    let spec = Section { path: "", place: Place::File, table: root, sources };
    let mut accepted = vec!["name", "source"];
    accepted.extend(SECTIONS);
    accepted.extend(["grid", "variants"]);
    spec.only("the spec", &accepted)?;
    let plan = Plan {
        name: name(spec)?,
        source: spec.text("source")?.map(|(text, _)| text.to_owned()).unwrap_or_default(),
        work: Work::Supervised { data: reader.data()?, stream: reader.stream()? },
        network: reader.choice("network", "networks", "kind", None)?,
        activation: reader.choice("activation", "activations", "name", None)?,
        optimizer: reader.choice("optimizer", "optimizers", "name", None)?,
        methods: reader.methods()?,
        probes: reader.probes()?,
        seed: 0,
    };
    for rule in &catalogue.rules {
        (rule.check)(&plan).map_err(|sentence| SpecError::Conflict {
            place: sources.name(root.get(rule.section).map_or(Place::File, |node| node.place)),
            sentence: sentence.trim_end_matches('.').to_owned(),
        })?;
    }
    Ok(plan)
}

/// The benchmark's name becomes a folder, and must neither leave the output folder nor hide in it.
fn name(spec: Section<'_>) -> Result<String, SpecError> {
    let (name, place) = spec
        .text("name")?
        .ok_or_else(|| spec.missing("name", "write for example name = \"my-benchmark\""))?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(plain) && name.len() <= 64 {
        return Ok(name.to_owned());
    }
    Err(SpecError::Conflict {
        place: spec.sources.name(place),
        sentence: format!(
            "name = {name:?} cannot be the name of a folder: take 1 to 64 letters (a to z), digits, -, _ or ., \
             with a letter or digit first"
        ),
    })
}

#[derive(Clone, Copy)]
struct Reader<'a> {
    root: &'a Table,
    catalogue: &'a Catalogue,
    sources: &'a Sources,
}

impl Reader<'_> {
    /// Calls `read` with the section of this name.
    fn section<T>(
        self,
        name: &str,
        default: Option<&str>,
        read: impl FnOnce(Section<'_>) -> Result<T, SpecError>,
    ) -> Result<T, SpecError> {
        let path = [name.to_owned()];
        let written;
        let (table, place) = match (self.root.get(name), default) {
            (Some(node), _) => match (&node.item, overlay::naming_key(&path)) {
                (Item::Table(table), _) => (table, node.place),
                (Item::Text(word), Some(naming)) if overlay::takes_a_word(&path) => {
                    written = overlay::named(word.clone(), node.place, naming);
                    (&written, node.place)
                }
                _ => {
                    let top =
                        Section { path: "", place: node.place, table: self.root, sources: self.sources };
                    return Err(top.wrong_type(name, node, "a table"));
                }
            },
            (None, Some(_)) => {
                written = Table::default();
                (&written, Place::File)
            }
            (None, None) => {
                return Err(SpecError::Missing {
                    place: self.sources.name(Place::File),
                    owner: "the spec".into(),
                    missing: format!("the section [{name}]"),
                    cure: cure(name).into(),
                });
            }
        };
        read(Section { path: name, place, table, sources: self.sources })
    }

    fn choice(self, name: &str, of: &str, naming: &str, default: Option<&str>) -> Result<Choice, SpecError> {
        let shape = Shape { of, noun: name, naming, default, beside: &[] };
        self.section(name, default, |section| choice::read(section, shape, self.catalogue))
    }

    /// One method by `[method]` or a word, several by `[[method]]` or a list. `none` stands for no method.
    fn methods(self) -> Result<Vec<Choice>, SpecError> {
        let Some(Node { place, item: Item::List(items) }) = self.root.get("method") else {
            let one = self.choice("method", "methods", "name", Some("none"))?;
            return Ok(if one.name == "none" { Vec::new() } else { vec![one] });
        };
        let mut methods: Vec<Choice> = Vec::new();
        for item in items {
            let written;
            let table = match &item.item {
                Item::Table(table) => table,
                Item::Text(word) => {
                    written = overlay::named(word.clone(), item.place, "name");
                    &written
                }
                _ => {
                    let top = Section { path: "", place: *place, table: self.root, sources: self.sources };
                    return Err(top.wrong_type("method", item, "names or tables with a name"));
                }
            };
            let section = Section { path: "method", place: item.place, table, sources: self.sources };
            let shape = Shape { of: "methods", noun: "method", naming: "name", default: None, beside: &[] };
            let method = choice::read(section, shape, self.catalogue)?;
            if methods.iter().any(|earlier| earlier.name == method.name) {
                return Err(SpecError::Conflict {
                    place: self.sources.name(item.place),
                    sentence: format!("the method {} is listed twice: keep one of them", method.name),
                });
            }
            methods.extend((method.name != "none").then_some(method));
        }
        Ok(methods)
    }

    fn data(self) -> Result<DataPlan, SpecError> {
        self.section("data", None, |section| {
            section.only("[data]", &["dataset", "scaling", "augmentation"])?;
            let names = || self.catalogue.section("datasets").iter().map(|entry| entry.name);
            let (dataset, place) =
                section.text("dataset")?.ok_or_else(|| section.missing("dataset", cure("data")))?;
            if !names().any(|name| name == dataset) {
                let names: Vec<&str> = names().collect();
                return Err(section.unknown_name("dataset", dataset, place, names.iter().copied()));
            }
            let scaling = section.word("scaling", &SCALINGS)?.unwrap_or(Scaling::Symmetric);
            let augmentation = section.word("augmentation", &AUGMENTATIONS)?.unwrap_or(Augmentation::None);
            Ok(DataPlan { dataset: dataset.to_owned(), scaling, augmentation })
        })
    }

    fn stream(self) -> Result<StreamPlan, SpecError> {
        self.section("stream", None, |section| {
            let shape = Shape {
                of: "families",
                noun: "task family",
                naming: "family",
                default: None,
                beside: &STREAM_KEYS,
            };
            let family = choice::read(section, shape, self.catalogue)?;
            let needed = |key: &str, count: Option<usize>, example: &str| {
                count.ok_or_else(|| section.missing(key, &format!("write for example {key} = {example}")))
            };
            Ok(StreamPlan {
                family,
                tasks: needed("tasks", section.count("tasks", 1, MOST_TASKS)?, "50")?,
                examples: section.count("examples", 1, MOST)?,
                examples_from: section.word("examples_from", &TAKEN)?.unwrap_or(ExamplesFrom::Seed),
                length: length(section)?,
                batch_size: needed("batch_size", section.count("batch_size", 1, MOST)?, "16")?,
                order: section.word("order", &ORDERS)?.unwrap_or(Order::Reshuffled),
                head: section.word("head", &HEADS)?.unwrap_or(Head::Single),
            })
        })
    }

    fn probes(self) -> Result<ProbesPlan, SpecError> {
        self.section("probes", Some(""), |section| {
            section.only("[probes]", &["names", "samples", "plasticity_gap"])?;
            Ok(ProbesPlan {
                names: self.probe_names(section)?,
                samples: section.count("samples", 1, MOST)?.unwrap_or(SAMPLES),
                plasticity_gap: section.flag("plasticity_gap")?.unwrap_or(false),
            })
        })
    }

    /// In the catalogue's order, so that the order in the spec does not make another run of it.
    fn probe_names(self, section: Section<'_>) -> Result<Vec<String>, SpecError> {
        let known = self.catalogue.section("probes").iter().map(|entry| entry.name);
        let chosen: Vec<&str> = match section.table.get("names") {
            None => self.catalogue.standard_probes.to_vec(),
            Some(node) => {
                let Item::List(items) = &node.item else {
                    return Err(section.wrong_type("names", node, "a list of names"));
                };
                items
                    .iter()
                    .map(|item| match &item.item {
                        Item::Text(name) if known.clone().any(|known| known == name) => Ok(name.as_str()),
                        Item::Text(name) => {
                            Err(section.unknown_name("names", name, item.place, known.clone()))
                        }
                        _ => Err(section.wrong_type("names", item, "a list of names")),
                    })
                    .collect::<Result<_, _>>()?
            }
        };
        Ok(known.clone().filter(|name| chosen.contains(name)).map(str::to_owned).collect())
    }
}

fn length(section: Section<'_>) -> Result<Length, SpecError> {
    let (steps, epochs) = (section.count("steps", 1, MOST)?, section.count("epochs", 1, MOST)?);
    match (steps, epochs) {
        (Some(steps), None) => Ok(Length::Steps(steps)),
        (None, Some(epochs)) => Ok(Length::Epochs(epochs)),
        (None, None) => Err(section.missing("steps", "give the length of a task as steps or as epochs")),
        (Some(_), Some(_)) => Err(SpecError::Conflict {
            place: section.sources.name(section.table.field("epochs").map_or(section.place, |f| f.place)),
            sentence: "[stream] has both steps and epochs: keep the one that a task's length is counted in"
                .into(),
        }),
    }
}

/// The words of a spec and what they stand for.
pub(super) const SCALINGS: [(&str, Scaling); 3] =
    [("unit", Scaling::Unit), ("symmetric", Scaling::Symmetric), ("standardize", Scaling::Standardize)];
pub(super) const TAKEN: [(&str, ExamplesFrom); 2] =
    [("seed", ExamplesFrom::Seed), ("first", ExamplesFrom::First)];
pub(super) const AUGMENTATIONS: [(&str, Augmentation); 2] =
    [("none", Augmentation::None), ("crop-flip", Augmentation::CropFlip)];
pub(super) const HEADS: [(&str, Head); 3] =
    [("single", Head::Single), ("masked", Head::Masked), ("multi", Head::Multi)];
pub(super) const ORDERS: [(&str, Order); 2] = [("reshuffled", Order::Reshuffled), ("fixed", Order::Fixed)];

/// What to write for a section that has no default.
fn cure(section: &str) -> &'static str {
    match section {
        "data" => "write for example [data] dataset = \"mnist\"",
        "stream" => "write [stream] with family, tasks, steps or epochs, and batch_size",
        "network" => "write for example [network] kind = \"mlp\"",
        "activation" => "write for example [activation] name = \"relu\", or make it an axis of [grid]",
        _ => "write for example [optimizer] name = \"adam\"",
    }
}
