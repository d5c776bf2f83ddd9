//! `candle-datasets` as a second reader of the sets that it knows.
#![cfg(feature = "candle-datasets")]

mod small;

use std::path::{Path, PathBuf};

use plasticity_bench::data::{
    CIFAR100, DataError, Decoded, Folder, Form, MNIST, Manifest, Origin, Places, Progress, Report,
    SecondReader, Silent, verify_with,
};
use tempfile::TempDir;

fn verify(manifest: &Manifest, folder: &Path) -> Vec<Result<Report, DataError>> {
    let folders = vec![Folder { path: folder.to_path_buf(), named_by: "the test" }];
    let places = Places { folders, hub: None };
    verify_with(manifest, &places, Some(SecondReader::CandleDatasets), &mut Silent).unwrap()
}

#[test]
fn idx_files_are_read_the_same_packed_and_plain() {
    let manifest = Manifest { name: "mnist", ..small::manifest() };
    for packed in [false, true] {
        let folder = TempDir::new().unwrap();
        small::write_idx(folder.path(), packed);
        let said = verify(&manifest, folder.path())[0].as_ref().unwrap().second.clone();
        assert_eq!(said.as_deref(), Some("read the same by candle-datasets: 20 and 10 images"));
    }
}

/// A reader that gets one pixel of the test images wrong.
fn one_pixel_off(
    manifest: &Manifest,
    files: &[PathBuf],
    progress: &mut dyn Progress,
) -> Result<Decoded, DataError> {
    let Origin::Files { forms, .. } = MNIST.origin else { panic!("mnist has files") };
    let mut decoded = (forms[0].read)(manifest, files, progress)?;
    decoded.test.pixels[7 * 784 + 5] ^= 1;
    Ok(decoded)
}

#[test]
fn a_pixel_that_differs_is_an_error_with_its_image() {
    let Origin::Files { forms, hub } = MNIST.origin else { panic!("mnist has files") };
    let forms: &'static [Form] = Box::leak(Box::new([Form { read: one_pixel_off, ..forms[0] }]));
    let manifest =
        Manifest { name: "mnist", checksum: None, origin: Origin::Files { forms, hub }, ..small::manifest() };
    let folder = TempDir::new().unwrap();
    small::write_idx(folder.path(), false);
    let text = verify(&manifest, folder.path())[0].as_ref().unwrap_err().to_string();
    assert!(text.contains("candle-datasets reads: 10 test images") && text.contains("number 7"), "{text}");
}

#[test]
fn a_set_that_candle_does_not_know_says_so() {
    let manifest = Manifest { name: CIFAR100.name, ..small::manifest() };
    let folder = TempDir::new().unwrap();
    small::write_idx(folder.path(), false);
    let said = verify(&manifest, folder.path())[0].as_ref().unwrap().second.clone().unwrap();
    assert!(said.starts_with("not compared: candle-datasets does not read cifar100"), "{said}");
}
