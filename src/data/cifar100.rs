//! CIFAR-100: 32×32 colour photographs in 100 classes, which form 20 superclasses.
//!
//! Two entries of the catalogue are the same images: `cifar100` with the 100 classes as labels (and the
//! superclasses beside them), `cifar100-coarse` with the 20 superclasses.
//!
//! The checksums are of content whose records, written out as the binary version has them, give the
//! published MD5: train.bin 6172c7755cfe09b2fe270c85cebc1b15, test.bin 4499cfba6c016c1be1438163640a0898.
//! Mean and deviation are the usual rounded ones of the training pixels, as in the continual-learning
//! suites (`PyCIL`, mammoth).

use std::path::PathBuf;

use super::manifest::{Columns, Content, Decoded, Form, Hub, Manifest, Origin};
use super::{DataError, Progress, parquet, records};

const BINARY: &[&[&str]] = &[&["train.bin", "train.bin.gz"], &["test.bin", "test.bin.gz"]];
const BINARY_FOLDERS: &[&str] =
    &["cifar100", "cifar-100-binary", "cifar100/cifar-100-binary", "CIFAR100/cifar-100-binary", "."];
/// Never the data folder itself: other sets' tables have the same names.
const PARQUET_FOLDERS: &[&str] = &[
    "hub/uoft-cs--cifar100/cifar100",
    "uoft-cs--cifar100/cifar100",
    "uoft-cs/cifar100/cifar100",
    "cifar100",
    "cifar100/cifar100",
];
const HUB: Hub = Hub {
    owner: "uoft-cs",
    repository: "cifar100",
    revision: "main",
    train: "cifar100/train-00000-of-00001.parquet",
    test: "cifar100/test-00000-of-00001.parquet",
    columns: Columns { image: "img", label: "fine_label", coarse_label: Some("coarse_label") },
};

/// See the module's text.
pub const CIFAR100: Manifest = Manifest {
    name: "cifar100",
    summary: "photographs of 100 classes",
    source: "Krizhevsky 2009, Learning multiple layers of features from tiny images",
    licence: "no formal licence from the authors",
    content: Content::Images,
    channels: 3,
    height: 32,
    width: 32,
    classes: 100,
    coarse_classes: 20,
    train: 50_000,
    test: 10_000,
    mean: &[0.5071, 0.4865, 0.4409],
    std: &[0.2673, 0.2564, 0.2762],
    checksum: Some("b0fee3173030218824b0e8e5b57570cbe91bc9c9ec95a487f74a939c2dd27d52"),
    origin: Origin::Files {
        forms: &[
            Form { name: "binary", folders: BINARY_FOLDERS, files: BINARY, read: records::read_fine },
            Form { name: "parquet", folders: PARQUET_FOLDERS, files: parquet::FILES, read: parquet::read },
        ],
        hub: HUB,
    },
};

/// See the module's text.
pub const CIFAR100_COARSE: Manifest = Manifest {
    name: "cifar100-coarse",
    summary: "cifar100's images by their 20 superclasses",
    classes: 20,
    coarse_classes: 0,
    checksum: Some("722258cfa3ed5abf1a67cdfae82d77c71a4c6bb2adbb1b587638bf86769f57f6"),
    origin: Origin::Files {
        forms: &[
            Form { name: "binary", folders: BINARY_FOLDERS, files: BINARY, read: read_coarse },
            Form { name: "parquet", folders: PARQUET_FOLDERS, files: parquet::FILES, read: parquet::read },
        ],
        hub: Hub { columns: Columns { image: "img", label: "coarse_label", coarse_label: None }, ..HUB },
    },
    ..CIFAR100
};

fn read_coarse(manifest: &Manifest, files: &[PathBuf], _: &mut dyn Progress) -> Result<Decoded, DataError> {
    records::read_coarse(manifest, files, CIFAR100.classes)
}
