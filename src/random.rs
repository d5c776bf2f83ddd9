//! Named random streams: one master seed, and a generator for every purpose.
//!
//! A generator is derived from `(seed, name, index)` by SHA-256, so the draws of one purpose never
//! shift those of another: probing a run, or adding a method, leaves its batches as they were. The
//! algorithms on top of the generator (bounded integers, shuffles, normals) are written out here
//! because a seed must give the same bytes for years, and the `rand` crate promises that for its
//! generators but not for its distributions.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use sha2::{Digest, Sha256};

/// A seeded generator for one purpose.
#[derive(Clone, Debug)]
pub struct Stream {
    generator: ChaCha8Rng,
}

impl Stream {
    /// The generator of purpose `name`, number `index` (a task, a layer, …), under the master `seed`.
    ///
    /// Names in use: `data`, `tasks`, `init`, `fresh-init`, `batches`, `augmentation`, `rehearsal`, `transition`,
    /// `activation`, `probes`, `probe-` and what a probe draws, and of methods `method`, `method-end`,
    /// `fisher-activation` and their own names; of agents `environment`, `exploration`, `replay`, `updates`,
    /// `evaluation`, `value-probes`; of `tune` `tune.KEY`.
    #[must_use]
    pub fn new(seed: u64, name: &str, index: u64) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"plasticity-bench stream 1\0");
        hash.update(seed.to_le_bytes());
        hash.update(index.to_le_bytes());
        hash.update(name.as_bytes());
        Self { generator: ChaCha8Rng::from_seed(hash.finalize().into()) }
    }

    /// How far the stream has been drawn, in words of 32 bits: what a checkpoint keeps of it.
    ///
    /// # Panics
    /// After 2^64 words, which no run reaches.
    #[must_use]
    pub fn position(&self) -> u64 {
        u64::try_from(self.generator.get_word_pos()).expect("no run draws 2^64 words")
    }

    /// Goes to a [`Stream::position`]: the draws that follow are those that followed it.
    pub fn seek(&mut self, position: u64) {
        self.generator.set_word_pos(u128::from(position));
    }

    /// The generator's key in words: all that whoever draws the same elsewhere has to know, from its beginning.
    #[must_use]
    pub fn key(&self) -> [u32; 8] {
        let seed = self.generator.get_seed();
        let (words, _) = seed.as_chunks();
        std::array::from_fn(|i| u32::from_le_bytes(words[i]))
    }

    /// 64 uniform bits.
    pub fn bits(&mut self) -> u64 {
        self.generator.next_u64()
    }

    /// A uniform integer in `0..bound`, without bias (Lemire 2019, arXiv 1805.10941).
    ///
    /// # Panics
    /// If `bound` is 0.
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "a uniform integer needs a positive bound");
        loop {
            let product = u128::from(self.bits()) * u128::from(bound);
            #[allow(clippy::cast_possible_truncation, reason = "the low word is what is wanted")]
            let low = product as u64;
            if low >= bound.wrapping_neg() % bound {
                return (product >> 64) as u64;
            }
        }
    }

    /// A uniform float in [0, 1) with 53 random bits.
    pub fn unit(&mut self) -> f64 {
        unit(self.bits())
    }

    /// `n` uniform 32-bit words: the halves of so many [`Stream::bits`], low before high.
    pub fn words(&mut self, n: usize) -> Vec<u32> {
        let mut words = Vec::with_capacity(n + 1);
        while words.len() < n {
            let bits = self.bits();
            words.extend([bits as u32, (bits >> 32) as u32]);
        }
        words.truncate(n);
        words
    }

    /// Fills `words` with uniform 32-bit words: those of [`Stream::words`], but read in one go.
    pub fn fill(&mut self, words: &mut [u32]) {
        const AT_ONCE: usize = 256;
        let mut bytes = [0; 4 * AT_ONCE];
        for words in words.chunks_mut(AT_ONCE) {
            let bytes = &mut bytes[..4 * words.len()];
            self.generator.fill_bytes(bytes);
            for (word, bytes) in words.iter_mut().zip(bytes.as_chunks().0) {
                *word = u32::from_le_bytes(*bytes);
            }
        }
    }

    /// A uniform float in [low, high).
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// `n` uniform floats in [low, high): those of [`Stream::uniform`], but read in blocks.
    pub fn uniforms(&mut self, n: usize, low: f64, high: f64) -> Vec<f64> {
        const AT_ONCE: usize = 128;
        let (mut draws, mut words) = (Vec::with_capacity(n), [0; 2 * AT_ONCE]);
        while draws.len() < n {
            let words = &mut words[..2 * AT_ONCE.min(n - draws.len())];
            self.fill(words);
            let bits = words.as_chunks().0.iter().map(|&[low, high]| u64::from(high) << 32 | u64::from(low));
            draws.extend(bits.map(|bits| low + (high - low) * unit(bits)));
        }
        draws
    }

    /// A standard normal draw (Marsaglia's polar method, with `libm` so that every platform agrees).
    pub fn normal(&mut self) -> f64 {
        loop {
            let (x, y) = (self.uniform(-1.0, 1.0), self.uniform(-1.0, 1.0));
            let square = x * x + y * y;
            if square > 0.0 && square < 1.0 {
                return x * (-2.0 * libm::log(square) / square).sqrt();
            }
        }
    }

    /// Shuffles in place (Fisher–Yates, from the back).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u64 + 1);
            #[allow(clippy::cast_possible_truncation, reason = "below a slice's length")]
            items.swap(last, other as usize);
        }
    }

    /// A uniform permutation of `0..n`.
    pub fn permutation(&mut self, n: usize) -> Vec<u32> {
        let mut order: Vec<u32> = (0..u32::try_from(n).expect("fewer than 2^32 items")).collect();
        self.shuffle(&mut order);
        order
    }
}

/// The first 53 of the bits, as a fraction of all that they can be.
#[allow(clippy::cast_precision_loss, reason = "53 bits fit an f64 exactly")]
fn unit(bits: u64) -> f64 {
    (bits >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_seed_name_and_index_and_repeat() {
        let first = |seed, name, index| Stream::new(seed, name, index).bits();
        assert_eq!(first(7, "tasks", 3), first(7, "tasks", 3));
        let all = [first(7, "tasks", 3), first(8, "tasks", 3), first(7, "init", 3), first(7, "tasks", 4)];
        for (i, a) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|b| a != b));
        }
    }

    #[test]
    fn words_are_the_halves_of_the_bits() {
        let mut stream = Stream::new(2, "test", 0);
        let bits = [stream.bits(), stream.bits()];
        let words = Stream::new(2, "test", 0).words(3);
        assert_eq!(words, [bits[0] as u32, (bits[0] >> 32) as u32, bits[1] as u32]);
        let mut filled = [[0; 300], [0; 300]];
        let mut stream = Stream::new(2, "test", 0);
        for words in &mut filled {
            stream.fill(words);
        }
        assert_eq!(filled.concat(), Stream::new(2, "test", 0).words(600));
    }

    #[test]
    fn uniforms_are_those_of_one_draw_after_the_other() {
        for (n, first) in [(0, 0), (1, 1), (127, 2), (128, 3), (1000, 0)] {
            let (mut stream, mut alone) = (Stream::new(2, "test", 0), Stream::new(2, "test", 0));
            for stream in [&mut stream, &mut alone] {
                stream.fill(&mut vec![0; first]);
            }
            let expected: Vec<f64> = (0..n).map(|_| alone.uniform(-0.3, 2.0)).collect();
            assert_eq!(stream.uniforms(n, -0.3, 2.0), expected);
            assert_eq!(stream.bits(), alone.bits());
        }
    }

    #[test]
    fn a_stream_goes_on_from_any_position() {
        let mut stream = Stream::new(5, "test", 2);
        for drawn in 0..40 {
            let mut entered = Stream::new(5, "test", 2);
            entered.seek(stream.position());
            assert_eq!(entered.position(), 2 * drawn);
            let ahead: Vec<u64> = (0..20).map(|_| entered.bits()).collect();
            let mut straight = stream.clone();
            assert_eq!(ahead, (0..20).map(|_| straight.bits()).collect::<Vec<_>>());
            stream.bits();
        }
    }

    #[test]
    fn a_permutation_holds_every_index_once() {
        let mut order = Stream::new(0, "test", 0).permutation(1000);
        assert_ne!(order[..10], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
        order.sort_unstable();
        assert!(order.iter().enumerate().all(|(i, &x)| i == x as usize));
    }

    #[test]
    fn normals_have_unit_variance_and_integers_are_uniform() {
        let mut stream = Stream::new(1, "test", 0);
        let draws: Vec<f64> = (0..100_000).map(|_| stream.normal()).collect();
        let mean = draws.iter().sum::<f64>() / 1e5;
        let variance = draws.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 1e5;
        assert!(mean.abs() < 0.015 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
        let mut counts = [0u32; 7];
        (0..70_000).for_each(|_| counts[usize::try_from(stream.below(7)).unwrap()] += 1);
        assert!(counts.iter().all(|c| (9_500..10_500).contains(c)), "{counts:?}");
    }
}
