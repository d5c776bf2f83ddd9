//! Statistics over independent seeds.
//!
//! After Agarwal et al. 2021 (arXiv 2108.13264, rliable): point estimates that a lucky seed does not
//! decide, and percentile intervals from a bootstrap stratified by benchmark. With five seeds an
//! interquartile mean drops one value at each end and its interval is rough; ten are better.

mod aggregate;
mod best_of;
mod bootstrap;
mod compare;
mod correlation;
mod interval;
mod multisets;
mod profile;
mod resampling;

#[cfg(test)]
mod tests;

pub use aggregate::{mean, percentile};
pub use best_of::best_of;
pub use bootstrap::Estimate;
pub use compare::{paired_differences, probability_of_improvement};
pub use correlation::{pearson, spearman};
pub use interval::Interval;
pub use profile::{profile, profile_bands};
pub use resampling::Bootstrap;
