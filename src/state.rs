//! State by dotted name, as in `PyTorch`'s `state_dict`: what a checkpoint walks.
//!
//! Whatever a resumed run could not rebuild from its plan (weights, moments, step counts, a replay
//! buffer, an environment in the middle of an episode, positions of random streams) is an entry here.

use std::collections::BTreeMap;

/// One entry.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Weights, moments, observations.
    F32(Vec<f32>),
    /// Physics, returns.
    F64(Vec<f64>),
    /// Counts and positions of random streams.
    U64(Vec<u64>),
    /// Anything else.
    Bytes(Vec<u8>),
}

impl Values {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::F64(values) => values.len(),
            Self::U64(values) => values.len(),
            Self::Bytes(values) => values.len(),
        }
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes that they take.
    #[must_use]
    pub fn size(&self) -> usize {
        let each = match self {
            Self::F32(_) => 4,
            Self::F64(_) | Self::U64(_) => 8,
            Self::Bytes(_) => 1,
        };
        each * self.len()
    }
}

/// Why a state could not be taken back. The sentence names the entry.
#[derive(Debug, thiserror::Error)]
#[error("{entry} {why}")]
pub struct StateError {
    /// Dotted name of the entry.
    pub entry: String,
    /// What is wrong with it: "is missing", "has 3 values in place of 4".
    pub why: String,
}

/// Entries by dotted name, in the order of their names.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StateDict {
    entries: BTreeMap<String, Values>,
    /// Shapes of the entries that are tensors.
    shapes: BTreeMap<String, Vec<usize>>,
}

/// Something that can be saved in the middle of a run and taken back to the same bits.
pub trait Stateful {
    /// Adds its entries under their own names.
    fn save(&self, state: &mut StateDict);

    /// Takes its entries back.
    ///
    /// # Errors
    /// If an entry is missing or does not fit what this was built as.
    fn load(&mut self, state: &StateDict) -> Result<(), StateError>;
}

impl StateDict {
    /// The state of one part, as it is now.
    #[must_use]
    pub fn of(part: &dyn Stateful) -> Self {
        let mut state = Self::default();
        part.save(&mut state);
        state
    }

    /// Bytes that all values take.
    #[must_use]
    pub fn size(&self) -> usize {
        self.entries.values().map(Values::size).sum()
    }

    /// Puts an entry in the place of any earlier one of its name.
    pub fn insert(&mut self, name: impl Into<String>, values: Values) {
        self.entries.insert(name.into(), values);
    }

    /// One number of 64 bits.
    pub fn insert_u64(&mut self, name: impl Into<String>, value: u64) {
        self.insert(name, Values::U64(vec![value]));
    }

    /// f32 values with a shape, under the name that `PyTorch` has for them: a network's weights and
    /// running statistics. A checkpoint keeps these in a file of their own, which `PyTorch` can load.
    pub fn insert_tensor(&mut self, name: impl Into<String>, shape: &[usize], values: Vec<f32>) {
        let name = name.into();
        self.shapes.insert(name.clone(), shape.to_vec());
        self.insert(name, Values::F32(values));
    }

    /// The shape of an entry that is a tensor.
    #[must_use]
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.shapes.get(name).map(Vec::as_slice)
    }

    /// The entries of `part`, each under `prefix.` and its own name.
    pub fn insert_part(&mut self, prefix: &str, part: &dyn Stateful) {
        let mut inner = Self::default();
        part.save(&mut inner);
        self.insert_under(prefix, inner);
    }

    /// The entries of another state, each under `prefix.` and its own name.
    pub fn insert_under(&mut self, prefix: &str, inner: Self) {
        self.entries.extend(inner.entries.into_iter().map(|(name, v)| (format!("{prefix}.{name}"), v)));
        self.shapes.extend(inner.shapes.into_iter().map(|(name, s)| (format!("{prefix}.{name}"), s)));
    }

    /// Puts the values of every entry of a state with the same entries behind its own.
    ///
    /// # Panics
    /// If the states do not have the same entries of the same types.
    pub fn append(&mut self, other: &Self) {
        assert_eq!(self.entries.len(), other.entries.len(), "states of one make");
        for ((name, own), (others, more)) in self.entries.iter_mut().zip(&other.entries) {
            assert_eq!(name, others, "states of one make");
            match (own, more) {
                (Values::F32(own), Values::F32(more)) => own.extend(more),
                (Values::F64(own), Values::F64(more)) => own.extend(more),
                (Values::U64(own), Values::U64(more)) => own.extend(more),
                (Values::Bytes(own), Values::Bytes(more)) => own.extend(more),
                _ => panic!("{name} is of two types"),
            }
        }
    }

    /// The `count` states that [`StateDict::append`] made one of, each entry an equal share.
    ///
    /// # Errors
    /// If an entry does not divide into so many.
    pub fn split(&self, count: usize) -> Result<Vec<Self>, StateError> {
        let mut states = vec![Self::default(); count];
        for (name, values) in self.iter() {
            let each = values.len() / count.max(1);
            if each * count != values.len() {
                return Err(Self::count(name, values.len(), each * count));
            }
            for (number, state) in states.iter_mut().enumerate() {
                let share = number * each..(number + 1) * each;
                state.insert(
                    name,
                    match values {
                        Values::F32(values) => Values::F32(values[share].to_vec()),
                        Values::F64(values) => Values::F64(values[share].to_vec()),
                        Values::U64(values) => Values::U64(values[share].to_vec()),
                        Values::Bytes(values) => Values::Bytes(values[share].to_vec()),
                    },
                );
            }
        }
        Ok(states)
    }

    /// Hands `part` what [`StateDict::insert_part`] took under the same prefix.
    ///
    /// # Errors
    /// What the part objects to, with the whole dotted name.
    pub fn load_part(&self, prefix: &str, part: &mut dyn Stateful) -> Result<(), StateError> {
        let inner = self.part(prefix);
        part.load(&inner).map_err(|error| StateError { entry: format!("{prefix}.{}", error.entry), ..error })
    }

    /// The entries under `prefix.`, without it.
    #[must_use]
    pub fn part(&self, prefix: &str) -> Self {
        let dotted = format!("{prefix}.");
        Self { entries: below(&self.entries, &dotted), shapes: below(&self.shapes, &dotted) }
    }

    /// Entries in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Values)> {
        self.entries.iter().map(|(name, values)| (name.as_str(), values))
    }

    /// Whether there is no entry.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry of this name, if there is one.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Values> {
        self.entries.get(name)
    }

    /// f32 values of any number.
    ///
    /// # Errors
    /// If the entry is missing or of another type; likewise below.
    pub fn f32s(&self, name: &str) -> Result<&[f32], StateError> {
        match self.get(name) {
            Some(Values::F32(values)) => Ok(values),
            other => Err(Self::wrong(name, other, "f32")),
        }
    }

    /// f64 values of any number.
    ///
    /// # Errors
    /// As [`StateDict::f32s`].
    pub fn f64s(&self, name: &str) -> Result<&[f64], StateError> {
        match self.get(name) {
            Some(Values::F64(values)) => Ok(values),
            other => Err(Self::wrong(name, other, "f64")),
        }
    }

    /// u64 values of any number.
    ///
    /// # Errors
    /// As [`StateDict::f32s`].
    pub fn u64s(&self, name: &str) -> Result<&[u64], StateError> {
        match self.get(name) {
            Some(Values::U64(values)) => Ok(values),
            other => Err(Self::wrong(name, other, "u64")),
        }
    }

    /// One number of 64 bits.
    ///
    /// # Errors
    /// As [`StateDict::f32s`], and if there are more or fewer than one.
    pub fn u64(&self, name: &str) -> Result<u64, StateError> {
        match self.u64s(name)? {
            [value] => Ok(*value),
            values => Err(Self::count(name, values.len(), 1)),
        }
    }

    /// Bytes.
    ///
    /// # Errors
    /// As [`StateDict::f32s`].
    pub fn bytes(&self, name: &str) -> Result<&[u8], StateError> {
        match self.get(name) {
            Some(Values::Bytes(values)) => Ok(values),
            other => Err(Self::wrong(name, other, "bytes")),
        }
    }

    /// Copies f32 values into a place of the same length.
    ///
    /// # Errors
    /// As [`StateDict::f32s`], and if the lengths differ.
    pub fn copy_f32s(&self, name: &str, into: &mut [f32]) -> Result<(), StateError> {
        let values = self.f32s(name)?;
        if values.len() != into.len() {
            return Err(Self::count(name, values.len(), into.len()));
        }
        into.copy_from_slice(values);
        Ok(())
    }

    /// Copies f64 values into a place of the same length.
    ///
    /// # Errors
    /// As [`StateDict::copy_f32s`].
    pub fn copy_f64s(&self, name: &str, into: &mut [f64]) -> Result<(), StateError> {
        let values = self.f64s(name)?;
        if values.len() != into.len() {
            return Err(Self::count(name, values.len(), into.len()));
        }
        into.copy_from_slice(values);
        Ok(())
    }

    /// Copies u64 values into a place of the same length.
    ///
    /// # Errors
    /// As [`StateDict::copy_f32s`].
    pub fn copy_u64s(&self, name: &str, into: &mut [u64]) -> Result<(), StateError> {
        let values = self.u64s(name)?;
        if values.len() != into.len() {
            return Err(Self::count(name, values.len(), into.len()));
        }
        into.copy_from_slice(values);
        Ok(())
    }

    fn wrong(name: &str, found: Option<&Values>, wanted: &str) -> StateError {
        let why = if found.is_none() { "is missing".to_owned() } else { format!("is not {wanted}") };
        StateError { entry: name.to_owned(), why }
    }

    fn count(name: &str, found: usize, wanted: usize) -> StateError {
        StateError { entry: name.to_owned(), why: format!("has {found} values in place of {wanted}") }
    }
}

/// What stands under a prefix, without it.
fn below<T: Clone>(map: &BTreeMap<String, T>, dotted: &str) -> BTreeMap<String, T> {
    let of_part = map.range(dotted.to_owned()..).take_while(|(name, _)| name.starts_with(dotted));
    of_part.map(|(name, value)| (name[dotted.len()..].to_owned(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Counter(u64);

    impl Stateful for Counter {
        fn save(&self, state: &mut StateDict) {
            state.insert_u64("count", self.0);
        }

        fn load(&mut self, state: &StateDict) -> Result<(), StateError> {
            self.0 = state.u64("count")?;
            Ok(())
        }
    }

    #[test]
    fn parts_come_back_from_under_their_prefix() {
        let mut state = StateDict::default();
        state.insert_part("a", &Counter(7));
        state.insert_part("a.b", &Counter(8));
        state.insert_part("ab", &Counter(9));
        let mut counter = Counter(0);
        for (prefix, count) in [("a", 7), ("a.b", 8), ("ab", 9)] {
            state.load_part(prefix, &mut counter).unwrap();
            assert_eq!(counter.0, count);
        }
        let error = state.load_part("c", &mut counter).unwrap_err();
        assert_eq!(error.to_string(), "c.count is missing");
        assert!(state.part("d").is_empty());
        state.insert_tensor("a.w", &[1, 2], vec![1.0, 2.0]);
        assert_eq!((state.part("a").shape("w"), state.shape("w")), (Some(&[1, 2][..]), None));
        state.insert("c.count", Values::F32(vec![1.0]));
        assert_eq!(state.load_part("c", &mut counter).unwrap_err().to_string(), "c.count is not u64");
    }

    #[test]
    fn a_copy_needs_the_same_length() {
        let mut state = StateDict::default();
        state.insert("x", Values::F32(vec![1.0, -0.0]));
        let mut into = [5.0; 2];
        state.copy_f32s("x", &mut into).unwrap();
        assert_eq!(into.map(f32::to_bits), [1.0f32.to_bits(), (-0.0f32).to_bits()]);
        let error = state.copy_f32s("x", &mut [0.0; 3]).unwrap_err();
        assert_eq!(error.to_string(), "x has 2 values in place of 3");
    }
}
