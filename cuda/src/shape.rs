//! What kernels are compiled for, and what may differ between the networks of one launch.

use crate::layout::{Layer, MAX_LAYERS, MAX_SET};

/// An activation, by the number that kernels/activations.h has for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is what the suite's entry of that name says")]
pub enum Activation {
    Relu,
    LeakyRelu,
    Elu,
    Celu,
    Selu,
    Gelu,
    Swish,
    Mish,
    Softplus,
    Tanh,
    Sigmoid,
    Identity,
    SmoothLeaky,
    /// P/Q: version 0 to 4 for A, B, C, D, N, and the degrees of P and Q, from 1.
    Rational {
        version: u8,
        p: u8,
        q: u8,
    },
}

impl Activation {
    /// Its number in the kernels.
    #[must_use]
    pub fn number(self) -> u8 {
        match self {
            Self::Relu => 0,
            Self::LeakyRelu => 1,
            Self::Elu => 2,
            Self::Celu => 3,
            Self::Selu => 4,
            Self::Gelu => 5,
            Self::Swish => 6,
            Self::Mish => 7,
            Self::Softplus => 8,
            Self::Tanh => 9,
            Self::Sigmoid => 10,
            Self::Identity => 11,
            Self::SmoothLeaky => 12,
            Self::Rational { .. } => 13,
        }
    }

    /// Trained coefficients of a layer.
    #[must_use]
    pub fn set(self) -> usize {
        match self {
            Self::Rational { version, p, q } => {
                usize::from(p) + 1 + usize::from(q) + usize::from(version == 2)
            }
            _ => 0,
        }
    }

    /// Whether each step multiplies the numerator by draws (version D).
    #[must_use]
    pub fn draws(self) -> bool {
        matches!(self, Self::Rational { version: 3, .. })
    }
}

/// What one set of kernels is compiled for, and the sizes that they are launched with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// Rows of a batch, at most.
    pub batch: usize,
    /// Inputs, units of every hidden layer, classes.
    pub sizes: Vec<usize>,
    /// Behind every hidden layer.
    pub activation: Activation,
    /// Stochastic gradient descent in place of Adam.
    pub sgd: bool,
    /// A penalty on the distance to the start.
    pub l2_init: bool,
}

/// What holds a rational's coefficients.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Constraint {
    /// Nothing, or what the host sees to: coefficients that are not trained.
    None,
    /// The leading coefficient of Q is |bₙ| + epsilon.
    ProperDegree {
        /// ε
        epsilon: f64,
    },
    /// So is it here, and aₘ is bound·(|bₙ| + epsilon)·tanh ρ.
    TailSlope {
        /// Steepest tail.
        bound: f64,
        /// ε
        epsilon: f64,
    },
    /// bound·tanh(R/bound)
    OutputBound {
        /// Largest output.
        bound: f64,
    },
    /// Each coefficient is clamped after every step.
    CoefficientBox,
}

/// What networks of one shape may differ in.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The activation's own: slope of `leaky_relu`; alpha and 1/alpha of elu and celu; beta of swish; beta and 1/beta
    /// of softplus; alpha and c/p of smooth-leaky.
    pub activation: [f32; 2],
    /// Of a rational's coefficients.
    pub constraint: Constraint,
    /// Least and largest values of each hidden layer's coefficients, for [`Constraint::CoefficientBox`].
    pub boxes: Vec<[Vec<f32>; 2]>,
    /// Factor of θ - θ₀ in the gradient.
    pub penalty: f32,
}

/// Numbers of a parameter begin at a multiple of this.
const ALIGNED: usize = 4;

impl Shape {
    /// Linear layers, the head included.
    #[must_use]
    pub fn layers(&self) -> usize {
        self.sizes.len() - 1
    }

    /// Hidden layers.
    #[must_use]
    pub fn hidden(&self) -> usize {
        self.layers() - 1
    }

    /// Whether the kernels take it; the error is a sentence's end.
    pub fn check(&self) -> Result<(), String> {
        if self.layers() > MAX_LAYERS {
            return Err(format!("more than {} hidden layers", MAX_LAYERS - 1));
        }
        if self.batch > 1024 {
            return Err("batches of more than 1024 examples".to_owned());
        }
        if self.activation.set() > MAX_SET {
            return Err(format!("sets of more than {MAX_SET} coefficients"));
        }
        Ok(())
    }

    /// Where every layer's things stand, the numbers of all parameters, and those of the work space.
    #[must_use]
    pub(crate) fn places(&self) -> (Vec<Layer>, usize, usize) {
        let (mut parameters, mut work) = (0, 0);
        let take = |from: &mut usize, numbers: usize| {
            let at = *from;
            *from += numbers.next_multiple_of(ALIGNED);
            at as i32
        };
        let mut layers = Vec::new();
        for (index, pair) in self.sizes.windows(2).enumerate() {
            let (inputs, outputs) = (pair[0], pair[1]);
            let weight = take(&mut parameters, inputs * outputs);
            let bias = take(&mut parameters, outputs);
            let has_set = index < self.hidden() && self.activation.set() > 0;
            let set = if has_set { take(&mut parameters, self.activation.set()) } else { -1 };
            let mut space = || take(&mut work, self.batch * outputs);
            let (z, y, dz) = (space(), space(), space());
            layers.push(Layer {
                inputs: inputs as i32,
                outputs: outputs as i32,
                weight,
                bias,
                set,
                z,
                y,
                dz,
            });
        }
        (layers, parameters, work)
    }

    /// Where the weight, the bias and the coefficients (if there are any) of every layer begin among a network's
    /// parameters, and how many numbers those are in all.
    #[must_use]
    pub fn parameters(&self) -> (Vec<(usize, usize, Option<usize>)>, usize) {
        let (layers, numbers, _) = self.places();
        let place =
            |layer: &Layer| (layer.weight as usize, layer.bias as usize, usize::try_from(layer.set).ok());
        (layers.iter().map(place).collect(), numbers)
    }

    /// Tiles of the widest hidden layer.
    pub(crate) fn tiles(&self) -> usize {
        let hidden = &self.sizes[1..self.sizes.len() - 1];
        hidden.iter().max().map_or(1, |width| width.div_ceil(crate::layout::TILE))
    }

    /// Bytes of device memory that one network takes with so many examples of its task.
    #[must_use]
    pub fn bytes(&self, examples: usize) -> usize {
        let (_, parameters, work) = self.places();
        let arrays = if self.sgd { 2 } else { 3 } + usize::from(self.l2_init);
        let rational = self.hidden() * (crate::layout::CURVE + self.tiles() * crate::layout::SUMS) * 8;
        4 * (arrays * parameters + work) + rational + examples * 4 * (self.sizes[0] + 1)
    }
}
