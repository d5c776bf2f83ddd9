//! Standard normal draws by the block (Box & Muller 1958): x = √(-2 ln u)·cos α and y = √(-2 ln u)·sin α.
//!
//! One draw at a time ([`Stream::normal`]) costs 20 ns, which is thirty times a training step where every weight
//! wants one. Here a block takes all its words from the stream first, and the functions of them are vectorised.
//! Each number is made by itself in f32 with fused products, so it has the same bits at every vector width.
//!
//! u has 31 random bits and is at least 2⁻³², so that no draw is beyond 6.67; the angle has 32.

use super::element::vectorized;
use super::functions::{ln, sin_cos_of_turn};
use crate::random::Stream;

/// Pairs of a block: its words and draws stay in the nearest cache.
const PAIRS: usize = 256;

/// Fills `draws`. Of each block of 512, or of what is left, the first half are the cosines' and the second the
/// sines'. A block takes a word for u and one for the angle of each pair, all u first.
pub fn fill(stream: &mut Stream, draws: &mut [f32]) {
    let (mut u, mut angles) = ([0; PAIRS], [0; PAIRS]);
    let (mut x, mut y) = ([0.0; PAIRS], [0.0; PAIRS]);
    for block in draws.chunks_mut(2 * PAIRS) {
        let pairs = block.len().div_ceil(2);
        stream.fill(&mut u[..pairs]);
        stream.fill(&mut angles[..pairs]);
        vectorized(
            #[inline(always)]
            || {
                for i in 0..PAIRS {
                    (x[i], y[i]) = pair(u[i], angles[i]);
                }
            },
        );
        let (cosines, sines) = block.split_at_mut(pairs);
        cosines.copy_from_slice(&x[..pairs]);
        sines.copy_from_slice(&y[..sines.len()]);
    }
}

/// The draws of one stream in the order of [`fill`], for numbers that lie in several places: all blocks are whole.
pub struct Normals {
    stream: Stream,
    block: [f32; 2 * PAIRS],
    /// Draws of the block that are gone.
    taken: usize,
}

impl Normals {
    /// All that the stream gives from here on.
    #[must_use]
    pub fn new(stream: Stream) -> Self {
        Self { stream, block: [0.0; 2 * PAIRS], taken: 2 * PAIRS }
    }

    /// The next draws: `most`, or what is left of a block; at least one unless `most` is 0.
    pub fn take(&mut self, most: usize) -> &[f32] {
        if self.taken == self.block.len() {
            fill(&mut self.stream, &mut self.block);
            self.taken = 0;
        }
        let first = self.taken;
        self.taken += most.min(self.block.len() - first);
        &self.block[first..self.taken]
    }
}

#[inline(always)]
fn pair(u: u32, angle: u32) -> (f32, f32) {
    const STEP: f32 = 1.0 / (1u32 << 31) as f32;
    // As a signed integer: no vector instruction converts unsigned ones before AVX-512.
    let u = ((u >> 1) as i32 as f32 + 0.5) * STEP;
    let radius = (-2.0 * ln(u)).sqrt();
    let (sine, cosine) = sin_cos_of_turn(angle);
    (radius * cosine, radius * sine)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the formula in f64 by libm, from the same words.
    #[test]
    fn draws_are_those_of_the_formula() {
        for len in [1, 2, 7, 512, 513, 2000] {
            let (mut ours, mut stream) = (vec![f32::NAN; len], Stream::new(3, "test", 0));
            fill(&mut stream, &mut ours);
            let mut words = Stream::new(3, "test", 0);
            for block in ours.chunks(2 * PAIRS) {
                let pairs = block.len().div_ceil(2);
                let [mut u, mut angles] = [vec![0; pairs], vec![0; pairs]];
                words.fill(&mut u);
                words.fill(&mut angles);
                for (i, &draw) in block.iter().enumerate() {
                    let u = (f64::from(u[i % pairs] >> 1) + 0.5) / 2f64.powi(31);
                    let angle = std::f64::consts::TAU * f64::from(angles[i % pairs]) / 2f64.powi(32);
                    let of = if i < pairs { angle.cos() } else { angle.sin() };
                    let expected = (-2.0 * u.ln()).sqrt() * of;
                    // Where u is next to 1 its last bit is worth √(2·2⁻²⁴).
                    let error = (f64::from(draw) - expected).abs();
                    assert!(error < 2e-6 || (u > 0.999 && error < 4e-4), "{len} {i}: {draw} {expected}");
                }
            }
            assert_eq!(words.position(), stream.position());
        }
    }

    /// In pieces of any length, they are those of whole blocks.
    #[test]
    fn pieces_are_parts_of_whole_blocks() {
        let mut whole = vec![0.0; 4 * 2 * PAIRS];
        fill(&mut Stream::new(3, "test", 1), &mut whole);
        let (mut normals, mut ours) = (Normals::new(Stream::new(3, "test", 1)), Vec::new());
        for most in [1, 0, 510, 7, 600, 512, 100] {
            let piece = normals.take(most);
            assert!(piece.len() <= most && (most == 0 || !piece.is_empty()), "{most}: {}", piece.len());
            ours.extend_from_slice(piece);
        }
        assert!(ours.len() > 2 * 2 * PAIRS && ours == whole[..ours.len()]);
    }

    /// The ends of what words can be.
    #[test]
    fn no_word_gives_more_than_a_finite_draw() {
        for u in [0, 1, 2, u32::MAX / 2, u32::MAX - 1, u32::MAX] {
            for angle in [0, 1, 1 << 29, 1 << 30, 1 << 31, u32::MAX] {
                let (x, y) = pair(u, angle);
                assert!(x.hypot(y) < 6.67, "{u} {angle}: {x} {y}");
            }
        }
        assert!(pair(0, 0).0 > 6.6 && pair(0, 1 << 31).0 < -6.6 && pair(0, 1 << 30).1 > 6.6);
    }

    /// The loop as it is compiled for vectors, and number by number.
    #[test]
    fn bits_do_not_depend_on_the_width_of_vectors() {
        let mut ours = vec![0.0; 1024];
        fill(&mut Stream::new(8, "test", 0), &mut ours);
        let (mut stream, mut alone) = (Stream::new(8, "test", 0), Vec::new());
        for _ in 0..2 {
            let [mut u, mut angles] = [[0; PAIRS], [0; PAIRS]];
            stream.fill(&mut u);
            stream.fill(&mut angles);
            let pairs: Vec<_> = u
                .iter()
                .zip(angles)
                .map(|(u, angle)| pair(std::hint::black_box(*u), std::hint::black_box(angle)))
                .collect();
            alone.extend(pairs.iter().map(|pair| pair.0.to_bits()));
            alone.extend(pairs.iter().map(|pair| pair.1.to_bits()));
        }
        assert_eq!(ours.iter().map(|x| x.to_bits()).collect::<Vec<_>>(), alone);
    }

    /// Kolmogorov's distance of a million draws, below its 0.1 % point 1.95/√n; tails and products of neighbours.
    #[test]
    fn they_are_independent_and_normal() {
        let mut draws = vec![0.0f32; 1 << 20];
        fill(&mut Stream::new(1, "test", 0), &mut draws);
        let n = draws.len() as f64;
        let mean = |of: &dyn Fn(usize) -> f64| (0..draws.len()).map(of).sum::<f64>() / n;
        let at = |i: usize| f64::from(draws[i % draws.len()]);
        for (moment, expected, spread) in [(1, 0.0, 1.0), (2, 1.0, 1.42), (3, 0.0, 3.9), (4, 3.0, 9.8)] {
            let ours = mean(&|i| at(i).powi(moment));
            assert!((ours - expected).abs() < 4.0 * spread / n.sqrt(), "{moment}: {ours}");
        }
        for lag in [1, 256, 512] {
            let (ours, squares) = (mean(&|i| at(i) * at(i + lag)), mean(&|i| (at(i) * at(i + lag)).powi(2)));
            assert!(ours.abs() < 4.0 / n.sqrt() && (squares - 1.0).abs() < 12.0 / n.sqrt(), "{lag}");
        }
        draws.sort_unstable_by(f32::total_cmp);
        let distance = draws.iter().enumerate().map(|(i, &x)| {
            let normal = 0.5 * libm::erfc(-f64::from(x) / std::f64::consts::SQRT_2);
            (normal - i as f64 / n).abs()
        });
        let distance = distance.fold(0.0, f64::max);
        assert!(distance < 1.95 / n.sqrt(), "{distance}");
    }
}
