//! A network's weights and running statistics in a state, under `PyTorch`'s names and in its layouts.
//!
//! A rational's coefficients are two tensors, `numerator` (a0, a1, …) and `denominator` (b0 or b1, …), with
//! one row for each set of coefficients where there are several.

use std::sync::PoisonError;

use crate::kernels::inplace::update;
use crate::nn::{Network, Parameter, Role};
use crate::state::{StateDict, StateError};

/// Tensors that the columns of a coefficient matrix (sets, names) are saved as: name and columns. A
/// rational has two; any other activation has one.
fn tensors(network: &dyn Network, parameter: &Parameter) -> Vec<(String, Vec<usize>)> {
    let Role::Coefficients(site) = parameter.role else { return Vec::new() };
    let site = &network.activations()[site];
    let names = &site.coefficients.as_ref().expect("a site with a parameter has coefficients").names;
    let pick = |first: char| (0..names.len()).filter(|&i| names[i].starts_with(first)).collect::<Vec<_>>();
    let (numerator, denominator) = (pick('a'), pick('b'));
    if !denominator.is_empty() && numerator.len() + denominator.len() == names.len() {
        vec![
            (format!("{}.numerator", site.name), numerator),
            (format!("{}.denominator", site.name), denominator),
        ]
    } else {
        vec![(parameter.name.clone(), (0..names.len()).collect())]
    }
}

/// Adds all weights and running statistics.
pub(super) fn save(network: &dyn Network, state: &mut StateDict) {
    for parameter in network.parameters() {
        let values = parameter.to_vec().expect("a parameter in training is f32 and on the CPU");
        let shape = parameter.values.dims();
        let parts = tensors(network, parameter);
        if parts.is_empty() {
            state.insert_tensor(&parameter.name, shape, values);
            continue;
        }
        for (name, columns) in parts {
            let part =
                values.chunks_exact(shape[1]).flat_map(|set| columns.iter().map(|&i| set[i])).collect();
            let shape = if shape[0] == 1 { vec![columns.len()] } else { vec![shape[0], columns.len()] };
            state.insert_tensor(name, &shape, part);
        }
    }
    for buffer in network.buffers() {
        let values = buffer.values.lock().unwrap_or_else(PoisonError::into_inner).clone();
        state.insert_tensor(&buffer.name, &[values.len()], values);
    }
}

/// Takes them back into a network of the same make.
pub(super) fn load(network: &dyn Network, state: &StateDict) -> Result<(), StateError> {
    for parameter in network.parameters() {
        let mut whole = vec![0.0f32; parameter.values.elem_count()];
        let parts = tensors(network, parameter);
        if parts.is_empty() {
            state.copy_f32s(&parameter.name, &mut whole)?;
        }
        let shape = parameter.values.dims();
        for (name, columns) in parts {
            let mut part = vec![0.0f32; columns.len() * shape[0]];
            state.copy_f32s(&name, &mut part)?;
            for (set, part) in whole.chunks_exact_mut(shape[1]).zip(part.chunks_exact(columns.len())) {
                columns.iter().zip(part).for_each(|(&i, &v)| set[i] = v);
            }
        }
        update(&parameter.values, |old| old.copy_from_slice(&whole)).map_err(|error| StateError {
            entry: parameter.name.clone(),
            why: format!("was refused: {error}"),
        })?;
    }
    for buffer in network.buffers() {
        let mut kept = buffer.values.lock().unwrap_or_else(PoisonError::into_inner);
        state.copy_f32s(&buffer.name, &mut kept)?;
    }
    Ok(())
}
