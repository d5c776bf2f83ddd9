//! Activations without coefficients, as kernels/activations.h has them.

use super::functions::{erf, exp, exp_m1, ln_1p, sigmoid, tanh};
use crate::shape::Activation;

const SELU_LAMBDA: f32 = 1.050_701;
const SELU_LIMIT: f32 = 1.758_099_3;

fn cut(x: f32) -> f32 {
    if x > 20.0 { 20.0 } else { x }
}

pub fn value(activation: Activation, [a, b]: [f32; 2], x: f32) -> f32 {
    let positive = |positive: f32, rest: f32| if x > 0.0 { positive } else { rest };
    match activation {
        Activation::Relu if x < 0.0 => 0.0,
        Activation::Relu | Activation::Identity => x,
        Activation::LeakyRelu => positive(x, x * a),
        Activation::Elu => positive(x, a * exp_m1(x)),
        Activation::Celu => positive(x, a * exp_m1(x * b)),
        Activation::Selu => positive(SELU_LAMBDA * x, SELU_LIMIT * exp_m1(x)),
        Activation::Gelu => x * (0.5 * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))),
        Activation::Swish => x * sigmoid(x * a),
        Activation::Mish => {
            let e = exp(cut(x));
            let n = e * (e + 2.0);
            x * (n / (n + 2.0))
        }
        Activation::Softplus => (if x < 0.0 { 0.0 } else { x }) + ln_1p(exp(-(x * a).abs())) * b,
        Activation::Tanh => tanh(x),
        Activation::Sigmoid => sigmoid(x),
        Activation::SmoothLeaky => x * (a + (1.0 - a) * sigmoid(x * b)),
        Activation::Rational { .. } => unreachable!("a curve draws it"),
    }
}

pub fn slope(activation: Activation, [a, b]: [f32; 2], x: f32, y: f32) -> f32 {
    let positive = |positive: f32, rest: f32| if x > 0.0 { positive } else { rest };
    match activation {
        Activation::Relu => positive(1.0, 0.0),
        Activation::LeakyRelu => positive(1.0, a),
        Activation::Elu => positive(1.0, a * exp(x)),
        Activation::Celu => positive(1.0, exp(x * b)),
        Activation::Selu => positive(SELU_LAMBDA, SELU_LIMIT * exp(x)),
        Activation::Gelu => {
            let density = exp(x * x * -0.5) * 0.398_942_3;
            0.5 * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2)) + x * density
        }
        Activation::Swish => {
            let s = sigmoid(x * a);
            s + a * y * (1.0 - s)
        }
        Activation::Mish => {
            let c = cut(x);
            let e = exp(c);
            let n = e * (e + 2.0);
            let m = n + 2.0;
            n / m + c * (4.0 * (n + 1.0) / (m * m)) * (e / (1.0 + e))
        }
        Activation::Softplus => sigmoid(x * a),
        Activation::Tanh => 1.0 - y * y,
        Activation::Sigmoid => y * (1.0 - y),
        Activation::Identity => 1.0,
        Activation::SmoothLeaky => {
            let gate = sigmoid(x * b);
            a + (1.0 - a) * gate * (1.0 + x * b * (1.0 - gate))
        }
        Activation::Rational { .. } => unreachable!("a curve draws it"),
    }
}
