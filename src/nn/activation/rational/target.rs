//! The functions that a rational can start as.

use std::f64::consts::SQRT_2;

/// A start, fitted on [-3, 3].
#[derive(Clone, Copy, Debug, PartialEq)]
#[allow(missing_docs, reason = "the field's own names")]
pub enum Target {
    Relu,
    LeakyRelu { slope: f64 },
    Swish,
    Gelu,
    Tanh,
    Sigmoid,
    Identity,
}

impl Target {
    /// Names in specs.
    pub const NAMES: &'static [&'static str] =
        &["relu", "leaky_relu", "swish", "gelu", "tanh", "sigmoid", "identity"];

    /// The start that a spec names; `slope` is that of `leaky_relu` below 0.
    #[must_use]
    pub fn named(name: &str, slope: f64) -> Option<Self> {
        match name {
            "relu" => Some(Self::Relu),
            "leaky_relu" => Some(Self::LeakyRelu { slope }),
            "swish" => Some(Self::Swish),
            "gelu" => Some(Self::Gelu),
            "tanh" => Some(Self::Tanh),
            "sigmoid" => Some(Self::Sigmoid),
            "identity" => Some(Self::Identity),
            _ => None,
        }
    }

    /// The function's value (`libm`, so that every platform fits the same coefficients).
    #[must_use]
    pub fn value(self, x: f64) -> f64 {
        let logistic = |x: f64| 1.0 / (1.0 + libm::exp(-x));
        match self {
            Self::Relu => x.max(0.0),
            Self::LeakyRelu { slope } => {
                if x < 0.0 {
                    slope * x
                } else {
                    x
                }
            }
            Self::Swish => x * logistic(x),
            Self::Gelu => 0.5 * x * (1.0 + libm::erf(x / SQRT_2)),
            Self::Tanh => libm::tanh(x),
            Self::Sigmoid => logistic(x),
            Self::Identity => x,
        }
    }
}
