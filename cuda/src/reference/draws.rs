//! Random numbers of one step as kernels/perturb.cu draws them, one after the other.

/// `ChaCha8` with 64 bits of counter and stream 0, read as numbers of 64 bits.
pub struct Draws {
    key: [u32; 8],
    block: u64,
    /// Numbers of the block that are left, the next one last.
    left: Vec<u64>,
}

fn quarter(w: &mut [u32; 16], [a, b, c, d]: [usize; 4]) {
    for (to, from, turned, by) in [(a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)] {
        w[to] = w[to].wrapping_add(w[from]);
        w[turned] = (w[turned] ^ w[to]).rotate_left(by);
    }
}

impl Draws {
    pub fn new(key: &[u32]) -> Self {
        Self { key: key.try_into().expect("eight words"), block: 0, left: Vec::new() }
    }

    fn bits(&mut self) -> u64 {
        if let Some(bits) = self.left.pop() {
            return bits;
        }
        let mut first =
            [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        first[4..12].copy_from_slice(&self.key);
        (first[12], first[13]) = (self.block as u32, (self.block >> 32) as u32);
        let mut w = first;
        for _ in 0..4 {
            for column in 0..4 {
                quarter(&mut w, [column, column + 4, column + 8, column + 12]);
            }
            for column in 0..4 {
                quarter(&mut w, [column, (column + 1) % 4 + 4, (column + 2) % 4 + 8, (column + 3) % 4 + 12]);
            }
        }
        let words: Vec<u32> = w.iter().zip(&first).map(|(a, b)| a.wrapping_add(*b)).collect();
        self.left =
            words.chunks_exact(2).rev().map(|pair| u64::from(pair[1]) << 32 | u64::from(pair[0])).collect();
        self.block += 1;
        self.bits()
    }

    /// On [low, high).
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * ((self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64))
    }

    /// Marsaglia's polar method.
    pub fn normal(&mut self) -> f64 {
        loop {
            let (x, y) = (self.uniform(-1.0, 1.0), self.uniform(-1.0, 1.0));
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                return x * (-2.0 * ln(square) / square).sqrt();
            }
        }
    }
}

/// ln x for a normal x below 1, as FreeBSD's `e_log.c` has it.
#[allow(
    clippy::suboptimal_flops,
    clippy::excessive_precision,
    reason = "each operation is rounded, as there"
)]
fn ln(x: f64) -> f64 {
    let bits = x.to_bits();
    let high = ((bits >> 32) as u32) + (0x3ff0_0000 - 0x3fe6_a09e);
    let k = f64::from((high >> 20) as i32 - 0x3ff);
    let f = f64::from_bits(u64::from((high & 0x000f_ffff) + 0x3fe6_a09e) << 32 | (bits & 0xffff_ffff)) - 1.0;
    let (half, s) = (0.5 * f * f, f / (2.0 + f));
    let z = s * s;
    let w = z * z;
    let falling = |of: &[f64]| of[1..].iter().fold(of[0], |sum, c| c + w * sum);
    let even = [1.531_383_769_920_937_332e-01, 2.222_219_843_214_978_396e-01, 3.999_999_999_940_941_908e-01];
    let odd = [
        1.479_819_860_511_658_591e-01,
        1.818_357_216_161_805_012e-01,
        2.857_142_874_366_239_149e-01,
        6.666_666_666_666_735_130e-01,
    ];
    let r = z * falling(&odd) + w * falling(&even);
    s * (half + r) + k * 1.908_214_929_270_587_700_02e-10 - half + f + k * 6.931_471_803_691_238_164_90e-01
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::{Draws, ln};

    /// Against the crates that the suite draws with.
    #[test]
    fn draws_are_those_of_rand_chacha_and_libm() {
        let seed: [u8; 32] = std::array::from_fn(|i| (i * 37 + 11) as u8);
        let (words, _) = seed.as_chunks::<4>();
        let key: Vec<u32> = words.iter().map(|word| u32::from_le_bytes(*word)).collect();
        let (mut ours, mut theirs) = (Draws::new(&key), ChaCha8Rng::from_seed(seed));
        for _ in 0..1000 {
            assert_eq!(ours.bits(), theirs.next_u64());
        }
        for _ in 0..100_000 {
            let x = ours.uniform(0.0, 1.0).powi(3);
            assert!(x == 0.0 || ln(x).to_bits() == libm::log(x).to_bits(), "{x}");
        }
    }
}
