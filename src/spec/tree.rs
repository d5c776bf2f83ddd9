//! A TOML document in which every key and value knows where it was written, so that an error can name
//! the line however many tables were laid over each other since.

use toml::de::{DeTable, DeValue};

use super::SpecError;

/// Where something was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// The file as a whole: what is missing has no line.
    File,
    /// A line of the file, from 1.
    Line(usize),
    /// The `--set` of this number, from 0.
    Set(usize),
}

/// What places are called in messages.
#[derive(Clone, Debug)]
pub(super) struct Sources {
    /// Name of the file.
    pub file: String,
    /// The `--set` arguments.
    pub sets: Vec<String>,
}

impl Sources {
    /// `spec.toml:12`, `--set stream.tasks=3`.
    pub fn name(&self, place: Place) -> String {
        match place {
            Place::File => self.file.clone(),
            Place::Line(line) => format!("{}:{line}", self.file),
            Place::Set(number) => format!("--set {}", self.sets[number]),
        }
    }
}

/// A value and its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub place: Place,
    pub item: Item,
}

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Table(Table),
    List(Vec<Node>),
    Text(String),
    Integer(i64),
    Number(f64),
    Flag(bool),
    Date(String),
}

impl Item {
    /// The value in words, for "must be …, not …".
    pub fn describe(&self) -> String {
        match self {
            Self::Table(_) => "a table".into(),
            Self::List(items) if items.is_empty() => "an empty list".into(),
            Self::List(_) => "a list".into(),
            Self::Text(text) => format!("the text {text:?}"),
            Self::Integer(i) => i.to_string(),
            // With the point that tells it from an integer.
            Self::Number(x) if x.fract() == 0.0 => format!("{x:?}"),
            Self::Number(x) => super::write::number(*x),
            Self::Flag(flag) => flag.to_string(),
            Self::Date(date) => format!("the date {date}"),
        }
    }
}

/// A key, its place and its value.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub key: String,
    pub place: Place,
    pub node: Node,
}

/// Fields in the order in which they were written.
#[derive(Clone, Debug, Default)]
pub(super) struct Table(pub Vec<Field>);

impl Table {
    /// The field of this key.
    pub fn field(&self, key: &str) -> Option<&Field> {
        self.0.iter().find(|field| field.key == key)
    }

    /// The value of this key.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.field(key).map(|field| &field.node)
    }

    /// The text of this key, if it is one.
    pub fn text(&self, key: &str) -> Option<&str> {
        match self.get(key)?.item {
            Item::Text(ref text) => Some(text),
            _ => None,
        }
    }

    /// Takes the field of this key out.
    pub fn take(&mut self, key: &str) -> Option<Field> {
        let position = self.0.iter().position(|field| field.key == key)?;
        Some(self.0.remove(position))
    }
}

/// Reads a document.
pub(super) fn parse(text: &str, sources: &Sources) -> Result<Table, SpecError> {
    let lines = Lines::new(text);
    let document = DeTable::parse(text).map_err(|error| SpecError::Syntax {
        place: sources.name(error.span().map_or(Place::File, |span| lines.place(span.start))),
        message: error.message().to_owned(),
    })?;
    table(document.get_ref(), &|offset| lines.place(offset)).map_err(|big| big.error(sources))
}

/// Reads the value of a `--set`: as TOML where it is TOML, else as a bare word (`relu`, `0..5`).
pub(super) fn parse_value(text: &str, place: Place, sources: &Sources) -> Result<Node, SpecError> {
    match DeValue::parse(text) {
        Ok(value) => node(value.get_ref(), place, &|_| place).map_err(|big| big.error(sources)),
        // What opens like TOML was meant to be TOML.
        Err(error) if text.starts_with(['[', '{', '"', '\'']) => {
            Err(SpecError::Syntax { place: sources.name(place), message: error.message().to_owned() })
        }
        Err(_) => Ok(Node { place, item: Item::Text(text.to_owned()) }),
    }
}

/// An integer beyond 64 bits, which TOML's grammar allows.
struct TooBig(Place, String);

impl TooBig {
    fn error(self, sources: &Sources) -> SpecError {
        SpecError::Syntax {
            place: sources.name(self.0),
            message: format!("the integer {} does not fit 64 bits", self.1),
        }
    }
}

fn table(from: &DeTable<'_>, place: &dyn Fn(usize) -> Place) -> Result<Table, TooBig> {
    // The parser sorts by key; the order of the file is that of the grid's axes.
    let mut entries: Vec<_> = from.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    let field = |(key, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
        let at = place(key.span().start);
        // A section stands where its header stands, a value where it begins.
        let value_at = if value.get_ref().is_table() { at } else { place(value.span().start) };
        let key: &toml::de::DeString<'_> = key.get_ref();
        Ok(Field { key: key.to_string(), place: at, node: node(value.get_ref(), value_at, place)? })
    };
    entries.into_iter().map(field).collect::<Result<_, _>>().map(Table)
}

fn node(from: &DeValue<'_>, at: Place, place: &dyn Fn(usize) -> Place) -> Result<Node, TooBig> {
    let item = match from {
        DeValue::Table(inner) => Item::Table(table(inner, place)?),
        DeValue::Array(items) => Item::List(
            items
                .iter()
                .map(|item| node(item.get_ref(), place(item.span().start), place))
                .collect::<Result<_, _>>()?,
        ),
        DeValue::String(text) => Item::Text(text.to_string()),
        DeValue::Integer(i) => {
            Item::Integer(i64::from_str_radix(i.as_str(), i.radix()).map_err(|_| TooBig(at, i.to_string()))?)
        }
        // Rust's grammar of floats holds TOML's; one beyond the range becomes infinite and is refused
        // where a finite number is asked for.
        DeValue::Float(x) => Item::Number(x.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(flag) => Item::Flag(*flag),
        DeValue::Datetime(date) => Item::Date(date.to_string()),
    };
    Ok(Node { place: at, item })
}

/// Offsets at which lines begin.
struct Lines(Vec<usize>);

impl Lines {
    fn new(text: &str) -> Self {
        Self(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    fn place(&self, offset: usize) -> Place {
        Place::Line(self.0.partition_point(|&start| start <= offset))
    }
}
