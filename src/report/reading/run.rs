//! One run on disk.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context, bail};

use super::{Learned, Retention, Series, coefficients, each_row, probes, retention};
use crate::record::{RUN_FILE, RunStatus, TaskRow};
use crate::spec::{Catalogue, Plan, Spec};

/// Folders below a given one that are looked into: RESULTS/DATE/NAME/RUN and one more.
const DEEPEST: usize = 5;

/// What a run has to say for itself.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its folder.
    pub folder: PathBuf,
    /// What was asked for.
    pub plan: Plan,
    /// How it went.
    pub status: RunStatus,
    /// Tasks that have a row.
    pub tasks: usize,
    /// Online accuracy over tasks.
    pub online: Series,
    /// One figure a metric: see [`super::super::metric`].
    pub metrics: BTreeMap<&'static str, f64>,
    /// Probes at the ends of tasks, by probe and layer.
    pub probes: BTreeMap<String, BTreeMap<String, Series>>,
    /// Curves of rational activations, by layer.
    pub shapes: BTreeMap<String, Learned>,
    /// Accuracy matrix.
    pub retention: Retention,
}

/// The run folders under each of `given`, in the order of their names, each once.
pub fn find(given: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for root in given {
        let before = folders.len();
        descend(root, DEEPEST, &mut folders)
            .with_context(|| format!("the results in {} could not be read", root.display()))?;
        if folders.len() == before {
            bail!(
                "{} holds no runs: no {RUN_FILE} in it or below; name a folder that `run --out` wrote to",
                root.display()
            );
        }
    }
    let mut seen = std::collections::BTreeSet::new();
    folders.retain(|folder| seen.insert(folder.canonicalize().unwrap_or_else(|_| folder.clone())));
    Ok(folders)
}

fn descend(folder: &Path, levels: usize, found: &mut Vec<PathBuf>) -> io::Result<()> {
    if folder.join(RUN_FILE).is_file() {
        found.push(folder.to_owned());
        return Ok(());
    }
    let mut inner = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
        // Links are not followed: they can lead in circles.
        if entry.file_type()?.is_dir() && !hidden {
            inner.push(entry.path());
        }
    }
    inner.sort();
    if levels > 0 {
        inner.iter().try_for_each(|path| descend(path, levels - 1, found))?;
    }
    Ok(())
}

/// Reads the run in `folder`.
pub fn open(folder: &Path, catalogue: &Catalogue) -> anyhow::Result<Run> {
    let path = folder.join(RUN_FILE);
    let text = fs::read_to_string(&path).with_context(|| format!("{} could not be read", path.display()))?;
    let spec = Spec::parse(&text, &path.display().to_string(), &[], catalogue)?;
    let plan = match spec.plans(None)?.as_slice() {
        [plan] => plan.clone(),
        plans => bail!("{} describes {} runs and not one", path.display(), plans.len()),
    };
    let status =
        RunStatus::read(folder)?.with_context(|| format!("{} has no [run] table", path.display()))?;
    let mut run = Run {
        folder: folder.to_owned(),
        shapes: coefficients::read(folder, &plan)?,
        probes: probes::read(folder)?,
        retention: Retention::read(folder)?,
        plan,
        status,
        tasks: 0,
        online: Series::default(),
        metrics: BTreeMap::new(),
    };
    run.read_tasks()?;
    Ok(run)
}

/// A mean in the making.
#[derive(Default)]
struct Sum(f64, usize);

impl Sum {
    fn add(&mut self, value: Option<f64>) {
        if let Some(value) = value {
            self.0 += value;
            self.1 += 1;
        }
    }
}

impl Run {
    fn read_tasks(&mut self) -> anyhow::Result<()> {
        let [mut online, mut test, mut gap, mut train] = [(); 4].map(|()| Sum::default());
        let [mut first, mut last, mut last_test] = [None; 3];
        each_row(&self.folder.clone(), |row: TaskRow| {
            self.tasks += 1;
            self.online.add(row.task, row.online_accuracy.unwrap_or(f64::NAN));
            online.add(row.online_accuracy);
            test.add(row.test_accuracy);
            gap.add(row.plasticity_gap);
            train.add(row.train_accuracy);
            if row.task == 0 {
                first = row.online_accuracy;
            }
            (last, last_test) = (row.online_accuracy, row.test_accuracy);
        })?;
        let mean = |sum: Sum| (sum.1 > 0).then(|| sum.0 / sum.1 as f64);
        let figures = [
            ("total_online_accuracy", mean(online)),
            ("first_task_accuracy", first),
            ("last_task_accuracy", last),
            ("task_end_accuracy", mean(train)),
            ("plasticity_gap", mean(gap)),
            ("test_accuracy", mean(test)),
            ("last_test_accuracy", last_test),
            ("average_accuracy", retention::average_accuracy(&self.retention.matrix)),
            ("forgetting", retention::forgetting(&self.retention.matrix)),
            ("backward_transfer", retention::backward_transfer(&self.retention.matrix)),
            ("average_accuracy_within", retention::average_accuracy(&self.retention.within)),
            ("forgetting_within", retention::forgetting(&self.retention.within)),
        ];
        let known = figures.into_iter().filter_map(|(name, value)| Some((name, value?)));
        self.metrics = known.filter(|(_, value)| value.is_finite()).collect();
        Ok(())
    }

    /// Mean over layers of a probe at the end of the last task.
    #[must_use]
    pub fn last_probe(&self, probe: &str) -> Option<f64> {
        let layers: Vec<f64> = self.probes.get(probe)?.values().filter_map(Series::last).collect();
        crate::report::statistics::mean(&layers)
    }
}
