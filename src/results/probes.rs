//! Probes at the ends of tasks.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Downsampled, each_row};
use crate::record::{Phase, ProbeRow, RecordError};

/// The probes of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Probes {
    /// Over tasks, by probe, then by layer.
    pub series: BTreeMap<String, BTreeMap<String, Downsampled>>,
    /// At the end of the last task, by probe.
    pub last: BTreeMap<String, LastTask>,
    /// The latest task, and edge of it, that has a row.
    pub latest: Option<(usize, Phase)>,
}

/// One probe at the end of the last task.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct LastTask {
    task: usize,
    /// Of the last layer: rows come in the order of the layers.
    last_layer: Option<f64>,
    weighted: f64,
    units: f64,
}

impl LastTask {
    fn add(&mut self, row: &ProbeRow, value: f64) {
        if row.task > self.task {
            *self = Self { task: row.task, ..Self::default() };
        }
        self.last_layer = Some(value);
        let units = row.units.unwrap_or_default() as f64;
        self.weighted += value * units;
        self.units += units;
    }

    /// The value of the last layer, the features that the head reads: what ranks are given of.
    #[must_use]
    pub fn last_layer(&self) -> Option<f64> {
        self.last_layer
    }

    /// The mean over units of all layers: what shares of units are given of.
    #[must_use]
    pub fn over_units(&self) -> Option<f64> {
        (self.units > 0.0).then(|| self.weighted / self.units)
    }
}

/// Reads the probes of the run in `folder`.
pub fn read(folder: &Path) -> Result<Probes, RecordError> {
    let mut probes = Probes::default();
    each_row(folder, |row: ProbeRow| {
        let edge = (row.task, row.phase);
        let order = |(task, phase): (usize, Phase)| (task, phase == Phase::End);
        if probes.latest.is_none_or(|latest| order(latest) < order(edge)) {
            probes.latest = Some(edge);
        }
        let (Phase::End, Some(value)) = (row.phase, row.value) else { return };
        // Most rows are of a probe that is known: no name is copied for it.
        if !probes.last.contains_key(&row.probe) {
            probes.last.insert(row.probe.clone(), LastTask::default());
        }
        if let Some(last) = probes.last.get_mut(&row.probe) {
            last.add(&row, value);
        }
        probes.series.entry(row.probe).or_default().entry(row.layer).or_default().add(row.task, value);
    })?;
    probes.series.values_mut().flat_map(BTreeMap::values_mut).for_each(Downsampled::end);
    Ok(probes)
}

/// Those of the probes `wanted` at the end of the last task alone.
pub fn read_last(folder: &Path, wanted: &[&str]) -> Result<BTreeMap<String, LastTask>, RecordError> {
    let mut last: BTreeMap<String, LastTask> = BTreeMap::new();
    each_row(folder, |row: ProbeRow| {
        if let (Phase::End, Some(value)) = (row.phase, row.value)
            && wanted.contains(&row.probe.as_str())
        {
            last.entry(row.probe.clone()).or_default().add(&row, value);
        }
    })?;
    Ok(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_of_the_last_task_and_shares_are_weighed_by_units() {
        let folder = tempfile::tempdir().unwrap();
        let text = "\
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
        std::fs::write(folder.path().join("probes.csv"), text).unwrap();
        let last = read_last(folder.path(), &["srank", "dormant_units_0.025"]).unwrap();
        assert_eq!(last.len(), 2);
        assert_eq!(last["srank"].last_layer(), Some(30.5));
        assert_eq!(last["dormant_units_0.025"].over_units(), Some((0.1 * 100.0 + 0.4 * 50.0) / 150.0));
        let all = read(folder.path()).unwrap();
        assert_eq!(all.last["srank"], last["srank"]);
        assert_eq!(all.series["srank"]["0"].points().collect::<Vec<_>>(), [(0.0, 90.0), (1.0, 80.0)]);
    }
}
