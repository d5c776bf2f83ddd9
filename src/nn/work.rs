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

/// Linear layers one after the other.
#[must_use]
pub fn linears(inputs: usize, hidden: &[usize], outputs: usize) -> Vec<LayerWork> {
    let widths: Vec<usize> = [&[inputs], hidden, &[outputs]].concat();
    widths.windows(2).map(|pair| LayerWork::dense(pair[0], pair[1])).collect()
}
