//! The hot path: fused operations on slices, and the candle custom ops made of them.
//!
//! Three ways to vector instructions, each where the one before it does not do:
//! - [`element::vectorized`] around a plain loop, which the compiler vectorises: nearly everywhere;
//! - `pulp`'s `WithSimd` by hand, where sums have to stay in registers: `few_rows` and [`deferred`];
//! - `lanes::Lane`, `pulp` for both float types: Winograd's transforms, the products of `tiles`, `row_products`
//!   and `head_products`, and the rationals, whose passes carry ten sums along.

pub mod absolute_sum;
pub mod affine;
pub mod attention;
pub mod conv;
pub mod deferred;
pub mod dense;
mod dense_layer;
pub mod element;
mod few_rows;
mod functions;
pub mod fused_activation;
pub mod gradient;
mod head_products;
pub mod images;
pub mod inplace;
pub(crate) mod lanes;
pub mod layer_norm;
pub mod loss;
pub mod matmul;
pub mod max_pool;
pub mod muon;
pub mod norm;
pub mod normals;
pub mod optimizer_step;
pub mod pass;
pub mod real;
pub mod rms_prop;
mod row_products;
mod row_sum;
pub mod scalar;
pub mod scratch;
pub mod settling;
pub mod softmax;
pub mod storage;
pub mod tape;
mod tile;
mod tiles;

/// Which vector instructions the kernels run with on this machine: sums may differ in their last bits
/// between two of them, never on one.
#[must_use]
pub fn name() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            return "x86-64 avx512";
        }
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            return "x86-64 avx2";
        }
    }
    std::env::consts::ARCH
}

/// `count` numbers in [-0.5, 0.5).
#[cfg(test)]
fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut stream = crate::random::Stream::new(seed, "test", 0);
    (0..count).map(|_| stream.uniform(-0.5, 0.5) as f32).collect()
}
