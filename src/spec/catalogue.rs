//! What can be chosen by name: every room lists its own entries (activations, constraints, task
//! families, …) with their parameters, and the spec is checked against them. The same entries feed
//! `list` and the documentation, so neither can fall behind the code.

use std::collections::BTreeMap;

use super::reader::{integer_range, number_range};
use super::{Plan, Preset};

/// One thing that a spec can name.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Name in specs and CSV, kebab-case or the field's own spelling (`leaky_relu`).
    pub name: &'static str,
    /// One line for `list`: the formula or what it does.
    pub summary: &'static str,
    /// Where it comes from: paper and year, arXiv number.
    pub source: &'static str,
    /// What can be set beside the name.
    pub parameters: &'static [Parameter],
}

/// A setting of an [`Entry`].
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Key in the spec.
    pub name: &'static str,
    /// One line, with unit and meaning.
    pub summary: &'static str,
    /// Type, default and range.
    pub kind: Kind,
}

/// Type, default and range of a [`Parameter`]. A default of `None` means that the key may be absent
/// and then has no value at all ([`Choice::get`] gives `None`).
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "each variant's text names its fields")]
pub enum Kind {
    /// A finite float in `min..=max`; integers in the TOML are taken too.
    Number { default: Option<f64>, min: f64, max: f64 },
    /// An integer in `min..=max`.
    Integer { default: Option<i64>, min: i64, max: i64 },
    /// One of the listed words.
    Text { default: Option<&'static str>, one_of: &'static [&'static str] },
    /// true or false.
    Flag { default: bool },
    /// A list of integers, each in `min..=max`, of a length in `lengths.0..=lengths.1`.
    Integers { default: &'static [i64], min: i64, max: i64, lengths: (usize, usize) },
    /// The path of a file, which need not be there.
    Path,
    /// The same without a default: absent unless given.
    OptionalIntegers { min: i64, max: i64, lengths: (usize, usize) },
    /// A name of the named section of the catalogue, whose entry has no parameters.
    Name { of: &'static str },
    /// A list of such names.
    Names { of: &'static str },
    /// A nested choice from the named section of the catalogue (`"constraints"`); a bare string in
    /// the TOML is short for `{ name = … }`.
    Choice { of: &'static str, default: &'static str },
}

impl Kind {
    /// The default as a value; a nested choice is its name alone, without parameters.
    #[must_use]
    pub fn default(&self) -> Option<Value> {
        match *self {
            Self::Number { default, .. } => default.map(Value::Number),
            Self::Integer { default, .. } => default.map(Value::Integer),
            Self::Text { default, .. } => default.map(|word| Value::Text(word.to_owned())),
            Self::Flag { default } => Some(Value::Flag(default)),
            Self::Integers { default, .. } => Some(Value::Integers(default.to_vec())),
            Self::OptionalIntegers { .. } | Self::Path | Self::Name { .. } | Self::Names { .. } => None,
            Self::Choice { default, .. } => {
                Some(Value::Choice(Choice { name: default.to_owned(), parameters: BTreeMap::new() }))
            }
        }
    }

    /// The range of a number, an integer or a list's integers, in words: `between 0 and 1`. Empty for the
    /// other kinds.
    #[must_use]
    pub fn bounds(&self) -> String {
        match *self {
            Self::Number { min, max, .. } => number_range(min, max),
            Self::Integer { min, max, .. }
            | Self::Integers { min, max, .. }
            | Self::OptionalIntegers { min, max, .. } => integer_range(min, max),
            Self::Text { .. }
            | Self::Flag { .. }
            | Self::Path
            | Self::Name { .. }
            | Self::Names { .. }
            | Self::Choice { .. } => String::new(),
        }
    }
}

/// A checked value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A finite float.
    Number(f64),
    /// An integer.
    Integer(i64),
    /// A word.
    Text(String),
    /// A switch.
    Flag(bool),
    /// A list of integers.
    Integers(Vec<i64>),
    /// A list of names.
    Names(Vec<String>),
    /// A nested choice.
    Choice(Choice),
}

/// A name from the catalogue with every parameter checked and every default filled in.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// The entry's name.
    pub name: String,
    /// All parameters that have a value.
    pub parameters: BTreeMap<String, Value>,
}

impl Choice {
    /// An entry with its defaults.
    #[must_use]
    pub fn of(entry: &Entry) -> Self {
        let default = |p: &Parameter| Some((p.name.to_owned(), p.kind.default()?));
        Self {
            name: entry.name.to_owned(),
            parameters: entry.parameters.iter().filter_map(default).collect(),
        }
    }

    /// The value under `key`, if there is one.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.parameters.get(key)
    }

    /// The number under `key`, if set.
    ///
    /// # Panics
    /// As [`Choice::number`], if something else is set.
    #[must_use]
    pub fn optional_number(&self, key: &str) -> Option<f64> {
        match self.get(key)? {
            Value::Number(x) => Some(*x),
            other => panic!("{}.{key} is not a number: {other:?}", self.name),
        }
    }

    /// The number under `key`, which the catalogue gives a default.
    ///
    /// # Panics
    /// If the entry has no such number: a plan is only made from checked choices.
    #[must_use]
    pub fn number(&self, key: &str) -> f64 {
        self.optional_number(key).unwrap_or_else(|| panic!("{} has no number {key}", self.name))
    }

    /// The integer under `key`.
    ///
    /// # Panics
    /// As [`Choice::number`].
    #[must_use]
    pub fn integer(&self, key: &str) -> i64 {
        match self.get(key) {
            Some(Value::Integer(i)) => *i,
            other => panic!("{}.{key} is not an integer: {other:?}", self.name),
        }
    }

    /// The word under `key`.
    ///
    /// # Panics
    /// As [`Choice::number`].
    #[must_use]
    pub fn text(&self, key: &str) -> &str {
        self.optional_text(key).unwrap_or_else(|| panic!("{} has no word {key}", self.name))
    }

    /// The word under `key`; `None` where the entry has no such key, or something else than a word under it.
    #[must_use]
    pub fn optional_text(&self, key: &str) -> Option<&str> {
        match self.get(key)? {
            Value::Text(word) => Some(word),
            _ => None,
        }
    }

    /// The switch under `key`.
    ///
    /// # Panics
    /// As [`Choice::number`].
    #[must_use]
    pub fn flag(&self, key: &str) -> bool {
        match self.get(key) {
            Some(Value::Flag(f)) => *f,
            other => panic!("{}.{key} is not a switch: {other:?}", self.name),
        }
    }

    /// The integers under `key`.
    ///
    /// # Panics
    /// As [`Choice::number`].
    #[must_use]
    pub fn integers(&self, key: &str) -> &[i64] {
        match self.get(key) {
            Some(Value::Integers(list)) => list,
            other => panic!("{}.{key} is not a list of integers: {other:?}", self.name),
        }
    }

    /// The names under `key`.
    ///
    /// # Panics
    /// As [`Choice::number`].
    #[must_use]
    pub fn names(&self, key: &str) -> &[String] {
        match self.get(key) {
            Some(Value::Names(names)) => names,
            other => panic!("{}.{key} is not a list of names: {other:?}", self.name),
        }
    }

    /// The nested choice under `key`.
    ///
    /// # Panics
    /// As [`Choice::number`].
    #[must_use]
    pub fn choice(&self, key: &str) -> &Choice {
        match self.get(key) {
            Some(Value::Choice(choice)) => choice,
            other => panic!("{}.{key} is not a choice: {other:?}", self.name),
        }
    }
}

/// Everything that a spec can name, by section: `datasets`, `families`, `networks`, `activations`,
/// `constraints`, `optimizers`, `methods`, `probes`.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    /// Section name and its entries, in the order in which `list` shows them.
    pub sections: Vec<(&'static str, Vec<Entry>)>,
    /// The probes that a spec without `probes.names` takes.
    pub standard_probes: &'static [&'static str],
    /// Published values that an agent can name.
    pub presets: &'static [Preset],
    /// What else has to hold of a plan.
    pub rules: Vec<Rule>,
}

/// What the entries' ranges cannot say, because it lies between parameters (a constraint that needs
/// certain degrees, a width that has to be even). Every plan of a grid is held to it before any runs.
#[derive(Clone, Copy, Debug)]
pub struct Rule {
    /// The section of the spec that is at fault where the rule is broken.
    pub section: &'static str,
    /// The error is a sentence.
    pub check: fn(&Plan) -> Result<(), String>,
}

impl Catalogue {
    /// The entries of a section; empty for an unknown one.
    #[must_use]
    pub fn section(&self, name: &str) -> &[Entry] {
        self.sections.iter().find(|(n, _)| *n == name).map_or(&[], |(_, entries)| entries)
    }

    /// Whether a section has the name. A name that ends with a colon stands for all that begin with it:
    /// `python:gymnasium/Ant-v5`.
    #[must_use]
    pub fn knows(&self, section: &str, name: &str) -> bool {
        let stands_for = |entry: &Entry| entry.name.ends_with(':') && name.starts_with(entry.name);
        self.section(section).iter().any(|entry| entry.name == name || stands_for(entry))
    }

    /// One entry.
    #[must_use]
    pub fn entry(&self, section: &str, name: &str) -> Option<&Entry> {
        self.section(section).iter().find(|e| e.name == name)
    }
}
