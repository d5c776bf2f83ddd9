//! Slopes drawn for each element in training, as the randomised leaky activations use them.

use crate::kernels::element::{Mode, vectorized};
use crate::kernels::real::Real;
use crate::spec::{Choice, Kind, Parameter};

/// Least slope; rrelu's default.
pub const LOW: Parameter = Parameter {
    name: "low",
    summary: "least slope",
    kind: Kind::Number { default: Some(0.125), min: -1.0, max: 10.0 },
};
/// Greatest slope; rrelu's default.
pub const HIGH: Parameter = Parameter {
    name: "high",
    summary: "greatest slope, at least low",
    kind: Kind::Number { default: Some(1.0 / 3.0), min: -1.0, max: 10.0 },
};

/// U(low, high)
#[derive(Clone, Copy, Debug)]
pub struct Slopes {
    low: f64,
    high: f64,
}

impl Slopes {
    /// Those of a choice with [`LOW`] and [`HIGH`]; the error is a sentence.
    pub fn chosen(choice: &Choice) -> Result<Self, String> {
        let (low, high) = (choice.number(LOW.name), choice.number(HIGH.name));
        if low > high {
            return Err(format!("{}: low ({low}) must not exceed high ({high})", choice.name));
        }
        Ok(Self { low, high })
    }

    /// `count` slopes into `slopes`: a draw for each in training, the mean otherwise.
    pub fn draw<T: Real>(self, count: usize, slopes: &mut Vec<T>, mode: &mut Mode<'_>) {
        let Mode::Train(stream) = mode else {
            slopes.clear();
            slopes.resize(count, T::of(f64::midpoint(self.low, self.high)));
            return;
        };
        let words = stream.words(count);
        let (low, step) = (self.low, (self.high - self.low) / f64::from(1 << 24));
        slopes.resize(count, T::ZERO);
        vectorized(
            #[inline(always)]
            || {
                for (slope, word) in slopes.iter_mut().zip(&words) {
                    // 24 bits: all that an f32 in [0, 1) holds evenly.
                    *slope = T::of(f64::from((word >> 8) as i32).mul_add(step, low));
                }
            },
        );
    }
}
