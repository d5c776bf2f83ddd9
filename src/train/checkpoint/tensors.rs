//! A state as two safetensors files, and back: the tensors under `PyTorch`'s names and with their shapes,
//! and everything else as flat lists.

use std::collections::BTreeMap;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};

use crate::state::{StateDict, Values};

/// The files of the tensors and of the rest; `None` where there is nothing.
pub(super) fn write(state: &StateDict) -> Result<[Option<Vec<u8>>; 2], safetensors::SafeTensorError> {
    let (tensors, rest): (Vec<_>, Vec<_>) = state.iter().partition(|(name, _)| state.shape(name).is_some());
    Ok([serialize(state, &tensors)?, serialize(state, &rest)?])
}

fn serialize(
    state: &StateDict,
    entries: &[(&str, &Values)],
) -> Result<Option<Vec<u8>>, safetensors::SafeTensorError> {
    if entries.is_empty() {
        return Ok(None);
    }
    let bytes: Vec<(Dtype, usize, Vec<u8>)> = entries.iter().map(|(_, values)| raw(values)).collect();
    let mut views = Vec::with_capacity(entries.len());
    for ((name, _), (dtype, length, bytes)) in entries.iter().zip(&bytes) {
        let shape = state.shape(name).map_or_else(|| vec![*length], <[usize]>::to_vec);
        views.push((*name, TensorView::new(*dtype, shape, bytes)?));
    }
    safetensors::serialize(views, None).map(Some)
}

/// Type, number and little-endian bytes of an entry's values.
fn raw(values: &Values) -> (Dtype, usize, Vec<u8>) {
    match values {
        Values::F32(v) => (Dtype::F32, v.len(), v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Values::F64(v) => (Dtype::F64, v.len(), v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Values::U64(v) => (Dtype::U64, v.len(), v.iter().flat_map(|x| x.to_le_bytes()).collect()),
        Values::Bytes(v) => (Dtype::U8, v.len(), v.clone()),
    }
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

    #[test]
    fn every_kind_of_value_reads_back_to_the_same_bits() {
        let mut state = StateDict::default();
        state.insert_tensor("layers.0.weight", &[2, 2], vec![1.0, -0.0, f32::MIN_POSITIVE, f32::MAX]);
        state.insert("moments", Values::F32(vec![0.1, f32::INFINITY]));
        state.insert("physics", Values::F64(vec![0.1, 5e-324]));
        state.insert("counts", Values::U64(vec![u64::MAX, 0]));
        state.insert("empty", Values::U64(Vec::new()));
        state.insert("text", Values::Bytes(b"abc".to_vec()));
        let [tensors, rest] = write(&state).unwrap().map(Option::unwrap);
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
        let [tensors, rest] = write(&state).unwrap();
        assert!(tensors.is_none());
        assert_eq!(read(&[(false, &rest.unwrap()[..])].into()).unwrap(), state);
    }
}
