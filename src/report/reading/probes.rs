//! Probes at the ends of tasks.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Series, each_row};
use crate::record::{Phase, ProbeRow, RecordError};

/// By probe, then by layer.
pub type Probes = BTreeMap<String, BTreeMap<String, Series>>;

/// Reads the probes of the run in `folder`.
pub fn read(folder: &Path) -> Result<Probes, RecordError> {
    let mut probes = Probes::new();
    each_row(folder, |row: ProbeRow| {
        if let (Phase::End, Some(value)) = (row.phase, row.value) {
            probes.entry(row.probe).or_default().entry(row.layer).or_default().add(row.task, value);
        }
    })?;
    probes.values_mut().flat_map(BTreeMap::values_mut).for_each(Series::end);
    Ok(probes)
}
