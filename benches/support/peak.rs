//! The multiply-adds that a core can do.

use std::hint::black_box;

use pulp::{Arch, Simd, WithSimd};

use super::clock;

/// Independent sums: enough to hide the latency of an addition (4 cycles, two units: 8 at least).
const CHAINS: usize = 12;

/// Floating-point operations of f32 per second (two for each fused multiply-add), in 10⁹: the best of five tries of
/// `operations` in all.
pub fn peak(operations: f64) -> f64 {
    let mut best = f64::INFINITY;
    let mut per_turn = 0;
    let turns = (operations / 5.0 / (2 * 16 * CHAINS) as f64) as usize;
    for _ in 0..5 {
        let seconds = clock::seconds(|| per_turn = Arch::new().dispatch(Chains { turns }));
        best = best.min(seconds);
    }
    (turns * per_turn) as f64 / best * 1e-9
}

struct Chains {
    turns: usize,
}

impl WithSimd for Chains {
    /// Operations of a turn.
    type Output = usize;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> usize {
        let (factor, term) = (simd.splat_f32s(black_box(0.999)), simd.splat_f32s(black_box(1e-3)));
        let mut sums = [term; CHAINS];
        for _ in 0..self.turns {
            for sum in &mut sums {
                *sum = simd.mul_add_f32s(*sum, factor, term);
            }
        }
        let mut total = term;
        for sum in sums {
            total = simd.add_f32s(total, sum);
        }
        black_box(simd.reduce_sum_f32s(total));
        2 * S::F32_LANES * CHAINS
    }
}
