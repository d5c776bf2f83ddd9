//! CIFAR-10: 32×32 colour photographs in 10 classes.
//!
//! No published hash of the binary version's batch files, nor of the decoded content, was at hand when
//! this was written: counts, sizes and label ranges are checked, and [`Evidence`](super::Evidence)
//! says so. Mean and deviation are the usual rounded ones of the training pixels.

use super::manifest::{Columns, Content, Form, Hub, Manifest, Origin};
use super::{parquet, records};

/// See the module's text.
pub const CIFAR10: Manifest = Manifest {
    name: "cifar10",
    summary: "photographs of 10 classes",
    source: "Krizhevsky 2009, Learning multiple layers of features from tiny images",
    licence: "no formal licence from the authors",
    content: Content::Images,
    channels: 3,
    height: 32,
    width: 32,
    classes: 10,
    coarse_classes: 0,
    train: 50_000,
    test: 10_000,
    mean: &[0.4914, 0.4822, 0.4465],
    std: &[0.2470, 0.2435, 0.2616],
    checksum: None,
    origin: Origin::Files {
        forms: &[
            Form {
                name: "binary",
                folders: &[
                    "cifar10",
                    "cifar-10-batches-bin",
                    "cifar10/cifar-10-batches-bin",
                    "CIFAR10/cifar-10-batches-bin",
                    ".",
                ],
                files: &[
                    &["data_batch_1.bin", "data_batch_1.bin.gz"],
                    &["data_batch_2.bin", "data_batch_2.bin.gz"],
                    &["data_batch_3.bin", "data_batch_3.bin.gz"],
                    &["data_batch_4.bin", "data_batch_4.bin.gz"],
                    &["data_batch_5.bin", "data_batch_5.bin.gz"],
                    &["test_batch.bin", "test_batch.bin.gz"],
                ],
                read: records::read,
            },
            // Never the data folder itself: other sets' tables have the same names.
            Form {
                name: "parquet",
                folders: &[
                    "hub/uoft-cs--cifar10/plain_text",
                    "uoft-cs--cifar10/plain_text",
                    "uoft-cs/cifar10/plain_text",
                    "cifar10",
                    "cifar10/plain_text",
                ],
                files: parquet::FILES,
                read: parquet::read,
            },
        ],
        hub: Hub {
            owner: "uoft-cs",
            repository: "cifar10",
            revision: "main",
            train: "plain_text/train-00000-of-00001.parquet",
            test: "plain_text/test-00000-of-00001.parquet",
            columns: Columns { image: "img", label: "label", coarse_label: None },
        },
    },
};
