//! What host and kernels hand each other: kernels/layout.h has the same, field by field.

#![allow(unsafe_code, reason = "structures go to the device as the bytes that they are made of")]

/// Threads of a block.
pub const THREADS: usize = 128;
/// Columns of a block's tile.
pub const TILE: usize = 32;
/// Outputs of a block that updates weights.
pub const UNITS: usize = 16;
/// Steps of a round, at most: a network that joins waits no longer than these take.
pub const ROUND: usize = 64;
/// Linear layers, at most.
pub const MAX_LAYERS: usize = 17;
/// Coefficients of a rational's numerator, at most.
pub const MAX_P: usize = 10;
/// Coefficients of a rational, at most.
pub const MAX_SET: usize = 19;
/// Numbers of a curve.
pub const CURVE: usize = 40;
/// Words of a generator's key.
pub const KEY: usize = 8;
/// Words of a block of a generator (perturb.cu has this and the next one).
pub const WORDS: usize = 16;
/// Points of a block of normal numbers: each makes two.
pub const HALF: usize = 256;
/// Sums of a rational's backward pass.
pub const SUMS: usize = 19;

/// A linear layer.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Layer {
    pub inputs: i32,
    pub outputs: i32,
    pub weight: i32,
    pub bias: i32,
    pub set: i32,
    pub z: i32,
    pub y: i32,
    pub dz: i32,
}

/// What an optimiser does in one step: Adam's numbers, rounded to f32 as the processor's step has them. Of SGD:
/// `step_size`, `beta1` is the momentum, `coupled` the weight decay, `shrink` is 1 for Nesterov's form and 0 else.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
#[allow(missing_docs, reason = "named as in the optimiser's arithmetic")]
pub struct Rule {
    pub step_size: f32,
    pub inverse_root: f32,
    pub epsilon: f32,
    pub beta1: f32,
    pub beta2: f32,
    pub rest1: f32,
    pub rest2: f32,
    pub coupled: f32,
    pub shrink: f32,
    pub least: f32,
    pub least_root: f32,
}

/// One step of one network.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub struct Step {
    /// Of the batch, at least 1.
    pub rows: i32,
    /// Whether coefficients are trained: 0 or 1.
    pub trained: i32,
    /// Of weights and biases.
    pub weights: Rule,
    /// Of coefficients.
    pub coefficients: Rule,
}

/// One network of a launch: addresses on the device, and its settings.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct SeatData {
    pub p: u64,
    pub m: u64,
    pub v: u64,
    pub start: u64,
    pub work: u64,
    pub curves: u64,
    pub sums: u64,
    pub inputs: u64,
    pub labels: u64,
    pub dead: u64,
    pub boxes: u64,
    pub points: u64,
    pub widths: u64,
    pub bound: f64,
    pub epsilon: f64,
    pub noise: f64,
    pub first: f32,
    pub second: f32,
    pub penalty: f32,
    pub shrink: f32,
    pub constraint: i32,
    pub count: i32,
}

/// What came of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[repr(C)]
pub struct Taken {
    /// Mean cross-entropy before the update.
    pub loss: f32,
    /// Correct rows.
    pub correct: u32,
}

/// One launch.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
pub struct Job {
    pub seats: u64,
    pub steps: u64,
    pub positions: u64,
    pub noise: u64,
    pub keys: u64,
    pub taken: u64,
    pub chunk: i32,
    pub step: i32,
    pub layer: i32,
    pub layers: i32,
    pub tiles: i32,
    pub all: [Layer; MAX_LAYERS],
}

/// Made of numbers alone, without padding.
///
/// # Safety
/// Every byte of a value is a byte of a number, and all bytes together make a value.
pub unsafe trait Plain: Copy + Default {}
// SAFETY: numbers.
unsafe impl Plain for f32 {}
// SAFETY: as above.
unsafe impl Plain for f64 {}
// SAFETY: as above.
unsafe impl Plain for u32 {}
// SAFETY: `repr(C)` of 24 numbers of 4 bytes.
unsafe impl Plain for Step {}
// SAFETY: `repr(C)`, 16 numbers of 8 bytes and then 6 of 4.
unsafe impl Plain for SeatData {}
// SAFETY: `repr(C)` of 2 numbers of 4 bytes.
unsafe impl Plain for Taken {}
// No bytes beside those of the numbers.
const _: () = assert!(
    size_of::<Step>() == 24 * 4 && size_of::<SeatData>() == 16 * 8 + 6 * 4 && size_of::<Taken>() == 2 * 4
);

/// The bytes of values.
pub fn bytes<T: Plain>(values: &[T]) -> &[u8] {
    // SAFETY: `Plain` values have no padding, so all bytes are initialised; u8 has no alignment of its own.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast(), size_of_val(values)) }
}

/// The bytes of values, to write.
pub fn bytes_mut<T: Plain>(values: &mut [T]) -> &mut [u8] {
    // SAFETY: as above, and any bytes make a `Plain` value.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast(), size_of_val(values)) }
}
