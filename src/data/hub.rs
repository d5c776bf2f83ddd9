//! The Hugging Face hub and its cache on this machine.
//!
//! The cache is laid out as by Python's `huggingface_hub` and `hf-hub` (`blobs/ETAG`, to which
//! `snapshots/COMMIT/PATH` points, and `refs/REVISION`), so a file that any of them has fetched is found by the
//! others. The name of a large file's blob is its SHA-256: it is checked after a download and before a cached copy
//! is parsed.
//!
//! Variables: `HF_ENDPOINT`, `HF_HUB_OFFLINE` (`places`), `HF_HUB_CACHE`, `HF_HOME`, `HF_TOKEN`,
//! `HF_TOKEN_PATH`; `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`; `SSL_CERT_FILE`, `SSL_CERT_DIR`.

mod transfer;

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use hf_hub::{Cache, Repo, RepoType};
use ureq::http::Uri;

use self::transfer::Client;
use super::manifest::Hub;
use super::places::HubAccess;
use super::{Progress, file};

/// Why the hub can't be used in this build.
pub(super) const UNAVAILABLE: Option<&str> = None;

const PUBLIC: &str = "https://huggingface.co";

/// Why a download gave no file.
pub(super) enum Failure {
    /// The hub was not reached or did not send the file; a clause.
    NotThere(String),
    /// What arrived has another SHA-256 than the hub states, and was thrown away.
    Altered {
        /// The file's path on the hub.
        path: String,
        /// As stated.
        expected: String,
        /// As received.
        found: String,
    },
}

/// A variable's value; an empty one counts as unset, as in `huggingface_hub`.
fn variable(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.trim().is_empty())
}

/// The folder of tokens and cache.
fn home() -> PathBuf {
    if let Some(home) = variable("HF_HOME") {
        return home.into();
    }
    let user = variable("XDG_CACHE_HOME").map(PathBuf::from);
    user.unwrap_or_else(|| env::home_dir().unwrap_or_default().join(".cache")).join("huggingface")
}

/// The cache's folder.
pub(super) fn cache(access: &HubAccess) -> PathBuf {
    let named = || variable("HF_HUB_CACHE").map(PathBuf::from);
    access.cache.clone().or_else(named).unwrap_or_else(|| home().join("hub"))
}

/// The hub's address without a slash at its end. The error is a clause that names the variable.
fn endpoint(access: &HubAccess) -> Result<String, String> {
    let text = access.endpoint.clone().or_else(|| variable("HF_ENDPOINT")).unwrap_or_else(|| PUBLIC.into());
    let text = text.trim().trim_end_matches('/');
    let address: Option<Uri> = text.parse().ok();
    let sound = address.is_some_and(|uri| {
        matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some_and(|host| !host.is_empty())
    });
    if sound {
        Ok(text.to_owned())
    } else {
        Err(format!("HF_ENDPOINT is `{text}`, which is no address such as {PUBLIC}; correct or unset it"))
    }
}

/// The repository's address. The error is a clause.
pub(super) fn address(source: &Hub, access: &HubAccess) -> Result<String, String> {
    Ok(format!("{}/datasets/{}/{}", endpoint(access)?, source.owner, source.repository))
}

fn repository(source: &Hub) -> Repo {
    let id = format!("{}/{}", source.owner, source.repository);
    Repo::with_revision(id, RepoType::Dataset, source.revision.to_owned())
}

/// The training and test file, if both are in the cache. No request is made.
pub(super) fn cached(source: &Hub, access: &HubAccess) -> Option<Vec<PathBuf>> {
    [source.train, source.test].iter().map(|path| cached_file(source, access, path)).collect()
}

fn cached_file(source: &Hub, access: &HubAccess, path: &str) -> Option<PathBuf> {
    let repository = Cache::new(cache(access)).repo(repository(source));
    repository.get(path).filter(|file| Path::is_file(file))
}

/// The SHA-256 that the hub states for a file in its cache: the name of its blob. `None` for a small file, whose
/// blob is named otherwise.
pub(super) fn stated_sha256(file: &Path) -> Option<String> {
    let blob = file.canonicalize().ok()?;
    let name = blob.file_name()?.to_str()?;
    transfer::is_sha256(name).then(|| name.to_owned())
}

/// Downloads what is not in the cache and gives the training and test file there. A download that broke off is
/// continued where it ended, in this call or the next.
pub(super) fn download(
    source: &Hub,
    access: &HubAccess,
    progress: &mut dyn Progress,
) -> Result<Vec<PathBuf>, Failure> {
    let client = Client::new(access.patience, token(access));
    let mut files = Vec::new();
    for path in [source.train, source.test] {
        let file = match cached_file(source, access, path) {
            Some(file) => file,
            None => download_file(&client, source, access, path, progress)?,
        };
        files.push(file);
    }
    Ok(files)
}

/// Asks what the training file is, once. The error is a clause.
pub(super) fn reach(source: &Hub, access: &HubAccess) -> Result<(), String> {
    let address = address(source, access)?;
    let url = format!("{address}/resolve/{}/{}", source.revision.replace('/', "%2F"), source.train);
    Client::new(access.patience, token(access)).head(&url).map(drop)
}

/// `HF_TOKEN`, or what `hf auth login` left in a file.
fn token(access: &HubAccess) -> Option<String> {
    variable("HF_TOKEN").map(|token| token.trim().to_owned()).or_else(|| {
        let file = variable("HF_TOKEN_PATH").map(PathBuf::from);
        let text = match file {
            Some(file) => fs::read_to_string(file).ok(),
            None if access.cache.is_some() => None,
            None => Cache::new(home().join("hub")).token(),
        };
        text.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty())
    })
}

fn download_file(
    client: &Client,
    source: &Hub,
    access: &HubAccess,
    path: &str,
    progress: &mut dyn Progress,
) -> Result<PathBuf, Failure> {
    let address = address(source, access).map_err(Failure::NotThere)?;
    progress.message(&format!("downloading {path} from {address}"));
    let missing = |why: String| Failure::NotThere(format!("{path} could not be downloaded ({why})"));
    let url = format!("{address}/resolve/{}/{path}", source.revision.replace('/', "%2F"));
    let remote = client.head(&url).map_err(missing)?;

    let cache = cache(access);
    let folder = cache.join(repository(source).folder_name());
    let repository = Cache::new(cache).repo(repository(source));
    let blob = folder.join("blobs").join(&remote.etag);
    client.fetch(&url, &remote, &blob, progress).map_err(missing)?;
    if transfer::is_sha256(&remote.etag) {
        let found = file::sha256_of(&blob).map_err(|error| missing(error.to_string()))?;
        if found != remote.etag {
            // Left there, the next run would meet it as a cached copy.
            let _ = fs::remove_file(&blob);
            return Err(Failure::Altered { path: path.to_owned(), expected: remote.etag, found });
        }
    }
    let pointer = repository.pointer_path(&remote.commit).join(path);
    let kept = link(&blob, &pointer).and_then(|()| repository.create_ref(&remote.commit));
    kept.map_err(|error| missing(format!("{}: {error}", pointer.display())))?;
    Ok(pointer)
}

/// Makes `pointer` a relative link to `blob`, so that the cache can be moved; a copy where there are no links.
fn link(blob: &Path, pointer: &Path) -> std::io::Result<()> {
    let depth = pointer.components().count() - blob.components().count();
    let folder = pointer.parent().unwrap_or(pointer);
    fs::create_dir_all(folder)?;
    if pointer.symlink_metadata().is_ok() {
        fs::remove_file(pointer)?;
    }
    #[cfg(unix)]
    {
        let mut target: PathBuf = std::iter::repeat_n("..", depth + 1).collect();
        target.extend(["blobs".as_ref(), blob.file_name().unwrap_or_default()]);
        std::os::unix::fs::symlink(target, pointer)
    }
    #[cfg(not(unix))]
    {
        let _ = depth;
        fs::copy(blob, pointer).map(drop)
    }
}

/// Removes downloaded files: the entries in the snapshot and the contents to which they point.
pub(super) fn discard(files: &[PathBuf]) {
    for file in files {
        // A file that can't be removed is met again as a corrupt copy, with an error that names it.
        if let Ok(content) = file.canonicalize() {
            let _ = fs::remove_file(content);
        }
        let _ = fs::remove_file(file);
    }
}
