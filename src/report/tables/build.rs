//! From results to tables.

use super::{Cell, Mark, Table};
use crate::report::metric::{HEADLINE, METRICS, Metric};
use crate::report::statistics::{Bootstrap, Interval, paired_differences, probability_of_improvement};
use crate::results::{self, Results};

/// One table a benchmark: a row a variant, a column a metric.
#[must_use]
pub fn tables(results: &Results) -> Vec<Table> {
    (0..results.benchmarks.len()).map(|benchmark| table(results, benchmark)).collect()
}

fn table(results: &Results, benchmark: usize) -> Table {
    let cells: Vec<&results::Cell> = results.of(benchmark).collect();
    let unfinished = cells.iter().any(|cell| cell.tally().unfinished > 0);
    let mut header: Vec<String> = ["variant", "seeds", "diverged", "failed"].map(str::to_owned).to_vec();
    header.extend(unfinished.then(|| "unfinished".to_owned()));
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for cell in &cells {
        let tally = cell.tally();
        let mut row = vec![Cell::Text(results.variants[cell.variant].clone())];
        row.extend([tally.runs(), tally.diverged, tally.failed].map(Cell::Count));
        row.extend(unfinished.then_some(Cell::Count(tally.unfinished)));
        rows.push(row);
    }
    for metric in METRICS {
        let estimates: Vec<_> = cells
            .iter()
            .map(|cell| Bootstrap::TABLES.estimate(&[cell.metric(metric.name).into_values().collect()]))
            .collect();
        if estimates.iter().all(Option::is_none) {
            continue;
        }
        let mut column = |title: &str, of: fn(crate::report::statistics::Estimate) -> Interval| {
            header.push(title.to_owned());
            let intervals: Vec<Option<Interval>> = estimates.iter().map(|e| e.map(of)).collect();
            let partial: Vec<bool> = cells.iter().map(|cell| cell.tally().is_partial()).collect();
            for ((row, figure), partial) in rows.iter_mut().zip(marked(&intervals, metric)).zip(partial) {
                row.push(figure.map_or(Cell::Empty, |(interval, mark)| Cell::Figure {
                    interval,
                    mark,
                    partial,
                }));
            }
        };
        column(metric.title, |estimate| estimate.mean);
        if metric == HEADLINE {
            column("interquartile mean", |estimate| estimate.iqm);
            column("median", |estimate| estimate.median);
        }
    }
    let mut notes = notes(&rows);
    if header.iter().any(|head| head == "forgetting") {
        notes.push("Who has learned little has little to forget: read forgetting beside accuracy.".into());
    }
    Table { title: results.benchmarks[benchmark].clone(), notes, header, rows }
}

/// Variants × benchmarks in interquartile means of the headline, and all benchmarks together; there is
/// none for a single benchmark.
#[must_use]
pub fn overview(results: &Results) -> Option<Table> {
    let benchmarks = results.benchmarks.len();
    if benchmarks < 2 {
        return None;
    }
    let mut header = vec!["variant".to_owned()];
    header.extend(results.benchmarks.iter().cloned());
    header.push("all benchmarks".to_owned());
    let values = |variant: usize| -> Vec<Option<Vec<f64>>> {
        let of = |b| results.cell(b, variant).map(|c| c.metric(HEADLINE.name).into_values().collect());
        (0..benchmarks).map(of).map(|v: Option<Vec<f64>>| v.filter(|v| !v.is_empty())).collect()
    };
    let mut rows: Vec<Vec<Cell>> = results.variants.iter().map(|v| vec![Cell::Text(v.clone())]).collect();
    let all: Vec<Vec<Option<Vec<f64>>>> = (0..results.variants.len()).map(values).collect();
    for column in 0..=benchmarks {
        let strata = |values: &Vec<Option<Vec<f64>>>| -> Option<Vec<Vec<f64>>> {
            // Over a part of the benchmarks a mean would compare what is not comparable.
            if column == benchmarks {
                values.iter().cloned().collect()
            } else {
                Some(vec![values[column].clone()?])
            }
        };
        let estimate = |values| Some(Bootstrap::TABLES.estimate(&strata(values)?)?.iqm);
        let intervals: Vec<Option<Interval>> = all.iter().map(estimate).collect();
        if column == benchmarks && intervals.iter().all(Option::is_none) {
            header.pop();
            continue;
        }
        for (variant, figure) in marked(&intervals, HEADLINE).into_iter().enumerate() {
            let cells = results.cells.iter().filter(|c| c.variant == variant);
            let partial = cells
                .filter(|c| column == benchmarks || c.benchmark == column)
                .any(|c| c.tally().is_partial());
            rows[variant].push(figure.map_or(Cell::Empty, |(interval, mark)| Cell::Figure {
                interval,
                mark,
                partial,
            }));
        }
    }
    let mut notes = notes(&rows);
    notes.insert(0, "Interquartile mean of the online accuracy.".into());
    Some(Table { title: "All benchmarks".into(), notes, header, rows })
}

/// Every variant of a benchmark against its best: P(X > Y), and the mean difference over shared seeds.
#[must_use]
pub fn improvements(results: &Results) -> Vec<Table> {
    (0..results.benchmarks.len()).filter_map(|benchmark| improvement(results, benchmark)).collect()
}

fn improvement(results: &Results, benchmark: usize) -> Option<Table> {
    let cells: Vec<_> = results.of(benchmark).map(|cell| (cell, cell.metric(HEADLINE.name))).collect();
    let mean =
        |values: &std::collections::BTreeMap<u64, f64>| values.values().sum::<f64>() / values.len() as f64;
    let compared = cells.iter().filter(|(_, values)| !values.is_empty());
    let (best, theirs) = compared.max_by(|a, b| mean(&a.1).total_cmp(&mean(&b.1)))?;
    let plain = |interval: Option<Interval>, partial| {
        interval.map_or(Cell::Empty, |interval| Cell::Figure { interval, mark: Mark::Plain, partial })
    };
    let rows: Vec<Vec<Cell>> = cells
        .iter()
        .filter(|(cell, _)| cell.variant != best.variant)
        .map(|(cell, ours)| {
            let partial = cell.tally().is_partial() || best.tally().is_partial();
            let flat =
                |values: &std::collections::BTreeMap<u64, f64>| vec![values.values().copied().collect()];
            let chance = probability_of_improvement(&flat(ours), &flat(theirs), Bootstrap::TABLES);
            let difference = paired_differences(ours, theirs, Bootstrap::TABLES);
            vec![
                Cell::Text(results.variants[cell.variant].clone()),
                plain(chance, partial),
                plain(difference.map(|d| d.mean), partial),
                difference.map_or(Cell::Empty, |d| Cell::Count(d.n)),
            ]
        })
        .collect();
    let label = &results.variants[best.variant];
    let notes =
        vec![format!("Against {label}, which has the highest mean online accuracy; a tie counts one half.")];
    let header = ["variant", "P(better)", "difference over shared seeds", "shared seeds"];
    let title = format!("{}: against {label}", results.benchmarks[benchmark]);
    (!rows.is_empty()).then(|| Table { title, notes, header: header.map(str::to_owned).to_vec(), rows })
}

/// Marks the best of a column and those that it cannot be told from.
fn marked(column: &[Option<Interval>], metric: Metric) -> Vec<Option<(Interval, Mark)>> {
    let signed = |value: f64| if metric.higher_is_better { value } else { -value };
    let known = column.iter().flatten();
    let best = known.copied().max_by(|a, b| signed(a.value).total_cmp(&signed(b.value)));
    let several = column.iter().flatten().count() > 1;
    let mark = |interval: Interval| match best {
        Some(best) if several && interval.value == best.value => Mark::Best,
        Some(best) if several && interval.low <= best.high && best.low <= interval.high => Mark::Tie,
        _ => Mark::Plain,
    };
    column.iter().map(|interval| interval.map(|interval| (interval, mark(interval)))).collect()
}

fn notes(rows: &[Vec<Cell>]) -> Vec<String> {
    let has = |of: fn(&Cell) -> bool| rows.iter().flatten().any(of);
    let mut notes = vec![format!(
        "Mean over seeds with its 95 % interval (percentile bootstrap, {} resamples, seed {}).",
        Bootstrap::TABLES.resamples,
        Bootstrap::TABLES.seed
    )];
    if has(|cell| matches!(cell, Cell::Figure { mark: Mark::Best, .. })) {
        notes.push("Bold is best; ~ marks those whose interval overlaps the best one's.".into());
    }
    if has(|cell| matches!(cell, Cell::Figure { partial: true, .. })) {
        notes.push("* leaves out runs that diverged, failed or have not ended: see their counts.".into());
    }
    notes
}
