//! Overlap of pre-activations between tasks: how much of the distribution of a unit's z on this task's
//! training examples and on the previous task's is common to both, `Σ_b min(p_b, q_b)` over 32 equal bins from the
//! least to the largest z of either; the mean over units. 1: the tasks drive the unit alike; 0: on disjoint
//! stretches of its curve. (Forgetting in networks of splines grows with the overlap of their supports,
//! arXiv 2511.12828.) Both are of the network as it is now, on as many examples as the probe set has, in the
//! same positions. Two samples of n of the same distribution overlap by about 1 - 4/√n, not 1.

use super::report::Report;
use super::subject::Subject;
use crate::spec::Entry;

/// Catalogue entry.
pub(super) const ENTRY: Entry = Entry {
    name: "preactivation_overlap",
    summary: "common part of the histograms of pre-activations on this task and on the one before, mean over units",
    source: "this suite; cf. arXiv 2511.12828",
    parameters: &[],
};

const BINS: usize = 32;

pub(super) fn measure(subject: &Subject<'_>, report: &mut Report<'_>) {
    let view = subject.view;
    let Some(here) =
        view.on_tasks.filter(|tasks| tasks.iter().all(|z| !z.is_empty() && z.iter().all(|z| z.is_finite())))
    else {
        return;
    };
    report.sampled(Some(overlap(here, view.pre_activation_units())));
}

/// The mean over units; both sets of pre-activations are (samples, units).
fn overlap([here, before]: [&[f32]; 2], units: usize) -> f64 {
    let of_unit = |unit: usize| {
        let column =
            |z: &[f32]| -> Vec<f64> { z.iter().skip(unit).step_by(units).map(|&z| f64::from(z)).collect() };
        let (here, before) = (column(here), column(before));
        let all = || here.iter().chain(&before).copied();
        let (least, most) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
        let counts = |values: &[f64]| {
            let mut counts = [0u64; BINS];
            for value in values {
                let place = (value - least) / (most - least) * BINS as f64;
                // Where nothing moves the place is NaN, and all lie in the first bin.
                counts[(place as usize).min(BINS - 1)] += 1;
            }
            counts
        };
        let (n, m) = (here.len() as u64, before.len() as u64);
        let common = |(p, q): (u64, u64)| (p * m).min(q * n);
        counts(&here).into_iter().zip(counts(&before)).map(common).sum::<u64>() as f64 / (n * m) as f64
    };
    (0..units).map(of_unit).sum::<f64>() / units as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_common_part_is_counted_bin_by_bin() {
        // Unit 0: 0, 31, 31.9, 16 against 0, 0, 16, 32: bins {0, 16, 31 twice} and {0 twice, 16, 31}.
        // Unit 1: the same constant in both. Unit 2: disjoint.
        let here = [0.0f32, 5.0, 1.0, 31.0, 5.0, 2.0, 31.9, 5.0, 1.0, 16.0, 5.0, 2.0];
        let before = [0.0f32, 5.0, 8.0, 0.0, 5.0, 9.0, 16.0, 5.0, 8.0, 32.0, 5.0, 9.0];
        assert_eq!(overlap([&here[..], &before[..]], 3), (0.75 + 1.0 + 0.0) / 3.0);
        assert_eq!(overlap([&here[..], &here[..]], 3), 1.0);
    }
}
