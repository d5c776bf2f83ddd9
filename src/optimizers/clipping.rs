//! Gradient clipping: where the norm of all gradients of a network together is beyond a bound, all are scaled down to it,
//! as `torch.nn.utils.clip_grad_norm_` does before the optimiser's step (Pascanu et al. 2013, arXiv 1211.5063).

use candle_core::Result;

use crate::kernels::element::vectorized;
use crate::nn::{Parameter, Role};
use crate::spec::{Kind, Parameter as Setting};

/// Setting of every optimiser.
// Without a default, so that a plan that says nothing of it is the plan that it was before there was a choice.
pub(super) const SETTING: Setting = Setting {
    name: "max_grad_norm",
    summary: "largest norm of the gradients of all parameters together, penalties of methods included: larger ones \
              are scaled down to it, as torch.nn.utils.clip_grad_norm_ does; no limit if absent",
    kind: Kind::Number { default: None, min: 1e-12, max: 1e12 },
};

/// What torch adds to the norm that it divides by.
const EPSILON: f64 = 1e-6;

/// Scales the gradients of the parameters whose role is `trained`, if their norm is above `most`. A norm that is not
/// finite leaves no gradient finite, as in torch.
pub(super) fn clip(parameters: &[Parameter], trained: impl Fn(Role) -> bool, most: f64) -> Result<()> {
    let stepped = || parameters.iter().filter(|parameter| trained(parameter.role));
    let mut sum = 0.0;
    for parameter in stepped() {
        if let Some(gradient) = parameter.gradient.lock().read::<f32>()? {
            sum += squares(gradient);
        }
    }
    let factor = (most / (sum.sqrt() + EPSILON)) as f32;
    // Not `factor >= 1.0`: NaN must reach the gradients.
    if factor >= 1.0 {
        return Ok(());
    }
    for parameter in stepped() {
        if let Some(gradient) = parameter.gradient.lock().read::<f32>()? {
            vectorized(
                #[inline(always)]
                || gradient.iter_mut().for_each(|g| *g *= factor),
            );
        }
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
        clip(&parameters, |role| role != Role::Coefficients(0), most).unwrap();
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
        for bad in [f32::NAN, f32::INFINITY] {
            assert!(clipped(1.0, &[(Role::Weight, &[1.0, bad])])[0][1].is_nan());
        }
    }

    #[test]
    fn without_gradients_nothing_is_scaled() {
        let parameters = parameters(&[(Role::Weight, &[1.0])]);
        parameters[0].gradient.reset();
        clip(&parameters, |_| true, 0.5).unwrap();
        assert!(parameters[0].gradient.lock().is_fresh());
    }
}
