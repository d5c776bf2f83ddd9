//! What happens to rational coefficients outside the two passes.

use super::ratio::Ratio;
use super::shape::Shape;
use crate::nn::activation::{CoefficientRule, Curve};

/// The constraint's word on training, projection and description.
#[derive(Clone, Debug)]
pub struct RationalRule {
    /// Form and constraint.
    pub shape: Shape,
}

impl RationalRule {
    fn wide(values: &[f32]) -> Vec<f64> {
        values.iter().map(|&v| f64::from(v)).collect()
    }
}

impl CoefficientRule for RationalRule {
    fn trained_in(&self, task: usize) -> bool {
        self.shape.constraint.trained_in(task)
    }

    fn project(&self, values: &mut [f32]) {
        self.shape.constraint.project(self.shape.form, values);
    }

    fn confine_average(&self, values: &mut [f32]) {
        self.shape.constraint.confine_average(self.shape.form, values);
    }

    fn describe(&self, values: &[f32], set: usize) -> Option<Curve> {
        let raw = values.chunks_exact(self.shape.form.len()).nth(set)?;
        Some(self.shape.describe(&Self::wide(raw)))
    }

    /// The coefficients that R is drawn with in evaluation mode, gain included: with them in the form's
    /// formula stands the curve itself, up to the tanh of `output-bound`. Version A's bₖ keep their
    /// signs, which its formula drops.
    fn effective(&self, values: &[f32]) -> Vec<f64> {
        let len = self.shape.form.len();
        let sets = values.chunks_exact(len);
        sets.flat_map(|raw| self.shape.lower(&Self::wide(raw), None).theta[..len].to_vec()).collect()
    }
}

/// The curve that one set of trained values draws, in evaluation mode.
impl RationalRule {
    /// y(x) for the trained values of one set.
    #[must_use]
    pub fn value(&self, raw: &[f64], x: f64) -> f64 {
        let ratio = Ratio::new(self.shape.form, &self.shape.lower(raw, None).theta);
        self.shape.value(&ratio, x)
    }
}
