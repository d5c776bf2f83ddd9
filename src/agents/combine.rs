//! What several critics say together.

use crate::kernels::real::Real;
use crate::random::Stream;

/// How the values of N critics become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Combine {
    /// The least (clipped double Q: Fujimoto et al. 2018, arXiv 1802.09477).
    Min,
    /// The mean.
    Mean,
    /// The first one's alone.
    Single,
    /// The least of two that are drawn anew for every update (REDQ: Chen et al. 2021, arXiv 2101.05982).
    Random2,
}

impl Combine {
    /// The words of a spec.
    pub const WORDS: &'static [&'static str] = &["min", "mean", "single", "random-2"];

    /// The one that a word names.
    ///
    /// # Panics
    /// If it names none: a checked choice does.
    #[must_use]
    pub fn named(word: &str) -> Self {
        match word {
            "min" => Self::Min,
            "mean" => Self::Mean,
            "single" => Self::Single,
            "random-2" => Self::Random2,
            other => panic!("critics are not combined by {other}"),
        }
    }

    /// Which of `critics` are asked; draws only for [`Combine::Random2`] of more than two.
    #[must_use]
    pub fn asked(self, critics: usize, draws: &mut Stream) -> Vec<usize> {
        match self {
            Self::Min | Self::Mean => (0..critics).collect(),
            Self::Single => vec![0],
            Self::Random2 if critics <= 2 => (0..critics).collect(),
            Self::Random2 => {
                let first = draws.below(critics as u64) as usize;
                let second = draws.below(critics as u64 - 1) as usize;
                vec![first, if second < first { second } else { second + 1 }]
            }
        }
    }

    /// One value a row from those of the critics that were asked.
    ///
    /// # Panics
    /// If there is no critic.
    #[must_use]
    pub fn values<T: Real>(self, critics: &[Vec<T>]) -> Vec<T> {
        let rows = critics.first().expect("an agent has a critic").len();
        (0..rows)
            .map(|row| {
                let mut values = critics.iter().map(|values| values[row]);
                if self == Self::Mean {
                    return values.sum::<T>() / T::of(critics.len() as f64);
                }
                // Not `min`, which would pass over NaN and hide a diverged critic.
                let first = values.next().expect("counted above");
                let lower = |value: T, least: T| value < least || value.is_nan();
                values.fold(first, |least, value| if lower(value, least) { value } else { least })
            })
            .collect()
    }

    /// d(mean over rows of the combined value)/d(value of each critic), times `factor`.
    #[must_use]
    pub fn gradient<T: Real>(self, critics: &[Vec<T>], factor: f64) -> Vec<Vec<T>> {
        let (rows, count) = (critics[0].len(), critics.len());
        if self == Self::Mean {
            return vec![vec![T::of(factor / (rows * count) as f64); rows]; count];
        }
        let mut gradient = vec![vec![T::ZERO; rows]; count];
        for row in 0..rows {
            let mut least = 0;
            for other in 1..count {
                if critics[other][row] < critics[least][row] {
                    least = other;
                }
            }
            gradient[least][row] = T::of(factor / rows as f64);
        }
        gradient
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        let critics = [vec![1.0, 5.0], vec![3.0, 2.0]];
        assert_eq!(Combine::Min.values(&critics), [1.0, 2.0]);
        assert_eq!(Combine::Mean.values(&critics), [2.0, 3.5]);
        assert_eq!(Combine::Min.gradient(&critics, -1.0), [[-0.5, 0.0], [0.0, -0.5]]);
        assert_eq!(Combine::Mean.gradient(&critics, -1.0), [[-0.25; 2]; 2]);
        for pair in [[1.0, f32::NAN], [f32::NAN, 1.0]] {
            assert!(Combine::Min.values(&pair.map(|value| vec![value]))[0].is_nan());
        }
    }

    #[test]
    fn two_of_ten_are_different_and_uniform() {
        let mut draws = Stream::new(0, "updates", 0);
        let mut counts = [0; 10];
        for _ in 0..10_000 {
            let asked = Combine::Random2.asked(10, &mut draws);
            assert!(asked.len() == 2 && asked[0] != asked[1]);
            for critic in asked {
                counts[critic] += 1;
            }
        }
        assert!(counts.iter().all(|count| (1850..2150).contains(count)), "{counts:?}");
        let before = draws.position();
        assert_eq!(Combine::Random2.asked(2, &mut draws), [0, 1]);
        assert_eq!(Combine::Min.asked(3, &mut draws), [0, 1, 2]);
        assert_eq!(Combine::Single.asked(3, &mut draws), [0]);
        assert_eq!(draws.position(), before);
    }
}
