//! srank: the least number of singular values that hold 99 % of their sum,
//! `min k: Σ_{i≤k} s_i / Σ s_i ≥ 1 - δ` with δ = 0.01 (Kumar et al. 2021, arXiv 2010.14498).
//!
//! Known elsewhere by other names and off by one: Dohare et al. 2024 call it 'stable rank' (which is
//! another probe here), the code of arXiv 2308.11958 counts one fewer, and 'approximate rank' is the
//! same with s².

use super::report::Report;
use super::spectrum::Spectrum;
use super::subject::Subject;
use crate::spec::Entry;

/// Catalogue entry.
pub(super) const ENTRY: Entry = Entry {
    name: "srank",
    summary: "least number of singular values that hold 99 % of their sum",
    source: "Kumar et al. 2021, arXiv 2010.14498",
    parameters: &[],
};

/// 1 - δ
const SHARE: f64 = 0.99;

pub(super) fn measure(subject: &Subject<'_>, report: &mut Report<'_>) {
    report.sampled(subject.spectrum().map(srank));
}

/// 0 where every singular value is.
fn srank(spectrum: &Spectrum) -> f64 {
    let wanted = SHARE * spectrum.sum();
    let mut held = 0.0;
    let short = spectrum.values.iter().take_while(|&&s| {
        let enough = held >= wanted;
        held += s;
        !enough
    });
    short.count() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probes::spectrum::with_values;

    #[test]
    fn a_single_direction_counts_as_one() {
        // Counting the sums that fall short of the share, as public code does, gives 0 here.
        assert_eq!(srank(&with_values(&[7.0, 0.0, 0.0])), 1.0);
        assert_eq!(srank(&with_values(&[7.0, 0.01, 0.01])), 1.0);
    }

    #[test]
    fn the_share_is_of_the_sum_not_of_the_squares() {
        // Sums: 90, 95, 99.2, 100 of 100; of the squares the first alone holds 99.4 %.
        assert_eq!(srank(&with_values(&[90.0, 5.0, 4.2, 0.8])), 3.0);
        assert_eq!(srank(&with_values(&[1.0; 50])), 50.0);
    }

    #[test]
    fn nothing_has_no_rank() {
        assert_eq!(srank(&with_values(&[0.0, 0.0])), 0.0);
    }
}
