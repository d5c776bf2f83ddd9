//! The Hugging Face hub and its cache on this machine, through `hf-hub`.
//!
//! Three things `hf-hub` 1.0 leaves to its callers: it ignores `HF_HUB_OFFLINE`, it never checks
//! content (an error page or a flipped bit is stored as the file), and it waits for a silent server
//! without end. A download that was cut off starts again from the beginning.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::{self, Sender};
use std::thread;

use hf_hub::progress::{DownloadEvent, FileStatus, ProgressEvent, ProgressHandler};
use hf_hub::{HFClientSync, HFError, HFRepositorySync, RepoTypeDataset};

use super::Progress;
use super::manifest::Hub;
use super::places::HubAccess;

/// Why the hub can't be used in this build.
pub(super) const UNAVAILABLE: Option<&str> = None;

/// The cache's folder.
pub(super) fn cache(access: &HubAccess) -> PathBuf {
    access.cache.clone().unwrap_or_else(hf_hub::resolve_cache_dir)
}

/// The repository in words.
pub(super) fn address(source: &Hub, access: &HubAccess) -> String {
    let endpoint = access
        .endpoint
        .clone()
        .or_else(|| std::env::var("HF_ENDPOINT").ok())
        .unwrap_or_else(|| "https://huggingface.co".into());
    format!("{}/datasets/{}/{}", endpoint.trim_end_matches('/'), source.owner, source.repository)
}

/// The training and test file, if both are in the cache. No request is made.
pub(super) fn cached(source: &Hub, access: &HubAccess) -> Option<Vec<PathBuf>> {
    let repository = repository(source, access).ok()?;
    [source.train, source.test].iter().map(|path| cached_file(&repository, source, path)).collect()
}

/// Downloads what is not in the cache and gives the training and test file there. The error is the
/// reason as a clause.
pub(super) fn download(
    source: &Hub,
    access: &HubAccess,
    progress: &mut dyn Progress,
) -> Result<Vec<PathBuf>, String> {
    let repository = repository(source, access)?;
    let mut files = Vec::new();
    for path in [source.train, source.test] {
        let file = match cached_file(&repository, source, path) {
            Some(file) => file,
            None => download_file(&repository, source, access, path, progress)?,
        };
        files.push(file);
    }
    Ok(files)
}

/// Removes downloaded files: the entries in the snapshot and the contents to which they point.
pub(super) fn discard(files: &[PathBuf]) {
    for file in files {
        // A file that can't be removed is met again as a corrupt copy, with an error that names it.
        if let Ok(content) = file.canonicalize() {
            let _ = std::fs::remove_file(content);
        }
        let _ = std::fs::remove_file(file);
    }
}

fn repository(source: &Hub, access: &HubAccess) -> Result<HFRepositorySync<RepoTypeDataset>, String> {
    // Two retries: waiting out a busy hub is the user's decision.
    let mut builder = hf_hub::HFClient::builder().retry_max_attempts(2).cache_dir(cache(access));
    if let Some(endpoint) = &access.endpoint {
        builder = builder.endpoint(endpoint);
    }
    let client: HFClientSync = builder.build_sync().map_err(|e| format!("no client could be made ({e})"))?;
    Ok(client.dataset(source.owner, source.repository))
}

fn cached_file(repository: &HFRepositorySync<RepoTypeDataset>, source: &Hub, path: &str) -> Option<PathBuf> {
    let request = repository.download_file().filename(path).revision(source.revision);
    request.local_files_only(true).send().ok().filter(|file| Path::is_file(file))
}

/// What the downloading thread says.
enum Event {
    Total(u64),
    /// Bytes so far.
    At(u64),
    Done(Result<PathBuf, HFError>),
}

fn download_file(
    repository: &HFRepositorySync<RepoTypeDataset>,
    source: &Hub,
    access: &HubAccess,
    path: &str,
    progress: &mut dyn Progress,
) -> Result<PathBuf, String> {
    progress.message(&format!("downloading {path} from {}", address(source, access)));
    let (events, received) = mpsc::channel();
    let handler = Handler { events: Mutex::new(events.clone()) };
    // Forced, or a content that was removed from under its cache entry would be taken as present.
    let request = repository.clone();
    let (filename, revision) = (path.to_owned(), source.revision);
    // Not joined: after the time-out below it may hang for as long as the server keeps it.
    thread::spawn(move || {
        let request = request.download_file().filename(filename).revision(revision);
        let outcome = request.force_download(true).progress(handler).send();
        // The receiver is gone after a time-out.
        let _ = events.send(Event::Done(outcome));
    });
    let mut at = 0;
    loop {
        match received.recv_timeout(access.patience) {
            Ok(Event::Total(bytes)) => progress.total(bytes),
            Ok(Event::At(bytes)) => {
                progress.advance(bytes.saturating_sub(at));
                at = at.max(bytes);
            }
            Ok(Event::Done(Ok(file))) => return Ok(file),
            Ok(Event::Done(Err(error))) => {
                return Err(format!("{path} could not be downloaded ({})", reason(&error)));
            }
            Err(_) => {
                return Err(format!(
                    "{path} could not be downloaded (no answer for {} s)",
                    access.patience.as_secs_f64()
                ));
            }
        }
    }
}

/// The error with its causes: the outer one alone often says no more than "request error".
fn reason(error: &HFError) -> String {
    let mut text = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

/// Passes events on to the thread that asked, whose progress bar need not be thread-safe.
struct Handler {
    events: Mutex<Sender<Event>>,
}

impl ProgressHandler for Handler {
    fn on_progress(&self, event: &ProgressEvent) {
        let ProgressEvent::Download(event) = event else { return };
        let events = match event {
            DownloadEvent::Start { total_bytes, .. } => vec![Event::Total(*total_bytes)],
            DownloadEvent::AggregateProgress { bytes_completed, .. } => vec![Event::At(*bytes_completed)],
            DownloadEvent::Progress { files } => files
                .iter()
                .filter(|file| file.status != FileStatus::Started)
                .map(|file| Event::At(file.bytes_completed))
                .collect(),
            DownloadEvent::Complete => Vec::new(),
        };
        if let Ok(sender) = self.events.lock() {
            for event in events {
                let _ = sender.send(event);
            }
        }
    }
}
