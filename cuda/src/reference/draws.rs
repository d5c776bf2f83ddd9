//! Random numbers of one step as kernels/perturb.cu draws them, one after the other.

use super::functions::{ln, sin_cos_of_turn};

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

    /// A block of normal numbers (Box & Muller): words for the radius of 256 points, then for their angles; the
    /// cosines' numbers, then the sines'.
    pub fn normals(&mut self) -> Vec<f32> {
        let mut words = || -> Vec<u32> {
            (0..128).map(|_| self.bits()).flat_map(|bits| [bits as u32, (bits >> 32) as u32]).collect()
        };
        let (u, angles) = (words(), words());
        let points = u.into_iter().zip(angles).map(|(u, angle)| {
            let unit = ((u >> 1) as f32 + 0.5) * (1.0 / (1u32 << 31) as f32);
            let radius = (-2.0 * ln(unit)).sqrt();
            let (sine, cosine) = sin_cos_of_turn(angle);
            (radius * cosine, radius * sine)
        });
        let (cosines, sines): (Vec<f32>, Vec<f32>) = points.unzip();
        [cosines, sines].concat()
    }
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    use super::Draws;

    /// Against the crate that the suite draws with.
    #[test]
    fn draws_are_those_of_rand_chacha() {
        let seed: [u8; 32] = std::array::from_fn(|i| (i * 37 + 11) as u8);
        let (words, _) = seed.as_chunks::<4>();
        let key: Vec<u32> = words.iter().map(|word| u32::from_le_bytes(*word)).collect();
        let (mut ours, mut theirs) = (Draws::new(&key), ChaCha8Rng::from_seed(seed));
        for _ in 0..1000 {
            assert_eq!(ours.bits(), theirs.next_u64());
        }
    }
}
