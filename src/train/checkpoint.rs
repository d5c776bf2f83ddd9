//! The state between two tasks, on disk: what a run needs to go on to the same bytes.
//!
//! `checkpoints/task-0003.safetensors` holds the parameters before task 3 under `PyTorch`'s names and
//! layouts (a rational's coefficients as `numerator` and `denominator`), `task-0003.optimizer.safetensors`
//! the moments, `task-0003.toml` the rest: step counts, the lengths of the CSV files at that moment and
//! the SHA-256 of the two files. Random streams need no state: each is derived from the seed and the
//! task's number. The manifest is written last, so a checkpoint without one does not exist, and one
//! whose files do not match it is passed over for the one before.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::Learner;
use crate::atomic;
use crate::kernels::inplace::update;
use crate::nn::{Network, Parameter, Role};

/// Which checkpoints stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// None: an interrupted run starts anew.
    None,
    /// The newest, and the one before it in case the newest is damaged.
    Last,
    /// One before every task and one after the last.
    All,
}

/// Short tasks do not write one each: a checkpoint is due this long after the last one.
const EVERY: Duration = Duration::from_secs(5);

/// Why a checkpoint could not be written or used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The disk refused.
    #[error("checkpoint {path}: {source}")]
    Io {
        /// File in question.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file's content does not fit the network.
    #[error("checkpoint {path} does not fit this run: {why}; move its folder away or run with --fresh")]
    Content {
        /// File in question.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
}

/// What a checkpoint says beside the learner's state.
#[derive(Debug)]
pub struct Resumed {
    /// Tasks finished before it.
    pub tasks_done: usize,
    /// Lengths of the result files at that moment.
    pub lengths: BTreeMap<String, u64>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    tasks_done: usize,
    parameters_sha256: String,
    optimizer_sha256: String,
    optimizer_steps: Vec<u64>,
    file_lengths: BTreeMap<String, u64>,
}

/// A manifest with the bytes of the two files that it vouches for: parameters, moments.
type Files = (Manifest, Vec<u8>, Vec<u8>);

/// The checkpoints of one run.
pub struct Checkpoints {
    folder: PathBuf,
    keep: Keep,
    last: Instant,
}

impl Checkpoints {
    /// Those of the run in `dir`.
    #[must_use]
    pub fn new(dir: &Path, keep: Keep) -> Self {
        Self { folder: dir.join("checkpoints"), keep, last: Instant::now() }
    }

    /// Whether it is time for the next one.
    #[must_use]
    pub fn due(&self) -> bool {
        self.keep == Keep::All || self.last.elapsed() >= EVERY
    }

    /// Writes the state before task number `tasks_done`.
    pub fn save(
        &mut self,
        tasks_done: usize,
        learner: &Learner,
        lengths: &BTreeMap<String, u64>,
    ) -> Result<(), CheckpointError> {
        if self.keep == Keep::None {
            return Ok(());
        }
        fs::create_dir_all(&self.folder).map_err(|source| io(&self.folder, source))?;
        let network = learner.network();
        let parameters = serialize(&parameter_tensors(network)?, &self.folder)?;
        let optimizer = serialize(&moment_tensors(learner), &self.folder)?;
        let manifest = Manifest {
            format: 1,
            tasks_done,
            parameters_sha256: digest(&parameters),
            optimizer_sha256: digest(&optimizer),
            optimizer_steps: learner.optimizer().states().iter().map(|s| s.steps).collect(),
            file_lengths: lengths.clone(),
        };
        write(&self.path(tasks_done, "safetensors"), &parameters)?;
        write(&self.path(tasks_done, "optimizer.safetensors"), &optimizer)?;
        let text = toml::to_string(&manifest).expect("numbers and strings always serialise");
        write(&self.path(tasks_done, "toml"), text.as_bytes())?;
        self.last = Instant::now();
        if self.keep == Keep::Last {
            for old in self.existing()?.into_iter().rev().skip(2) {
                for kind in ["toml", "optimizer.safetensors", "safetensors"] {
                    let path = self.path(old, kind);
                    fs::remove_file(&path).map_err(|source| io(&path, source))?;
                }
            }
        }
        Ok(())
    }

    /// Brings the learner to the newest undamaged checkpoint, if there is one.
    pub fn restore(&mut self, learner: &mut Learner) -> Result<Option<Resumed>, CheckpointError> {
        for tasks_done in self.existing()?.into_iter().rev() {
            if let Some((manifest, parameters, optimizer)) = self.read(tasks_done)? {
                load_parameters(learner.network(), &parameters, &self.path(tasks_done, "safetensors"))?;
                let path = self.path(tasks_done, "optimizer.safetensors");
                load_moments(learner, &optimizer, &manifest.optimizer_steps, &path)?;
                return Ok(Some(Resumed { tasks_done, lengths: manifest.file_lengths }));
            }
        }
        Ok(None)
    }

    /// The three files of a checkpoint; `None` if any is missing, unreadable as what it should be, or
    /// not what the manifest says.
    fn read(&self, tasks_done: usize) -> Result<Option<Files>, CheckpointError> {
        let file = |kind| {
            let path = self.path(tasks_done, kind);
            match fs::read(&path) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(source) => Err(io(&path, source)),
            }
        };
        let (Some(text), Some(parameters), Some(optimizer)) =
            (file("toml")?, file("safetensors")?, file("optimizer.safetensors")?)
        else {
            return Ok(None);
        };
        let manifest = String::from_utf8(text).ok().and_then(|t| toml::from_str::<Manifest>(&t).ok());
        Ok(manifest
            .filter(|m| m.format == 1 && m.tasks_done == tasks_done)
            .filter(|m| {
                m.parameters_sha256 == digest(&parameters) && m.optimizer_sha256 == digest(&optimizer)
            })
            .map(|m| (m, parameters, optimizer)))
    }

    /// Numbers of the checkpoints that have a manifest, rising.
    fn existing(&self) -> Result<Vec<usize>, CheckpointError> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(io(&self.folder, source)),
        };
        let mut numbers = Vec::new();
        for entry in entries {
            let name = entry.map_err(|source| io(&self.folder, source))?.file_name();
            let number = name.to_str().and_then(|n| n.strip_prefix("task-")?.strip_suffix(".toml"));
            numbers.extend(number.and_then(|n| n.parse::<usize>().ok()));
        }
        numbers.sort_unstable();
        Ok(numbers)
    }

    fn path(&self, tasks_done: usize, kind: &str) -> PathBuf {
        self.folder.join(format!("task-{tasks_done:04}.{kind}"))
    }
}

fn io(path: &Path, source: std::io::Error) -> CheckpointError {
    CheckpointError::Io { path: path.to_path_buf(), source }
}

fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    Sha256::digest(bytes).iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// A kill leaves the old file or the new one, nothing between.
fn write(path: &Path, bytes: &[u8]) -> Result<(), CheckpointError> {
    atomic::write(path, bytes).map_err(|source| io(path, source))
}

struct Named {
    name: String,
    shape: Vec<usize>,
    values: Vec<f32>,
}

fn serialize(tensors: &[Named], folder: &Path) -> Result<Vec<u8>, CheckpointError> {
    let bytes: Vec<Vec<u8>> =
        tensors.iter().map(|t| t.values.iter().flat_map(|v| v.to_le_bytes()).collect()).collect();
    let views: Result<Vec<_>, _> = tensors
        .iter()
        .zip(&bytes)
        .map(|(t, b)| TensorView::new(Dtype::F32, t.shape.clone(), b).map(|view| (t.name.as_str(), view)))
        .collect();
    let serialized = views.and_then(|views| safetensors::serialize(views, None));
    serialized.map_err(|e| CheckpointError::Content { path: folder.to_path_buf(), why: e.to_string() })
}

/// Columns of a coefficient matrix (sets, names) as `PyTorch` users expect them: a rational's a… are its
/// numerator, its b… its denominator; any other activation keeps one tensor.
fn columns(network: &dyn Network, parameter: &Parameter) -> Vec<(String, Vec<usize>)> {
    let Role::Coefficients(site) = parameter.role else { return Vec::new() };
    let site = &network.sites()[site];
    let names = &site.coefficients.as_ref().expect("a site with a parameter has coefficients").names;
    let pick = |first: char| (0..names.len()).filter(|&i| names[i].starts_with(first)).collect::<Vec<_>>();
    let (numerator, denominator) = (pick('a'), pick('b'));
    if !denominator.is_empty() && numerator.len() + denominator.len() == names.len() {
        vec![
            (format!("{}.numerator", site.name), numerator),
            (format!("{}.denominator", site.name), denominator),
        ]
    } else {
        vec![(parameter.name.clone(), (0..names.len()).collect())]
    }
}

fn parameter_tensors(network: &dyn Network) -> Result<Vec<Named>, CheckpointError> {
    let mut tensors = Vec::new();
    for parameter in network.parameters() {
        let values = parameter.to_vec().map_err(|e| CheckpointError::Content {
            path: PathBuf::from(&parameter.name),
            why: e.to_string(),
        })?;
        let shape = parameter.values.dims().to_vec();
        let parts = columns(network, parameter);
        if parts.is_empty() {
            tensors.push(Named { name: parameter.name.clone(), shape, values });
            continue;
        }
        for (name, picked) in parts {
            let part: Vec<f32> =
                values.chunks_exact(shape[1]).flat_map(|set| picked.iter().map(|&i| set[i])).collect();
            let shape = if shape[0] == 1 { vec![picked.len()] } else { vec![shape[0], picked.len()] };
            tensors.push(Named { name, shape, values: part });
        }
    }
    Ok(tensors)
}

fn moment_tensors(learner: &Learner) -> Vec<Named> {
    let mut tensors = Vec::new();
    for (parameter, state) in learner.network().parameters().iter().zip(learner.optimizer().states()) {
        for (what, values) in [("first", &state.first), ("second", &state.second)] {
            if !values.is_empty() {
                tensors.push(Named {
                    name: format!("{}.{what}", parameter.name),
                    shape: parameter.values.dims().to_vec(),
                    values: values.clone(),
                });
            }
        }
    }
    tensors
}

fn values(tensors: &SafeTensors<'_>, name: &str, path: &Path) -> Result<Vec<f32>, CheckpointError> {
    let fail = |why: String| CheckpointError::Content { path: path.to_path_buf(), why };
    let view = tensors.tensor(name).map_err(|e| fail(format!("{name}: {e}")))?;
    if view.dtype() != Dtype::F32 {
        return Err(fail(format!("{name} is not f32")));
    }
    Ok(view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
}

fn open<'a>(bytes: &'a [u8], path: &Path) -> Result<SafeTensors<'a>, CheckpointError> {
    SafeTensors::deserialize(bytes)
        .map_err(|e| CheckpointError::Content { path: path.to_path_buf(), why: e.to_string() })
}

fn load_parameters(network: &dyn Network, bytes: &[u8], path: &Path) -> Result<(), CheckpointError> {
    let fail = |why: String| CheckpointError::Content { path: path.to_path_buf(), why };
    let tensors = open(bytes, path)?;
    for parameter in network.parameters() {
        let shape = parameter.values.dims();
        let mut whole = vec![0.0f32; parameter.values.elem_count()];
        let parts = columns(network, parameter);
        if parts.is_empty() {
            whole = values(&tensors, &parameter.name, path)?;
        }
        for (name, picked) in parts {
            let part = values(&tensors, &name, path)?;
            if part.len() != picked.len() * shape[0] {
                return Err(fail(format!("{name} has {} values", part.len())));
            }
            for (set, part) in whole.chunks_exact_mut(shape[1]).zip(part.chunks_exact(picked.len())) {
                picked.iter().zip(part).for_each(|(&i, &v)| set[i] = v);
            }
        }
        if whole.len() != parameter.values.elem_count() {
            return Err(fail(format!("{} has {} values", parameter.name, whole.len())));
        }
        update(&parameter.values, |old| old.copy_from_slice(&whole)).map_err(|e| fail(e.to_string()))?;
    }
    Ok(())
}

fn load_moments(
    learner: &mut Learner,
    bytes: &[u8],
    steps: &[u64],
    path: &Path,
) -> Result<(), CheckpointError> {
    let fail = |why: String| CheckpointError::Content { path: path.to_path_buf(), why };
    let tensors = open(bytes, path)?;
    let names: Vec<String> = learner.network().parameters().iter().map(|p| p.name.clone()).collect();
    let states = learner.optimizer_mut().states_mut();
    if steps.len() != states.len() {
        return Err(fail(format!("{} step counts for {} parameters", steps.len(), states.len())));
    }
    for ((state, name), &steps) in states.iter_mut().zip(&names).zip(steps) {
        for (what, into) in [("first", &mut state.first), ("second", &mut state.second)] {
            if !into.is_empty() {
                let saved = values(&tensors, &format!("{name}.{what}"), path)?;
                if saved.len() != into.len() {
                    return Err(fail(format!("{name}.{what} has {} values", saved.len())));
                }
                *into = saved;
            }
        }
        state.steps = steps;
    }
    Ok(())
}
