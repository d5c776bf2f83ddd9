//! Where data sets are looked for.

use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::DataError;
use super::manifest::{Form, Manifest};

/// The variable that names a data folder.
pub const DATA_DIR_VARIABLE: &str = "PLASTICITY_DATA_DIR";

/// The places, in the order in which they are looked at.
#[derive(Clone, Debug)]
pub struct Places {
    /// Data folders on this machine.
    pub folders: Vec<Folder>,
    /// The Hugging Face hub and its cache; `None` leaves both out.
    pub hub: Option<HubAccess>,
}

/// A data folder and who named it.
#[derive(Clone, Debug)]
pub struct Folder {
    /// The folder; need not exist.
    pub path: PathBuf,
    /// `--data-dir`, the environment variable, or the default.
    pub named_by: &'static str,
}

/// How the hub is reached.
#[derive(Clone, Debug)]
pub struct HubAccess {
    /// Address; `None` takes `HF_ENDPOINT` or the public hub.
    pub endpoint: Option<String>,
    /// Cache folder; `None` takes `HF_HUB_CACHE`, `HF_HOME/hub` or the user's cache.
    pub cache: Option<PathBuf>,
    /// Whether only the cache may be used.
    pub offline: bool,
    /// How long the hub may be silent before a download is given up.
    pub patience: Duration,
}

impl Default for HubAccess {
    fn default() -> Self {
        Self { endpoint: None, cache: None, offline: false, patience: Duration::from_mins(1) }
    }
}

impl HubAccess {
    /// As the environment says.
    #[must_use]
    pub fn from_env() -> Self {
        Self { offline: offline_by_environment(), ..Self::default() }
    }
}

impl Places {
    /// `data_dir` (`--data-dir`), then the folder named by [`DATA_DIR_VARIABLE`], then `data` in the
    /// current folder, then the hub's cache, then the hub unless `HF_HUB_OFFLINE` is set.
    #[must_use]
    pub fn standard(data_dir: Option<&Path>) -> Self {
        let mut folders: Vec<Folder> = Vec::new();
        let named = [
            (data_dir.map(Path::to_path_buf), "--data-dir"),
            (
                env::var_os(DATA_DIR_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from),
                DATA_DIR_VARIABLE,
            ),
            (Some(PathBuf::from("data")), "the default"),
        ];
        for (path, named_by) in named {
            if let Some(path) = path
                && !folders.iter().any(|folder| folder.path == path)
            {
                folders.push(Folder { path, named_by });
            }
        }
        Self { folders, hub: Some(HubAccess::from_env()) }
    }
}

/// `HF_HUB_OFFLINE` as Python's `huggingface_hub` reads it; `hf-hub` itself ignores it.
fn offline_by_environment() -> bool {
    env::var("HF_HUB_OFFLINE")
        .is_ok_and(|value| ["1", "ON", "YES", "TRUE"].contains(&value.to_uppercase().as_str()))
}

/// All files of a data set in one folder.
#[derive(Clone, Debug)]
pub(super) struct Copy {
    pub form: Form,
    /// In the form's order.
    pub files: Vec<PathBuf>,
}

impl Copy {
    /// Whether it lies in the hub's cache: a data folder's copy was found in one of its form's folders.
    pub fn is_the_hubs(&self) -> bool {
        self.form.folders.is_empty()
    }
}

/// The complete copies of a data set in a data folder, most preferred first.
///
/// A folder where some files are there and others not is passed over if there is a complete copy
/// elsewhere in the same data folder, and an error otherwise.
pub(super) fn copies(manifest: &Manifest, forms: &[Form], folder: &Path) -> Result<Vec<Copy>, DataError> {
    let (mut copies, mut incomplete): (Vec<Copy>, _) = (Vec::new(), None);
    for form in forms {
        for &relative in form.folders {
            let place = if relative == "." { folder.to_path_buf() } else { folder.join(relative) };
            let files: Vec<Option<PathBuf>> =
                form.files.iter().map(|names| first_file(&place, names)).collect();
            if let Some((path, found)) = form.files.iter().find_map(|names| no_file(&place, names)) {
                incomplete.get_or_insert(DataError::NotAFile { path, found });
                continue;
            }
            if let Some(files) = files.iter().cloned().collect::<Option<Vec<_>>>() {
                copies.push(Copy { form: *form, files });
            } else if let Some(present) = files.iter().flatten().next() {
                let absent = files.iter().position(Option::is_none).expect("one file is not there");
                incomplete.get_or_insert_with(|| DataError::Incomplete {
                    name: manifest.name.to_owned(),
                    present: present.strip_prefix(&place).unwrap_or(present).display().to_string(),
                    absent: form.files[absent][0].to_owned(),
                    folder: place,
                });
            }
        }
    }
    match incomplete {
        Some(error) if copies.is_empty() => Err(error),
        _ => Ok(copies),
    }
}

fn first_file(folder: &Path, names: &[&str]) -> Option<PathBuf> {
    names.iter().map(|name| folder.join(name)).find(|path| path.is_file())
}

/// What stands in a file's place and is none, where no accepted name is a file.
fn no_file(folder: &Path, names: &[&str]) -> Option<(PathBuf, &'static str)> {
    if first_file(folder, names).is_some() {
        return None;
    }
    names.iter().map(|name| folder.join(name)).find_map(|path| {
        let link = path.symlink_metadata().ok()?.is_symlink();
        let found = match path.metadata() {
            Err(_) if link => "a link that leads to no file",
            Err(_) => "something that can't be looked at",
            Ok(about) if about.is_dir() => "a folder",
            Ok(_) => "neither a file nor a folder (a pipe, a device)",
        };
        Some((path, found))
    })
}
