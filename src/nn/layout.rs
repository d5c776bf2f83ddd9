//! Layers by name: which parameters are whose, and which unit feeds which columns of a later weight.

use std::ops::Range;

use super::initialization::Start;

/// A layer of a network.
#[derive(Clone, Debug)]
pub struct Layer {
    /// layers.0, layers.1, …
    pub name: String,
    /// Index of its weight in [`Network::parameters`](super::Network::parameters): (units, inputs), or
    /// (units, channels, rows, columns) of a convolution. Row u is what comes into unit u.
    pub weight: usize,
    /// Index of its bias (units), where it has one.
    pub bias: Option<usize>,
    /// Its normalisation, where it has one.
    pub norm: Option<NormPlaces>,
    /// Index of its activation in [`Network::activations`](super::Network::activations); `None` for the head.
    pub activation: Option<usize>,
    /// Features that it puts out: units × expansion.
    pub features: usize,
    /// Features that the activation makes of each unit. Feature k·units + u is the k-th of unit u.
    pub expansion: usize,
    /// Layers that multiply its features, in forward order; none behind the head, nor where its features are added
    /// to others before a layer sees them normalised (a transformer's).
    pub feeds: Vec<Feed>,
    /// Whether its features also go on past every weight, by an identity shortcut. Then columns of 0 in
    /// the layers that it feeds do not take a unit out of the network.
    pub bypassed: bool,
    /// What its weight was drawn from.
    pub start: Start,
}

/// A layer that multiplies another one's features.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feed {
    /// Index in [`Network::layers`](super::Network::layers).
    pub layer: usize,
    /// Columns of its weight, seen as (units, columns), that each feature is multiplied by: 1 between
    /// linear layers, the filter's area into a convolution, the image's into a linear layer behind one.
    pub columns_per_feature: usize,
}

/// Where a normalisation's values lie; (units) all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NormPlaces {
    /// Index of its scale in [`Network::parameters`](super::Network::parameters).
    pub scale: usize,
    /// Index of its shift there.
    pub shift: usize,
    /// Indices of running mean and variance in [`Network::buffers`](super::Network::buffers), where it
    /// keeps them.
    pub statistics: Option<(usize, usize)>,
}

impl Layer {
    /// Units: rows of the weight.
    #[must_use]
    pub fn units(&self) -> usize {
        self.features / self.expansion
    }

    /// The columns of the fed layer's weight, seen as (units, columns), that unit `unit` of this layer is
    /// multiplied by: one range for each feature that its activation makes.
    pub fn outgoing(&self, unit: usize, feed: Feed) -> impl Iterator<Item = Range<usize>> {
        let (units, each) = (self.units(), feed.columns_per_feature);
        (0..self.expansion).map(move |k| (k * units + unit) * each..(k * units + unit + 1) * each)
    }
}
