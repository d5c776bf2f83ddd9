//! A state as two safetensors files, and back: the tensors under `PyTorch`'s names and with their shapes,
//! and everything else as flat lists.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, Write};

use safetensors::tensor::{Dtype, SafeTensors, TensorView, View};

use crate::state::{StateDict, Values};

/// Numbers that are turned into bytes at a time.
const BLOCK: usize = 1 << 12;

/// A file to be written: a large state is never there a second time as bytes.
pub(super) struct Contents<'a> {
    head: Vec<u8>,
    entries: Vec<&'a Values>,
}

/// The files of the tensors and of the rest; `None` where there is nothing.
pub(super) fn files(state: &StateDict) -> Result<[Option<Contents<'_>>; 2], safetensors::SafeTensorError> {
    let (tensors, rest): (Vec<_>, Vec<_>) = state.iter().partition(|(name, _)| state.shape(name).is_some());
    Ok([Contents::new(state, tensors)?, Contents::new(state, rest)?])
}

/// An entry's type and shape. Its bytes are left out, so that the library writes the head alone.
struct Announced<'a>(&'a Values, Vec<usize>);

impl View for Announced<'_> {
    fn dtype(&self) -> Dtype {
        dtype(self.0)
    }

    fn shape(&self) -> &[usize] {
        &self.1
    }

    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&[])
    }

    fn data_len(&self) -> usize {
        self.0.size()
    }
}

impl<'a> Contents<'a> {
    fn new(
        state: &StateDict,
        mut entries: Vec<(&'a str, &'a Values)>,
    ) -> Result<Option<Self>, safetensors::SafeTensorError> {
        if entries.is_empty() {
            return Ok(None);
        }
        // The format's order: types of more bytes first, then names.
        entries.sort_by(|(a, of_a), (b, of_b)| dtype(of_b).cmp(&dtype(of_a)).then(a.cmp(b)));
        let announced = entries.iter().map(|&(name, values)| {
            let shape = state.shape(name).map_or_else(|| vec![values.len()], <[usize]>::to_vec);
            (name, Announced(values, shape))
        });
        let mut head = safetensors::serialize(announced, None)?;
        // Room was reserved for what is written apart.
        head.shrink_to_fit();
        Ok(Some(Self { head, entries: entries.into_iter().map(|(_, values)| values).collect() }))
    }

    /// The whole file.
    pub fn write(&self, to: &mut (impl Write + ?Sized)) -> io::Result<()> {
        to.write_all(&self.head)?;
        for values in &self.entries {
            match values {
                Values::F32(v) => numbers(v, f32::to_le_bytes, to)?,
                Values::F64(v) => numbers(v, f64::to_le_bytes, to)?,
                Values::U64(v) => numbers(v, u64::to_le_bytes, to)?,
                Values::Bytes(v) => to.write_all(v)?,
            }
        }
        Ok(())
    }
}

fn dtype(values: &Values) -> Dtype {
    match values {
        Values::F32(_) => Dtype::F32,
        Values::F64(_) => Dtype::F64,
        Values::U64(_) => Dtype::U64,
        Values::Bytes(_) => Dtype::U8,
    }
}

/// Little-endian, block by block.
fn numbers<T: Copy, const N: usize>(
    values: &[T],
    bytes: impl Fn(T) -> [u8; N],
    to: &mut (impl Write + ?Sized),
) -> io::Result<()> {
    let mut block = vec![[0; N]; BLOCK.min(values.len())];
    for values in values.chunks(BLOCK) {
        for (place, &value) in block.iter_mut().zip(values) {
            *place = bytes(value);
        }
        to.write_all(block[..values.len()].as_flattened())?;
    }
    Ok(())
}

/// The state of which these are the files, by kind of file: `shaped` for the tensors. The error is what is
/// wrong with a file.
pub(super) fn read(files: &BTreeMap<bool, &[u8]>) -> Result<StateDict, String> {
    let mut state = StateDict::default();
    for (&shaped, bytes) in files {
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
        for (name, view) in tensors.tensors() {
            let values = values(&view).ok_or_else(|| format!("{name} is of type {:?}", view.dtype()))?;
            match (shaped, values) {
                (true, Values::F32(values)) => state.insert_tensor(name, view.shape(), values),
                (_, values) => state.insert(name, values),
            }
        }
    }
    Ok(state)
}

fn values(view: &TensorView<'_>) -> Option<Values> {
    let data = view.data();
    Some(match view.dtype() {
        Dtype::F32 => Values::F32(data.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b)).collect()),
        Dtype::F64 => Values::F64(data.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect()),
        Dtype::U64 => Values::U64(data.as_chunks().0.iter().map(|b| u64::from_le_bytes(*b)).collect()),
        Dtype::U8 => Values::Bytes(data.to_vec()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(state: &StateDict) -> [Option<Vec<u8>>; 2] {
        files(state).unwrap().map(|file| {
            file.map(|file| {
                let mut bytes = Vec::new();
                file.write(&mut bytes).unwrap();
                bytes
            })
        })
    }

    /// The library's own bytes, of more numbers than are turned at a time.
    #[test]
    fn a_file_is_what_the_library_writes() {
        let long: Vec<f32> = (0..2 * BLOCK + 7).map(|i| i as f32 * 0.1).collect();
        let mut state = StateDict::default();
        state.insert("z", Values::F32(long.clone()));
        state.insert("a", Values::Bytes(b"abc".to_vec()));
        state.insert("m", Values::U64(vec![1, u64::MAX]));
        state.insert("b", Values::F64(vec![0.1]));
        let raw: Vec<(&str, Dtype, Vec<u8>)> = vec![
            ("z", Dtype::F32, long.iter().flat_map(|x| x.to_le_bytes()).collect()),
            ("a", Dtype::U8, b"abc".to_vec()),
            ("m", Dtype::U64, [1, u64::MAX].iter().flat_map(|x| x.to_le_bytes()).collect()),
            ("b", Dtype::F64, 0.1f64.to_le_bytes().to_vec()),
        ];
        let views = raw.iter().map(|(name, dtype, bytes)| {
            let count = bytes.len() * 8 / dtype.bitsize();
            (*name, TensorView::new(*dtype, vec![count], bytes).unwrap())
        });
        let whole = safetensors::serialize(views, None).unwrap();
        assert!(written(&state)[1].as_ref() == Some(&whole));
    }

    #[test]
    fn every_kind_of_value_reads_back_to_the_same_bits() {
        let mut state = StateDict::default();
        state.insert_tensor("layers.0.weight", &[2, 2], vec![1.0, -0.0, f32::MIN_POSITIVE, f32::MAX]);
        state.insert("moments", Values::F32(vec![0.1, f32::INFINITY]));
        state.insert("physics", Values::F64(vec![0.1, 5e-324]));
        state.insert("counts", Values::U64(vec![u64::MAX, 0]));
        state.insert("empty", Values::U64(Vec::new()));
        state.insert("text", Values::Bytes(b"abc".to_vec()));
        let [tensors, rest] = written(&state).map(Option::unwrap);
        let weights = SafeTensors::deserialize(&tensors).unwrap();
        assert_eq!(weights.names(), ["layers.0.weight"]);
        assert_eq!(weights.tensor("layers.0.weight").unwrap().shape(), [2, 2]);
        let read = read(&[(true, &tensors[..]), (false, &rest[..])].into()).unwrap();
        assert_eq!(read, state);
        assert_eq!(read.f32s("layers.0.weight").unwrap()[1].to_bits(), (-0.0f32).to_bits());
    }

    #[test]
    fn a_state_without_tensors_has_one_file() {
        let mut state = StateDict::default();
        state.insert_u64("count", 7);
        let [tensors, rest] = written(&state);
        assert!(tensors.is_none());
        assert_eq!(read(&[(false, &rest.unwrap()[..])].into()).unwrap(), state);
    }
}
