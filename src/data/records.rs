//! The binary version of CIFAR-10 and CIFAR-100: files of records of equal length without a header, plain
//! or gzipped.
//!
//! A record is one label byte (CIFAR-10) or two (CIFAR-100: superclass, then class), and the pixels:
//! red plane, green plane, blue plane, each row by row. Layout:
//! <https://www.cs.toronto.edu/~kriz/cifar.html>.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::error::corrupt;
use super::file::{fault, open};
use super::manifest::{Decoded, Manifest};
use super::{DataError, Images, Progress};

/// Reads files of records with one label byte: all but the last are training files of equal length, the
/// last is the test file.
pub(super) fn read(
    manifest: &Manifest,
    files: &[PathBuf],
    _: &mut dyn Progress,
) -> Result<Decoded, DataError> {
    decoded(manifest, files, &[manifest.classes], 0)
}

/// The same with a superclass before the class, of which both are kept.
pub(super) fn read_fine(
    manifest: &Manifest,
    files: &[PathBuf],
    _: &mut dyn Progress,
) -> Result<Decoded, DataError> {
    decoded(manifest, files, &[manifest.coarse_classes, manifest.classes], 1)
}

/// The same files for a set whose classes are the superclasses of `fine` classes.
pub(super) fn read_coarse(manifest: &Manifest, files: &[PathBuf], fine: usize) -> Result<Decoded, DataError> {
    decoded(manifest, files, &[manifest.classes, fine], 0)
}

/// `labels`: the number of values that each label byte can take; `class`: which of them is the class.
fn decoded(
    manifest: &Manifest,
    files: &[PathBuf],
    labels: &[usize],
    class: usize,
) -> Result<Decoded, DataError> {
    let (test_file, train_files) = files.split_last().expect("the form names at least one file");
    let mut train = manifest.empty(manifest.train);
    for path in train_files {
        append(manifest, &mut train, manifest.train / train_files.len(), path, labels, class)?;
    }
    let mut test = manifest.empty(manifest.test);
    append(manifest, &mut test, manifest.test, test_file, labels, class)?;
    Ok(Decoded { train, test, published_md5: false })
}

/// Appends the `count` records that the file must hold, and no more.
fn append(
    manifest: &Manifest,
    images: &mut Images,
    count: usize,
    path: &Path,
    labels: &[usize],
    class: usize,
) -> Result<(), DataError> {
    let mut record = vec![0; labels.len() + manifest.size()];
    let expected = || format!("{count} records of {} bytes", labels.len() + manifest.size());
    let mut reader = std::io::BufReader::with_capacity(1 << 18, open(path)?);
    for at in 0..count {
        reader.read_exact(&mut record).map_err(|e| corrupt(path, expected(), fault(&e)))?;
        let (head, pixels) = record.split_at(labels.len());
        for (&label, &values) in head.iter().zip(labels) {
            if usize::from(label) >= values {
                let found = format!("label {label} in record {at}");
                return Err(corrupt(path, format!("labels below {values}"), found));
            }
        }
        images.labels.push(u32::from(head[class]));
        if manifest.coarse_classes > 0 {
            images.coarse_labels.push(u32::from(head[0]));
        }
        images.pixels.extend_from_slice(pixels);
    }
    // Reading on to the end also makes the gzip decoder check its own CRC.
    match reader.read(&mut [0]) {
        Ok(0) => Ok(()),
        Ok(_) => Err(corrupt(path, expected(), "more bytes behind them")),
        Err(error) => Err(corrupt(path, expected(), fault(&error))),
    }
}
