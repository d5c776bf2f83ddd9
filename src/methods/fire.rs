//! FIRE: before every task but the first, each weight becomes the nearest matrix with orthonormal rows or
//! columns, W ← √(outputs/inputs)·polar(W) (2026, arXiv 2602.08040; `isaac7778/FIRE`).
//!
//! polar(W) comes from Newton-Schulz iterations `X ← 1.5X - 0.5·XXᵀX` from `X₀ = W/‖W‖_F`. A convolution's filter is
//! taken apart by position, each (outputs, channels), with a factor 1/(positions) on each. Biases and the
//! optimiser stay; combine it with `optimizer-reset` to have the published form. Heads of `head = "multi"`
//! are left alone.

use candle_core::Result;

use super::hooks::{At, Method, count};
use super::registered::{Build, Registered, anywhere};
use crate::kernels::inplace::update;
use crate::kernels::matmul::{times, times_transposed, transposed_times};
use crate::nn::{Network, Role};
use crate::spec::{Choice, Entry, Kind, Parameter};

/// What the registry has of it.
pub(super) const METHOD: Registered =
    Registered { entry: ENTRY, build: Build::Weights(build), check: anywhere, excludes: &[] };

const ENTRY: Entry = Entry {
    name: "fire",
    summary: "before every task but the first, W ← √(outputs/inputs)·polar(W)",
    source: "2026, arXiv 2602.08040",
    parameters: &[Parameter {
        name: "iterations",
        summary: "Newton-Schulz iterations; 0 leaves the weights",
        kind: Kind::Integer { default: Some(10), min: 0, max: 100 },
    }],
};

struct Fire {
    iterations: usize,
}

#[allow(clippy::unnecessary_wraps, reason = "the form that every method has")]
fn build(choice: &Choice, _: &dyn Network) -> Result<Box<dyn Method>> {
    Ok(Box::new(Fire { iterations: count(choice, "iterations") }))
}

/// The polar factor of w (rows × columns) after so many iterations; zeros stay.
fn polar(w: &[f32], rows: usize, iterations: usize) -> Vec<f32> {
    let columns = w.len() / rows;
    let norm = w.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt() as f32;
    if norm == 0.0 {
        return w.to_vec();
    }
    let mut x: Vec<f32> = w.iter().map(|w| w / norm).collect();
    let side = rows.min(columns);
    let (mut gram, mut cubic) = (vec![0.0f32; side * side], vec![0.0f32; x.len()]);
    for _ in 0..iterations {
        // The product over the shorter side: (XXᵀ)X = X(XᵀX).
        if rows <= columns {
            times_transposed(&x, &x, &mut gram, (rows, rows, columns), false);
            times(&gram, &x, &mut cubic, (rows, columns, rows), false);
        } else {
            transposed_times(&x, &x, &mut gram, (columns, columns, rows), false);
            times(&x, &gram, &mut cubic, (rows, columns, columns), false);
        }
        x.iter_mut().zip(&cubic).for_each(|(x, c)| *x = 1.5f32.mul_add(*x, -0.5 * c));
    }
    x
}

impl Method for Fire {
    fn start_task(&mut self, at: &mut At<'_>) -> Result<()> {
        if at.task == 0 || self.iterations == 0 {
            return Ok(());
        }
        for (parameter, state) in at.network.parameters().iter().zip(at.optimizer.states()) {
            if parameter.role != Role::Weight || state.separate_rows {
                continue;
            }
            let dims = parameter.values.dims().to_vec();
            let (outputs, inputs) = (dims[0], dims[1]);
            let positions: usize = dims[2..].iter().product();
            let factor = (outputs as f32 / inputs as f32).sqrt() / positions as f32;
            update(&parameter.values, |values| {
                for position in 0..positions {
                    let part: Vec<f32> = values[position..].iter().step_by(positions).copied().collect();
                    let part = polar(&part, outputs, self.iterations);
                    let places = values[position..].iter_mut().step_by(positions);
                    places.zip(part).for_each(|(value, x)| *value = factor * x);
                }
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;

    #[test]
    fn rows_become_orthonormal_and_the_first_task_is_left_alone() {
        let (network, mut optimizer) = fixture::mlp(&[2], 3);
        let mut method = fixture::method("fire", &[("iterations", 30.0)], &*network);
        let before = fixture::get(&*network, "layers.0.weight");
        method.start_task(&mut fixture::at(&*network, &mut optimizer, 0, 0)).unwrap();
        assert_eq!(fixture::get(&*network, "layers.0.weight"), before);
        method.start_task(&mut fixture::at(&*network, &mut optimizer, 1, 0)).unwrap();
        let w = fixture::get(&*network, "layers.0.weight");
        let dot = |i: usize, j: usize| (0..4).map(|c| w[4 * i + c] * w[4 * j + c]).sum::<f32>();
        // √(2/4) times orthonormal rows.
        for (i, j, expected) in [(0, 0, 0.5), (1, 1, 0.5), (0, 1, 0.0)] {
            assert!((dot(i, j) - expected).abs() < 1e-4, "{i} {j}: {}", dot(i, j));
        }
        // The polar factor of diag(2, -0.1) is diag(1, -1); outputs = inputs = 2.
        fixture::set(&*network, "layers.1.weight", &[2.0, 0.0, 0.0, -0.1]);
        method.start_task(&mut fixture::at(&*network, &mut optimizer, 1, 0)).unwrap();
        let head = fixture::get(&*network, "layers.1.weight");
        for (ours, expected) in head.iter().zip([1.0, 0.0, 0.0, -1.0]) {
            assert!((ours - expected).abs() < 1e-4, "{head:?}");
        }
    }
}
