//! The hot path: fused operations on slices, and the candle custom ops made of them.

pub mod dense;
pub mod element;
mod functions;
pub mod gradient;
pub mod inplace;
pub mod loss;
pub mod matmul;
pub mod optimizer;
pub mod real;
pub mod scalar;
