//! What an agent's evaluations come to: its learning curve, and how far its values are off.

use std::path::Path;

use super::each_row;
use super::mean::Mean;
use crate::record::{EvaluationRow, RecordError};

/// A quantity at environment steps: (steps so far, value), values that are not finite left out.
pub type Curve = Vec<(f64, f64)>;

/// The evaluations of a run; empty for streams of labelled examples.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evaluations {
    /// Mean return of the evaluation's episodes.
    pub returns: Curve,
    /// The same on the scale on which the least possible return is 0 and the largest 1.
    pub normalized: Curve,
    /// Mean over pairs of the critics' bias divided by max(|Monte-Carlo return|, 10).
    pub q_bias: Curve,
    /// Figures by the name of their metric.
    pub figures: Vec<(&'static str, f64)>,
}

/// Reads the evaluations of the run in `folder`.
pub fn read(folder: &Path) -> Result<Evaluations, RecordError> {
    let mut evaluations = Evaluations::default();
    let mut all = Mean::default();
    // One row a task: its last.
    let mut last: Vec<EvaluationRow> = Vec::new();
    each_row(folder, |row: EvaluationRow| {
        let step = row.environment_step as f64;
        let add = |curve: &mut Curve, value: Option<f64>| {
            curve.extend(value.filter(|value| value.is_finite()).map(|value| (step, value)));
        };
        add(&mut evaluations.returns, Some(row.return_mean));
        add(&mut evaluations.normalized, row.normalized_return);
        add(&mut evaluations.q_bias, row.q_bias_normalized);
        all.add(Some(row.return_mean));
        match last.last_mut() {
            Some(earlier) if earlier.task == row.task => *earlier = row,
            _ => last.push(row),
        }
    })?;
    // A mean over the tasks that happen to have it would say something else.
    let over_tasks =
        |of: fn(&EvaluationRow) -> Option<f64>| Mean::of(last.iter().map(of).collect::<Option<Vec<f64>>>()?);
    let figures = [
        ("normalized_return", over_tasks(|row| row.normalized_return)),
        ("floor_normalized_return", over_tasks(|row| row.floor_normalized_return)),
        ("evaluation_return", over_tasks(|row| Some(row.return_mean))),
        ("mean_evaluation_return", all.value()),
        ("q_bias", over_tasks(|row| row.q_bias_normalized)),
        ("q_impossible", over_tasks(|row| row.q_impossible)),
    ];
    let known = figures.into_iter().filter_map(|(name, value)| Some((name, value?)));
    evaluations.figures = known.filter(|(_, value)| value.is_finite()).collect();
    Ok(evaluations)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Row;

    #[test]
    fn figures_are_means_over_tasks_of_the_last_evaluation() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()).unwrap(), Evaluations::default());
        let mut writer = csv::Writer::from_path(folder.path().join(EvaluationRow::FILE)).unwrap();
        let rows =
            [(0, 100, 10.0, 0.25), (0, 200, 500.0, 0.5), (1, 300, 0.0, f64::NAN), (1, 400, 1000.0, -0.25)];
        for (task, environment_step, return_mean, bias) in rows {
            writer
                .serialize(EvaluationRow {
                    task,
                    environment_step,
                    episodes: 10,
                    return_mean,
                    normalized_return: Some(return_mean / 1000.0),
                    q_bias_normalized: Some(bias),
                    q_impossible: (task == 0).then_some(0.5),
                    ..EvaluationRow::default()
                })
                .unwrap();
        }
        writer.flush().unwrap();
        let read = read(folder.path()).unwrap();
        let figures = [
            ("normalized_return", 0.75),
            ("evaluation_return", 750.0),
            ("mean_evaluation_return", 377.5),
            ("q_bias", 0.125),
        ];
        assert_eq!(read.figures, figures, "q_impossible is not known of both tasks");
        assert_eq!(read.returns.len(), 4);
        assert_eq!(read.q_bias, [(100.0, 0.25), (200.0, 0.5), (400.0, -0.25)]);
    }
}
