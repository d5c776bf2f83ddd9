//! MNIST: 28×28 grey handwritten digits.
//!
//! The checksum was computed outside this program (Python's `gzip` and `hashlib`) from the four idx
//! files, after the MD5 of each unpacked file had been compared with the published ones:
//! train images 6bbc9ace898e44ae57da46a324031adb, train labels a25bea736e30d166cdddb491f175f624,
//! test images 2646ac647ad5339dbf082846283269ea, test labels 27ae3e4e09519cfbb04c329615203637.

use super::manifest::{Columns, Content, Form, Hub, Manifest, Origin};
use super::{idx, parquet};

/// See the module's text.
pub const MNIST: Manifest = Manifest {
    name: "mnist",
    summary: "handwritten digits",
    source: "LeCun, Bottou, Bengio and Haffner 1998, Gradient-based learning applied to document recognition",
    licence: "no formal licence from the authors",
    content: Content::Images,
    channels: 1,
    height: 28,
    width: 28,
    classes: 10,
    coarse_classes: 0,
    train: 60_000,
    test: 10_000,
    mean: &[0.1307],
    std: &[0.3081],
    checksum: Some("06b0d1f124c4e5fa796686ade41a9b778edacc8622f2195a352ef479ad44fc16"),
    origin: Origin::Files {
        forms: &[
            Form {
                name: "idx",
                folders: &["mnist", "MNIST/raw", "MNIST", "mnist/raw", "."],
                files: idx::FILES,
                read: idx::read,
            },
            Form {
                name: "parquet",
                folders: &[
                    "hub/ylecun--mnist/mnist",
                    "ylecun--mnist/mnist",
                    "ylecun/mnist/mnist",
                    "mnist",
                    "mnist/mnist",
                    ".",
                ],
                files: parquet::FILES,
                read: parquet::read,
            },
        ],
        hub: Hub {
            owner: "ylecun",
            repository: "mnist",
            revision: "refs/convert/parquet",
            train: "mnist/train/0000.parquet",
            test: "mnist/test/0000.parquet",
            columns: Columns { image: "image", label: "label", coarse_label: None },
        },
    },
};
