//! Data sets of a few images, and their files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use plasticity_bench::data::{
    CIFAR10, CIFAR100, Columns, DataError, Decoded, Form, Hub, Images, MNIST, Manifest, Origin, Silent,
};

use crate::small;

/// CIFAR-10 of 2 × 3 pixels: two records in each of the five training files and in the test file.
pub fn ten() -> Manifest {
    Manifest { height: 2, width: 3, train: 10, test: 2, checksum: None, ..CIFAR10 }
}

/// CIFAR-100, the same size.
pub fn hundred() -> Manifest {
    Manifest { height: 2, width: 3, train: 3, test: 3, checksum: None, ..CIFAR100 }
}

/// The same as a table, with its columns' names.
pub fn table() -> Manifest {
    static FORMS: OnceLock<Vec<Form>> = OnceLock::new();
    let Origin::Files { forms, hub } = MNIST.origin else { unreachable!() };
    let columns = Columns { image: "img", label: "fine_label", coarse_label: Some("coarse_label") };
    let forms = FORMS.get_or_init(|| vec![forms[1]]);
    Manifest { origin: Origin::Files { forms, hub: Hub { columns, ..hub } }, ..hundred() }
}

/// The first form of a set.
pub fn form(manifest: &Manifest) -> Form {
    let Origin::Files { forms, .. } = manifest.origin else { unreachable!() };
    forms[0]
}

/// Records of a file of `manifest`, sound ones.
pub fn records(manifest: &Manifest, count: usize) -> Vec<u8> {
    let heads = if manifest.coarse_classes > 0 { 2 } else { 1 };
    (0..count).flat_map(|at| vec![at as u8; heads + manifest.size()]).collect()
}

/// A PNG of such a set.
pub fn picture() -> Vec<u8> {
    let rgb: Vec<u8> = (0..18).collect();
    small::png(&rgb, 3, 2, png::ColorType::Rgb)
}

/// A table whose first picture is `first`.
pub fn table_with(first: &[u8]) -> Vec<u8> {
    let pictures = [Some(first.to_vec()), Some(picture()), Some(picture())];
    let (fine, coarse) = ([Some(99), Some(0), Some(50)], [Some(19), Some(1), Some(2)]);
    small::table("img", &pictures, &[("coarse_label", &coarse), ("fine_label", &fine)])
}

/// Writes `files` into `folder` under numbers.
pub fn write(folder: &Path, files: &[Vec<u8>]) -> Vec<PathBuf> {
    let path = |index: usize| folder.join(index.to_string());
    files.iter().enumerate().for_each(|(index, bytes)| fs::write(path(index), bytes).unwrap());
    (0..files.len()).map(path).collect()
}

/// Reads `files`: what is taken is what the manifest says, what is not is called corrupt.
pub fn read(manifest: &Manifest, files: &[PathBuf]) {
    let whole = |images: &Images, count: usize| {
        assert_eq!((images.len(), images.pixels.len()), (count, count * manifest.size()));
        assert!(images.labels.iter().all(|&label| (label as usize) < manifest.classes));
        assert!(images.coarse_labels.iter().all(|&label| (label as usize) < manifest.coarse_classes));
    };
    match (form(manifest).read)(manifest, files, &mut Silent) {
        Ok(Decoded { train, test, .. }) => {
            whole(&train, manifest.train);
            whole(&test, manifest.test);
        }
        Err(DataError::Corrupt { .. }) => {}
        Err(other) => panic!("{other}"),
    }
}
