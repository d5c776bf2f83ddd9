//! What `data list`, `data fetch` and `data verify` show.

use std::path::{Path, PathBuf};

use super::load::{self, Loaded, Reading};
use super::manifest::{Evidence, Manifest, Origin};
use super::places::{self, HubAccess, Places};
use super::{DataError, Progress, hub, registry};

/// A line of `data list`.
#[derive(Clone, Debug)]
pub struct Listing {
    /// What is known of the set.
    pub manifest: &'static Manifest,
    /// Where it was found on this machine, unread and unverified; `generated` for a procedural set;
    /// `None` where it would have to be downloaded.
    pub found: Option<String>,
}

/// All data sets, and where each would be read from.
#[must_use]
pub fn list(data_dir: Option<&Path>) -> Vec<Listing> {
    let places = Places::standard(data_dir);
    registry::MANIFESTS
        .iter()
        .map(|&manifest| Listing { manifest, found: whereabouts(manifest, &places) })
        .collect()
}

fn whereabouts(manifest: &Manifest, places: &Places) -> Option<String> {
    let forms = manifest.origin.forms();
    if forms.is_empty() {
        return Some("generated".into());
    }
    let in_folder =
        places.folders.iter().find_map(|folder| match places::copies(manifest, forms, &folder.path) {
            Ok(copies) => copies.first().map(|copy| parent(&copy.files)),
            Err(_) => Some(format!("{} (incomplete)", folder.path.display())),
        });
    let cached = || hub::cached(manifest.origin.hub()?, places.hub.as_ref()?);
    in_folder.or_else(|| cached().map(|files| parent(&files)))
}

fn parent(files: &[PathBuf]) -> String {
    files[0].parent().unwrap_or(&files[0]).display().to_string()
}

/// Whether the hub answers, in words; asks for what it knows of a file of mnist.
#[must_use]
pub fn reach(access: &HubAccess) -> String {
    let Origin::Files { hub: source, .. } = super::MNIST.origin else {
        unreachable!("mnist has files");
    };
    if let Some(reason) = hub::UNAVAILABLE {
        return reason.into();
    }
    let address = match hub::address(&source, access) {
        Ok(address) => address,
        Err(reason) => return reason,
    };
    if access.offline {
        return format!("{address}: not asked, since HF_HUB_OFFLINE is set");
    }
    match hub::reach(&source, access) {
        Ok(()) => format!("{address} answers"),
        Err(reason) => format!("{address}: {reason}"),
    }
}

/// One verified copy of a data set.
#[derive(Clone, Debug)]
pub struct Report {
    /// The data set.
    pub name: String,
    /// The place in words.
    pub place: String,
    /// The files that were read; none for a generated set.
    pub files: Vec<PathBuf>,
    /// Number of training and test images.
    pub examples: (usize, usize),
    /// SHA-256 of the content.
    pub checksum: String,
    /// How far the content was checked.
    pub evidence: Evidence,
    /// What a second reader said of it, where one was asked ([`SecondReader`]).
    pub second: Option<String>,
}

/// Another reader of the same files, against which ours is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecondReader {
    /// The loaders of `candle-datasets`; in builds with the cargo feature of that name.
    CandleDatasets,
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (train, test) = self.examples;
        writeln!(f, "{}: {train} training and {test} test images, {}", self.name, self.evidence)?;
        writeln!(f, "  from {}", self.place)?;
        for file in &self.files {
            writeln!(f, "    {}", file.display())?;
        }
        write!(f, "  sha256 {}", self.checksum)?;
        self.second.as_ref().map_or(Ok(()), |second| write!(f, "\n  {second}"))
    }
}

impl From<Loaded> for Report {
    fn from(loaded: Loaded) -> Self {
        Self {
            name: loaded.set.name,
            place: loaded.place,
            files: loaded.files,
            examples: (loaded.set.train.len(), loaded.set.test.len()),
            checksum: loaded.set.checksum,
            evidence: loaded.evidence,
            second: None,
        }
    }
}

/// Sees to it that the data set is on this machine, downloading it if no place has it, and verifies
/// it. A corrupt copy in the hub's cache is thrown away and downloaded anew; one in a data folder is
/// an error, since it is the user's.
pub fn fetch(name: &str, data_dir: Option<&Path>, progress: &mut dyn Progress) -> Result<Report, DataError> {
    fetch_with(registry::manifest(name)?, &Places::standard(data_dir), progress)
}

/// [`fetch`] for any manifest and places.
pub fn fetch_with(
    manifest: &Manifest,
    places: &Places,
    progress: &mut dyn Progress,
) -> Result<Report, DataError> {
    let first = load::load_with(manifest, places, progress);
    let (Err(DataError::Corrupt { path, .. }), Origin::Files { hub: source, .. }, Some(access)) =
        (&first, &manifest.origin, &places.hub)
    else {
        return first.map(Report::from);
    };
    let Some(files) = hub::cached(source, access).filter(|_| !access.offline) else {
        return first.map(Report::from);
    };
    if !files.iter().any(|file| file.starts_with(path) || path.starts_with(file)) {
        return first.map(Report::from);
    }
    progress.message(&format!("the cached copy at {} is corrupt and is downloaded anew", path.display()));
    hub::discard(&files);
    load::load_with(manifest, places, progress).map(Report::from)
}

/// Reads and checks every copy of the data set on this machine: all that the data folders hold, not
/// only the one that [`load`](super::load()) would take, and the one in the hub's cache. An error
/// where there is none.
pub fn verify(
    name: &str,
    data_dir: Option<&Path>,
    second: Option<SecondReader>,
    progress: &mut dyn Progress,
) -> Result<Vec<Result<Report, DataError>>, DataError> {
    verify_with(registry::manifest(name)?, &Places::standard(data_dir), second, progress)
}

/// [`verify`] for any manifest and places.
pub fn verify_with(
    manifest: &Manifest,
    places: &Places,
    second: Option<SecondReader>,
    progress: &mut dyn Progress,
) -> Result<Vec<Result<Report, DataError>>, DataError> {
    let local = Places {
        hub: places.hub.clone().map(|access| HubAccess { offline: true, ..access }),
        ..places.clone()
    };
    let forms = manifest.origin.forms();
    if forms.is_empty() {
        return Ok(vec![load::load_with(manifest, &local, progress).map(Report::from)]);
    }
    let mut reports = Vec::new();
    let mut check = |copy: places::Copy, place: String| {
        progress.message(&format!("verifying {}", parent(&copy.files)));
        let read = load::read(manifest, copy.clone(), place, Reading::Anew, progress);
        reports.push(read.and_then(|loaded| {
            let said = second.map(|reader| ask(reader, manifest, &copy, &loaded, &local));
            Ok(Report { second: said.transpose()?, ..Report::from(loaded) })
        }));
    };
    let mut incomplete = Vec::new();
    for folder in &local.folders {
        let place = format!("{} ({})", folder.path.display(), folder.named_by);
        match places::copies(manifest, forms, &folder.path) {
            Ok(copies) => copies.into_iter().for_each(|copy| check(copy, place.clone())),
            Err(error) => incomplete.push(Err(error)),
        }
    }
    if let (Some(access), Some(source)) = (&local.hub, manifest.origin.hub())
        && let Some(files) = hub::cached(source, access)
    {
        check(load::hub_copy(files), format!("the hub's cache ({})", hub::cache(access).display()));
    }
    reports.extend(incomplete);
    if reports.is_empty() {
        // Gives the error that lists the places.
        return load::load_with(manifest, &local, progress).map(|loaded| vec![Ok(loaded.into())]);
    }
    Ok(reports)
}

/// What a second reader says of a copy.
#[cfg(feature = "candle-datasets")]
fn ask(
    reader: SecondReader,
    manifest: &Manifest,
    copy: &places::Copy,
    loaded: &Loaded,
    places: &Places,
) -> Result<String, DataError> {
    let SecondReader::CandleDatasets = reader;
    // Its loaders of the hub's tables take the cache from the environment, not from us.
    let from_environment = copy.is_the_hubs()
        && places.hub.as_ref().is_some_and(|access| access.cache.is_none() && access.endpoint.is_none());
    super::candle::hold_against(manifest, copy, &loaded.set, from_environment)
}

#[cfg(not(feature = "candle-datasets"))]
fn ask(_: SecondReader, _: &Manifest, _: &places::Copy, _: &Loaded, _: &Places) -> Result<String, DataError> {
    Err(DataError::NoSecondReader)
}
