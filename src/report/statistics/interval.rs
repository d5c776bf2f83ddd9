//! A figure with its interval.

use super::aggregate;

/// A figure and its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Of the values as they are.
    pub value: f64,
    /// 2.5th percentile over the resamples.
    pub low: f64,
    /// 97.5th percentile.
    pub high: f64,
}

impl Interval {
    /// The difference to a number that is taken as exact.
    #[must_use]
    pub fn less(self, known: f64) -> Self {
        Self { value: self.value - known, low: self.low - known, high: self.high - known }
    }
}

/// The 95 % percentile interval of `drawn` around `value`.
pub fn interval(value: f64, drawn: &mut [f64]) -> Interval {
    let low = aggregate::percentile(drawn, 0.025).unwrap_or(value);
    let high = aggregate::percentile(drawn, 0.975).unwrap_or(value);
    Interval { value, low, high }
}
