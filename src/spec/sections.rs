//! One run's settings, all overlays applied, to a checked [`Plan`].

use super::choice::{self, Shape};
use super::keys::{self, AUGMENTATIONS, HEADS, ORDERS, SCALINGS, TAKEN, TRANSITIONS};
use super::overlay;
use super::presets;
use super::reader::Section;
use super::tree::{Field, Item, Node, Place, Sources, Table};
use super::{
    Augmentation, Catalogue, Choice, ControlPlan, CriticPlan, DataPlan, ExamplesFrom, Head, Kind, Length,
    Order, Parameter, Plan, ProbesPlan, Scaling, SpecError, StreamPlan, Transition, Value, Work,
};

/// Sections that settings can be laid over.
pub(super) const SECTIONS: [&str; 12] = [
    "data",
    "environment",
    "stream",
    "agent",
    "diagnostic",
    "network",
    "activation",
    "optimizer",
    "method",
    "critic",
    "evaluation",
    "probes",
];

/// Checks everything about one run; the seed is left at 0.
pub(super) fn plan(root: &Table, catalogue: &Catalogue, sources: &Sources) -> Result<Plan, SpecError> {
    let root = &presets::under(root, catalogue, sources)?;
    let reader = Reader { root, within: "", catalogue, sources };
    let spec = Section { path: "", place: Place::File, table: root, sources };
    let mut accepted = vec!["name", "source"];
    accepted.extend(SECTIONS);
    accepted.extend(["grid", "variants", "tune"]);
    spec.only("the spec", &accepted)?;
    let mut plan = Plan {
        name: name(spec)?,
        source: spec.text("source")?.map(|(text, _)| text.to_owned()).unwrap_or_default(),
        work: reader.work()?,
        network: reader.choice("network", "networks", "kind", None)?,
        activation: reader.choice("activation", "activations", "name", None)?,
        optimizer: reader.choice("optimizer", "optimizers", "name", None)?,
        methods: reader.methods()?,
        probes: ProbesPlan { names: Vec::new(), samples: 1, plasticity_gap: false, retention: false },
        seed: 0,
    };
    if !matches!(plan.work, Work::Diagnostic(_)) {
        plan.probes = reader.probes()?;
    }
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
    /// Begins the names of the root's sections: empty, or `critic.`.
    within: &'a str,
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
            (Some(node), _) => match (&node.item, overlay::word_key(&path)) {
                (Item::Table(table), _) => (table, node.place),
                (Item::Text(word), Some(naming)) => {
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
        let path = format!("{}{name}", self.within);
        read(Section { path: &path, place, table, sources: self.sources })
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

    /// `[data]` and `[stream]`, or `[environment]`, `[agent]` and `[stream]`.
    fn work(self) -> Result<Work, SpecError> {
        let control = self.root.field("environment").or_else(|| self.root.field("agent"));
        let diagnostic = self.root.field("diagnostic");
        let kinds: Vec<&Field> =
            [self.root.field("data"), control, diagnostic].into_iter().flatten().collect();
        if let [one, other, ..] = &kinds[..] {
            return Err(SpecError::Conflict {
                place: self.sources.name(other.place),
                sentence: format!(
                    "a run trains on images ([data]), in an environment ([environment]) or makes a diagnostic \
                     ([diagnostic]), but this one has [{}] and [{}]: keep one of the two",
                    one.key, other.key
                ),
            });
        }
        if control.is_some() {
            return Ok(Work::Control(self.control()?));
        }
        if diagnostic.is_some() {
            if let Some(other) = ["stream", "critic", "evaluation", "probes"]
                .into_iter()
                .find_map(|section| self.root.field(section))
            {
                return Err(SpecError::Conflict {
                    place: self.sources.name(other.place),
                    sentence: format!("[{}] has no effect beside [diagnostic]: leave it out", other.key),
                });
            }
            return Ok(Work::Diagnostic(self.choice("diagnostic", "diagnostics", "name", None)?));
        }
        Ok(Work::Supervised { data: self.data()?, stream: self.stream()? })
    }

    fn data(self) -> Result<DataPlan, SpecError> {
        self.section("data", None, |section| {
            only(section, keys::DATA)?;
            let dataset = self.name(section, "dataset", "datasets")?;
            let scaling = section.word("scaling", &SCALINGS)?.unwrap_or(Scaling::Symmetric);
            let augmentation = section.word("augmentation", &AUGMENTATIONS)?.unwrap_or(Augmentation::None);
            Ok(DataPlan { dataset, scaling, augmentation })
        })
    }

    /// A name of the catalogue's section `of` that has no parameters.
    fn name(self, section: Section<'_>, key: &str, of: &str) -> Result<String, SpecError> {
        let (name, place) = section.text(key)?.ok_or_else(|| section.missing(key, cure(section.path)))?;
        if self.catalogue.knows(of, name) {
            return Ok(name.to_owned());
        }
        let names = self.catalogue.section(of).iter().map(|entry| entry.name);
        Err(section.unknown_name(key, name, place, names))
    }

    fn stream(self) -> Result<StreamPlan, SpecError> {
        self.section("stream", None, |section| {
            let count = |key: &str| count(section, keys::STREAM, key);
            let family = self.family(section, "families", "task family", keys::STREAM)?;
            Ok(StreamPlan {
                family,
                tasks: needed(section, "tasks", count("tasks")?, "50")?,
                examples: count("examples")?,
                examples_from: section.word("examples_from", &TAKEN)?.unwrap_or(ExamplesFrom::Seed),
                length: length(section)?,
                batch_size: needed(section, "batch_size", count("batch_size")?, "16")?,
                drop_last: section.flag("drop_last")?.unwrap_or(false),
                order: section.word("order", &ORDERS)?.unwrap_or(Order::Reshuffled),
                head: section.word("head", &HEADS)?.unwrap_or(Head::Single),
                transition: transition(section)?,
                scaling_shock: count("scaling_shock")?,
            })
        })
    }

    fn family(
        self,
        section: Section<'_>,
        of: &str,
        noun: &str,
        beside: &[Parameter],
    ) -> Result<Choice, SpecError> {
        let beside: Vec<&str> = beside.iter().map(|parameter| parameter.name).collect();
        let shape = Shape { of, noun, naming: "family", default: None, beside: &beside };
        choice::read(section, shape, self.catalogue)
    }

    fn control(self) -> Result<ControlPlan, SpecError> {
        let (environment, python, action_repeat) = self.section("environment", None, |section| {
            only(section, keys::ENVIRONMENT)?;
            let repeat = count(section, keys::ENVIRONMENT, "action_repeat")?;
            let name = self.name(section, "name", "environments")?;
            Ok((name, path(section, "python")?, repeat.expect("it has a default")))
        })?;
        let (change, tasks, steps) = self.section("stream", None, |section| {
            let count = |key: &str| count(section, keys::CONTROL_STREAM, key);
            let change = self.family(section, "changes", "change", keys::CONTROL_STREAM)?;
            let steps = needed(section, "steps", count("steps")?, "10000")?;
            Ok((change, count("tasks")?.expect("it has a default"), steps))
        })?;
        let (evaluate_every, evaluation_episodes) = self.section("evaluation", Some(""), |section| {
            only(section, keys::EVALUATION)?;
            let count = |key: &str| count(section, keys::EVALUATION, key);
            let (every, episodes) = (count("every")?, count("episodes")?);
            Ok((every.expect("it has a default"), episodes.expect("it has a default")))
        })?;
        let agent = self.choice("agent", "agents", "name", None)?;
        let critic = self.critic()?;
        Ok(ControlPlan {
            environment,
            python,
            action_repeat,
            change,
            tasks,
            steps,
            agent,
            critic,
            evaluate_every,
            evaluation_episodes,
        })
    }

    /// What `[critic]` has of its own.
    fn critic(self) -> Result<CriticPlan, SpecError> {
        self.section("critic", Some(""), |section| {
            section.only("[critic]", &["network", "activation", "optimizer", "method"])?;
            let (catalogue, sources) = (self.catalogue, self.sources);
            let inner = Reader { root: section.table, within: "critic.", catalogue, sources };
            let given = |key: &str| section.table.get(key).is_some();
            let choice = |name: &str, of: &str, naming: &str| {
                given(name).then(|| inner.choice(name, of, naming, None)).transpose()
            };
            Ok(CriticPlan {
                network: choice("network", "networks", "kind")?,
                activation: choice("activation", "activations", "name")?,
                optimizer: choice("optimizer", "optimizers", "name")?,
                methods: given("method").then(|| inner.methods()).transpose()?,
            })
        })
    }

    fn probes(self) -> Result<ProbesPlan, SpecError> {
        self.section("probes", Some(""), |section| {
            only(section, keys::PROBES)?;
            Ok(ProbesPlan {
                names: self.probe_names(section)?,
                samples: count(section, keys::PROBES, "samples")?.expect("it has a default"),
                plasticity_gap: section.flag("plasticity_gap")?.unwrap_or(false),
                retention: section.flag("retention")?.unwrap_or(false),
            })
        })
    }

    /// In the catalogue's order, so that the order in the spec does not make another run of it.
    fn probe_names(self, section: Section<'_>) -> Result<Vec<String>, SpecError> {
        let chosen: Vec<String> = match section.table.get("names") {
            None => self.catalogue.standard_probes.iter().map(|&name| name.to_owned()).collect(),
            Some(node) => choice::names(section, "names", node, "probes", self.catalogue)?,
        };
        let known = self.catalogue.section("probes").iter().map(|entry| entry.name.to_owned());
        Ok(known.filter(|name| chosen.contains(name)).collect())
    }
}

fn length(section: Section<'_>) -> Result<Length, SpecError> {
    let count = |key: &str| count(section, keys::STREAM, key);
    let (steps, epochs) = (count("steps")?, count("epochs")?);
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

fn transition(section: Section<'_>) -> Result<Option<Transition>, SpecError> {
    let form = section.word("transition", &TRANSITIONS)?;
    match (form, count(section, keys::STREAM, "transition_steps")?) {
        (None, None) => Ok(None),
        (Some(form), Some(steps)) => Ok(Some(Transition { form, steps })),
        (Some(_), None) => {
            Err(section.missing("transition_steps", "write for example transition_steps = 1000"))
        }
        (None, Some(_)) => Err(section.missing("transition", "write for example transition = \"mixture\"")),
    }
}

/// Refuses keys that are not the section's own.
fn only(section: Section<'_>, keys: &[Parameter]) -> Result<(), SpecError> {
    section.only(&section.owner(), &keys.iter().map(|key| key.name).collect::<Vec<_>>())
}

/// The count under one of the section's own keys, or its default.
fn count(section: Section<'_>, keys: &[Parameter], key: &str) -> Result<Option<usize>, SpecError> {
    let parameter = keys.iter().find(|parameter| parameter.name == key).expect("a key of the section");
    let Kind::Integer { default, min, max } = parameter.kind else { panic!("{key} is no count") };
    Ok(section.count(key, min, max)?.or(default.map(|count| count as usize)))
}

/// The path under a key, if it is there.
fn path(section: Section<'_>, key: &str) -> Result<Option<String>, SpecError> {
    let Some(node) = section.table.get(key) else { return Ok(None) };
    match section.parameter(key, node, &Kind::Path)? {
        Value::Text(path) => Ok(Some(path)),
        other => panic!("a path is a text: {other:?}"),
    }
}

/// The count, or a sentence that gives an example of it.
fn needed(section: Section<'_>, key: &str, count: Option<usize>, example: &str) -> Result<usize, SpecError> {
    count.ok_or_else(|| section.missing(key, &format!("write for example {key} = {example}")))
}

/// What to write for a section that has no default.
fn cure(section: &str) -> &'static str {
    match section {
        "data" => "write for example [data] dataset = \"mnist\"",
        "environment" => "write for example [environment] name = \"walker-walk\"",
        "agent" => "write for example [agent] name = \"sac\"",
        "stream" => "write [stream] with family, tasks, steps or epochs, and batch_size",
        "network" => "write for example [network] kind = \"mlp\"",
        "activation" => "write for example [activation] name = \"relu\", or make it an axis of [grid]",
        _ => "write for example [optimizer] name = \"adam\"",
    }
}
