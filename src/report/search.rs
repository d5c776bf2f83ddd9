//! Which of the settings that were tried for a variant is its best.

use super::metric::Metric;
use crate::results::{Mean, Outcome, Search, Tried};

/// Mean of the metric over the tuning seeds. `None` of a setting that lost: with some seed it diverged, failed
/// or does not have the metric.
#[must_use]
pub fn mean(tried: &Tried) -> Option<f64> {
    let value = |outcome: &Outcome| match outcome {
        Outcome::Value(value) => Some(*value),
        _ => None,
    };
    Mean::of(tried.outcomes.iter().map(value).collect::<Option<Vec<f64>>>()?)
}

/// Position of the best setting; of equal ones the first. `None` where all of them lost.
#[must_use]
pub fn best(settings: &[Tried], metric: &Metric) -> Option<usize> {
    let mut best: Option<(usize, f64)> = None;
    for (index, tried) in settings.iter().enumerate() {
        let Some(score) = mean(tried).map(|mean| metric.signed(mean)).filter(|score| !score.is_nan()) else {
            continue;
        };
        if best.is_none_or(|(_, most)| score > most) {
            best = Some((index, score));
        }
    }
    best.map(|(index, _)| index)
}

/// Scores of all settings on a scale on which more is better. One that lost has the metric's worst value, or
/// where that is infinite the lowest score among those that did not lose. Empty where all of them lost.
#[must_use]
pub fn scores(settings: &[Tried], metric: &Metric) -> Vec<f64> {
    let means = || settings.iter().map(|tried| mean(tried).map(|mean| metric.signed(mean)));
    let lowest = means().flatten().min_by(f64::total_cmp);
    let Some(lowest) = lowest else { return Vec::new() };
    let worst = metric.signed(metric.worst);
    let lost = if worst.is_finite() { worst } else { lowest };
    means().map(|score| score.unwrap_or(lost)).collect()
}

/// How many settings of a variant lost.
#[must_use]
pub fn lost(settings: &[Tried]) -> usize {
    settings.iter().filter(|tried| mean(tried).is_none()).count()
}

/// Runs of the search that have no result yet.
#[must_use]
pub fn unfinished(search: &Search) -> usize {
    let outcomes =
        search.variants.iter().flat_map(|(_, settings)| settings).flat_map(|tried| &tried.outcomes);
    outcomes.filter(|outcome| **outcome == Outcome::Unfinished).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::metric::named;

    fn tried(outcomes: &[Outcome]) -> Tried {
        Tried { setting: String::new(), outcomes: outcomes.to_vec() }
    }

    fn values(values: &[f64]) -> Tried {
        tried(&values.iter().map(|value| Outcome::Value(*value)).collect::<Vec<_>>())
    }

    #[test]
    fn the_best_mean_wins_and_what_diverged_or_failed_loses() {
        let accuracy = named("total_online_accuracy").unwrap();
        let settings = [
            values(&[0.1, 0.3]),
            tried(&[Outcome::Value(0.9), Outcome::Diverged]),
            values(&[0.4, 0.2]),
            values(&[0.3, 0.3]),
            tried(&[Outcome::Failed, Outcome::Value(0.9)]),
        ];
        assert_eq!((best(&settings, accuracy), lost(&settings)), (Some(2), 2), "0.3 came first");
        let scores = scores(&settings, accuracy);
        assert_eq!(scores.len(), 5);
        assert_eq!((scores[1], scores[4]), (0.0, 0.0));
        assert_eq!(best(&settings[1..2], accuracy), None);
        assert!(super::scores(&settings[1..2], accuracy).is_empty());
    }

    #[test]
    fn the_direction_is_the_metrics_own() {
        let settings = [values(&[3.0]), values(&[-1.0]), tried(&[Outcome::Diverged]), values(&[-2.0])];
        let pick =
            |name: &str| (best(&settings, named(name).unwrap()), scores(&settings, named(name).unwrap()));
        assert_eq!(pick("evaluation_return"), (Some(0), vec![3.0, -1.0, -2.0, -2.0]), "no worst value");
        assert_eq!(pick("plasticity_gap"), (Some(3), vec![-3.0, 1.0, -1.0, 2.0]));
        assert_eq!(pick("q_bias"), (Some(1), vec![-3.0, -1.0, -3.0, -2.0]));
    }
}
