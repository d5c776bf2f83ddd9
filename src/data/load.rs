//! From a data set's name to its verified images.
//!
//! The first place that has the set decides. What is found there and is not what it should be is an
//! error at once: going on to the next place would hide from the user that a run did not use the
//! files they named.

use std::path::{Path, PathBuf};

use super::manifest::{Evidence, Form, Hub, Manifest, Origin};
use super::places::{self, Copy, HubAccess, Places};
use super::{DataError, DataSet, Images, Progress, cache, hub, parquet, registry};

/// A data set and where it came from.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The images.
    pub set: DataSet,
    /// The files that were read; none for a generated set.
    pub files: Vec<PathBuf>,
    /// The place in words.
    pub place: String,
    /// How far the content was checked.
    pub evidence: Evidence,
}

/// Loads the data set `name` from the first place that has it: `data_dir`, the folder that
/// `PLASTICITY_DATA_DIR` names, `data`, the hub's cache, the hub. Images that come as PNG files are
/// decoded once and kept in the platform's cache folder (`cache`).
pub fn load(name: &str, data_dir: Option<&Path>, progress: &mut dyn Progress) -> Result<DataSet, DataError> {
    let places = Places::standard(data_dir);
    Ok(load_by(registry::manifest(name)?, &places, Reading::Cached, progress)?.set)
}

/// Whether decoded images may come from a [`cache`] and are kept in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    Cached,
    /// Every byte of the source is looked at.
    Anew,
}

/// Loads the data set of a manifest, which need not be in the catalogue, from the files in the given
/// places themselves.
pub fn load_with(
    manifest: &Manifest,
    places: &Places,
    progress: &mut dyn Progress,
) -> Result<Loaded, DataError> {
    load_by(manifest, places, Reading::Anew, progress)
}

fn load_by(
    manifest: &Manifest,
    places: &Places,
    reading: Reading,
    progress: &mut dyn Progress,
) -> Result<Loaded, DataError> {
    if let Origin::Generated(generate) = &manifest.origin {
        return generated(manifest, *generate);
    }
    let (forms, source) = (manifest.origin.forms(), manifest.origin.hub());
    let mut looked = Vec::new();
    for folder in &places.folders {
        let place = format!("{} ({})", folder.path.display(), folder.named_by);
        if !folder.path.is_dir() {
            looked.push(format!("{place}: no such folder"));
            continue;
        }
        if let Some(copy) = places::copies(manifest, forms, &folder.path)?.into_iter().next() {
            return read(manifest, copy, place, reading, progress);
        }
        looked.push(format!("{place}: no files of this set"));
    }
    if let (Some(access), Some(source)) = (&places.hub, source) {
        match from_hub(manifest, source, access, reading, progress)? {
            Ok(loaded) => return Ok(loaded),
            Err(reasons) => looked.extend(reasons),
        }
    }
    Err(DataError::Missing { name: manifest.name.to_owned(), looked, cure: cure(manifest) })
}

/// The hub's cache, then the hub; inner error: why neither gave anything, a line a place.
fn from_hub(
    manifest: &Manifest,
    source: &Hub,
    access: &HubAccess,
    reading: Reading,
    progress: &mut dyn Progress,
) -> Result<Result<Loaded, Vec<String>>, DataError> {
    let cache = hub::cache(access);
    let place = format!("the hub's cache ({})", cache.display());
    if let Some(files) = hub::cached(source, access) {
        return read(manifest, hub_copy(files), place, reading, progress).map(Ok).map_err(
            |error| match error {
                DataError::Corrupt { path, expected, found, .. } => DataError::Corrupt {
                    path,
                    expected,
                    found,
                    cure: format!(
                        "`plasticity-bench data fetch {}` throws it away and downloads it anew.",
                        manifest.name
                    ),
                },
                other => other,
            },
        );
    }
    let mut reasons = vec![match hub::UNAVAILABLE {
        Some(reason) => format!("the hub and its cache: {reason}"),
        None => format!("{place}: not there"),
    }];
    if hub::UNAVAILABLE.is_some() {
        return Ok(Err(reasons));
    }
    let address = match hub::address(source, access) {
        Ok(address) => address,
        Err(reason) => {
            reasons.push(format!("the hub: not asked, since {reason}"));
            return Ok(Err(reasons));
        }
    };
    if access.offline {
        reasons.push(format!("{address}: not asked, since HF_HUB_OFFLINE is set"));
        return Ok(Err(reasons));
    }
    let files = match hub::download(source, access, progress) {
        Ok(files) => files,
        Err(hub::Failure::NotThere(reason)) => {
            reasons.push(format!("{address}: {reason}"));
            return Ok(Err(reasons));
        }
        Err(hub::Failure::Altered { path, expected, found }) => {
            return Err(DataError::Corrupt {
                path: PathBuf::from(address).join(path),
                expected: format!("a file with SHA-256 {expected}"),
                found: format!("SHA-256 {found}"),
                cure: THROWN_AWAY.into(),
            });
        }
    };
    let place = format!("{address}, now in {place}");
    read(manifest, hub_copy(files.clone()), place, reading, progress).map(Ok).map_err(|error| {
        // Left there, the next run would meet it as a cached copy.
        hub::discard(&files);
        match error {
            DataError::Corrupt { expected, found, .. } => {
                DataError::Corrupt { path: PathBuf::from(address), expected, found, cure: THROWN_AWAY.into() }
            }
            other => other,
        }
    })
}

/// What to do about a download with other content than expected.
const THROWN_AWAY: &str = "The download was thrown away. Try again; if it comes out the same, the hub's files have \
                           changed or something on the way alters them.";

/// The hub's two files as a copy to read.
pub(super) fn hub_copy(files: Vec<PathBuf>) -> Copy {
    let form = Form { name: "parquet", folders: &[], files: parquet::FILES, read: parquet::read };
    Copy { form, files }
}

/// Reads and verifies one copy.
pub(super) fn read(
    manifest: &Manifest,
    copy: Copy,
    place: String,
    reading: Reading,
    progress: &mut dyn Progress,
) -> Result<Loaded, DataError> {
    let mut published_md5 = false;
    let mut decode = |progress: &mut dyn Progress| {
        if copy.is_the_hubs() {
            check_stated_sha256(&copy.files)?;
        }
        let decoded = (copy.form.read)(manifest, &copy.files, progress)?;
        published_md5 = decoded.published_md5;
        Ok(manifest.data_set(decoded.train, decoded.test))
    };
    // The other forms hold the bytes as they are: a cache would be another copy of them.
    let set = if reading == Reading::Cached && copy.form.name == "parquet" {
        cache::through(manifest, &copy, progress, &mut decode)?
    } else {
        decode(progress)?
    };
    let evidence = match manifest.checksum {
        Some(expected) if expected == set.checksum => Evidence::Content,
        Some(expected) => return Err(wrong_content(&copy, &set, expected)),
        None if registry::by_checksum(&set.checksum).is_some_and(|other| other.name != set.name) => {
            return Err(wrong_content(&copy, &set, "of its own"));
        }
        None if published_md5 => Evidence::PublishedFiles,
        None => Evidence::CountsOnly,
    };
    Ok(Loaded { set, files: copy.files, place, evidence })
}

/// Holds the hub's files against the SHA-256 that the hub states for them, before a byte is parsed.
fn check_stated_sha256(files: &[PathBuf]) -> Result<(), DataError> {
    for path in files {
        if let Some(stated) = hub::stated_sha256(path) {
            let found = super::file::sha256_of(path)?;
            if found != stated {
                let found = format!("SHA-256 {found}");
                return Err(super::error::corrupt(path, format!("a file with SHA-256 {stated}"), found));
            }
        }
    }
    Ok(())
}

fn wrong_content(copy: &Copy, set: &DataSet, expected: &str) -> DataError {
    let first = &copy.files[0];
    let known = registry::by_checksum(&set.checksum)
        .map_or(String::new(), |other| format!(", that of `{}`", other.name));
    super::error::corrupt(
        first.parent().unwrap_or(first),
        format!("images and labels of `{}` with SHA-256 {expected}", set.name),
        format!("SHA-256 {}{known}", set.checksum),
    )
}

fn generated(manifest: &Manifest, generate: fn() -> (Images, Images)) -> Result<Loaded, DataError> {
    let (train, test) = generate();
    let set = manifest.data_set(train, test);
    match manifest.checksum {
        Some(expected) if expected != set.checksum => {
            Err(DataError::Generation { name: set.name, expected: expected.to_owned(), found: set.checksum })
        }
        checksum => Ok(Loaded {
            set,
            files: Vec::new(),
            place: "generated".into(),
            evidence: if checksum.is_some() { Evidence::Content } else { Evidence::CountsOnly },
        }),
    }
}

/// How to get a set that is nowhere.
fn cure(manifest: &Manifest) -> String {
    let folders = |form: &Form| {
        let files: Vec<&str> = form.files.iter().map(|names| names[0]).collect();
        format!("{} in DIR/{}", files.join(", "), form.folders[0])
    };
    let forms: Vec<String> = manifest.origin.forms().iter().map(folders).collect();
    let get = match manifest.origin {
        Origin::Own { get, .. } => format!("{get} and"),
        Origin::Generated(_) => String::new(),
        Origin::Files { hub, .. } => format!(
            "`plasticity-bench data fetch {}` on a machine that reaches the hub (dataset {}/{}), or",
            manifest.name, hub.owner, hub.repository
        ),
    };
    format!(
        "To get it: {get} put its files into a folder DIR and name that with --data-dir or {}: {}.",
        places::DATA_DIR_VARIABLE,
        forms.join("; or ")
    )
}
