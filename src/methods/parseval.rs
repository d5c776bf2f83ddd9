//! Parseval regularisation: the penalty `strength·(64/d)²·‖WWᵀ - s·I‖²_F` on every hidden weight (d, inputs), with
//! s = gain², which keeps its singular values near √s (Chung et al. 2024, Parseval regularization for
//! continual reinforcement learning; `wechu/parseval_reg`). Its gradient is `4·strength·(64/d)²·(WWᵀ - s·I)·W`.
//!
//! A weight with more rows than columns cannot have `WWᵀ = s·I`; there the penalty is on `WᵀW`, whose floor is 0.
//! The head is left alone. A convolution's weight is seen as (outputs, everything else).

use candle_core::Result;

use super::hooks::{At, Method};
use super::registered::{Build, Registered, anywhere};
use crate::kernels::fused_activation::Captured;
use crate::kernels::matmul::{by_rows_or_columns, times};
use crate::kernels::scratch::Scratch;
use crate::kernels::storage::with_slice;
use crate::nn::Network;
use crate::spec::{Choice, Entry, Kind, Parameter};

/// What the registry has of it.
pub(super) const METHOD: Registered =
    Registered { entry: ENTRY, build: Build::Weights(build), check: anywhere, excludes: &[] };

const ENTRY: Entry = Entry {
    name: "parseval",
    summary: "penalty strength·(64/width)²·‖WWᵀ - gain²·I‖² on hidden weights",
    source: "Chung et al. 2024, Parseval regularization for continual reinforcement learning",
    parameters: &[
        Parameter {
            name: "strength",
            summary: "λ of the penalty for a width of 64",
            kind: Kind::Number { default: Some(1e-3), min: 0.0, max: 1e6 },
        },
        Parameter {
            name: "gain",
            summary: "what singular values are drawn to",
            kind: Kind::Number { default: Some(std::f64::consts::SQRT_2), min: 0.0, max: 1e3 },
        },
    ],
};

struct Parseval {
    strength: f32,
    square: f32,
}

#[allow(clippy::unnecessary_wraps, reason = "the form that every method has")]
fn build(choice: &Choice, _: &dyn Network) -> Result<Box<dyn Method>> {
    let square = choice.number("gain").powi(2) as f32;
    Ok(Box::new(Parseval { strength: choice.number("strength") as f32, square }))
}

impl Method for Parseval {
    fn gradients(&mut self, at: &mut At<'_>, _: &[Captured]) -> Result<()> {
        if self.strength == 0.0 {
            return Ok(());
        }
        for layer in at.network.layers().iter().filter(|layer| layer.activation.is_some()) {
            let parameter = &at.network.parameters()[layer.weight];
            let rows = parameter.values.dims()[0];
            let columns = parameter.values.elem_count() / rows;
            let slope = 4.0 * self.strength * (64.0 / rows as f32).powi(2);
            let mut added = f32::take(rows * columns);
            let side = rows.min(columns);
            let mut gram = f32::take(side * side);
            with_slice(&parameter.values, |w| {
                by_rows_or_columns(w, &mut gram, rows);
                gram.iter_mut().step_by(side + 1).for_each(|diagonal| *diagonal -= self.square);
                if rows <= columns {
                    times(&gram, w, &mut added, (rows, columns, rows), false);
                } else {
                    times(w, &gram, &mut added, (rows, columns, columns), false);
                }
            })?;
            let mut gradient = parameter.gradient.lock();
            let Some(gradient) = gradient.read::<f32>()? else { continue };
            gradient.iter_mut().zip(&added).for_each(|(g, a)| *g += slope * a);
            f32::put(gram);
            f32::put(added);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixture;

    fn penalty(w: &[f64], rows: usize) -> f64 {
        let columns = w.len() / rows;
        let wide = rows <= columns;
        let side = rows.min(columns);
        let entry = |i: usize, j: usize| -> f64 {
            if wide {
                (0..columns).map(|c| w[i * columns + c] * w[j * columns + c]).sum()
            } else {
                (0..rows).map(|r| w[r * columns + i] * w[r * columns + j]).sum()
            }
        };
        let of = |i, j| (entry(i, j) - if i == j { 2.0 } else { 0.0 }).powi(2);
        let sum: f64 = (0..side).flat_map(|i| (0..side).map(move |j| (i, j))).map(|(i, j)| of(i, j)).sum();
        1e-3 * (64.0 / rows as f64).powi(2) * sum
    }

    /// Against central differences of the penalty in f64, for a wide weight and a tall one.
    #[test]
    fn the_gradient_is_the_penaltys() {
        for hidden in [3, 6] {
            let (network, mut optimizer) = fixture::mlp(&[hidden], 7);
            let mut method = fixture::method("parseval", &[], &*network);
            fixture::no_gradients(&*network);
            method.gradients(&mut fixture::at(&*network, &mut optimizer, 0, 0), &[]).unwrap();
            let w: Vec<f64> = fixture::get(&*network, "layers.0.weight").into_iter().map(f64::from).collect();
            let gradient = fixture::gradient(&*network, "layers.0.weight");
            for i in 0..w.len() {
                let at = |h: f64| {
                    let mut moved = w.clone();
                    moved[i] += h;
                    penalty(&moved, hidden)
                };
                let expected = (at(1e-5) - at(-1e-5)) / 2e-5;
                let difference = (f64::from(gradient[i]) - expected).abs();
                assert!(difference < 1e-5 * (1.0 + expected.abs()), "{hidden}: {} {expected}", gradient[i]);
            }
            assert!(fixture::gradient(&*network, "layers.1.weight").iter().all(|g| *g == 0.0), "the head");
        }
    }
}
