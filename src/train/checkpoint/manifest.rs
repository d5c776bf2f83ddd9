//! The file of a checkpoint that is written last: where the run stands, and the digests of all others.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::sha256::{self, Prefixes};

/// Raised when an older version could not read what this one writes.
pub(super) const FORMAT: u32 = 4;
/// Begins the last line, which holds the digest of all above it.
const SEAL: &str = "# SHA-256 of all above: ";
/// How the names of a checkpoint's data files end.
const TENSORS: &str = "safetensors";
/// How the manifest's name ends.
pub(super) const MANIFEST: &str = "toml";

/// Where a run stands: before the first step of a task, or after some of its steps. Orders as time does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Tasks finished.
    pub task: usize,
    /// Steps taken in the next one; 0 between two tasks.
    pub step: usize,
}

impl Position {
    /// Between two tasks.
    #[must_use]
    pub fn before(task: usize) -> Self {
        Self { task, step: 0 }
    }

    /// Position and kind of the file named `name`; `None` if no checkpoint writes such a name.
    pub(super) fn of_file(name: &str) -> Option<(Self, &str)> {
        let (stem, kind) = name.split_once('.')?;
        let numbers = stem.strip_prefix("task-")?;
        let (task, step) = match numbers.split_once("-step-") {
            Some((task, step)) => (task, step.parse().ok()?),
            None => (numbers, 0),
        };
        let position = Self { task: task.parse().ok()?, step };
        let ours = kind == MANIFEST || kind == TENSORS || kind.ends_with(&format!(".{TENSORS}"));
        // A number written in another way (task-2) makes it another file.
        (ours && stem == position.to_string()).then_some((position, kind))
    }
}

/// The stem of its files: `task-0003`, `task-0003-step-00001500`.
impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "task-{:04}", self.task)?;
        if self.step > 0 { write!(f, "-step-{:08}", self.step) } else { Ok(()) }
    }
}

/// Kinds of the two files of a part: its tensors, and whatever else its state has.
pub(super) fn kinds(part: &str) -> [String; 2] {
    let prefix = if part.is_empty() { String::new() } else { format!("{part}.") };
    [format!("{prefix}{TENSORS}"), format!("{prefix}state.{TENSORS}")]
}

/// The manifest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Manifest {
    format: u32,
    task: usize,
    step: usize,
    /// SHA-256 of every data file, by kind.
    pub digests: BTreeMap<String, String>,
    /// What the loop remembers of the task under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<toml::Table>,
    /// What the result files hold.
    pub files: Prefixes,
}

/// What a manifest's file turned out to be.
#[derive(Debug, PartialEq)]
pub(super) enum Parsed {
    Whole(Manifest),
    /// Sound, but of another format.
    Format(u32),
    Damaged,
}

/// The one key that manifests of all formats have.
#[derive(Deserialize)]
struct Header {
    format: u32,
}

impl Manifest {
    /// Of a checkpoint at `position`.
    pub fn new(
        position: Position,
        digests: BTreeMap<String, String>,
        open: Option<toml::Table>,
        files: Prefixes,
    ) -> Self {
        let Position { task, step } = position;
        Self { format: FORMAT, task, step, digests, open, files }
    }

    /// The file's text.
    pub fn to_toml(&self) -> String {
        let text = toml::to_string(self).expect("numbers and strings always serialise");
        let seal = sha256::of(text.as_bytes());
        format!("{text}{SEAL}{seal}\n")
    }

    /// Reads the manifest of the checkpoint at `position`. One of another position is damaged.
    pub fn parse(text: &[u8], position: Position) -> Parsed {
        let Some(above) = unsealed(text) else { return Parsed::Damaged };
        match toml::from_str(above) {
            Ok(Header { format }) if format != FORMAT => return Parsed::Format(format),
            Ok(_) => {}
            Err(_) => return Parsed::Damaged,
        }
        match toml::from_str::<Self>(above) {
            Ok(manifest)
                if (manifest.task, manifest.step) == (position.task, position.step)
                    && (position.step > 0) == manifest.open.is_some() =>
            {
                Parsed::Whole(manifest)
            }
            _ => Parsed::Damaged,
        }
    }
}

/// The text above the seal, if the seal is right.
fn unsealed(text: &[u8]) -> Option<&str> {
    let text = std::str::from_utf8(text).ok()?;
    let (above, seal) = text.strip_suffix('\n')?.rsplit_once(SEAL)?;
    (seal == sha256::of(above.as_bytes())).then_some(above)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::TaskResult;

    fn digests() -> BTreeMap<String, String> {
        kinds("").map(|kind| (kind, sha256::of(b"a"))).into()
    }

    #[test]
    fn files_are_named_by_their_position_and_sort_as_time_does() {
        let names = ["task-0003", "task-0003-step-00000064", "task-0003-step-00001500", "task-0004"];
        let positions = [(3, 0), (3, 64), (3, 1500), (4, 0)].map(|(task, step)| Position { task, step });
        assert_eq!(positions.map(|p| p.to_string()), names);
        assert!(positions.is_sorted() && names.is_sorted());
        for (position, name) in positions.into_iter().zip(names) {
            let file = format!("{name}.state.safetensors");
            assert_eq!(Position::of_file(&file), Some((position, "state.safetensors")));
        }
        for foreign in [
            "notes.txt",
            "task-3",
            "task-x.toml",
            "task-2.toml",
            "task-00002.toml",
            "task-+002.toml",
            "task-0002.safetensors.bak",
            "task-0002.toml~",
            "task-0002-step-64.toml",
            "task-0002-step-00000000.toml",
            "task-0001-step-.toml",
            ".task-0001.toml.7.partial",
        ] {
            assert_eq!(Position::of_file(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn sums_read_back_to_the_same_bits() {
        let position = Position { task: 2, step: 3 };
        let mut growing = sha256::Growing::default();
        growing.push(b"run,task,step\n");
        for loss in [0.1 + 0.2, 5e-324, f64::MAX, 1e22, 123_456_789.123_456_78] {
            let mut result = TaskResult::new(2, true, 64);
            (0..3).for_each(|_| result.online(7.0 / 16.0, loss / 3.0));
            result.online_fresh(1.0 / 3.0, 1.0);
            let open = toml::Table::try_from(&result).unwrap();
            let files = [("steps.csv".to_owned(), growing.prefix())].into();
            let manifest = Manifest::new(position, digests(), Some(open), files);
            let text = manifest.to_toml().into_bytes();
            let Parsed::Whole(read) = Manifest::parse(&text, position) else { panic!("{loss}") };
            assert_eq!(read, manifest);
            assert_eq!(read.open.unwrap().try_into::<TaskResult>().unwrap(), result);
            assert_eq!(Manifest::parse(&text, Position::before(2)), Parsed::Damaged);
        }
    }

    #[test]
    fn another_format_is_told_from_damage() {
        let above = "format = 3\ntask = 1\nstep = 0\n[learner]\ndraws = 0\n";
        let sealed = format!("{above}{SEAL}{}\n", sha256::of(above.as_bytes()));
        let position = Position::before(1);
        assert_eq!(Manifest::parse(sealed.as_bytes(), position), Parsed::Format(3));
        assert_eq!(Manifest::parse(above.as_bytes(), position), Parsed::Damaged);
    }

    /// A number that reads as another number would bring the run to a state that it never had.
    #[test]
    fn a_flipped_bit_anywhere_is_noticed() {
        let position = Position::before(1);
        let text = Manifest::new(position, digests(), None, Prefixes::new()).to_toml().into_bytes();
        assert!(matches!(Manifest::parse(&text, position), Parsed::Whole(_)));
        for at in 0..text.len() {
            for bit in 0..8 {
                let mut damaged = text.clone();
                damaged[at] ^= 1 << bit;
                assert_eq!(Manifest::parse(&damaged, position), Parsed::Damaged, "bit {bit} of byte {at}");
            }
            assert_eq!(Manifest::parse(&text[..at], position), Parsed::Damaged, "cut to {at} bytes");
        }
    }
}
