//! What kernels are compiled for, and what may differ between the networks of one launch.

use crate::layout::{
    CURVE, HALF, KEY, Layer, MAX_LAYERS, MAX_P, MAX_SET, ROUND, SUMS, Step, THREADS, TILE, Taken, WORDS,
};

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
    /// What every step ends with.
    pub perturb: Perturb,
}

/// Shrink and perturb after every step, by the number that kernels/perturb.cu has for it: weights and biases become
/// shrink·θ + noise·ε.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Perturb {
    /// Nothing of that.
    #[default]
    No = 0,
    /// ε is the first parameters.
    Start = 1,
    /// ε ~ N(0, 1).
    Normal = 2,
    /// ε is drawn as fresh parameters are, uniformly on an interval around 0.
    Fresh = 3,
}

impl Perturb {
    /// Whether each step has a generator.
    #[must_use]
    pub fn draws(self) -> bool {
        matches!(self, Self::Normal | Self::Fresh)
    }
}

/// What holds a rational's coefficients.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Constraint {
    /// Nothing, or what the host sees to: coefficients that are not trained.
    #[default]
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
    /// The same bound, by a clamp of aₘ after every step.
    ProjectedTailSlope {
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
    /// R·min(1, bound/sup|R'|), over [`Settings::points`] and the tail.
    Lipschitz {
        /// Largest slope.
        bound: f64,
    },
    /// R·[`Settings::unit`]/√Σwᵢ·R(xᵢ)², over [`Settings::points`].
    UnitGain,
}

impl Constraint {
    /// ε of |bₙ| + ε in place of the leading coefficient of Q, where it is kept off 0.
    #[must_use]
    pub fn epsilon(self) -> Option<f64> {
        match self {
            Self::ProperDegree { epsilon }
            | Self::TailSlope { epsilon, .. }
            | Self::ProjectedTailSlope { epsilon, .. } => Some(epsilon),
            _ => None,
        }
    }

    /// Whether R has a factor that depends on its coefficients.
    #[must_use]
    pub fn has_gain(self) -> bool {
        matches!(self, Self::Lipschitz { .. } | Self::UnitGain)
    }
}

/// What networks of one shape may differ in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// The activation's own: slope of `leaky_relu`; alpha and 1/alpha of elu and celu; beta of swish; beta and 1/beta
    /// of softplus; alpha and c/p of smooth-leaky.
    pub activation: [f32; 2],
    /// Of a rational's coefficients.
    pub constraint: Constraint,
    /// Least and largest values of each hidden layer's coefficients, for [`Constraint::CoefficientBox`].
    pub boxes: Vec<[Vec<f32>; 2]>,
    /// Where [`Constraint::Lipschitz`] looks at slopes; or the nodes of [`Constraint::UnitGain`] and then as many
    /// weights.
    pub points: Vec<f64>,
    /// Root of the second moment that [`Constraint::UnitGain`] keeps.
    pub unit: f64,
    /// Factor of θ - θ₀ in the gradient.
    pub penalty: f32,
    /// Of shrink and perturb: the factor on parameters,
    pub shrink: f32,
    /// the factor on what is added,
    pub noise: f32,
    /// and half-widths of the intervals of fresh weights and biases, layer by layer, for [`Perturb::Fresh`].
    pub widths: Vec<[f64; 2]>,
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
        hidden.iter().max().map_or(1, |width| width.div_ceil(TILE))
    }

    /// Whether the first parameters are on the device too.
    #[must_use]
    pub fn keeps_start(&self) -> bool {
        self.l2_init || self.perturb == Perturb::Start
    }

    /// Blocks that perturb the parameters: a thread has as many of them as a block of the generator has draws of 64 bits;
    /// of normal numbers it has those of `WORDS` points.
    pub(crate) fn perturbing(&self) -> usize {
        let numbers: usize = self.sizes.windows(2).map(|pair| (pair[0] + 1) * pair[1]).sum();
        match self.perturb {
            Perturb::No => 0,
            Perturb::Start | Perturb::Fresh => numbers.div_ceil(THREADS * (WORDS / 2)),
            Perturb::Normal => (numbers.div_ceil(2 * HALF) * (HALF / WORDS)).div_ceil(THREADS),
        }
    }

    /// Bytes of device memory that one network takes with so many examples of its task.
    #[must_use]
    pub fn bytes(&self, examples: usize) -> usize {
        let (_, parameters, work) = self.places();
        let arrays = if self.sgd { 2 } else { 3 } + usize::from(self.keeps_start());
        let rational = self.hidden() * ((CURVE + self.tiles() * SUMS) * 8 + 2 * MAX_SET * 4);
        let widths = self.layers() * 16;
        let drawn = usize::from(self.activation.draws()) * self.hidden() * MAX_P
            + usize::from(self.perturb.draws()) * KEY;
        let step = size_of::<Step>() + size_of::<Taken>() + 4 * (self.batch + drawn);
        4 * (arrays * parameters + work)
            + rational
            + widths
            + ROUND * step
            + examples * 4 * (self.sizes[0] + 1)
    }
}
