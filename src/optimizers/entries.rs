//! What a spec can say of an optimiser.

use super::clipping::SETTING as MAX_GRAD_NORM;
use crate::spec::{Entry, Kind, Parameter as Setting};

const RATE: Setting = Setting {
    name: "learning_rate",
    summary: "step size",
    kind: Kind::Number { default: Some(1e-3), min: 0.0, max: 1e6 },
};
const BETA1: Setting = Setting {
    name: "beta1",
    summary: "decay of the mean of gradients",
    kind: Kind::Number { default: Some(0.9), min: 0.0, max: 0.999_999_999 },
};
const BETA2: Setting = Setting {
    name: "beta2",
    summary: "decay of the mean of squared gradients",
    kind: Kind::Number { default: Some(0.999), min: 0.0, max: 0.999_999_999 },
};
const EPSILON: Setting = Setting {
    name: "epsilon",
    summary: "added to the root of the second moment",
    kind: Kind::Number { default: Some(1e-8), min: 0.0, max: 1e6 },
};
// Without a default, so that a plan that says nothing of it is the plan that it was before there was a choice.
const CORRECTION: Setting = Setting {
    name: "correction",
    summary: "of the moments for their start; adam-gnt: as in the code of continual backprop, η·(1 - β₂ᵗ)·m/(√v + ε), \
              whose first steps are short; adam if absent",
    kind: Kind::Text { default: None, one_of: &["adam", "adam-gnt"] },
};

const fn number(name: &'static str, summary: &'static str, default: f64, max: f64) -> Setting {
    Setting { name, summary, kind: Kind::Number { default: Some(default), min: 0.0, max } }
}

const fn rate(summary: &'static str, default: f64) -> Setting {
    number("learning_rate", summary, default, 1e6)
}

const fn decay(summary: &'static str, default: f64) -> Setting {
    Setting {
        name: "weight_decay",
        summary,
        kind: Kind::Number { default: Some(default), min: 0.0, max: 1e6 },
    }
}

const ADAM: &[Setting] = &[
    RATE,
    BETA1,
    BETA2,
    EPSILON,
    CORRECTION,
    decay("L2 penalty, added to the gradient", 0.0),
    MAX_GRAD_NORM,
];
const ADAMW: &[Setting] = &[
    RATE,
    BETA1,
    BETA2,
    EPSILON,
    CORRECTION,
    decay("share lost per step and unit of learning rate", 0.01),
    MAX_GRAD_NORM,
];
const NESTEROV: Setting =
    Setting { name: "nesterov", summary: "look ahead", kind: Kind::Flag { default: true } };
const RMSPROP: &[Setting] = &[
    rate("step size", 1e-2),
    number("alpha", "decay of the mean of squared gradients", 0.99, 0.999_999_999),
    EPSILON,
    number("momentum", "decay of the sum of scaled gradients", 0.0, 0.999_999_999),
    decay("L2 penalty, added to the gradient", 0.0),
    MAX_GRAD_NORM,
];
const MUON: &[Setting] = &[
    rate("step size of hidden matrices: about the spectral norm of a step", 0.02),
    number("momentum", "decay of the mean of gradients of hidden matrices", 0.95, 0.999_999_999),
    NESTEROV,
    Setting {
        name: "iterations",
        summary: "Newton-Schulz iterations",
        kind: Kind::Integer { default: Some(5), min: 1, max: 100 },
    },
    Setting {
        name: "input_layer",
        summary: "what steps the first layer's weight",
        kind: Kind::Text { default: Some("adam"), one_of: &["adam", "muon"] },
    },
    number("adam_learning_rate", "step size of all other parameters, by AdamW", 3e-4, 1e6),
    number("beta1", "of Adam: decay of the mean of gradients", 0.9, 0.999_999_999),
    number("beta2", "of Adam: decay of the mean of squared gradients", 0.95, 0.999_999_999),
    number("epsilon", "of Adam: added to the root of the second moment", 1e-10, 1e6),
    decay("share lost per step and unit of learning rate, of all parameters", 0.0),
    MAX_GRAD_NORM,
];
const SGD: &[Setting] = &[
    RATE,
    Setting {
        name: "momentum",
        summary: "decay of the gradient sum, without dampening",
        kind: Kind::Number { default: Some(0.0), min: 0.0, max: 0.999_999_999 },
    },
    Setting { name: "nesterov", summary: "look ahead", kind: Kind::Flag { default: false } },
    decay("L2 penalty, added to the gradient", 0.0),
    MAX_GRAD_NORM,
];

/// Catalogue section `optimizers`.
#[must_use]
pub fn entries() -> Vec<Entry> {
    vec![
        Entry {
            name: "adam",
            summary: "Adam; weight decay is coupled (an L2 penalty)",
            source: "Kingma & Ba 2015, arXiv 1412.6980; torch.optim.Adam",
            parameters: ADAM,
        },
        Entry {
            name: "adamw",
            summary: "Adam with decoupled weight decay",
            source: "Loshchilov & Hutter 2019, arXiv 1711.05101; torch.optim.AdamW",
            parameters: ADAMW,
        },
        Entry {
            name: "sgd",
            summary: "stochastic gradient descent with momentum",
            source: "torch.optim.SGD",
            parameters: SGD,
        },
        Entry {
            name: "rmsprop",
            summary: "gradients over the root of their mean square, not centred",
            source: "Tieleman & Hinton 2012; torch.optim.RMSprop",
            parameters: RMSPROP,
        },
        Entry {
            name: "muon",
            summary: "hidden matrices by orthogonalised momentum; biases, the first layer and the head by AdamW",
            source: "Jordan et al. 2024, kellerjordan.github.io/posts/muon; torch.optim.Muon",
            parameters: MUON,
        },
    ]
}
