//! Gradient clipping: where the norm of all gradients of a network together is beyond a bound, all are scaled down to it,
//! as `torch.nn.utils.clip_grad_norm_` does before the optimiser's step (Pascanu et al. 2013, arXiv 1211.5063).

use candle_core::Result;

use crate::kernels::element::vectorized;
use crate::nn::Parameter;
use crate::spec::{Choice, Kind, Parameter as Setting};

/// Setting of every optimiser.
// Without a default, so that a plan that says nothing of it is the plan that it was before there was a choice.
pub(super) const SETTING: Setting = Setting {
    name: "max_grad_norm",
    summary: "largest norm of the gradients of all parameters together, penalties of methods included: larger ones \
              are scaled down to it, as torch.nn.utils.clip_grad_norm_ does; no limit if absent",
    kind: Kind::Number { default: None, min: 1e-12, max: 1e12 },
};

/// The largest norm of the gradients that this optimiser's choice lets through; `None` where it clips nothing.
#[must_use]
pub fn max_grad_norm(optimizer: &Choice) -> Option<f64> {
    optimizer.optional_number(SETTING.name)
}

/// What torch adds to the norm that it divides by.
const EPSILON: f64 = 1e-6;

/// Scales the gradients of these parameters, or of these rows of them, if their norm is above `most`. As in torch, a norm
/// that is NaN makes all of them NaN, and an infinite one makes what is infinite NaN and the others 0. The norm is in f64:
/// torch's own overflows at 2e19.
pub(super) fn clip<'a>(
    most: f64,
    stepped: impl Iterator<Item = (&'a Parameter, Option<&'a [u32]>)> + Clone,
) -> Result<()> {
    let mut sum = 0.0;
    for (parameter, rows) in stepped.clone() {
        each(parameter, rows, |gradient| sum += squares(gradient))?;
    }
    let factor = (most / (sum.sqrt() + EPSILON)) as f32;
    // Not `factor >= 1.0`: NaN must reach the gradients.
    if factor >= 1.0 {
        return Ok(());
    }
    for (parameter, rows) in stepped {
        each(parameter, rows, |gradient| {
            vectorized(
                #[inline(always)]
                || gradient.iter_mut().for_each(|g| *g *= factor),
            );
        })?;
    }
    Ok(())
}

/// Calls `act` with the gradient, if there is one, or with that of each of these rows.
fn each(parameter: &Parameter, rows: Option<&[u32]>, mut act: impl FnMut(&mut [f32])) -> Result<()> {
    let mut gradient = parameter.gradient.lock();
    let Some(gradient) = gradient.read::<f32>()? else { return Ok(()) };
    let Some(rows) = rows else {
        act(gradient);
        return Ok(());
    };
    let width = gradient.len() / parameter.values.dims()[0];
    for &row in rows {
        act(&mut gradient[row as usize * width..][..width]);
    }
    Ok(())
}

/// Σ x², in running sums whose order no vector width changes.
fn squares(values: &[f32]) -> f64 {
    let (chunks, rest) = values.as_chunks::<16>();
    let sums = vectorized(
        #[inline(always)]
        || {
            let mut sums = [0.0; 16];
            for chunk in chunks {
                for (sum, &x) in sums.iter_mut().zip(chunk) {
                    *sum += f64::from(x) * f64::from(x);
                }
            }
            sums
        },
    );
    sums.iter().sum::<f64>() + rest.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>()
}

#[cfg(test)]
mod tests {
    use candle_core::DType;

    use super::*;
    use crate::nn::Role;

    fn parameters(gradients: &[(Role, &[f32])]) -> Vec<Parameter> {
        let parameter = |&(role, gradient): &(Role, &[f32])| {
            let start = vec![0.0; gradient.len()];
            let parameter = Parameter::new(String::new(), role, &start, &[start.len()], DType::F32).unwrap();
            parameter.gradient.lock().accumulate::<f32>().unwrap().copy_from_slice(gradient);
            parameter
        };
        gradients.iter().map(parameter).collect()
    }

    fn clipped(most: f64, gradients: &[(Role, &[f32])]) -> Vec<Vec<f32>> {
        let parameters = parameters(gradients);
        let stepped = parameters.iter().filter(|parameter| parameter.role != Role::Coefficients(0));
        clip(most, stepped.map(|parameter| (parameter, None))).unwrap();
        parameters.iter().map(|parameter| parameter.gradient.to_f32().unwrap()).collect()
    }

    #[test]
    fn the_norm_is_that_of_all_gradients_that_are_stepped() {
        let gradients: [(Role, &[f32]); 3] =
            [(Role::Weight, &[3.0, 0.0]), (Role::Bias, &[4.0]), (Role::Coefficients(0), &[1e9])];
        assert_eq!(clipped(6.0, &gradients), [vec![3.0, 0.0], vec![4.0], vec![1e9]]);
        let by = (0.5 / (5.0 + 1e-6)) as f32;
        assert_eq!(clipped(0.5, &gradients), [vec![3.0 * by, 0.0], vec![4.0 * by], vec![1e9]]);
    }

    #[test]
    fn squares_of_any_length_are_summed() {
        let values: Vec<f32> = (0..53u8).map(f32::from).collect();
        assert_eq!(squares(&values), (0..53u32).map(|x| f64::from(x * x)).sum::<f64>());
    }

    /// A training loop sees a gradient that is not finite where it would without clipping.
    #[test]
    fn what_is_not_finite_is_not_hidden() {
        let nan = clipped(1.0, &[(Role::Weight, &[1.0, f32::NAN])]).remove(0);
        assert!(nan.iter().all(|g| g.is_nan()), "{nan:?}");
        let infinite = clipped(1.0, &[(Role::Weight, &[1.0, f32::INFINITY])]).remove(0);
        assert!(infinite[0] == 0.0 && infinite[1].is_nan(), "{infinite:?}");
    }

    #[test]
    fn without_gradients_nothing_is_scaled() {
        let parameters = parameters(&[(Role::Weight, &[1.0])]);
        parameters[0].gradient.reset();
        clip(0.5, parameters.iter().map(|parameter| (parameter, None))).unwrap();
        assert!(parameters[0].gradient.lock().is_fresh());
    }

    /// Rows that a step does not use count for nothing, whatever they hold.
    #[test]
    fn rows_that_are_not_stepped_are_left_out() {
        for other in [1e9, f32::NAN] {
            let start = [0.0; 6];
            let head = Parameter::new(String::new(), Role::Weight, &start, &[3, 2], DType::F32).unwrap();
            let gradient = [3.0, 0.0, other, other, 0.0, 4.0];
            head.gradient.lock().accumulate::<f32>().unwrap().copy_from_slice(&gradient);
            clip(0.5, std::iter::once((&head, Some(&[0, 2][..])))).unwrap();
            let by = (0.5 / (5.0 + 1e-6)) as f32;
            let found = head.gradient.to_f32().unwrap();
            assert_eq!([found[0], found[1], found[4], found[5]], [3.0 * by, 0.0, 0.0, 4.0 * by]);
            assert_eq!(found[2].to_bits(), other.to_bits());
        }
    }
}
