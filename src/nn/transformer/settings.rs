//! Settings of a transformer, and what follows from them alone.

use crate::nn::builder::{check_map, for_width};
use crate::nn::initialization::Initialization;
use crate::nn::network::NetworkError;
use crate::nn::work::LayerWork;
use crate::spec::{Choice, Kind, Parameter as Setting};

/// Setting `width`.
pub const fn width(default: i64) -> Setting {
    Setting {
        name: "width",
        summary: "features of a token, a multiple of heads",
        kind: Kind::Integer { default: Some(default), min: 1, max: 16_384 },
    }
}

/// Setting `depth`.
pub const fn depth(default: i64) -> Setting {
    Setting {
        name: "depth",
        summary: "blocks: attention, then two linear layers with the activation between",
        kind: Kind::Integer { default: Some(default), min: 1, max: 256 },
    }
}

/// Setting `heads`.
pub const fn heads(default: i64) -> Setting {
    Setting {
        name: "heads",
        summary: "of each block's attention",
        kind: Kind::Integer { default: Some(default), min: 1, max: 256 },
    }
}

/// Setting `ratio`.
pub const RATIO: Setting = Setting {
    name: "ratio",
    summary: "features behind the activation of a block, in widths",
    kind: Kind::Integer { default: Some(4), min: 1, max: 64 },
};

/// Sizes of the blocks.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Features of a token.
    pub width: usize,
    /// Blocks.
    pub depth: usize,
    /// Heads of each.
    pub heads: usize,
    /// Features behind the activation of each.
    pub hidden: usize,
}

/// A setting that is a size.
pub fn size(network: &Choice, name: &str) -> usize {
    usize::try_from(network.integer(name)).expect("checked against the catalogue")
}

impl Settings {
    /// Those of a checked choice.
    pub fn of(network: &Choice) -> Self {
        let [width, depth, heads, ratio] =
            ["width", "depth", "heads", "ratio"].map(|name| size(network, name));
        Self { width, depth, heads, hidden: ratio * width }
    }

    /// Whether they go together, and with the activation.
    pub fn check(network: &Choice, activation: &Choice) -> Result<(), NetworkError> {
        let Self { width, depth, heads, hidden } = Self::of(network);
        Initialization::of(network).map_err(NetworkError::Settings)?;
        check_map(activation, depth)?;
        for_width(activation, hidden, "transformer's block")?;
        if width.is_multiple_of(heads) {
            return Ok(());
        }
        Err(NetworkError::Settings(format!(
            "network.width = {width} does not divide into {heads} heads: set network.heads to a divisor of network.width"
        )))
    }

    /// The layers of the blocks at so many tokens, of which so many are read behind the last, in forward order.
    pub fn work(self, tokens: usize, read: usize) -> Vec<LayerWork> {
        let Self { width, depth, heads, hidden } = self;
        let block = |asking: usize| {
            let of = |sizes| LayerWork::tokens(sizes, asking);
            let given = LayerWork::tokens((width, width), tokens);
            let attended = LayerWork::behind_attention(width, heads, (asking, tokens));
            [of((width, width)), given, given, attended, of((width, hidden)), of((hidden, width))]
        };
        [block(tokens).repeat(depth - 1), block(read).to_vec()].concat()
    }
}
