//! prelu(x) = x for x > 0, a·x elsewhere, a trained: one for the layer, or one for each unit (He et al. 2015,
//! arXiv 1502.01852; `torch.nn.PReLU`, which starts at 0.25). The paper puts no weight decay on a.

use std::sync::Arc;

use super::{Activation, CoefficientRule, Coefficients};
use crate::kernels::element::{ElementKernel, Gradients, Mode, Saved, vectorized};
use crate::kernels::real::Real;
use crate::spec::{Choice, Entry, Kind, Parameter};

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "prelu",
    summary: "x for x > 0, a·x elsewhere, a trained, one per layer or per unit",
    source: "He et al. 2015, arXiv 1502.01852",
    parameters: &[
        Parameter {
            name: "sharing",
            summary: "who shares a slope",
            kind: Kind::Text { default: Some("layer"), one_of: &["layer", "unit"] },
        },
        Parameter {
            name: "start",
            summary: "slope at the start",
            kind: Kind::Number { default: Some(0.25), min: -10.0, max: 10.0 },
        },
        Parameter {
            name: "learning_rate",
            summary: "of the slopes; the optimiser's if absent",
            kind: Kind::Number { default: None, min: 0.0, max: 1e6 },
        },
        Parameter {
            name: "weight_decay",
            summary: "of the slopes; the optimiser's if absent",
            kind: Kind::Number { default: None, min: 0.0, max: 1e6 },
        },
    ],
};

struct Prelu;

impl<T: Real> ElementKernel<T> for Prelu {
    fn forward(&self, slopes: &[T], inputs: usize, z: &[T], y: &mut [T], _: &mut Vec<T>, _: &mut Mode<'_>) {
        let slopes = per_unit(slopes, inputs);
        vectorized(
            #[inline(always)]
            || {
                for (z, y) in z.chunks_exact(inputs).zip(y.chunks_exact_mut(inputs)) {
                    for ((y, &x), &a) in y.iter_mut().zip(z).zip(&slopes) {
                        let leak = a * x;
                        *y = if x > T::ZERO { x } else { leak };
                    }
                }
            },
        );
    }

    fn backward(
        &self,
        slopes: &[T],
        inputs: usize,
        saved: Saved<'_, T>,
        dy: &[T],
        gradients: Gradients<'_, T>,
    ) {
        let Gradients { dz, d_coefficients } = gradients;
        let (slopes, mut sums) = (per_unit(slopes, inputs), vec![T::ZERO; inputs]);
        vectorized(
            #[inline(always)]
            || {
                let rows = saved.z.chunks_exact(inputs).zip(dy.chunks_exact(inputs));
                for ((z, dy), dz) in rows.zip(dz.chunks_exact_mut(inputs)) {
                    for ((((dz, &x), &dy), &a), sum) in
                        dz.iter_mut().zip(z).zip(dy).zip(&slopes).zip(&mut sums)
                    {
                        *dz = dy * (if x > T::ZERO { T::ONE } else { a });
                        *sum += if x > T::ZERO { T::ZERO } else { dy * x };
                    }
                }
            },
        );
        if let [shared] = d_coefficients {
            *shared += T::of(sums.iter().map(|sum| sum.wide()).sum());
        } else {
            d_coefficients.iter_mut().zip(sums).for_each(|(to, sum)| *to += sum);
        }
    }
}

/// The slope of every unit.
fn per_unit<T: Real>(slopes: &[T], units: usize) -> Vec<T> {
    if let [shared] = slopes { vec![*shared; units] } else { slopes.to_vec() }
}

/// Slopes are trained as they are.
struct Free;

impl CoefficientRule for Free {}

/// Builds it.
pub fn build(choice: &Choice, units: usize) -> Activation {
    let sets = if choice.text("sharing") == "unit" { units } else { 1 };
    Activation {
        kernel: Arc::new(Prelu),
        expansion: 1,
        coefficients: Some(Coefficients {
            start: vec![choice.number("start"); sets],
            names: vec!["a".into()],
            learning_rate: choice.optional_number("learning_rate"),
            weight_decay: choice.optional_number("weight_decay"),
            network_wide: false,
            map: Vec::new(),
            rule: Arc::new(Free),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `torch.nn.functional.prelu` on rows [1, -2] and [-3, 4] with slopes 0.1 and 0.5, and its gradients for
    /// upstream ones of 1, 10, 100, 1000.
    #[test]
    fn each_unit_has_its_slope_and_its_gradient() {
        let (z, dy) = ([1.0, -2.0, -3.0, 4.0f64], [1.0, 10.0, 100.0, 1000.0]);
        for (slopes, y, dz, da) in [
            (vec![0.1, 0.5], [1.0, -1.0, -0.3, 4.0], [1.0, 5.0, 10.0, 1000.0], vec![-300.0, -20.0]),
            (vec![0.5], [1.0, -1.0, -1.5, 4.0], [1.0, 5.0, 50.0, 1000.0], vec![-320.0]),
        ] {
            let (mut out, mut d, mut by_slopes) = ([0.0; 4], [0.0; 4], vec![1.0; slopes.len()]);
            Prelu.forward(&slopes, 2, &z, &mut out, &mut Vec::new(), &mut Mode::Evaluate);
            let saved = Saved { z: &z, y: &out, extra: &[] };
            let gradients = Gradients { dz: &mut d, d_coefficients: &mut by_slopes };
            Prelu.backward(&slopes, 2, saved, &dy, gradients);
            let close = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
            assert!(close(&out, &y) && close(&d, &dz), "{out:?} {d:?}");
            // Added to what was there.
            let da: Vec<f64> = da.iter().map(|d| d + 1.0).collect();
            assert!(close(&by_slopes, &da), "{by_slopes:?}");
        }
    }
}
