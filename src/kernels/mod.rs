//! The hot path: fused operations on slices, and the candle custom ops made of them.

pub mod element;
pub mod real;
