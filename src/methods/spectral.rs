//! Spectral regularisation: the penalty `strength·(Σ_W (σ₁(W)^k - 1)² + Σ ‖b‖^{2k} + Σ ‖γ - 1‖²)`, k = 2, on the
//! largest singular value of every weight, on biases and shifts b and on scales γ of normalisations
//! (Lewandowski et al. 2024, arXiv 2406.06811). A convolution's weight is seen as (outputs, everything else).
//!
//! σ₁ comes from one step of power iteration an update; its vectors are kept from step to step and no
//! gradient goes through them. Heads of `head = "multi"` and coefficients of activations are left alone.

use candle_core::Result;

use super::hooks::{At, Method};
use super::registered::{Build, Registered, anywhere};
use crate::kernels::element::vectorized;
use crate::kernels::fused_activation::Captured;
use crate::kernels::storage::with_slice;
use crate::nn::{Network, Role};
use crate::spec::{Choice, Entry, Kind, Parameter};
use crate::state::{StateDict, StateError, Values};

/// What the registry has of it.
pub(super) const METHOD: Registered =
    Registered { entry: ENTRY, build: Build::Weights(build), check: anywhere, excludes: &[] };

const ENTRY: Entry = Entry {
    name: "spectral",
    summary: "penalty strength·Σ (σ₁(W)² - 1)² on largest singular values, with ‖b‖⁴ and ‖γ - 1‖²",
    source: "Lewandowski et al. 2024, arXiv 2406.06811",
    parameters: &[Parameter {
        name: "strength",
        summary: "λ of the penalty",
        kind: Kind::Number { default: Some(1e-3), min: 0.0, max: 1e6 },
    }],
};

/// k
const POWER: f32 = 2.0;

struct Spectral {
    strength: f32,
    /// By weight: number, name and the left vector; empty before the first step.
    vectors: Vec<(usize, String, Vec<f32>)>,
}

#[allow(clippy::unnecessary_wraps, reason = "the form that every method has")]
fn build(choice: &Choice, network: &dyn Network) -> Result<Box<dyn Method>> {
    let weights = network.parameters().iter().enumerate().filter(|(_, p)| p.role == Role::Weight);
    let vectors = weights.map(|(number, p)| (number, p.name.clone(), Vec::new())).collect();
    Ok(Box::new(Spectral { strength: choice.number("strength") as f32, vectors }))
}

/// One step of power iteration on a matrix W: `v ← Wᵀu/‖Wᵀu‖`, `u ← Wv/‖Wv‖`. Returns v and ‖Wv‖, an
/// estimate of σ₁ from below.
fn iterate(w: &[f32], u: &mut [f32]) -> (Vec<f32>, f32) {
    let width = w.len() / u.len();
    let mut v = vec![0.0f32; width];
    vectorized(
        #[inline(always)]
        || {
            for (row, &u) in w.chunks_exact(width).zip(u.iter()) {
                v.iter_mut().zip(row).for_each(|(v, &w)| *v += u * w);
            }
        },
    );
    normalize(&mut v);
    vectorized(
        #[inline(always)]
        || {
            for (row, u) in w.chunks_exact(width).zip(u.iter_mut()) {
                // Lanes of their own, which the compiler may keep in registers.
                let mut sums = [0.0f32; 16];
                let (rows, rest) = row.as_chunks::<16>();
                let (vs, v_rest) = v.as_chunks::<16>();
                for (row, v) in rows.iter().zip(vs) {
                    (0..16).for_each(|i| sums[i] += row[i] * v[i]);
                }
                *u = sums.iter().sum::<f32>() + rest.iter().zip(v_rest).map(|(w, v)| w * v).sum::<f32>();
            }
        },
    );
    let sigma = normalize(u);
    (v, sigma)
}

/// Divides by the norm, which it returns. A vector of zeros stays.
fn normalize(vector: &mut [f32]) -> f32 {
    let norm = vector.iter().map(|x| x * x).sum::<f32>().sqrt();
    if norm > 0.0 {
        for x in vector.iter_mut() {
            *x /= norm;
        }
    }
    norm
}

impl Method for Spectral {
    fn gradients(&mut self, at: &mut At<'_>, _: &[Captured]) -> Result<()> {
        if self.strength == 0.0 {
            return Ok(());
        }
        for (number, name, u) in &mut self.vectors {
            let parameter = &at.network.parameters()[*number];
            if at.optimizer.states()[*number].separate_rows {
                continue;
            }
            if u.is_empty() {
                let mut draws = at.streams.of_task(&format!("spectral.{name}"));
                u.extend((0..parameter.values.dims()[0]).map(|_| draws.normal() as f32));
                normalize(u);
            }
            let (v, sigma) = with_slice::<f32, _>(&parameter.values, |values| iterate(values, u))?;
            let mut gradient = parameter.gradient.lock();
            let Some(gradient) = gradient.read::<f32>()? else { continue };
            // d(σ^k - 1)²/dW = 2(σ^k - 1)·k·σ^(k-1)·uvᵀ
            let slope = self.strength * 2.0 * POWER * (sigma.powf(POWER) - 1.0) * sigma.powf(POWER - 1.0);
            vectorized(
                #[inline(always)]
                || {
                    for (row, &u) in gradient.chunks_exact_mut(v.len()).zip(u.iter()) {
                        row.iter_mut().zip(&v).for_each(|(g, &v)| *g += slope * u * v);
                    }
                },
            );
        }
        for (parameter, state) in at.network.parameters().iter().zip(at.optimizer.states()) {
            let scale = parameter.role == Role::Norm && is_scale(at.network, &parameter.name);
            let shift = parameter.role == Role::Bias || parameter.role == Role::Norm && !scale;
            if state.separate_rows || !(scale || shift) {
                continue;
            }
            let values = parameter.to_vec()?;
            // d‖b‖^(2k)/db = 2k·‖b‖^(2k-2)·b
            let squares: f32 = values.iter().map(|x| x * x).sum();
            let (factor, neutral) =
                if scale { (2.0, 1.0) } else { (2.0 * POWER * squares.powf(POWER - 1.0), 0.0) };
            let mut gradient = parameter.gradient.lock();
            let Some(gradient) = gradient.read::<f32>()? else { continue };
            gradient.iter_mut().zip(&values).for_each(|(g, v)| *g += self.strength * factor * (v - neutral));
        }
        Ok(())
    }

    fn save(&self, state: &mut StateDict) {
        for (_, name, u) in self.vectors.iter().filter(|(.., u)| !u.is_empty()) {
            state.insert(name.as_str(), Values::F32(u.clone()));
        }
    }

    fn load(&mut self, state: &StateDict) -> std::result::Result<(), StateError> {
        for (_, name, u) in &mut self.vectors {
            *u = if state.get(name).is_some() { state.f32s(name)?.to_vec() } else { Vec::new() };
        }
        Ok(())
    }
}

/// Whether the parameter is a normalisation's scale, not its shift.
fn is_scale(network: &dyn Network, name: &str) -> bool {
    let of = |norm: &crate::nn::NormPlaces| network.parameters()[norm.scale].name == name;
    network.layers().iter().filter_map(|layer| layer.norm.as_ref()).chain(&network.parts().norms).any(of)
}

#[cfg(test)]
mod tests {
    use super::super::fixture;

    /// W = diag(3, 0.5) in a 2 × 4 weight: σ₁ = 3, so the gradient of the first entry is
    /// 4·(3² - 1)·3 = 96 times the strength, once the iteration has converged.
    #[test]
    fn the_gradient_is_that_of_the_largest_singular_value() {
        let (network, mut optimizer) = fixture::mlp(&[2], 0);
        let mut method = fixture::method("spectral", &[("strength", 0.1)], &*network);
        fixture::set(&*network, "layers.0.weight", &[3.0, 0.0, 0.0, 0.0, 0.0, 0.5, 0.0, 0.0]);
        fixture::set(&*network, "layers.0.bias", &[0.6, -0.8]);
        for step in 0..30 {
            fixture::no_gradients(&*network);
            method.gradients(&mut fixture::at(&*network, &mut optimizer, 0, step), &[]).unwrap();
        }
        let gradient = fixture::gradient(&*network, "layers.0.weight");
        assert!((gradient[0] - 9.6).abs() < 1e-4, "{gradient:?}");
        assert!(gradient[1..].iter().all(|g| g.abs() < 1e-4), "{gradient:?}");
        // ‖b‖ = 1: 4·‖b‖²·b.
        let gradient = fixture::gradient(&*network, "layers.0.bias");
        assert!((gradient[0] - 0.24).abs() < 1e-6 && (gradient[1] + 0.32).abs() < 1e-6, "{gradient:?}");

        let mut state = crate::state::StateDict::default();
        method.save(&mut state);
        let mut resumed = fixture::method("spectral", &[("strength", 0.1)], &*network);
        resumed.load(&state).unwrap();
        let mut again = crate::state::StateDict::default();
        resumed.save(&mut again);
        assert_eq!(again, state);
    }
}
