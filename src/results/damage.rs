//! Whether the rows of a finished run are all there: held against the plan's tasks, and against what the
//! newest checkpoint remembers of the files.

use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use serde::Deserialize;

use super::tasks::Tasks;
use super::{Probes, Retention};
use crate::record::{CoefficientRow, Phase, ProbeRow, RetentionRow, Row, TaskRow};
use crate::sha256::{Growing, Prefixes};

/// What a checkpoint's manifest says of the rows. The rest of it is the trainer's.
#[derive(Deserialize)]
struct Manifest {
    task: usize,
    #[serde(default)]
    step: usize,
    files: Prefixes,
}

/// What is wrong with the rows of a run that was trained to the end of `tasks`, if anything is.
///
/// # Errors
/// If a file cannot be read.
pub fn damage(
    folder: &Path,
    tasks: usize,
    read: &Tasks,
    probes: &Probes,
    retention: &Retention,
) -> io::Result<Option<String>> {
    if let Some(damage) = of_tasks(tasks, read) {
        return Ok(Some(damage));
    }
    if let Some((i, j)) = retention.lacking(tasks) {
        return Ok(Some(format!("{} lacks task {j} after task {i}", RetentionRow::FILE)));
    }
    if retention.doubled {
        return Ok(Some(format!("{} has rows twice", RetentionRow::FILE)));
    }
    if probes.latest.is_some_and(|latest| latest != (tasks - 1, Phase::End)) {
        return Ok(Some(format!("{} ends before the last task's end", ProbeRow::FILE)));
    }
    for name in [TaskRow::FILE, ProbeRow::FILE, RetentionRow::FILE, CoefficientRow::FILE] {
        if is_torn(&folder.join(name))? {
            return Ok(Some(format!("{name} ends within a line")));
        }
    }
    let Some(manifest) = newest(&folder.join("checkpoints"))? else { return Ok(None) };
    for (name, remembered) in &manifest.files {
        let path = folder.join(name);
        let Some(found) = Growing::read(&path, remembered.bytes)? else {
            return Ok(Some(format!("{name} is shorter than the newest checkpoint remembers")));
        };
        if found.prefix() != *remembered {
            return Ok(Some(format!("{name} was changed after it was written")));
        }
        let at_end = (manifest.task, manifest.step) == (tasks, 0);
        if at_end && fs::metadata(&path)?.len() != remembered.bytes {
            return Ok(Some(format!("{name} has more rows than the run wrote")));
        }
    }
    Ok(None)
}

/// What is wrong with tasks.csv after `tasks` tasks, if anything is.
pub fn of_tasks(tasks: usize, read: &Tasks) -> Option<String> {
    if let Some(broken) = read.broken_at {
        return Some(format!("{} has no row of task {broken} in its place", TaskRow::FILE));
    }
    (read.count != tasks)
        .then(|| format!("{} has rows of {} of the {tasks} tasks", TaskRow::FILE, read.count))
}

/// Whether a file's last line has no end; a missing or an empty file is whole.
fn is_torn(path: &Path) -> io::Result<bool> {
    let mut file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

/// The readable manifest of the latest position; `None` where a run kept no checkpoints.
fn newest(folder: &Path) -> io::Result<Option<Manifest>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut newest: Option<Manifest> = None;
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_none_or(|ending| ending != "toml") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap_or_default();
        let Ok(manifest) = toml::from_str::<Manifest>(&text) else { continue };
        let later = newest.as_ref().is_none_or(|n| (n.task, n.step) < (manifest.task, manifest.step));
        if later {
            newest = Some(manifest);
        }
    }
    Ok(newest)
}
