//! The state of a run on disk: what it needs to go on to the same bytes.
//!
//! `checkpoints/task-0003.safetensors` holds the parameters before task 3 under `PyTorch`'s names and
//! layouts (a rational's coefficients as `numerator` and `denominator`) and running statistics, `task-0003.optimizer.safetensors`
//! the moments, `task-0003.toml` the rest: step counts, length and SHA-256 of the CSV files at that moment
//! and the SHA-256 of the two files and, in its last line, of itself. Random streams need no state between tasks: each is derived from the
//! seed and the task's number. Within a task, `task-0003-step-00001500.*` says besides how far the
//! activations have drawn and the task's sums so far, and has two files more for the paired fresh
//! network, where there is one. The manifest is written last, so a checkpoint without one does not
//! exist, and one whose files do not match it is passed over for the one before.
//!
//! When one is due is read off the monotonic clock, and which is the newest off its name: a clock that
//! jumps changes neither.

mod manifest;
mod tensors;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use self::manifest::{Manifest, Position, Vouched};
use super::control::Control;
use super::{Learner, Observer, OpenTask, TrainError};
use crate::atomic;
use crate::sha256::Prefixes;
use crate::spec::Plan;
use crate::tasks::TaskStream;

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

/// Which checkpoints are written and stay.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// Which stay.
    pub keep: Keep,
    /// The longest that a run computes within a task without one: what a kill can cost.
    pub every: Duration,
}

impl From<Keep> for Policy {
    fn from(keep: Keep) -> Self {
        Self { keep, every: EVERY }
    }
}

/// Time between two checkpoints within a task, unless said otherwise.
pub const EVERY: Duration = Duration::from_mins(5);
/// Short tasks do not write one each: between tasks a checkpoint is due this long after the last one.
const BETWEEN_TASKS: Duration = Duration::from_secs(5);

const MANIFEST: &str = "toml";
const LEARNER: [&str; 2] = ["safetensors", "optimizer.safetensors"];
const FRESH: [&str; 2] = ["fresh.safetensors", "fresh-optimizer.safetensors"];

/// Why a checkpoint could not be written or used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The disk refused.
    #[error("the checkpoint {path}: {reason}; give --out a folder with room that can be written to")]
    Io {
        /// File in question.
        path: PathBuf,
        /// What the system said.
        reason: std::io::Error,
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

/// Where a run goes on.
pub(super) struct Resumed {
    /// Tasks finished.
    pub task: usize,
    /// The next one, if it was under way.
    pub open: Option<OpenTask>,
    /// What the result files held at that moment.
    pub files: Prefixes,
}

/// A manifest with the bytes of the files that it vouches for: parameters and moments of the learner,
/// and of the fresh network where there is one.
struct Read {
    manifest: Manifest,
    learner: [Vec<u8>; 2],
    fresh: Option<[Vec<u8>; 2]>,
}

/// The checkpoints of one run.
pub(super) struct Checkpoints {
    folder: PathBuf,
    policy: Policy,
    last: Instant,
}

impl Checkpoints {
    /// Those of the run in `dir`.
    pub fn new(dir: &Path, policy: Policy) -> Self {
        Self { folder: dir.join("checkpoints"), policy, last: Instant::now() }
    }

    /// Whether it is time for the next one between two tasks.
    pub fn due(&self) -> bool {
        self.policy.keep == Keep::All || self.last.elapsed() >= BETWEEN_TASKS.min(self.policy.every)
    }

    /// Whether it is time for one within a task.
    pub fn due_within(&self) -> bool {
        self.policy.keep != Keep::None && self.last.elapsed() >= self.policy.every
    }

    /// Writes the state before task number `task`.
    pub fn save(
        &mut self,
        task: usize,
        learner: &Learner,
        observer: &mut dyn Observer,
    ) -> Result<(), TrainError> {
        self.write(Position::before(task), learner, None, observer)
    }

    /// Writes the state within a task, after at least one step of it.
    pub fn save_within(
        &mut self,
        open: &OpenTask,
        learner: &Learner,
        observer: &mut dyn Observer,
    ) -> Result<(), TrainError> {
        let position = Position { task: open.result.task, step: open.result.steps };
        self.write(position, learner, Some(open), observer)
    }

    fn write(
        &mut self,
        position: Position,
        learner: &Learner,
        open: Option<&OpenTask>,
        observer: &mut dyn Observer,
    ) -> Result<(), TrainError> {
        if self.policy.keep == Keep::None {
            return Ok(());
        }
        fs::create_dir_all(&self.folder).map_err(|source| io(&self.folder, source))?;
        let vouched = self.write_learner(position, learner, LEARNER)?;
        let mut manifest = Manifest::new(position, vouched, observer.commit()?);
        if let Some(open) = open {
            manifest.result = Some(open.timed());
            manifest.fresh =
                open.fresh.as_ref().map(|l| self.write_learner(position, l, FRESH)).transpose()?;
        }
        put(&self.path(position, MANIFEST), manifest.to_toml().as_bytes())?;
        self.last = Instant::now();
        Ok(self.prune(position)?)
    }

    fn write_learner(
        &self,
        position: Position,
        learner: &Learner,
        [parameters_kind, optimizer_kind]: [&str; 2],
    ) -> Result<Vouched, CheckpointError> {
        let parameters = tensors::parameters(learner, &self.folder)?;
        let optimizer = tensors::moments(learner, &self.folder)?;
        put(&self.path(position, parameters_kind), &parameters)?;
        put(&self.path(position, optimizer_kind), &optimizer)?;
        let steps = learner.optimizer().states().iter().flat_map(|s| s.steps.clone()).collect();
        Ok(Vouched::new(&parameters, &optimizer, steps, learner.draws()))
    }

    /// Brings the learner to the newest undamaged checkpoint whose rows are still there, if there is one.
    pub fn restore(
        &mut self,
        plan: &Plan,
        stream: &dyn TaskStream,
        learner: &mut Learner,
        observer: &dyn Observer,
        control: &Control,
    ) -> Result<Option<Resumed>, TrainError> {
        atomic::sweep(&self.folder).map_err(|source| io(&self.folder, source))?;
        let mut first_without_rows = None;
        for position in self.existing()?.into_iter().rev() {
            let Some(read) = self.read(position)? else {
                control.note(&format!("the checkpoint {position} is damaged and was passed over"));
                continue;
            };
            if observer.holds(&read.manifest.files)? {
                let resumed = self.load(plan, stream, position, read, learner)?;
                // The rows that later ones count on are about to be cut off.
                self.remove(|other| other > position)?;
                return Ok(Some(resumed));
            }
            control.note(&format!(
                "the checkpoint {position} was passed over: rows that it counts on are gone or changed"
            ));
            first_without_rows.get_or_insert((position, read));
        }
        // With rows lost from before every checkpoint the observer refuses, and says how to start anew.
        let Some((position, read)) = first_without_rows else {
            self.remove(|_| true)?;
            return Ok(None);
        };
        Ok(Some(self.load(plan, stream, position, read, learner)?))
    }

    fn load(
        &self,
        plan: &Plan,
        stream: &dyn TaskStream,
        position: Position,
        read: Read,
        learner: &mut Learner,
    ) -> Result<Resumed, TrainError> {
        let Manifest { learner: vouched, fresh, result, files, .. } = read.manifest;
        self.load_learner(position, learner, &read.learner, &vouched, LEARNER)?;
        let Some(result) = result else {
            return Ok(Resumed { task: position.task, open: None, files });
        };
        learner.resume_task(plan, position.task, vouched.draws);
        let mut paired = None;
        if let (Some(vouched), Some(tensors)) = (fresh, read.fresh) {
            let mut reference = Learner::fresh(plan, stream, position.task)?;
            self.load_learner(position, &mut reference, &tensors, &vouched, FRESH)?;
            reference.resume_task(plan, position.task, vouched.draws);
            paired = Some(reference);
        }
        let open = OpenTask { result, fresh: paired, started: Instant::now() };
        Ok(Resumed { task: position.task, open: Some(open), files })
    }

    fn load_learner(
        &self,
        position: Position,
        learner: &mut Learner,
        [parameters, optimizer]: &[Vec<u8>; 2],
        vouched: &Vouched,
        kinds: [&str; 2],
    ) -> Result<(), CheckpointError> {
        let [parameters_path, optimizer_path] = kinds.map(|kind| self.path(position, kind));
        tensors::load_parameters(learner.network(), parameters, &parameters_path)?;
        tensors::load_moments(learner, optimizer, &vouched.optimizer_steps, &optimizer_path)
    }

    /// The files of a checkpoint; `None` if any is missing, unreadable as what it should be, or not what
    /// the manifest says.
    fn read(&self, position: Position) -> Result<Option<Read>, CheckpointError> {
        let file = |kind: &str| {
            let path = self.path(position, kind);
            match fs::read(&path) {
                Ok(bytes) => Ok(Some(bytes)),
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
                Err(source) => Err(io(&path, source)),
            }
        };
        let vouched_for = |[parameters, optimizer]: [&str; 2], vouched: &Vouched| {
            let files = file(parameters)?.zip(file(optimizer)?);
            Ok(files.filter(|(p, o)| vouched.holds(p, o)).map(|(p, o)| [p, o]))
        };
        let Some(manifest) = file(MANIFEST)?.and_then(|text| Manifest::parse(text, position)) else {
            return Ok(None);
        };
        let Some(learner) = vouched_for(LEARNER, &manifest.learner)? else { return Ok(None) };
        let fresh = match &manifest.fresh {
            Some(vouched) => match vouched_for(FRESH, vouched)? {
                None => return Ok(None),
                some => some,
            },
            None => None,
        };
        Ok(Some(Read { manifest, learner, fresh }))
    }

    /// Positions of the checkpoints that have a manifest, rising.
    fn existing(&self) -> Result<Vec<Position>, CheckpointError> {
        let mut positions: Vec<Position> =
            self.files()?.into_iter().filter(|(.., kind)| kind == MANIFEST).map(|(at, _)| at).collect();
        positions.sort_unstable();
        Ok(positions)
    }

    /// Positions and kinds of all files.
    fn files(&self) -> Result<Vec<(Position, String)>, CheckpointError> {
        let entries = match fs::read_dir(&self.folder) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(io(&self.folder, source)),
        };
        let mut files = Vec::new();
        for entry in entries {
            let name = entry.map_err(|source| io(&self.folder, source))?.file_name();
            let file = name.to_str().and_then(Position::of_file);
            files.extend(file.map(|(position, kind)| (position, kind.to_owned())));
        }
        Ok(files)
    }

    /// Removes what need not stay once the checkpoint at `newest` stands.
    fn prune(&self, newest: Position) -> Result<(), CheckpointError> {
        let before = self.existing()?.into_iter().rfind(|&position| position < newest);
        self.remove(|position| match self.policy.keep {
            _ if position >= newest => false,
            Keep::None => true,
            Keep::Last => Some(position) != before,
            // Those within a task go when its end is saved.
            Keep::All => position.step > 0 && (newest.step == 0 || Some(position) != before),
        })
    }

    /// Removes the checkpoints at all positions that `goes` names, and what a kill left of others there.
    fn remove(&self, goes: impl Fn(Position) -> bool) -> Result<(), CheckpointError> {
        let mut gone = self.files()?;
        gone.retain(|(position, _)| goes(*position));
        // The manifest first: a kill in between leaves files without one, not one without files.
        gone.sort_by_key(|(_, kind)| kind != MANIFEST);
        for (position, kind) in gone {
            let path = self.path(position, &kind);
            fs::remove_file(&path).map_err(|source| io(&path, source))?;
        }
        Ok(())
    }

    fn path(&self, position: Position, kind: &str) -> PathBuf {
        self.folder.join(format!("{position}.{kind}"))
    }
}

fn io(path: &Path, reason: std::io::Error) -> CheckpointError {
    CheckpointError::Io { path: path.to_path_buf(), reason }
}

/// A kill leaves the old file or the new one, nothing between.
fn put(path: &Path, bytes: &[u8]) -> Result<(), CheckpointError> {
    atomic::write(path, bytes).map_err(|source| io(path, source))
}
