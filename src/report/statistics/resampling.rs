//! How many resamples a bootstrap takes, and the generator that draws them.

use crate::random::Stream;

/// How resampling is done. The generator starts anew for every estimate, so that a figure depends on its
/// own values alone and not on what else is in the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bootstrap {
    /// Number of resamples.
    pub resamples: usize,
    /// Seed of the generator `Stream::new(seed, "bootstrap", 0)`.
    pub seed: u64,
}

impl Bootstrap {
    /// What tables are made with.
    pub const TABLES: Self = Self { resamples: 50_000, seed: 0 };
    /// For the bands of plots, of which there are thousands and which nobody reads digits off.
    pub const BANDS: Self = Self { resamples: 1_000, seed: 0 };

    /// The generator.
    #[must_use]
    pub fn stream(self) -> Stream {
        Stream::new(self.seed, "bootstrap", 0)
    }
}
