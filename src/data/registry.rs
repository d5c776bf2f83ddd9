//! The data sets by name. A new one is a file with its manifest and a line here.

use super::DataError;
use super::cifar10::CIFAR10;
use super::cifar100::{CIFAR100, CIFAR100_COARSE};
use super::fashion_mnist::FASHION_MNIST;
use super::generated::{GENERATED_DIGITS, GENERATED_TEXT, GENERATED_TEXTURES};
use super::imagenet32::IMAGENET32;
use super::manifest::{Content, Manifest};
use super::mnist::MNIST;
use super::text::TEXT;
use crate::spec::Entry;

/// Every data set, in the order in which `list` shows them.
pub const MANIFESTS: &[&Manifest] = &[
    &MNIST,
    &FASHION_MNIST,
    &CIFAR10,
    &CIFAR100,
    &CIFAR100_COARSE,
    &IMAGENET32,
    &GENERATED_DIGITS,
    &GENERATED_TEXTURES,
    &GENERATED_TEXT,
    &TEXT,
];

/// The catalogue's section `datasets`.
#[must_use]
pub fn registry() -> Vec<Entry> {
    MANIFESTS
        .iter()
        .map(|m| Entry { name: m.name, summary: m.summary, source: m.source, parameters: &[] })
        .collect()
}

/// The manifest of a data set.
pub fn manifest(name: &str) -> Result<&'static Manifest, DataError> {
    MANIFESTS.iter().find(|m| m.name == name).copied().ok_or_else(|| {
        let likeness = |m: &&&Manifest| strsim::normalized_damerau_levenshtein(m.name, name);
        let nearest = MANIFESTS
            .iter()
            .filter(|m| likeness(m) > 0.5)
            .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
            .map(|m| m.name.to_owned());
        let known: Vec<&str> = MANIFESTS.iter().map(|m| m.name).collect();
        DataError::Unknown { name: name.to_owned(), nearest, known: known.join(", ") }
    })
}

/// What the bytes of a data set are; images where there is no manifest of that name.
#[must_use]
pub fn content(name: &str) -> Content {
    manifest(name).map_or(Content::Images, |manifest| manifest.content)
}

/// The data set whose content has this checksum.
pub(super) fn by_checksum(checksum: &str) -> Option<&'static Manifest> {
    MANIFESTS.iter().find(|m| m.checksum == Some(checksum)).copied()
}
