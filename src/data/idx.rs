//! The idx form of MNIST and its relatives: four files, plain or gzipped.
//!
//! Layout: <http://yann.lecun.com/exdb/mnist/>: a big-endian magic number (0x0801 for labels, 0x0803
//! for images), a 32-bit count per dimension, then bytes.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use md5::{Digest, Md5};

use super::digest::hex;
use super::error::corrupt;
use super::manifest::{Decoded, Manifest};
use super::{DataError, Images};

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
pub(super) fn read(manifest: &Manifest, files: &[PathBuf]) -> Result<Decoded, DataError> {
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
    Ok(Decoded { published_md5: matched == published.len(), ..read(manifest, files)? })
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
    // Errors while reading are faults of the content (a cut or damaged gzip stream): the file could
    // be opened, and says what it is.
    let broken = |error: &std::io::Error| {
        let found = match error.kind() {
            std::io::ErrorKind::UnexpectedEof => "an end of file before that".to_owned(),
            _ => format!("damaged contents ({error})"),
        };
        corrupt(path, format!("{} bytes of data", shape.iter().product::<usize>()), found)
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

/// The file's bytes, decompressed if they are gzip. The name does not decide: browsers unpack a
/// download and keep its `.gz`.
fn open(path: &Path) -> Result<Box<dyn Read>, DataError> {
    let file = BufReader::with_capacity(1 << 16, file(path)?);
    Ok(if is_gzip(path)? { Box::new(flate2::bufread::MultiGzDecoder::new(file)) } else { Box::new(file) })
}

fn is_gzip(path: &Path) -> Result<bool, DataError> {
    let mut head = BufReader::with_capacity(16, file(path)?);
    let head =
        head.fill_buf().map_err(|source| DataError::Unreadable { path: path.to_path_buf(), source })?;
    Ok(head.starts_with(&[0x1f, 0x8b]))
}

fn md5_of(path: &Path) -> Result<String, DataError> {
    let unreadable = |source| DataError::Unreadable { path: path.to_path_buf(), source };
    let mut reader = file(path)?;
    let (mut hash, mut buffer) = (Md5::new(), vec![0; 1 << 16]);
    loop {
        match reader.read(&mut buffer).map_err(unreadable)? {
            0 => return Ok(hex(&hash.finalize())),
            n => hash.update(&buffer[..n]),
        }
    }
}

fn file(path: &Path) -> Result<File, DataError> {
    File::open(path).map_err(|source| DataError::Unreadable { path: path.to_path_buf(), source })
}
