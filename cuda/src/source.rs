//! The kernels' text.

use std::fmt::Write as _;

use crate::shape::{Activation, Perturb, Shape};

/// Version of the kernels' arithmetic: a run goes on only under the one that it began with. To be raised by every
/// change that moves a bit.
pub const KERNELS: &str = "cuda-3";

const PRELUDE: &str = include_str!("../kernels/prelude_cuda.h");
#[cfg(feature = "emulator")]
const EMULATED: &str = include_str!("../kernels/prelude_emulator.h");
#[cfg(feature = "emulator")]
const EMULATOR: &str = include_str!("../kernels/emulator.c");
const PARTS: [&str; 7] = [
    include_str!("../kernels/functions.h"),
    include_str!("../kernels/layout.h"),
    include_str!("../kernels/activations.h"),
    include_str!("../kernels/rational.h"),
    include_str!("../kernels/gain.h"),
    include_str!("../kernels/kernels.cu"),
    include_str!("../kernels/perturb.cu"),
];

/// The kernels in the order of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "kernels.cu and perturb.cu describe each")]
pub enum Kernel {
    Lower,
    Forward,
    Head,
    Backward,
    Update,
    Coefficients,
    Perturb,
}

impl Kernel {
    /// Those of a shape, with their names.
    #[must_use]
    pub fn of(shape: &Shape) -> Vec<(Self, &'static str)> {
        let mut all = vec![
            (Self::Forward, "forward"),
            (Self::Head, "head"),
            (Self::Backward, "backward"),
            (Self::Update, "update"),
        ];
        if shape.activation.set() > 0 {
            all.extend([(Self::Lower, "lower"), (Self::Coefficients, "coefficients")]);
        }
        if shape.perturb != Perturb::No {
            all.push((Self::Perturb, "perturb"));
        }
        all
    }
}

fn defines(shape: &Shape) -> String {
    let (version, p, q) = match shape.activation {
        Activation::Rational { version, p, q } => (version, p, q),
        _ => (0, 1, 1),
    };
    let mut text = String::new();
    for (name, value) in [
        ("BATCH", shape.batch),
        ("ACTIVATION", usize::from(shape.activation.number())),
        ("VERSION", usize::from(version)),
        ("DEGREE_P", usize::from(p)),
        ("DEGREE_Q", usize::from(q)),
        ("SGD", usize::from(shape.sgd)),
        ("L2_INIT", usize::from(shape.l2_init)),
        ("PERTURB", shape.perturb as usize),
    ] {
        let _ = writeln!(text, "#define {name} {value}");
    }
    text
}

/// For NVRTC.
#[must_use]
pub fn text_for_cuda(shape: &Shape) -> String {
    defines(shape) + PRELUDE + &PARTS.concat()
}

/// For a C compiler, with what runs it.
#[cfg(feature = "emulator")]
pub fn text_for_emulator(shape: &Shape) -> String {
    defines(shape) + EMULATED + &PARTS.concat() + EMULATOR
}
