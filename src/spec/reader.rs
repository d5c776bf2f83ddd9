//! Typed access to a section's keys; every refusal is a sentence with its place.

use super::nearest::{hint, known, nearest, takes};
use super::tree::{Item, Node, Place, Sources, Table};
use super::write::number;
use super::{Kind, SpecError, Value};

/// A table of the spec, while it is read.
#[derive(Clone, Copy)]
pub(super) struct Section<'a> {
    /// Dotted path, as in `stream` or `activation.constraint`.
    pub path: &'a str,
    /// Where its header or value stands.
    pub place: Place,
    pub table: &'a Table,
    pub sources: &'a Sources,
}

impl<'a> Section<'a> {
    /// `stream.tasks`
    pub fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// `[stream]`
    pub fn owner(&self) -> String {
        if self.path.is_empty() { "the spec".into() } else { format!("[{}]", self.path) }
    }

    /// The text under `key`.
    pub fn text(&self, key: &str) -> Result<Option<(&'a str, Place)>, SpecError> {
        let Some(node) = self.table.get(key) else { return Ok(None) };
        match &node.item {
            Item::Text(text) => Ok(Some((text, node.place))),
            _ => Err(self.wrong_type(key, node, "a text")),
        }
    }

    /// The whole number under `key`, in `min..=max`, of which `min` is not negative.
    pub fn count(&self, key: &str, min: i64, max: i64) -> Result<Option<usize>, SpecError> {
        let Some(node) = self.table.get(key) else { return Ok(None) };
        self.integer(key, node, min, max).map(|i| Some(i as usize))
    }

    /// The switch under `key`.
    pub fn flag(&self, key: &str) -> Result<Option<bool>, SpecError> {
        let Some(node) = self.table.get(key) else { return Ok(None) };
        match node.item {
            Item::Flag(flag) => Ok(Some(flag)),
            _ => Err(self.wrong_type(key, node, "true or false")),
        }
    }

    /// What the word under `key` stands for.
    pub fn word<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Result<Option<T>, SpecError> {
        let Some((text, place)) = self.text(key)? else { return Ok(None) };
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, meaning)) => Ok(Some(*meaning)),
            None => Err(self.unknown_name(key, text, place, words.iter().map(|(word, _)| *word))),
        }
    }

    /// A parameter that is no nested choice, as the catalogue declares it.
    pub fn parameter(&self, key: &str, node: &Node, kind: &Kind) -> Result<Value, SpecError> {
        Ok(match *kind {
            Kind::Number { min, max, .. } => Value::Number(self.number(key, node, min, max)?),
            Kind::Integer { min, max, .. } => Value::Integer(self.integer(key, node, min, max)?),
            Kind::Text { one_of, .. } => match &node.item {
                Item::Text(text) if one_of.contains(&text.as_str()) => Value::Text(text.clone()),
                Item::Text(text) => {
                    return Err(self.unknown_name(key, text, node.place, one_of.iter().copied()));
                }
                _ => return Err(self.wrong_type(key, node, &format!("one of {}", one_of.join(", ")))),
            },
            Kind::Flag { .. } => match node.item {
                Item::Flag(flag) => Value::Flag(flag),
                _ => return Err(self.wrong_type(key, node, "true or false")),
            },
            Kind::Path => match &node.item {
                Item::Text(path) if !path.is_empty() => Value::Text(path.clone()),
                _ => return Err(self.wrong_type(key, node, "the path of a file")),
            },
            Kind::Integers { min, max, lengths, .. } | Kind::OptionalIntegers { min, max, lengths } => {
                Value::Integers(self.integers(key, node, (min, max), lengths)?)
            }
            Kind::Name { .. } | Kind::Names { .. } | Kind::Choice { .. } => {
                unreachable!("what the catalogue has to know is read by spec::choice")
            }
        })
    }

    fn number(&self, key: &str, node: &Node, min: f64, max: f64) -> Result<f64, SpecError> {
        let x = match node.item {
            Item::Number(x) => x,
            Item::Integer(i) => i as f64,
            _ => return Err(self.wrong_type(key, node, "a number")),
        };
        // A NaN is in no range; an infinity may be in one whose end is f64::MAX or beyond.
        if x.is_finite() && (min..=max).contains(&x) {
            return Ok(x);
        }
        Err(self.out_of_range(key, number(x), number_range(min, max), node.place))
    }

    fn integer(&self, key: &str, node: &Node, min: i64, max: i64) -> Result<i64, SpecError> {
        match node.item {
            Item::Integer(i) if (min..=max).contains(&i) => Ok(i),
            Item::Integer(i) => {
                Err(self.out_of_range(key, i.to_string(), integer_range(min, max), node.place))
            }
            Item::Number(x) if x.fract() == 0.0 && x.abs() < 1e15 => {
                Err(self.wrong_type(key, node, &format!("an integer (write {x})")))
            }
            _ => Err(self.wrong_type(key, node, "an integer")),
        }
    }

    fn integers(
        &self,
        key: &str,
        node: &Node,
        (min, max): (i64, i64),
        (shortest, longest): (usize, usize),
    ) -> Result<Vec<i64>, SpecError> {
        let Item::List(items) = &node.item else {
            return Err(self.wrong_type(key, node, "a list of integers"));
        };
        if !(shortest..=longest).contains(&items.len()) {
            let expected = match (shortest, longest) {
                (n, m) if n == m => format!("a list of {n} integers"),
                (n, usize::MAX) => format!("a list of at least {n} integers"),
                (n, m) => format!("a list of {n} to {m} integers"),
            };
            let found = format!("a list of {}", items.len());
            let (place, key) = (self.sources.name(node.place), self.key(key));
            return Err(SpecError::WrongType { place, key, expected, found });
        }
        let item = |(i, item)| self.integer(&format!("{key}[{i}]"), item, min, max);
        items.iter().enumerate().map(item).collect()
    }

    /// Refuses keys other than `accepted`.
    pub fn only(&self, owner: &str, accepted: &[&str]) -> Result<(), SpecError> {
        let Some(field) = self.table.0.iter().find(|field| !accepted.contains(&field.key.as_str())) else {
            return Ok(());
        };
        Err(SpecError::UnknownKey {
            place: self.sources.name(field.place),
            owner: owner.to_owned(),
            key: field.key.clone(),
            hint: hint(nearest(&field.key, accepted.iter().copied())),
            accepted: takes(accepted.iter().copied()),
        })
    }

    /// The key that has no default is not there; `cure` says what to write.
    pub fn missing(&self, key: &str, cure: &str) -> SpecError {
        SpecError::Missing {
            place: self.sources.name(self.place),
            owner: self.owner(),
            missing: format!("the key `{key}`"),
            cure: cure.to_owned(),
        }
    }

    pub fn wrong_type(&self, key: &str, node: &Node, expected: &str) -> SpecError {
        SpecError::WrongType {
            place: self.sources.name(node.place),
            key: self.key(key),
            expected: expected.to_owned(),
            found: node.item.describe(),
        }
    }

    pub fn unknown_name<'n>(
        &self,
        key: &str,
        name: &str,
        place: Place,
        names: impl Iterator<Item = &'n str> + Clone,
    ) -> SpecError {
        SpecError::UnknownName {
            place: self.sources.name(place),
            key: self.key(key),
            name: name.to_owned(),
            hint: hint(nearest(name, names.clone())),
            accepted: known(names),
        }
    }

    fn out_of_range(&self, key: &str, value: String, range: String, place: Place) -> SpecError {
        SpecError::OutOfRange { place: self.sources.name(place), key: self.key(key), value, range }
    }
}

/// `at least 0`, `between 0 and 1`
pub(super) fn number_range(min: f64, max: f64) -> String {
    let (low, high) = (min > -f64::MAX, max < f64::MAX);
    let positive = min == f64::MIN_POSITIVE;
    match (low, high) {
        (false, false) => "a finite number".into(),
        (true, false) if positive => "greater than 0".into(),
        (true, false) => format!("a finite number of at least {}", number(min)),
        (false, true) => format!("a finite number of at most {}", number(max)),
        (true, true) if positive => format!("greater than 0 and at most {}", number(max)),
        (true, true) => format!("between {} and {}", number(min), number(max)),
    }
}

/// The same for integers.
pub(super) fn integer_range(min: i64, max: i64) -> String {
    match (min > i64::MIN, max < i64::MAX) {
        (false, false) => "an integer".into(),
        (true, false) => format!("at least {min}"),
        (false, true) => format!("at most {max}"),
        (true, true) => format!("between {min} and {max}"),
    }
}
