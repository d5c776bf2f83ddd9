//! Fashion-MNIST: 28×28 grey pictures of clothing, in MNIST's file form.
//!
//! Its publisher gives the MD5 of the four gzipped idx files, so those are verified whole. No
//! checksum of the decoded content was at hand when this was written: from unpacked idx files and
//! from the hub's Parquet only counts, shapes and label ranges can be checked, and
//! [`Evidence`](super::Evidence) says so.

use std::path::PathBuf;

use super::manifest::{Columns, Content, Decoded, Form, Hub, Manifest, Origin};
use super::{DataError, Progress, idx, parquet};

/// See the module's text.
pub const FASHION_MNIST: Manifest = Manifest {
    name: "fashion-mnist",
    summary: "clothing, drop-in for mnist",
    source: "Xiao, Rasul and Vollgraf 2017, Fashion-MNIST, arXiv 1708.07747",
    licence: "MIT",
    content: Content::Images,
    channels: 1,
    height: 28,
    width: 28,
    classes: 10,
    coarse_classes: 0,
    train: 60_000,
    test: 10_000,
    mean: &[0.2860],
    std: &[0.3530],
    checksum: None,
    origin: Origin::Files {
        forms: &[
            // Never the data folder itself: MNIST's files have the same names.
            Form {
                name: "idx",
                folders: &["fashion-mnist", "FashionMNIST/raw", "FashionMNIST", "fashion_mnist"],
                files: idx::FILES,
                read: read_idx,
            },
            Form {
                name: "parquet",
                folders: &[
                    "hub/zalando-datasets--fashion_mnist/fashion_mnist",
                    "zalando-datasets--fashion_mnist/fashion_mnist",
                    "zalando-datasets/fashion_mnist/fashion_mnist",
                    "fashion-mnist",
                    "fashion_mnist",
                ],
                files: parquet::FILES,
                read: parquet::read,
            },
        ],
        hub: Hub {
            owner: "zalando-datasets",
            repository: "fashion_mnist",
            revision: "refs/convert/parquet",
            train: "fashion_mnist/train/0000.parquet",
            test: "fashion_mnist/test/0000.parquet",
            columns: Columns { image: "image", label: "label", coarse_label: None },
        },
    },
};

/// MD5 of the gzipped files, in the order of [`idx::FILES`]: as in torchvision's and the publisher's
/// own download lists.
const PUBLISHED: [&str; 4] = [
    "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
    "25c81989df183df01b3e8a0aad5dffbe",
    "bef4ecab320f06d8554ea6380940ec79",
    "bb300cfdad3c16e7a12a480ee83cd310",
];

fn read_idx(
    manifest: &Manifest,
    files: &[PathBuf],
    progress: &mut dyn Progress,
) -> Result<Decoded, DataError> {
    idx::read_checked(manifest, files, &PUBLISHED, progress)
}
