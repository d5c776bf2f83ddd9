//! The suite's building block of rewards: 1 within bounds, falling to a given value a margin away.

/// Shape of the fall.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sigmoid {
    /// exp(−x²).
    Gaussian,
    /// A straight line to 0.
    Linear,
    /// A parabola to 0.
    Quadratic,
    /// 1 / (1 + x²).
    LongTail,
}

/// What is good enough, and how it falls off beside it.
#[derive(Clone, Copy, Debug)]
pub struct Tolerance {
    /// Where it is 1.
    pub bounds: (f64, f64),
    /// Distance from the bounds at which it has fallen to `at_margin`; with 0 it is 0 outside.
    pub margin: f64,
    /// Shape of the fall.
    pub sigmoid: Sigmoid,
    /// What it has fallen to.
    pub at_margin: f64,
}

impl Tolerance {
    /// 1 in the bounds, 0 outside.
    pub const fn within(low: f64, high: f64) -> Self {
        Self { bounds: (low, high), margin: 0.0, sigmoid: Sigmoid::Gaussian, at_margin: 0.1 }
    }

    /// Falls like a Gaussian, to 0.1 at the margin.
    pub const fn gaussian(low: f64, high: f64, margin: f64) -> Self {
        Self { margin, ..Self::within(low, high) }
    }

    /// Falls along a line.
    pub const fn linear(low: f64, margin: f64, at_margin: f64) -> Self {
        Self { bounds: (low, f64::INFINITY), margin, sigmoid: Sigmoid::Linear, at_margin }
    }

    /// From 1 at `x` = 0 along a parabola to 0 at 1.
    pub const UNIT_PARABOLA: Self =
        Self { bounds: (0.0, 0.0), margin: 1.0, sigmoid: Sigmoid::Quadratic, at_margin: 0.0 };

    /// The value at `x`, in [0, 1].
    pub fn of(&self, x: f64) -> f64 {
        let (low, high) = self.bounds;
        if low <= x && x <= high {
            return 1.0;
        }
        if self.margin == 0.0 {
            return 0.0;
        }
        let distance = (if x < low { low - x } else { x - high }) / self.margin;
        match self.sigmoid {
            Sigmoid::Gaussian => {
                let scaled = distance * (-2.0 * libm::log(self.at_margin)).sqrt();
                libm::exp(-0.5 * scaled * scaled)
            }
            Sigmoid::Linear => (1.0 - distance * (1.0 - self.at_margin)).max(0.0),
            Sigmoid::Quadratic => (1.0 - distance * distance * (1.0 - self.at_margin)).max(0.0),
            Sigmoid::LongTail => 1.0 / (distance * distance * (1.0 / self.at_margin - 1.0) + 1.0),
        }
    }
}

/// Mean over actions of a parabola that is 1 at no action and 0 at full: the suite's cost of control.
pub fn small_control(action: &[f64]) -> f64 {
    let sum: f64 = action.iter().map(|&u| Tolerance::UNIT_PARABOLA.of(u)).sum();
    (4.0 + sum / action.len() as f64) / 5.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_is_one_inside_and_its_value_at_the_margin() {
        for sigmoid in [Sigmoid::Gaussian, Sigmoid::Linear, Sigmoid::Quadratic, Sigmoid::LongTail] {
            let tolerance = Tolerance { bounds: (-1.0, 2.0), margin: 0.5, sigmoid, at_margin: 0.3 };
            for x in [-1.0, 0.0, 2.0] {
                assert_eq!(tolerance.of(x), 1.0);
            }
            for x in [-1.5, 2.5] {
                assert!((tolerance.of(x) - 0.3).abs() < 1e-15, "{sigmoid:?}");
            }
            assert!(tolerance.of(3.5) < 0.3);
        }
        assert_eq!(Tolerance::within(0.0, 1.0).of(1.0 + 1e-12), 0.0);
    }
}
