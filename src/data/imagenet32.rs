//! Downsampled `ImageNet`: the 1000 classes of ILSVRC 2012 at 32 × 32 pixels (Chrabaszcz et al. 2017, arXiv
//! 1707.08819), the images of Continual `ImageNet` (Dohare et al. 2024, which takes 600 training and 100 test
//! images of each class from the training split).
//!
//! image-net.org gives the archives `Imagenet32_train_npz.zip` and `Imagenet32_val_npz.zip` to those who registered;
//! they may not be handed on, so there is no place to download them from. Ten files of training images and one of
//! validation images, each with `data` (images, 3072) of bytes, red plane before green before blue, `labels` from 1
//! on, and `mean`, which is not used. The validation images are the test set here.
//!
//! Mean and deviation are torchvision's of `ImageNet` at full size. Nothing of the set was at hand when this was
//! written: counts, shapes and labels are checked, the content is not known by a checksum.

use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use super::error::corrupt;
use super::file::fault;
use super::manifest::{Content, Decoded, Form, Manifest, Origin};
use super::{DataError, Images, Progress, npz};

macro_rules! training {
    ($($number:literal),*) => {
        &[
            $(&[
                concat!("train_data_batch_", $number, ".npz"),
                concat!("Imagenet32_train_npz/train_data_batch_", $number, ".npz"),
            ],)*
            &["val_data.npz", "Imagenet32_val_npz/val_data.npz"],
        ]
    };
}

/// The files, training before validation, in one folder or as the archives unpack.
const FILES: &[&[&str]] = training!("1", "2", "3", "4", "5", "6", "7", "8", "9", "10");

/// See the module's text.
pub const IMAGENET32: Manifest = Manifest {
    name: "imagenet32",
    summary: "ImageNet at 32 × 32, 1000 classes; from files that the user has, 4 GB of memory",
    source: "Chrabaszcz et al. 2017, arXiv 1707.08819",
    licence: "ImageNet's terms of access: research and education, not to be handed on",
    content: Content::Images,
    channels: 3,
    height: 32,
    width: 32,
    classes: 1000,
    coarse_classes: 0,
    train: 1_281_167,
    test: 50_000,
    mean: &[0.485, 0.456, 0.406],
    std: &[0.229, 0.224, 0.225],
    checksum: None,
    origin: Origin::Own {
        forms: &[Form { name: "npz", folders: &["imagenet32", "Imagenet32", "."], files: FILES, read }],
        get: "it may not be handed on, so get it from https://image-net.org/download-images (\"Download downsampled \
              image data (32x32)\", npz, after registering),",
    },
};

/// Reads files of training images, and the last one of test images.
fn read(manifest: &Manifest, files: &[PathBuf], progress: &mut dyn Progress) -> Result<Decoded, DataError> {
    let (test_file, train_files) = files.split_last().expect("the form names eleven files");
    let mut train = manifest.empty(manifest.train);
    progress.total(manifest.pixels() as u64);
    for path in train_files {
        let before = train.pixels.len();
        append(manifest, &mut train, manifest.train, path)?;
        progress.advance((train.pixels.len() - before) as u64);
    }
    if train.len() != manifest.train {
        let found = format!("{}", train.len());
        let folder = test_file.parent().unwrap_or(test_file);
        return Err(corrupt(folder, format!("{} training images in ten files", manifest.train), found));
    }
    let mut test = manifest.empty(manifest.test);
    append(manifest, &mut test, manifest.test, test_file)?;
    if test.len() != manifest.test {
        return Err(corrupt(test_file, format!("{} images", manifest.test), format!("{}", test.len())));
    }
    Ok(Decoded { train, test, published_md5: false })
}

/// Appends a file's images, of which there may be as many as are missing to `all`.
fn append(manifest: &Manifest, images: &mut Images, all: usize, path: &Path) -> Result<(), DataError> {
    let said = |error: Error| match error.kind() {
        ErrorKind::InvalidData | ErrorKind::InvalidInput | ErrorKind::UnexpectedEof => {
            corrupt(path, "arrays data and labels of numpy's", fault(&error))
        }
        _ => DataError::Unreadable { path: path.to_path_buf(), source: error },
    };
    let data = npz::array(path, "data").map_err(said)?;
    let &[count, size] = &data.shape[..] else {
        return Err(corrupt(path, "data of (images, pixels)", format!("dimensions {:?}", data.shape)));
    };
    let room = all - images.len();
    if size != manifest.size() || count > room {
        let expected = format!("data of at most {room} images of {} bytes", manifest.size());
        return Err(corrupt(path, expected, format!("{count} of {size}")));
    }
    data.bytes(&mut images.pixels).map_err(said)?;
    let labels = npz::array(path, "labels").map_err(said)?;
    if labels.shape != [count] {
        return Err(corrupt(path, format!("{count} labels"), format!("dimensions {:?}", labels.shape)));
    }
    for (at, label) in labels.integers().map_err(said)?.into_iter().enumerate() {
        if !(1..=manifest.classes as u64).contains(&label) {
            return Err(corrupt(
                path,
                format!("labels from 1 to {}", manifest.classes),
                format!("{label} at image {at}"),
            ));
        }
        images.labels.push(label as u32 - 1);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Silent;

    /// tests/reference/npz.py wrote both with numpy: 2 × 3 pixels, three classes, 3 + 2 training and 2 test images.
    fn small() -> (Manifest, PathBuf) {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/npz");
        (Manifest { height: 2, width: 3, classes: 3, train: 5, test: 2, ..IMAGENET32 }, folder)
    }

    fn files(folder: &Path) -> Vec<PathBuf> {
        ["stored.npz", "deflated.npz", "test.npz"].map(|name| folder.join(name)).to_vec()
    }

    #[test]
    fn numpys_arrays_come_out_as_they_went_in() {
        let (manifest, folder) = small();
        let Decoded { train, test, .. } = read(&manifest, &files(&folder), &mut Silent).unwrap();
        // numpy.arange(54) and on, modulo 256; labels [3, 1, 2], then [2, 2] as int32, then [1, 3] as uint8.
        let pixels: Vec<u8> = (0..5 * 18).map(|at| (at * 7 % 256) as u8).collect();
        assert_eq!((train.pixels, train.labels), (pixels, vec![2, 0, 1, 1, 1]));
        let pixels: Vec<u8> = (90..90 + 2 * 18).map(|at| (at * 7 % 256) as u8).collect();
        assert_eq!((test.pixels, test.labels), (pixels, vec![0, 2]));
    }

    #[test]
    fn what_is_not_as_it_should_be_is_said() {
        let (manifest, folder) = small();
        let says = |manifest: &Manifest, files: &[PathBuf], words: &str| {
            let error = read(manifest, files, &mut Silent).unwrap_err().to_string();
            assert!(error.contains(words), "{words}: {error}");
        };
        let good = files(&folder);
        says(&Manifest { train: 6, ..manifest }, &good, "6 training images in ten files, found 5");
        says(&Manifest { train: 4, ..manifest }, &good, "at most 1 images of 18 bytes, found 2 of 18");
        says(&Manifest { classes: 2, ..manifest }, &good, "labels from 1 to 2, found 3 at image 0");
        says(&Manifest { width: 4, ..manifest }, &good, "of 24 bytes, found 3 of 18");
        says(&Manifest { test: 3, ..manifest }, &good, "3 images, found 2");
        let broken = tempfile::tempdir().unwrap();
        let path = broken.path().join("stored.npz");
        let bytes = std::fs::read(&good[0]).unwrap();
        let of = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            [&[path.clone()][..], &good[1..]].concat()
        };
        says(&manifest, &of(&bytes[..bytes.len() / 2]), "no zip archive: its directory is missing");
        says(&manifest, &of(b""), "no zip archive");
        // The first of the pixels, which lie as they are.
        let at = bytes.windows(4).position(|window| window == [0, 7, 14, 21]).unwrap();
        let mut flipped = bytes.clone();
        flipped[at] = 1;
        says(&manifest, &of(&flipped), "another CRC-32");
        // Any byte that is lost or altered is an error or leaves the arrays as they were.
        let whole = read(&manifest, &good, &mut Silent).unwrap();
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 0x11;
            match read(&manifest, &of(&altered), &mut Silent) {
                Ok(read) => assert_eq!(read.train, whole.train, "{at}"),
                Err(error) => assert!(matches!(error, DataError::Corrupt { .. }), "{at}: {error}"),
            }
        }
    }
}
