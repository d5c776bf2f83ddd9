//! What a plan holds, written once: TOML, digest, axes and labels follow from it.

use super::keys::{AUGMENTATIONS, HEADS, ORDERS, SCALINGS, TAKEN, TRANSITIONS};
use super::plan::join_names;
use super::write::number;
use super::{
    Augmentation, Choice, ControlPlan, CriticPlan, DataPlan, Head, Length, Plan, ProbesPlan, StreamPlan,
    Transition, Value, Work,
};

/// One setting of one plan, nested choices taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// Key in the spec: `stream.tasks`, `activation`, `activation.constraint.bound`.
    pub key: String,
    /// The chain of names that it belongs to (`/rational/tail-slope`): a rational's degrees do not vary
    /// because a relu has none.
    pub owner: String,
    /// Value as tables show it.
    pub value: String,
}

/// A section of a plan's TOML.
pub(super) struct Section {
    /// What stands in brackets: `stream`, `critic.network`, `[method]`.
    pub header: String,
    /// Begins the keys of its settings.
    prefix: String,
    pub lines: Vec<Line>,
}

/// A line of a section.
pub(super) struct Line {
    pub key: String,
    pub value: Value,
    owner: String,
    names: Names,
    /// Whether it stands in the TOML. Some stand there only where they are not at their default, so that
    /// runs made before these keys existed keep their folders.
    pub written: bool,
    /// Whether it is part of what is run. What is not stands in the TOML alone, not in the digest, and tells
    /// no two plans apart.
    pub identifies: bool,
}

/// What a line names.
enum Names {
    /// Nothing: its key is one of the section.
    Nothing,
    /// What the section chooses: its key is the section's own.
    Choice,
    /// The first choice of a list: the list is one setting, of this key and value.
    List { key: String, value: String },
    /// Another choice of that list.
    Listed,
}

impl Section {
    fn new(header: &str) -> Self {
        Self { header: header.to_owned(), prefix: header.to_owned(), lines: Vec::new() }
    }

    /// A section that chooses something by `naming`.
    fn of(header: &str, naming: &str, choice: &Choice) -> Self {
        let mut section = Self::new(header);
        section.text(naming, &choice.name);
        section.lines[0].names = Names::Choice;
        section.parameters(choice);
        section
    }

    fn set(&mut self, key: &str, value: Value) -> &mut Line {
        self.lines.push(Line {
            key: key.to_owned(),
            value,
            owner: String::new(),
            names: Names::Nothing,
            written: true,
            identifies: true,
        });
        self.lines.last_mut().expect("just pushed")
    }

    fn text(&mut self, key: &str, word: &str) -> &mut Line {
        self.set(key, Value::Text(word.to_owned()))
    }

    fn count(&mut self, key: &str, count: usize) -> &mut Line {
        self.set(key, Value::Integer(i64::try_from(count).expect("checked when it was read")))
    }

    fn parameters(&mut self, choice: &Choice) {
        for (key, value) in &choice.parameters {
            self.set(key, value.clone()).owner = format!("/{}", choice.name);
        }
    }
}

impl Plan {
    /// Every setting of the plan but its seed, its source and its interpreter, in the order of the spec's
    /// sections. Two plans that differ elsewhere differ in one of these.
    #[must_use]
    pub fn settings(&self) -> Vec<Setting> {
        let name = Setting { key: "name".into(), owner: String::new(), value: self.name.clone() };
        let mut all = vec![name];
        for section in self.sections() {
            for line in section.lines.into_iter().filter(|line| line.identifies) {
                let key = match line.names {
                    Names::Nothing => format!("{}.{}", section.prefix, line.key),
                    Names::Choice => section.prefix.clone(),
                    Names::List { key, value } => {
                        all.push(Setting { key, owner: String::new(), value });
                        continue;
                    }
                    Names::Listed => continue,
                };
                flatten(key, line.owner, &line.value, &mut all);
            }
        }
        all
    }

    /// The sections of the plan's TOML.
    pub(super) fn sections(&self) -> Vec<Section> {
        // Named one by one: a new field is an error here until it has its line.
        let Self { name: _, source: _, work, network, activation, optimizer, methods, probes, seed: _ } =
            self;
        let mut all = match work {
            Work::Supervised { data, stream } => vec![of_data(data), of_stream(stream)],
            Work::Control(control) => of_control(control),
            Work::Diagnostic(diagnostic) => vec![Section::of("diagnostic", "name", diagnostic)],
        };
        all.push(Section::of("network", "kind", network));
        all.push(Section::of("activation", "name", activation));
        all.push(Section::of("optimizer", "name", optimizer));
        all.extend(of_methods("method", methods));
        if let Work::Control(control) = work {
            all.extend(of_critic(&control.critic));
        }
        // A diagnostic has figures of its own and no layers to look at.
        if !matches!(work, Work::Diagnostic(_)) {
            all.push(of_probes(probes));
        }
        all
    }
}

fn of_data(data: &DataPlan) -> Section {
    let DataPlan { dataset, scaling, augmentation } = data;
    let mut section = Section::new("data");
    section.text("dataset", dataset);
    section.text("scaling", word(&SCALINGS, *scaling));
    section.text("augmentation", word(&AUGMENTATIONS, *augmentation)).written =
        *augmentation != Augmentation::None;
    section
}

fn of_stream(stream: &StreamPlan) -> Section {
    let StreamPlan {
        family,
        tasks,
        examples,
        examples_from,
        length,
        batch_size,
        drop_last,
        order,
        head,
        transition,
        scaling_shock,
    } = stream;
    let mut section = Section::new("stream");
    section.text("family", &family.name);
    section.count("tasks", *tasks);
    match examples {
        Some(examples) => section.count("examples", *examples),
        None => section.text("examples", "all"),
    }
    .written = examples.is_some();
    section.text("examples_from", word(&TAKEN, *examples_from));
    match length {
        Length::Steps(steps) => section.count("steps", *steps),
        Length::Epochs(epochs) => section.count("epochs", *epochs),
    };
    section.count("batch_size", *batch_size);
    section.set("drop_last", Value::Flag(*drop_last)).written = *drop_last;
    section.text("order", word(&ORDERS, *order));
    section.text("head", word(&HEADS, *head)).written = *head != Head::Single;
    match transition {
        None => section.text("transition", "none").written = false,
        Some(Transition { form, steps }) => {
            section.text("transition", word(&TRANSITIONS, *form));
            section.count("transition_steps", *steps);
        }
    }
    match scaling_shock {
        None => section.text("scaling_shock", "none").written = false,
        Some(every) => _ = section.count("scaling_shock", *every),
    }
    section.parameters(family);
    section
}

fn of_control(control: &ControlPlan) -> Vec<Section> {
    let ControlPlan {
        environment,
        python,
        action_repeat,
        change,
        tasks,
        steps,
        agent,
        critic: _, // stands behind the actor's sections
        evaluate_every,
        evaluation_episodes,
    } = control;
    let mut world = Section::new("environment");
    world.text("name", environment).names = Names::Choice;
    world.count("action_repeat", *action_repeat);
    if let Some(python) = python {
        world.text("python", python).identifies = false;
    }
    let mut stream = Section::new("stream");
    stream.text("family", &change.name);
    stream.count("tasks", *tasks);
    stream.count("steps", *steps);
    stream.parameters(change);
    let mut evaluation = Section::new("evaluation");
    evaluation.count("every", *evaluate_every);
    evaluation.count("episodes", *evaluation_episodes);
    vec![world, stream, Section::of("agent", "name", agent), evaluation]
}

fn of_critic(critic: &CriticPlan) -> Vec<Section> {
    let CriticPlan { network, activation, optimizer, methods } = critic;
    let mut all = Vec::new();
    all.extend(network.as_ref().map(|choice| Section::of("critic.network", "kind", choice)));
    all.extend(activation.as_ref().map(|choice| Section::of("critic.activation", "name", choice)));
    all.extend(optimizer.as_ref().map(|choice| Section::of("critic.optimizer", "name", choice)));
    all.extend(methods.iter().flat_map(|methods| of_methods("critic.method", methods)));
    all
}

/// `[method]` for none or one, `[[method]]` for more.
fn of_methods(header: &str, methods: &[Choice]) -> Vec<Section> {
    match methods {
        [] => {
            let mut none = Section::new(header);
            none.text("name", "none").names = Names::Choice;
            vec![none]
        }
        [one] => vec![Section::of(header, "name", one)],
        several => {
            let value = join_names(several);
            let mut sections: Vec<Section> = several.iter().map(|one| of_listed(header, one)).collect();
            sections[0].lines[0].names = Names::List { key: header.to_owned(), value };
            sections
        }
    }
}

fn of_listed(header: &str, method: &Choice) -> Section {
    let mut section = Section::of(header, "name", method);
    section.header = format!("[{header}]");
    section.prefix = format!("{header}.{}", method.name);
    section.lines[0].names = Names::Listed;
    section
}

fn of_probes(probes: &ProbesPlan) -> Section {
    let ProbesPlan { names, samples, plasticity_gap, retention } = probes;
    let mut section = Section::new("probes");
    section.set("names", Value::Names(names.clone()));
    section.count("samples", *samples);
    section.set("plasticity_gap", Value::Flag(*plasticity_gap));
    section.set("retention", Value::Flag(*retention)).written = *retention;
    section
}

/// A setting and, where it is a choice, what belongs to that.
fn flatten(key: String, owner: String, value: &Value, all: &mut Vec<Setting>) {
    let Value::Choice(choice) = value else {
        all.push(Setting { key, owner, value: text(value) });
        return;
    };
    let inner = format!("{owner}/{}", choice.name);
    all.push(Setting { key: key.clone(), owner, value: choice.name.clone() });
    for (name, value) in &choice.parameters {
        flatten(format!("{key}.{name}"), inner.clone(), value, all);
    }
}

/// A value as tables show it.
fn text(value: &Value) -> String {
    match value {
        Value::Number(x) => number(*x),
        Value::Integer(i) => i.to_string(),
        Value::Text(word) => word.clone(),
        Value::Flag(flag) => flag.to_string(),
        Value::Integers(list) => {
            let items: Vec<String> = list.iter().map(ToString::to_string).collect();
            format!("[{}]", items.join(", "))
        }
        // What is given as nothing is not what is left out.
        Value::Names(names) if names.is_empty() => "[]".to_owned(),
        Value::Names(names) => names.join(" "),
        Value::Choice(choice) => choice.name.clone(),
    }
}

fn word<T: PartialEq + Copy>(words: &[(&'static str, T)], meaning: T) -> &'static str {
    words.iter().find(|(_, m)| *m == meaning).expect("every variant has its word").0
}
