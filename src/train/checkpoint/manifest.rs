//! What vouches for a checkpoint's files, and the names that they have.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::sha256::{self, Prefixes};
use crate::train::TaskResult;

/// Raised when an older version could not read what this one writes.
const FORMAT: u32 = 3;
/// Begins the last line, which vouches for all above it.
const SEAL: &str = "# SHA-256 of all above: ";

/// Where a run stands: before the first step of a task, or after some of its steps. Orders as time does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Position {
    /// Tasks finished.
    pub task: usize,
    /// Steps taken in the next one; 0 between two tasks.
    pub step: usize,
}

impl Position {
    /// Between two tasks.
    pub fn before(task: usize) -> Self {
        Self { task, step: 0 }
    }

    /// Position and kind of the file named `name`; `None` if it is no checkpoint's.
    pub fn of_file(name: &str) -> Option<(Self, &str)> {
        let (stem, kind) = name.strip_prefix("task-")?.split_once('.')?;
        let (task, step) = match stem.split_once("-step-") {
            Some((task, step)) => (task, step.parse().ok()?),
            None => (stem, 0),
        };
        Some((Self { task: task.parse().ok()?, step }, kind))
    }
}

/// The stem of its files: `task-0003`, `task-0003-step-00001500`.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task-{:04}", self.task)?;
        if self.step > 0 { write!(f, "-step-{:08}", self.step) } else { Ok(()) }
    }
}

/// The third file of a checkpoint, written last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Manifest {
    format: u32,
    task: usize,
    step: usize,
    /// What is trained.
    pub learner: Vouched,
    /// The paired fresh network of the task under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fresh: Option<Vouched>,
    /// Figures of the task under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result: Option<TaskResult>,
    /// What the result files hold.
    pub files: Prefixes,
}

/// Digests of a learner's two files, and what is not in them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Vouched {
    parameters_sha256: String,
    optimizer_sha256: String,
    /// Steps that each parameter has taken; each row of it, where rows are separate.
    pub optimizer_steps: Vec<u64>,
    /// How far the activations have drawn from their stream.
    pub draws: u64,
}

impl Manifest {
    /// Of a checkpoint at `position`.
    pub fn new(position: Position, learner: Vouched, files: Prefixes) -> Self {
        let Position { task, step } = position;
        Self { format: FORMAT, task, step, learner, fresh: None, result: None, files }
    }

    /// The file's text.
    pub fn to_toml(&self) -> String {
        let text = toml::to_string(self).expect("numbers and strings always serialise");
        let seal = sha256::of(text.as_bytes());
        format!("{text}{SEAL}{seal}\n")
    }

    /// Reads the manifest of the checkpoint at `position`; `None` if it is none, a damaged one, or of
    /// another checkpoint.
    pub fn parse(text: Vec<u8>, position: Position) -> Option<Self> {
        let text = String::from_utf8(text).ok()?;
        let (above, seal) = text.strip_suffix('\n')?.rsplit_once(SEAL)?;
        if seal != sha256::of(above.as_bytes()) {
            return None;
        }
        let manifest: Self = toml::from_str(above).ok()?;
        let whole = (position.step > 0) == manifest.result.is_some();
        let here = (manifest.format, manifest.task, manifest.step) == (FORMAT, position.task, position.step);
        (whole && here).then_some(manifest)
    }
}

impl Vouched {
    /// For these files.
    pub fn new(parameters: &[u8], optimizer: &[u8], optimizer_steps: Vec<u64>, draws: u64) -> Self {
        let (parameters_sha256, optimizer_sha256) = (sha256::of(parameters), sha256::of(optimizer));
        Self { parameters_sha256, optimizer_sha256, optimizer_steps, draws }
    }

    /// Whether it is these files that it vouches for.
    pub fn holds(&self, parameters: &[u8], optimizer: &[u8]) -> bool {
        self.parameters_sha256 == sha256::of(parameters) && self.optimizer_sha256 == sha256::of(optimizer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_by_their_position_and_sort_as_time_does() {
        let names = ["task-0003", "task-0003-step-00000064", "task-0003-step-00001500", "task-0004"];
        let positions = [(3, 0), (3, 64), (3, 1500), (4, 0)].map(|(task, step)| Position { task, step });
        assert_eq!(positions.map(|p| p.to_string()), names);
        assert!(positions.is_sorted() && names.is_sorted());
        for (position, name) in positions.into_iter().zip(names) {
            let file = format!("{name}.optimizer.safetensors");
            assert_eq!(Position::of_file(&file), Some((position, "optimizer.safetensors")));
        }
        for other in
            ["notes.txt", "task-3", "task-x.toml", "task-0001-step-.toml", ".task-0001.toml.7.partial"]
        {
            assert_eq!(Position::of_file(other), None, "{other}");
        }
    }

    #[test]
    fn sums_read_back_to_the_same_bits() {
        let position = Position { task: 2, step: 3 };
        let mut growing = sha256::Growing::default();
        growing.push(b"run,task,step\n");
        for loss in [0.1 + 0.2, 5e-324, f64::MAX, 1e22, 123_456_789.123_456_78] {
            let mut result = TaskResult::new(2, true, 64);
            (0..3).for_each(|_| result.online(7, 16, loss / 3.0));
            result.online_fresh(1, 3, 1.0);
            let learner = Vouched::new(b"a", b"b", vec![3, 0], u64::MAX >> 1);
            let manifest = Manifest {
                result: Some(result),
                ..Manifest::new(position, learner, [("steps.csv".to_owned(), growing.prefix())].into())
            };
            let text = manifest.to_toml().into_bytes();
            assert_eq!(Manifest::parse(text.clone(), position).as_ref(), Some(&manifest));
            assert_eq!(Manifest::parse(text, Position::before(2)), None);
        }
    }

    /// A number that reads as another number would bring the run to a state that it never had.
    #[test]
    fn a_flipped_bit_anywhere_is_noticed() {
        let position = Position::before(1);
        let learner = Vouched::new(b"a", b"b", vec![3000, 3000], 12);
        let text = Manifest::new(position, learner, Prefixes::new()).to_toml().into_bytes();
        assert!(Manifest::parse(text.clone(), position).is_some());
        for at in 0..text.len() {
            for bit in 0..8 {
                let mut damaged = text.clone();
                damaged[at] ^= 1 << bit;
                assert_eq!(Manifest::parse(damaged, position), None, "bit {bit} of byte {at}");
            }
            assert_eq!(Manifest::parse(text[..at].to_vec(), position), None, "cut to {at} bytes");
        }
    }
}
