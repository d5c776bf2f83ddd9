//! A tiny run that was interrupted within its first task, and what becomes of it with other files.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use plasticity_bench::catalogue::catalogue;
use plasticity_bench::data::{self, DataSet, Silent};
use plasticity_bench::measure::Recording;
use plasticity_bench::sha256;
use plasticity_bench::spec::{Plan, Spec};
use plasticity_bench::train::checkpoint::{Keep, Policy};
use plasticity_bench::train::signals::{Outcome, Signals};

use crate::scratch;

const SPEC: &str = "name = 'x'\ndata = { dataset = 'generated-digits' }\noptimizer = 'adam'\n\
                    network = { kind = 'mlp', hidden = [4] }\nactivation = 'rational'\n\
                    stream = { family = 'shuffled-labels', tasks = 2, examples = 8, steps = 3, batch_size = 4 }\n\
                    probes = { names = ['srank'], samples = 8, plasticity_gap = true }\n";
/// Begins the last line of a manifest.
const SEAL: &str = "# SHA-256 of all above: ";
/// The newest checkpoint.
pub const NEWEST: &str = "task-0000-step-00000001";

/// The run with its files.
pub struct Interrupted {
    pub plan: Plan,
    data: Arc<DataSet>,
    pub folder: PathBuf,
    /// Below the folder.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// Made once.
pub fn interrupted() -> &'static Interrupted {
    static MADE: OnceLock<Interrupted> = OnceLock::new();
    MADE.get_or_init(|| {
        let plan = Spec::parse(SPEC, "x.toml", &[], &catalogue()).unwrap().plans(None).unwrap().remove(0);
        let data = Arc::new(data::load("generated-digits", None, &mut Silent).unwrap());
        let folder = scratch("run");
        let mut made = Interrupted { plan, data, folder, files: BTreeMap::new() };
        assert!(matches!(made.go_on(), Ok(Outcome::Interrupted)));
        for below in ["", "checkpoints/"] {
            for entry in fs::read_dir(made.folder.join(below)).unwrap() {
                let path = entry.unwrap().path();
                if path.is_file() {
                    let name = format!("{below}{}", path.file_name().unwrap().to_str().unwrap());
                    made.files.insert(name, fs::read(path).unwrap());
                }
            }
        }
        made
    })
}

impl Interrupted {
    /// A step more, and interrupted again.
    pub fn go_on(&self) -> Result<Outcome, String> {
        let signals = Signals::new(Arc::new(AtomicBool::new(true)), |_| {});
        let policy = Policy { keep: Keep::Last, every: Duration::ZERO };
        let mut recording = Recording::new(&self.plan, &self.folder, true);
        let data = Arc::clone(&self.data);
        plasticity_bench::train::run(&self.plan, data, &self.folder, policy, &mut recording, &signals)
            .map_err(|error| error.to_string())
    }

    /// Puts the files there, with `other` in place of the one of that name.
    pub fn lay_out(&self, name: &str, other: &[u8]) {
        let _ = fs::remove_dir_all(&self.folder);
        fs::create_dir_all(self.folder.join("checkpoints")).unwrap();
        for (path, bytes) in &self.files {
            fs::write(self.folder.join(path), if path == name { other } else { bytes }).unwrap();
        }
    }

    /// The newest checkpoint's manifest without its seal.
    pub fn manifest(&self) -> String {
        let text = String::from_utf8(self.files[&format!("checkpoints/{NEWEST}.toml")].clone()).unwrap();
        text.rsplit_once(SEAL).unwrap().0.to_owned()
    }
}

/// A manifest that vouches for itself.
pub fn sealed(manifest: &str) -> Vec<u8> {
    format!("{manifest}{SEAL}{}\n", sha256::of(manifest.as_bytes())).into_bytes()
}

/// Where a checkpoint's file stands.
pub fn file(folder: &Path, kind: &str) -> PathBuf {
    folder.join(format!("checkpoints/{NEWEST}.{kind}"))
}
