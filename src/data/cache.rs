//! Decoded images on disk, so that a set that comes as PNG files is decoded once and not by every run.
//!
//! `NAME.decoded` stands beside the tables it was made from; where that folder can't be written to, or
//! belongs to the hub's cache, `NAME-KEY.decoded` stands in the user's cache folder (`XDG_CACHE_HOME` or
//! `~/.cache`, there `plasticity-bench/`). It is three lines of text (the format, the source's identity,
//! the content's SHA-256) and then bytes: per split the pixels, labels and superclasses, as
//! [`DataSet::digest`] goes through them. The identity is that of names, lengths and modification times
//! of the source files: after any change they are decoded anew. The content's hash is checked at every
//! reading. `data fetch` and `data verify` never read it.
//!
//! It is written beside its place and renamed into it: processes that write it at the same time write
//! the same, and none reads a part.

use std::env;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use sha2::{Digest, Sha256};

use super::manifest::Manifest;
use super::places::Copy;
use super::{DataError, DataSet, Images, Progress};
use crate::atomic::Staged;
use crate::sha256::hex;

const FORMAT: &str = "plasticity-bench decoded images 1";
const KEPT_APART: &str = "plasticity-bench";

/// The data set from a cache of this copy's decoded images, or by `decode`, whose result is then kept.
/// A cache that can't be used or written costs time and never the data set.
pub(super) fn through(
    manifest: &Manifest,
    copy: &Copy,
    progress: &mut dyn Progress,
    decode: impl FnOnce(&mut dyn Progress) -> Result<DataSet, DataError>,
) -> Result<DataSet, DataError> {
    let Ok(identity) = identity(&copy.files) else { return decode(progress) };
    let places = candidates(manifest, copy);
    for place in &places {
        match read(manifest, place, &identity) {
            Ok(Some(set)) => return Ok(set),
            Ok(None) => {}
            Err(why) => progress.message(&format!(
                "the decoded images of {} kept in {} are damaged ({why}) and are made anew",
                manifest.name,
                place.display()
            )),
        }
    }
    let count = manifest.train + manifest.test;
    progress.message(&format!("decoding the {count} images of {}, which is done once", manifest.name));
    let set = decode(progress)?;
    let mut refusal = String::from("no folder is known for it");
    for place in &places {
        match write(&set, place, &identity) {
            Ok(()) => {
                progress.message(&format!("the decoded images are kept in {}", place.display()));
                return Ok(set);
            }
            Err(error) => refusal = format!("{}: {error}", place.display()),
        }
    }
    progress.message(&format!("the decoded images can't be kept for the next run ({refusal})"));
    Ok(set)
}

/// Where the cache of this copy may stand, most preferred first.
fn candidates(manifest: &Manifest, copy: &Copy) -> Vec<PathBuf> {
    let mut places = Vec::new();
    let folder = copy.files[0].parent().unwrap_or(Path::new("."));
    // What lies in the hub's cache is the hub's own business.
    if !copy.is_the_hubs() {
        places.push(folder.join(format!("{}.decoded", manifest.name)));
    }
    let variable = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let user = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    if let (Some(user), Ok(folder)) = (user, folder.canonicalize()) {
        let key = hex(&Sha256::digest(folder.as_os_str().as_encoded_bytes()));
        places.push(user.join(KEPT_APART).join(format!("{}-{}.decoded", manifest.name, &key[..16])));
    }
    places
}

/// SHA-256 over the name, length and modification time of every file.
fn identity(files: &[PathBuf]) -> io::Result<String> {
    let mut hash = Sha256::new();
    for file in files {
        let about = fs::metadata(file)?;
        let modified = about.modified()?.duration_since(UNIX_EPOCH).map_err(io::Error::other)?;
        let name = file.file_name().unwrap_or_default().as_encoded_bytes();
        hash.update((name.len() as u64).to_le_bytes());
        hash.update(name);
        hash.update(about.len().to_le_bytes());
        hash.update(modified.as_nanos().to_le_bytes());
    }
    Ok(hex(&hash.finalize()))
}

/// `None` where there is none, or one of other files; the error says what is damaged.
fn read(manifest: &Manifest, place: &Path, identity: &str) -> Result<Option<DataSet>, String> {
    let Ok(file) = File::open(place) else { return Ok(None) };
    let mut reader = BufReader::with_capacity(1 << 20, file);
    let mut lines = [const { String::new() }; 3];
    for line in &mut lines {
        // No line is longer: a file of one endless line is not read to its end.
        let limit = FORMAT.len().max(64) as u64 + 1;
        reader.by_ref().take(limit).read_line(line).map_err(|e| e.to_string())?;
        *line = line.trim_end_matches('\n').to_owned();
    }
    let [format, source, content] = lines;
    if format != FORMAT {
        return Err("it begins with something else".into());
    }
    if source != identity {
        return Ok(None);
    }
    let mut split = |count: usize| -> Result<Images, String> {
        let mut bytes = |length: usize| {
            let mut bytes = vec![0; length];
            reader.read_exact(&mut bytes).map(|()| bytes).map_err(|e| e.to_string())
        };
        let pixels = bytes(count * manifest.size())?;
        let mut labels = |classes: usize| -> Result<Vec<u32>, String> {
            let labels = bytes(if classes > 0 { count } else { 0 })?;
            match labels.iter().find(|&&label| usize::from(label) >= classes) {
                Some(label) => Err(format!("label {label} of {classes} classes")),
                None => Ok(labels.into_iter().map(u32::from).collect()),
            }
        };
        let (labels, coarse_labels) = (labels(manifest.classes)?, labels(manifest.coarse_classes)?);
        Ok(Images { pixels, labels, coarse_labels, ..manifest.empty(0) })
    };
    let (train, test) = (split(manifest.train)?, split(manifest.test)?);
    if !matches!(reader.read(&mut [0]), Ok(0)) {
        return Err("bytes behind its end".into());
    }
    let set = manifest.data_set(train, test);
    if set.checksum == content { Ok(Some(set)) } else { Err("its SHA-256 is another".into()) }
}

fn write(set: &DataSet, place: &Path, identity: &str) -> io::Result<()> {
    if let Some(folder) = place.parent().filter(|folder| folder.ends_with(KEPT_APART)) {
        fs::create_dir_all(folder)?;
    }
    let staged = Staged::write(place, |file| {
        writeln!(file, "{FORMAT}\n{identity}\n{}", set.checksum)?;
        for split in [&set.train, &set.test] {
            file.write_all(&split.pixels)?;
            for labels in [&split.labels, &split.coarse_labels] {
                // A class number is below 256 in every manifest.
                file.write_all(&labels.iter().map(|&label| label as u8).collect::<Vec<u8>>())?;
            }
        }
        Ok(())
    })?;
    staged.commit()
}
