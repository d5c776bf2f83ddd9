//! What a network costs, layer by layer, from its settings alone: estimates are asked for before anything
//! is drawn or loaded.

/// One layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerWork {
    /// Whether it is a convolution.
    pub convolution: bool,
    /// Weights, without biases.
    pub weights: f64,
    /// Multiply-adds of the forward pass on one example.
    pub multiply_adds: f64,
    /// Numbers that it puts out for one example, before pooling.
    pub outputs: f64,
}

impl LayerWork {
    /// A linear layer.
    #[must_use]
    pub fn dense(inputs: usize, outputs: usize) -> Self {
        let weights = (inputs * outputs) as f64;
        Self { convolution: false, weights, multiply_adds: weights, outputs: outputs as f64 }
    }

    /// Filters of `size` × `size`, from `channels` to `outputs` channels, at so many `places`.
    #[must_use]
    pub fn convolution((channels, outputs): (usize, usize), size: usize, places: usize) -> Self {
        let weights = (channels * outputs * size * size) as f64;
        Self {
            convolution: true,
            weights,
            multiply_adds: weights * places as f64,
            outputs: (places * outputs) as f64,
        }
    }
}

impl LayerWork {
    /// A linear layer at each of so many tokens.
    #[must_use]
    pub fn tokens(sizes: (usize, usize), tokens: usize) -> Self {
        Self::convolution(sizes, 1, tokens)
    }

    /// The same with an attention of so many heads in front of it: two products of the tokens that ask with all, and a
    /// weight for each pair.
    #[must_use]
    pub fn behind_attention(width: usize, heads: usize, (asking, tokens): (usize, usize)) -> Self {
        let layer = Self::tokens((width, width), asking);
        let pairs = (asking * tokens) as f64;
        Self {
            multiply_adds: layer.multiply_adds + 2.0 * pairs * width as f64,
            outputs: layer.outputs + pairs * heads as f64,
            ..layer
        }
    }
}

/// Linear layers one after the other.
#[must_use]
pub fn linears(inputs: usize, hidden: &[usize], outputs: usize) -> Vec<LayerWork> {
    let widths: Vec<usize> = [&[inputs], hidden, &[outputs]].concat();
    widths.windows(2).map(|pair| LayerWork::dense(pair[0], pair[1])).collect()
}
