//! A decoder of characters as GPT-2 has it (Radford et al. 2019): a table of characters, learned positions, pre-norm
//! blocks whose attention looks back alone, a last normalisation, and a head at every place for the character that
//! follows. The head is a layer of its own, not the table; there is no dropout.
//!
//! The sizes are those that `nanoGPT` gives for a small computer: four blocks of 128 features and four heads (Karpathy
//! 2022). Permuted Shakespeare was published with 32 features, two heads and a ratio of 8 (arXiv 2410.20098).

use super::initialization;
use super::network::{Dims, NetworkError, Registered};
use super::transformer::{self, Kind as Reads, Settings};
use super::work::LayerWork;
use crate::data::{Content, Manifest};
use crate::spec::{Choice, Entry, Kind, Parameter as Setting};

/// What the registry knows of it.
pub const REGISTERED: Registered = Registered {
    entry: ENTRY,
    reads: Content::Characters,
    check: |network, activation, _| Settings::check(network, activation),
    build: |b, stream| transformer::build(reads(b.network, b.dims), b, stream),
    work,
};

const ENTRY: Entry = Entry {
    name: "gpt",
    summary: "a decoder of characters: at every place of a text the next one; the activation in each block's \
              feed-forward pair",
    source: "Radford et al. 2019; sizes of nanoGPT (Karpathy 2022)",
    parameters: &[
        transformer::width(128),
        transformer::depth(4),
        transformer::heads(4),
        transformer::RATIO,
        Setting {
            name: "alphabet",
            summary: "rows of the table of characters, at least the data set's characters",
            kind: Kind::Integer { default: Some(256), min: 1, max: 256 },
        },
        initialization::SCHEME_OF_TRANSFORMERS,
    ],
};

fn reads(network: &Choice, (channels, height, width): Dims) -> Reads {
    Reads::Characters { length: channels * height * width, alphabet: transformer::size(network, "alphabet") }
}

/// Whether the table has a row for every character of the data set.
pub fn check_alphabet(network: &Choice, manifest: &Manifest) -> Result<(), NetworkError> {
    let rows = transformer::size(network, "alphabet");
    if rows >= manifest.classes {
        return Ok(());
    }
    Err(NetworkError::Settings(format!(
        "network.alphabet = {rows} is less than the {} characters of {}: take {0} or more",
        manifest.classes, manifest.name
    )))
}

#[allow(clippy::unnecessary_wraps, reason = "the form that every network has")]
fn work(network: &Choice, dims: Dims, outputs: usize) -> Option<Vec<LayerWork>> {
    let (tokens, settings) = (reads(network, dims).tokens(), Settings::of(network));
    let mut layers = settings.work(tokens, tokens);
    layers.push(LayerWork::tokens((settings.width, outputs), tokens));
    Some(layers)
}
