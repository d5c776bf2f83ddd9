//! The settings that were tried: each variant's best, and the best of n for n up to their number.

use super::{Cell, Mark, Rank, Table};
use crate::report::metric::{Better, Metric, named};
use crate::report::search::{best, lost, scores};
use crate::report::statistics::{Bootstrap, Interval, best_of};
use crate::results::{Outcome, Results, Search, Tried};

/// The table of a search.
#[must_use]
pub fn table(results: &Results, search: &Search) -> Table {
    let count = search.variants.iter().map(|(_, settings)| settings.len()).max().unwrap_or_default();
    let mut table = Table {
        title: format!("{}: the best of {count} settings", results.benchmarks[search.benchmark]),
        benchmark: Some(search.benchmark),
        rank: Rank::Headline,
        notes: Vec::new(),
        metrics: Vec::new(),
        brief: Vec::new(),
        header: Vec::new(),
        rows: Vec::new(),
    };
    let Some(metric) = named(&search.metric) else {
        table.notes =
            vec![format!("Settings were compared by {}, which this version does not know.", search.metric)];
        return table;
    };
    let counts = counts(count);
    table.header = ["variant", "settings", "lost", "best setting"].map(str::to_owned).to_vec();
    table.header.push(format!("best of {count}"));
    table.header.extend(counts.iter().map(|n| format!("best of n = {n}")));
    table.brief = (0..table.header.len()).collect();
    table.rows =
        search.variants.iter().map(|(label, settings)| row(label, settings, metric, &counts)).collect();
    table.metrics = vec![metric];
    table.notes = notes(search, metric, count);
    table
}

/// Powers of two, and the number of settings.
fn counts(most: usize) -> Vec<usize> {
    let mut counts: Vec<usize> =
        std::iter::successors(Some(1), |n| Some(n * 2)).take_while(|&n| n < most).collect();
    counts.push(most);
    counts
}

fn row(label: &str, settings: &[Tried], metric: &Metric, counts: &[usize]) -> Vec<Cell> {
    let best = best(settings, metric).map(|index| &settings[index]);
    let mut row = vec![
        Cell::Text(label.to_owned()),
        Cell::Count(settings.len()),
        Cell::Count(lost(settings)),
        best.map_or(Cell::Empty, |tried| Cell::Text(tried.setting.clone())),
    ];
    let figure = |interval: Interval| {
        let n = settings[0].outcomes.len();
        Cell::Figure { interval, mark: Mark::Plain, n, seeds: n }
    };
    let values = best.map(|tried| tried.outcomes.iter().filter_map(value).collect::<Vec<f64>>());
    let over_seeds = values.and_then(|values| Bootstrap::TABLES.estimate(&[values]));
    row.push(over_seeds.map_or(Cell::Empty, |estimate| figure(estimate.mean)));
    let scores = scores(settings, metric);
    row.extend(counts.iter().map(|&n| {
        if scores.is_empty() { Cell::Empty } else { figure(unsigned(best_of(&scores, n), metric)) }
    }));
    row
}

fn value(outcome: &Outcome) -> Option<f64> {
    match outcome {
        Outcome::Value(value) => Some(*value),
        _ => None,
    }
}

/// An interval of scores in the metric's own direction: |x| where nearer to 0 is better.
#[must_use]
pub fn unsigned(interval: Interval, metric: &Metric) -> Interval {
    match metric.better {
        Better::Higher => interval,
        Better::Lower | Better::NearerZero => {
            Interval { value: -interval.value, low: -interval.high, high: -interval.low }
        }
    }
}

fn notes(search: &Search, metric: &Metric, count: usize) -> Vec<String> {
    let seeds: Vec<String> = search.seeds.iter().map(ToString::to_string).collect();
    let better = match metric.better {
        Better::Higher => "higher is better",
        Better::Lower => "lower is better",
        Better::NearerZero => "nearer to 0 is better",
    };
    let mut notes = vec![
        format!(
            "Every variant was tried with {count} settings. The best has the best {} ({better}), mean over the \
             tuning seeds {}; a setting that diverged or failed with one of them has lost. What was chosen on a \
             seed looks better on it than it is: compare variants on the report's own seeds.",
            metric.title,
            seeds.join(", ")
        ),
        format!(
            "Best of n: mean and 2.5th to 97.5th percentile of the best of n settings drawn from the {count} with \
             replacement, computed exactly (bootstrap; Dodge et al. 2019). At n = {count} its mean lies below the \
             best of {count}. To judge a figure that was found with n settings, read the others at n."
        ),
    ];
    if search.variants.iter().any(|(_, settings)| lost(settings) > 0) {
        notes.push(if metric.worst.is_finite() {
            format!("Among the n, a setting that lost counts as {} {}.", metric.title, metric.worst)
        } else {
            "Among the n, a setting that lost counts as the worst of the variant's others.".into()
        });
    }
    notes
}
