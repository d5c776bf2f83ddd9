//! From an agent's actions, numbers of ±1, to the environment's own units and back.

use crate::environments::ActionSpace;

/// One affine map a dimension. Where a bound is infinite, an agent's number is the action itself.
#[derive(Clone, Debug, PartialEq)]
pub struct Scale {
    /// (middle, half width)
    dimensions: Vec<(f64, f64)>,
}

impl Scale {
    /// That of a space; a discrete one has no dimension to scale.
    #[must_use]
    pub fn new(space: &ActionSpace) -> Self {
        let bounds: &[(f64, f64)] = match space {
            ActionSpace::Continuous(bounds) => bounds,
            ActionSpace::Discrete(_) => &[],
        };
        let of = |&(low, high): &(f64, f64)| {
            let finite = low.is_finite() && high.is_finite();
            if finite { (f64::midpoint(low, high), (high - low) / 2.0) } else { (0.0, 1.0) }
        };
        Self { dimensions: bounds.iter().map(of).collect() }
    }

    /// An action in the environment's units.
    #[must_use]
    pub fn outward(&self, action: &[f32]) -> Vec<f64> {
        self.dimensions.iter().zip(action).map(|(&(middle, half), &a)| middle + half * f64::from(a)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_an_action_are_the_ends_of_the_space() {
        let space =
            ActionSpace::Continuous(vec![(-2.0, 2.0), (0.0, 1.0), (f64::NEG_INFINITY, f64::INFINITY)]);
        let scale = Scale::new(&space);
        assert_eq!(scale.outward(&[-1.0, -1.0, -1.0]), [-2.0, 0.0, -1.0]);
        assert_eq!(scale.outward(&[1.0, 1.0, 3.0]), [2.0, 1.0, 3.0]);
        assert_eq!(scale.outward(&[0.5, 0.0, 0.25]), [1.0, 0.5, 0.25]);
    }
}
