//! What the closing table takes from a run's CSV files, row by row: a file is never held whole.

use std::path::Path;

use anyhow::{Context, anyhow};
use csv::StringRecord;

/// The figures of one finished run; `None` where a file has none.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Measured {
    /// Online accuracy, mean over tasks.
    pub online_accuracy: Option<f64>,
    /// Online accuracy of the last task.
    pub last_online_accuracy: Option<f64>,
    /// srank of the last hidden layer at the end of the last task.
    pub srank: Option<f64>,
    /// Share of dormant units (τ = 0.025) of all layers at the end of the last task.
    pub dormant: Option<f64>,
}

/// Name of the probe that counts dormant units at the threshold of `ReDo`.
const DORMANT: &str = "dormant_units_0.025";
const SRANK: &str = "srank";

/// Reads the figures of the run in `dir`.
pub(super) fn measure(dir: &Path) -> anyhow::Result<Measured> {
    let mut measured = Measured::default();
    let (mut sum, mut count) = (0.0, 0_u32);
    each_row(&dir.join("tasks.csv"), ["online_accuracy"], |[accuracy]| {
        measured.last_online_accuracy = number(accuracy)?;
        if let Some(accuracy) = measured.last_online_accuracy {
            sum += accuracy;
            count += 1;
        }
        Ok(())
    })?;
    measured.online_accuracy = (count > 0).then(|| sum / f64::from(count));

    let probes = dir.join("probes.csv");
    if probes.exists() {
        let mut last = LastTask::default();
        let columns = ["task", "phase", "units", "probe", "value"];
        each_row(&probes, columns, |cells| last.take(cells))?;
        measured.srank = last.srank;
        measured.dormant = (last.units > 0.0).then(|| last.dormant / last.units);
    }
    Ok(measured)
}

/// What the end of the latest task so far has shown.
#[derive(Default)]
struct LastTask {
    task: u64,
    /// Of the latest layer: rows come in the order of the layers.
    srank: Option<f64>,
    dormant: f64,
    units: f64,
}

impl LastTask {
    fn take(&mut self, [task, phase, units, probe, value]: [&str; 5]) -> anyhow::Result<()> {
        if phase != "end" || ![SRANK, DORMANT].contains(&probe) {
            return Ok(());
        }
        let task: u64 = task.parse().with_context(|| format!("{task:?} is no task"))?;
        if task > self.task {
            *self = Self { task, ..Self::default() };
        }
        let Some(value) = number(value)? else { return Ok(()) };
        if probe == SRANK {
            self.srank = Some(value);
        } else if let Some(units) = number(units)? {
            self.dormant += value * units;
            self.units += units;
        }
        Ok(())
    }
}

/// Calls `take` with the named cells of each row.
fn each_row<const N: usize>(
    path: &Path,
    columns: [&str; N],
    mut take: impl FnMut([&str; N]) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut read = || {
        let mut reader = csv::Reader::from_path(path)?;
        let header = reader.headers()?.clone();
        let mut positions = [0; N];
        for (position, column) in positions.iter_mut().zip(columns) {
            *position = header
                .iter()
                .position(|name| name == column)
                .ok_or_else(|| anyhow!("there is no column {column:?}"))?;
        }
        let mut row = StringRecord::new();
        while reader.read_record(&mut row)? {
            let line = row.position().map_or(0, csv::Position::line);
            take(positions.map(|position| row.get(position).unwrap_or_default()))
                .with_context(|| format!("line {line}"))?;
        }
        anyhow::Ok(())
    };
    read().with_context(|| format!("{} could not be read", path.display()))
}

/// A cell; an empty one does not apply.
fn number(cell: &str) -> anyhow::Result<Option<f64>> {
    if cell.is_empty() {
        return Ok(None);
    }
    cell.parse().map(Some).with_context(|| format!("{cell:?} is no number"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn folder(tasks: &str, probes: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("tasks.csv"), tasks).unwrap();
        fs::write(dir.path().join("probes.csv"), probes).unwrap();
        dir
    }

    const PROBES: &str = "\
run,task,phase,layer,units,samples,probe,value
r,0,end,0,100,50,srank,90
r,0,end,1,50,50,srank,40
r,0,end,0,100,50,dormant_units_0.025,0.9
r,1,start,0,100,50,srank,1
r,1,end,0,100,50,srank,80
r,1,end,0,100,50,dormant_units_0.025,0.1
r,1,end,1,50,50,srank,30.5
r,1,end,1,50,50,dormant_units_0.025,0.4
r,1,end,1,50,50,dormant_units_0.1,1
";

    #[test]
    fn figures_are_of_the_last_task_and_dormant_units_are_weighed_by_layer() {
        let tasks = "run,task,online_accuracy,note\nr,0,0.5,\"a, b\"\nr,1,0.25,\n";
        let measured = measure(folder(tasks, PROBES).path()).unwrap();
        let expected = Measured {
            online_accuracy: Some(0.375),
            last_online_accuracy: Some(0.25),
            srank: Some(30.5),
            dormant: Some((0.1 * 100.0 + 0.4 * 50.0) / 150.0),
        };
        assert_eq!(measured, expected);
    }

    #[test]
    fn empty_cells_count_for_nothing() {
        let measured =
            measure(folder("task,online_accuracy\n0,0.5\n1,\n", "task,phase,units,probe,value\n").path());
        let expected = Measured { online_accuracy: Some(0.5), ..Measured::default() };
        assert_eq!(measured.unwrap(), expected);
    }

    #[test]
    fn a_bad_file_is_named_with_column_or_line() {
        let says = |tasks: &str| format!("{:#}", measure(folder(tasks, PROBES).path()).unwrap_err());
        let missing = says("task,accuracy\n0,0.5\n");
        assert!(
            missing.contains("tasks.csv") && missing.contains("no column \"online_accuracy\""),
            "{missing}"
        );
        let bad = says("task,online_accuracy\n0,0.5\n1,x\n");
        assert!(bad.contains("line 3: \"x\" is no number"), "{bad}");
        let short = says("task,online_accuracy\n0,0.5\n1\n");
        assert!(short.contains("tasks.csv"), "{short}");
    }
}
