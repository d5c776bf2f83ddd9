//! Decoded images on disk, so that a set that comes as PNG files is decoded once and not by every run.
//!
//! `NAME-KEY.decoded` stands in the platform's cache folder under `plasticity-bench/` ([`root`]), where KEY tells
//! the folder of the source files; nothing is written beside the user's data. [`CACHE_DIR_VARIABLE`] names another
//! folder, and `off` there keeps nothing. A file is three lines of text (the format, the source's identity, the
//! content's SHA-256) and then bytes: per split the pixels, labels and superclasses, as [`DataSet::digest`] goes
//! through them. The identity is that of names, lengths and modification times of the source files: after any
//! change they are decoded anew. The content's hash is checked at every reading. `data fetch` and `data verify`
//! never read it.
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

/// The variable that names the folder for decoded images; `off` keeps none.
pub const CACHE_DIR_VARIABLE: &str = "PLASTICITY_CACHE_DIR";

/// The data set from a cache of this copy's decoded images, or by `decode`, whose result is then kept.
/// A cache that can't be used or written costs time and never the data set.
pub(super) fn through(
    manifest: &Manifest,
    copy: &Copy,
    progress: &mut dyn Progress,
    decode: impl FnOnce(&mut dyn Progress) -> Result<DataSet, DataError>,
) -> Result<DataSet, DataError> {
    through_in(root(), manifest, copy, progress, decode)
}

fn through_in(
    root: Option<PathBuf>,
    manifest: &Manifest,
    copy: &Copy,
    progress: &mut dyn Progress,
    decode: impl FnOnce(&mut dyn Progress) -> Result<DataSet, DataError>,
) -> Result<DataSet, DataError> {
    let (Some(place), Ok(identity)) =
        (root.and_then(|root| place(&root, manifest, copy)), identity(&copy.files))
    else {
        return decode(progress);
    };
    match read(manifest, &place, &identity) {
        Ok(Some(set)) => return Ok(set),
        Ok(None) => {}
        Err(why) => progress.message(&format!(
            "the decoded images of {} kept in {} are damaged ({why}) and are made anew",
            manifest.name,
            place.display()
        )),
    }
    let count = manifest.train + manifest.test;
    progress.message(&format!("decoding the {count} images of {}, which is done once", manifest.name));
    let set = decode(progress)?;
    let path = place.display();
    progress.message(&match write(&set, &place, &identity) {
        Ok(()) => {
            format!("the decoded images are kept in {path}; {CACHE_DIR_VARIABLE}=off keeps none")
        }
        Err(error) => format!("the decoded images can't be kept for the next run ({path}: {error})"),
    });
    Ok(set)
}

/// The folder that [`CACHE_DIR_VARIABLE`] names, or `plasticity-bench` in the platform's cache folder
/// (`XDG_CACHE_HOME`, `~/Library/Caches`, `LOCALAPPDATA`, `~/.cache`); `None` keeps nothing.
fn root() -> Option<PathBuf> {
    match env::var_os(CACHE_DIR_VARIABLE).filter(|value| !value.is_empty()) {
        Some(value) if value == "off" => return None,
        Some(value) => return Some(value.into()),
        None => {}
    }
    // The convention says to ignore relative values.
    let variable = |name: &str| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let platform = if cfg!(windows) {
        variable("LOCALAPPDATA")
    } else {
        variable("XDG_CACHE_HOME").or_else(|| {
            let home = env::home_dir()?;
            Some(home.join(if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" }))
        })
    };
    Some(platform?.join("plasticity-bench"))
}

/// Where the decoded images of this copy are kept.
fn place(root: &Path, manifest: &Manifest, copy: &Copy) -> Option<PathBuf> {
    let folder = copy.files[0].parent()?.canonicalize().ok()?;
    let key = hex(&Sha256::digest(folder.as_os_str().as_encoded_bytes()));
    Some(root.join(format!("{}-{}.decoded", manifest.name, &key[..16])))
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
    if let Some(folder) = place.parent() {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::manifest::Form;
    use crate::data::{MNIST, Silent, parquet};

    const SMALL: Manifest = Manifest { train: 2, test: 1, height: 1, width: 1, checksum: None, ..MNIST };

    fn set(pixels: [u8; 3]) -> DataSet {
        let images = |pixels: &[u8]| Images {
            pixels: pixels.to_vec(),
            labels: vec![7; pixels.len()],
            ..SMALL.empty(0)
        };
        SMALL.data_set(images(&pixels[..2]), images(&pixels[2..]))
    }

    fn copy(folder: &Path) -> Copy {
        let form = Form { name: "parquet", folders: &["."], files: parquet::FILES, read: parquet::read };
        let files = ["train.parquet", "test.parquet"].map(|name| folder.join(name));
        for file in &files {
            fs::write(file, file.as_os_str().as_encoded_bytes()).unwrap();
        }
        Copy { form, files: files.to_vec() }
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn it_is_decoded_once_and_kept_away_from_the_data() {
        let (data, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (copy, kept) = (copy(data.path()), root.path().join("new/folder"));
        let through = |pixels: Option<[u8; 3]>| {
            through_in(Some(kept.clone()), &SMALL, &copy, &mut Silent, |_| {
                Ok(set(pixels.expect("nothing is left to decode")))
            })
        };
        let first = through(Some([1, 2, 3])).unwrap();
        assert_eq!(through(None).unwrap().checksum, first.checksum);
        assert_eq!(names(data.path()).len(), 2, "nothing is written beside the data");
        let kept_file = kept.join(&names(&kept)[0]);

        // One bit of the content, or another file of the source: decoded anew.
        let mut bytes = fs::read(&kept_file).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&kept_file, bytes).unwrap();
        assert_eq!(through(Some([4, 5, 6])).unwrap().train.pixels, [4, 5]);
        fs::write(&copy.files[1], b"a longer file than before, which has another identity").unwrap();
        assert_eq!(through(Some([7, 8, 9])).unwrap().test.pixels, [9]);
        assert_eq!(names(&kept).len(), 1);
    }

    #[test]
    fn switched_off_it_keeps_nothing() {
        let data = tempfile::tempdir().unwrap();
        let copy = copy(data.path());
        for _ in 0..2 {
            let set = through_in(None, &SMALL, &copy, &mut Silent, |_| Ok(set([1, 2, 3])));
            assert_eq!(set.unwrap().train.pixels, [1, 2]);
        }
    }
}
