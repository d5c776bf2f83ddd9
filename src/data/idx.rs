//! The idx form of MNIST and its relatives: four files, plain or gzipped.
//!
//! Layout: <http://yann.lecun.com/exdb/mnist/>: a big-endian magic number (0x0801 for labels, 0x0803
//! for images), a 32-bit count per dimension, then bytes.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::error::corrupt;
use super::file::{fault, is_gzip, md5_of, open};
use super::manifest::{Decoded, Manifest};
use super::{DataError, Images, Progress};

const LABELS: u32 = 0x0801;
const IMAGES: u32 = 0x0803;

/// The four files' names, in the order in which [`read`] takes them. Some archives write a dot
/// before `idx`, as the original server did inside its gzip headers.
pub(super) const FILES: &[&[&str]] = &[
    &[
        "train-images-idx3-ubyte",
        "train-images-idx3-ubyte.gz",
        "train-images.idx3-ubyte",
        "train-images.idx3-ubyte.gz",
    ],
    &[
        "train-labels-idx1-ubyte",
        "train-labels-idx1-ubyte.gz",
        "train-labels.idx1-ubyte",
        "train-labels.idx1-ubyte.gz",
    ],
    &[
        "t10k-images-idx3-ubyte",
        "t10k-images-idx3-ubyte.gz",
        "t10k-images.idx3-ubyte",
        "t10k-images.idx3-ubyte.gz",
    ],
    &[
        "t10k-labels-idx1-ubyte",
        "t10k-labels-idx1-ubyte.gz",
        "t10k-labels.idx1-ubyte",
        "t10k-labels.idx1-ubyte.gz",
    ],
];

/// Reads the files named in [`FILES`].
pub(super) fn read(
    manifest: &Manifest,
    files: &[PathBuf],
    _: &mut dyn Progress,
) -> Result<Decoded, DataError> {
    let [train_images, train_labels, test_images, test_labels] = files else {
        unreachable!("the form names four files");
    };
    Ok(Decoded {
        train: split(manifest, manifest.train, train_images, train_labels)?,
        test: split(manifest, manifest.test, test_images, test_labels)?,
        published_md5: false,
    })
}

/// Like [`read`], and checks the MD5 of every file that is gzipped against `published` (in the order
/// of [`FILES`]).
pub(super) fn read_checked(
    manifest: &Manifest,
    files: &[PathBuf],
    published: &[&str; 4],
    progress: &mut dyn Progress,
) -> Result<Decoded, DataError> {
    let mut matched = 0;
    for (path, &expected) in files.iter().zip(published) {
        if is_gzip(path)? {
            let found = md5_of(path)?;
            if found != expected {
                return Err(corrupt(path, format!("the published MD5 {expected}"), format!("MD5 {found}")));
            }
            matched += 1;
        }
    }
    Ok(Decoded { published_md5: matched == published.len(), ..read(manifest, files, progress)? })
}

fn split(
    manifest: &Manifest,
    count: usize,
    image_file: &Path,
    label_file: &Path,
) -> Result<Images, DataError> {
    let shape = [count, manifest.height, manifest.width];
    let pixels = array(image_file, IMAGES, &shape)?;
    let labels = array(label_file, LABELS, &shape[..1])?;
    if let Some(at) = labels.iter().position(|&label| usize::from(label) >= manifest.classes) {
        return Err(corrupt(
            label_file,
            format!("labels below {}", manifest.classes),
            format!("label {} at example {at}", labels[at]),
        ));
    }
    Ok(Images { pixels, labels: labels.into_iter().map(u32::from).collect(), ..manifest.empty(0) })
}

/// The bytes behind an idx header, which must declare exactly `magic` and `shape`.
fn array(path: &Path, magic: u32, shape: &[usize]) -> Result<Vec<u8>, DataError> {
    let mut reader = open(path)?;
    let broken = |error: &std::io::Error| {
        corrupt(path, format!("{} bytes of data", shape.iter().product::<usize>()), fault(error))
    };
    let mut word = || -> Result<u32, std::io::Error> {
        let mut bytes = [0; 4];
        reader.read_exact(&mut bytes)?;
        Ok(u32::from_be_bytes(bytes))
    };
    let found = word().map_err(|e| broken(&e))?;
    if found != magic {
        return Err(corrupt(
            path,
            format!("an idx file with magic number {magic:#06x}"),
            format!("{found:#010x}"),
        ));
    }
    let declared: Vec<usize> =
        shape.iter().map(|_| word().map(|n| n as usize)).collect::<Result<_, _>>().map_err(|e| broken(&e))?;
    if declared != shape {
        return Err(corrupt(path, format!("the dimensions {shape:?}"), format!("{declared:?}")));
    }
    let mut bytes = vec![0; shape.iter().product()];
    reader.read_exact(&mut bytes).map_err(|e| broken(&e))?;
    // Reading on to the end also makes the gzip decoder check its own CRC.
    match reader.read(&mut [0]) {
        Ok(0) => Ok(bytes),
        Ok(_) => Err(corrupt(path, format!("{} bytes of data", bytes.len()), "more bytes behind them")),
        Err(error) => Err(broken(&error)),
    }
}
