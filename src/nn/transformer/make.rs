//! How a transformer is put together: parameters under the names of `timm`'s vision transformer, but for the
//! attention's three projections, which are layers of their own here, so that what takes a weight as a matrix
//! (methods, optimisers, probes) takes each for itself.

use std::sync::Arc;

use super::Transformer;
use super::block::Block;
use super::embedding::{Cut, Embedding};
use super::linear::Linear;
use super::op::{Body, Readout};
use super::settings::Settings;
use crate::kernels::attention::Attention;
use crate::nn::builder::{Builder, for_width};
use crate::nn::initialization::{Initialization, Start};
use crate::nn::mlp::start_moment;
use crate::nn::network::{Blueprint, Network, NetworkError};
use crate::random::Stream;

/// What a transformer reads.
#[derive(Clone, Copy)]
pub enum Kind {
    /// Patches of images, with a class token in front where one is read.
    Patches(Cut, Readout),
    /// So many characters in a row, of an alphabet of so many; each sees those before it.
    Characters { length: usize, alphabet: usize },
}

impl Kind {
    /// Tokens that the head reads.
    pub fn read(self) -> usize {
        match self {
            Self::Patches(_, Readout::Class) => 1,
            _ => self.tokens(),
        }
    }

    /// Tokens of an input.
    pub fn tokens(self) -> usize {
        match self {
            Self::Patches(cut, readout) => cut.patches() + usize::from(readout == Readout::Class),
            Self::Characters { length, .. } => length,
        }
    }
}

struct Making<'a> {
    built: Builder,
    start: Initialization,
    stream: &'a mut Stream,
}

impl Making<'_> {
    /// The linear layer `name` with a weight of `shape`, whose first dimension is the outputs.
    fn linear(&mut self, name: &str, start: Start, shape: &[usize]) -> Result<Linear, NetworkError> {
        let layer = self.built.layer(name.into(), start, shape, true, self.stream)?;
        let of = &self.built.parts.layers[layer];
        let (weight, bias) = (of.weight, of.bias.expect("asked for"));
        let (weight, bias) = (self.built.place(weight), self.built.place(bias));
        Ok(Linear { weight, bias, inputs: shape[1..].iter().product(), outputs: shape[0] })
    }

    fn embedding(
        &mut self,
        kind: Kind,
        width: usize,
    ) -> Result<(Embedding, crate::nn::builder::Place), NetworkError> {
        match kind {
            Kind::Patches(cut, readout) => {
                let (channels, side) = (cut.dims.0, cut.side);
                // timm leaves the patches' layer at PyTorch's start.
                let start = if self.start.is_normal() { Initialization::PYTORCH } else { self.start };
                let start = start.conv((channels, width), side * side);
                let layer = self.linear("patch_embed.proj", start, &[width, channels, side, side])?;
                let mut class = None;
                if readout == Readout::Class {
                    class = Some(self.built.embedding("cls_token".into(), &[1, 1, width], self.stream)?);
                }
                let shape = [1, kind.tokens(), width];
                let positions = self.built.embedding("pos_embed".into(), &shape, self.stream)?;
                Ok((Embedding::Patches { layer, cut, class }, positions))
            }
            Kind::Characters { length, alphabet } => {
                let mut of = |name: &str, rows: usize| {
                    self.built.embedding(format!("{name}.weight"), &[rows, width], self.stream)
                };
                let table = of("wte", alphabet)?;
                Ok((Embedding::Characters { table }, of("wpe", length)?))
            }
        }
    }

    fn block(
        &mut self,
        number: usize,
        (settings, kind): (Settings, Kind),
        (choice, moment): (&crate::spec::Choice, f64),
    ) -> Result<Block, NetworkError> {
        let Settings { width, depth, heads, hidden } = settings;
        let causal = matches!(kind, Kind::Characters { .. });
        let part = |what: &str| format!("blocks.{number}.{what}");
        // GPT-2's sum has two terms a block.
        let summed = |start: Start| if causal { start.one_of(2 * depth) } else { start };
        let norm1 = self.built.norm_in_front(&part("norm1"), width)?;
        let square = self.start.linear(width, width);
        let mut project = |what: &str, start| self.linear(&part(what), start, &[width, width]);
        let queries = project("attn.q", square)?;
        let keys = project("attn.k", square)?;
        let values = project("attn.v", square)?;
        let proj = project("attn.proj", summed(square))?;
        let norm2 = self.built.norm_in_front(&part("norm2"), width)?;
        let activation = for_width(choice, hidden, "transformer's block")?;
        let units = hidden / activation.expansion;
        let fc1 = self.linear(&part("mlp.fc1"), self.start.linear(width, units), &[units, width])?;
        let from = self.built.parts.layers.len() - 1;
        let activation = self.built.activation(activation, hidden)?;
        let start = summed(self.start.linear(hidden, width).reading(moment));
        let fc2 = self.linear(&part("mlp.fc2"), start, &[width, hidden])?;
        self.built.feed(from, from + 1);
        let tokens = kind.tokens();
        let asking = if number + 1 == depth { kind.read() } else { tokens };
        let attention = Attention { heads, tokens, asking, width, causal };
        Ok(Block { norm1, queries, keys, values, attention, proj, norm2, fc1, activation, fc2 })
    }
}

/// The network of a blueprint, whose settings have been checked. Draws the start values from `stream`, in the order
/// of the parameters.
pub fn build(
    kind: Kind,
    blueprint: &Blueprint<'_>,
    stream: &mut Stream,
) -> Result<Box<dyn Network>, NetworkError> {
    let Blueprint { network, activation, dims, outputs, dtype } = *blueprint;
    let settings = Settings::of(network);
    let start = Initialization::of(network).map_err(NetworkError::Settings)?;
    let moment = start_moment(start, activation)?;
    let mut making = Making { built: Builder::new(dtype), start, stream };
    let (embedding, positions) = making.embedding(kind, settings.width)?;
    let blocks = (0..settings.depth)
        .map(|number| making.block(number, (settings, kind), (activation, moment)))
        .collect::<Result<Vec<_>, _>>()?;
    let norm = making.built.norm_in_front("norm", settings.width)?;
    let head = making.linear("head", start.head(settings.width, outputs), &[outputs, settings.width])?;
    let readout = match kind {
        Kind::Patches(_, readout) => readout,
        Kind::Characters { .. } => Readout::Each,
    };
    let body = Body {
        inputs: dims.0 * dims.1 * dims.2,
        tokens: kind.tokens(),
        width: settings.width,
        embedding,
        positions,
        blocks,
        norm,
        readout,
        head,
    };
    Ok(Box::new(Transformer { built: making.built, body: Arc::new(body) }))
}
