//! Against numpy, scipy and rliable: `tests/reference/report_statistics.py` wrote the values.

use std::collections::BTreeMap;

use super::*;

fn reference(name: &str) -> f64 {
    let text = include_str!("../../../tests/reference/statistics.csv");
    let row = text.lines().find_map(|line| line.strip_prefix(&format!("{name},")));
    row.unwrap_or_else(|| panic!("no {name}")).parse().unwrap()
}

fn close(ours: f64, name: &str, tolerance: f64) {
    let theirs = reference(name);
    assert!((ours - theirs).abs() <= tolerance, "{name}: {ours} and not {theirs}");
}

/// The samples of the script, benchmark by benchmark.
fn sample(a: u32, b: u32, c: u32, modulus: u32) -> Vec<Vec<f64>> {
    let value = |i: u32, j: u32| f64::from((a * i * i + b * i + c * j) % modulus) / f64::from(modulus);
    (0..3).map(|j| (0..10).map(|i| value(i, j)).collect()).collect()
}

fn x() -> Vec<Vec<f64>> {
    sample(37, 11, 5, 101)
}

fn y() -> Vec<Vec<f64>> {
    sample(53, 7, 13, 97)
}

/// In the script's order: seed by seed.
fn flat() -> Vec<f64> {
    let x = x();
    (0..10).flat_map(|i| x.iter().map(|benchmark| benchmark[i]).collect::<Vec<_>>()).collect()
}

const FIVE: [f64; 5] = [0.62, 0.48, 0.91, 0.55, 0.70];

#[test]
fn point_estimates_are_those_of_numpy_and_scipy() {
    let one = Bootstrap { resamples: 1, seed: 0 };
    let estimate = one.estimate(&[flat()]).unwrap();
    close(mean(&flat()).unwrap(), "mean", 1e-15);
    close(estimate.mean.value, "mean", 1e-15);
    close(estimate.median.value, "median", 1e-15);
    close(estimate.iqm.value, "iqm", 1e-15);
    close(estimate.iqm.value, "rliable_iqm", 1e-15);
    for share in ["0.0", "0.025", "0.3", "0.975", "1.0"] {
        let ours = percentile(&mut flat(), share.parse().unwrap()).unwrap();
        close(ours, &format!("percentile_{share}"), 1e-15);
    }
    for n in 1..8 {
        let ours = one.estimate(&[flat()[..n].to_vec()]).unwrap();
        close(ours.iqm.value, &format!("iqm_of_{n}"), 1e-15);
    }
    assert_eq!((mean(&[]), percentile(&mut [], 0.5), one.estimate(&[])), (None, None, None));
}

#[test]
fn estimates_carry_the_point_estimates() {
    let estimate = Bootstrap { resamples: 10, seed: 0 }.estimate(&x()).unwrap();
    assert_eq!(estimate.n, 30);
    close(estimate.mean.value, "mean", 1e-15);
    close(estimate.median.value, "median", 1e-15);
    close(estimate.iqm.value, "iqm", 1e-15);
    assert_eq!(Bootstrap::TABLES.estimate(&[vec![], vec![]]), None);
}

#[test]
fn intervals_of_five_values_are_those_of_all_their_resamples() {
    let estimate = Bootstrap::TABLES.estimate(&[FIVE.to_vec()]).unwrap();
    // 3,125 resamples lie 0.002 to 0.004 apart in the tails; which of them a percentile takes is chance.
    for (ours, name) in [(estimate.mean, "mean"), (estimate.median, "median"), (estimate.iqm, "iqm")] {
        close(ours.low, &format!("exact_{name}_low"), 0.0041);
        close(ours.high, &format!("exact_{name}_high"), 0.0041);
    }
    let band = Bootstrap { resamples: 50_000, seed: 3 }.mean(&FIVE).unwrap();
    close(band.low, "exact_mean_low", 0.0041);
    close(band.high, "exact_mean_high", 0.0041);
}

#[test]
fn stratified_intervals_are_those_of_rliable() {
    let estimate = Bootstrap::TABLES.estimate(&x()).unwrap();
    for (ours, name) in [(estimate.mean, "mean"), (estimate.iqm, "iqm")] {
        close(ours.low, &format!("rliable_{name}_low"), 0.003);
        close(ours.high, &format!("rliable_{name}_high"), 0.003);
    }
    // Without the strata, the spread between benchmarks would come on top.
    let apart = [vec![0.0, 0.1, 0.2], vec![10.0, 10.1, 10.2]];
    let (with, without) = (
        Bootstrap::BANDS.estimate(&apart).unwrap().mean,
        Bootstrap::BANDS.estimate(&[apart.concat()]).unwrap().mean,
    );
    assert!(with.high - with.low < 0.2 && without.high - without.low > 3.0, "{with:?} {without:?}");
}

#[test]
fn improvement_is_that_of_rliable_and_of_mann_and_whitney() {
    let ours = probability_of_improvement(&x(), &y(), Bootstrap::TABLES).unwrap();
    close(ours.value, "improvement", 1e-15);
    close(ours.low, "rliable_improvement_low", 0.01);
    close(ours.high, "rliable_improvement_high", 0.01);
    let ties = probability_of_improvement(
        &[vec![1.0, 2.0, 2.0, 3.0]],
        &[vec![2.0, 0.0, 3.0]],
        Bootstrap { resamples: 1, seed: 0 },
    );
    close(ties.unwrap().value, "improvement_with_ties", 1e-15);
    assert_eq!(probability_of_improvement(&[vec![]], &y(), Bootstrap::BANDS), None);
}

#[test]
fn correlations_are_those_of_scipy() {
    let pairs = [(0.1, 3.0), (0.2, 3.0), (0.2, 1.0), (0.5, -2.0), (9.0, -1.0), (0.3, 0.5)];
    close(pearson(&pairs).unwrap(), "pearson", 1e-15);
    close(spearman(&pairs).unwrap(), "spearman", 1e-15);
    assert_eq!(pearson(&[(1.0, 1.0), (1.0, 2.0), (1.0, 3.0)]), None, "no spread, no correlation");
    assert_eq!(spearman(&pairs[..2]), None);
}

#[test]
fn profiles_are_those_of_rliable() {
    let thresholds = [0.0, 0.25, 0.5, 0.75];
    for (ours, name) in profile(&x(), &thresholds).into_iter().zip(["0.0", "0.25", "0.5", "0.75"]) {
        close(ours, &format!("profile_{name}"), 1e-15);
    }
}

#[test]
fn bands_of_profiles_are_those_of_rliable() {
    let thresholds = [0.0, 0.25, 0.5, 0.75];
    let bands = profile_bands(&x(), &thresholds, Bootstrap::TABLES);
    for (band, threshold) in bands.into_iter().zip(["0.0", "0.25", "0.5", "0.75"]) {
        close(band.value, &format!("profile_{threshold}"), 1e-15);
        // Shares come in thirtieths; which of two a percentile takes is chance.
        close(band.low, &format!("rliable_profile_{threshold}_low"), 1.0 / 30.0 + 1e-12);
        close(band.high, &format!("rliable_profile_{threshold}_high"), 1.0 / 30.0 + 1e-12);
    }
    assert!(profile_bands(&x(), &[0.5], Bootstrap::BANDS)[0].low < 0.6, "a band has a width");
}

#[test]
fn paired_differences_are_those_of_scipy() {
    let keyed = |values: [f64; 5]| values.into_iter().enumerate().map(|(seed, v)| (seed as u64, v)).collect();
    let other = keyed([0.60, 0.50, 0.80, 0.40, 0.71]);
    let ours = paired_differences(&keyed(FIVE), &other, Bootstrap::TABLES).unwrap();
    close(ours.mean.value, "paired_mean", 1e-15);
    close(ours.median.value, "paired_median", 1e-15);
    // The resamples' means lie 0.002 apart in the tails.
    close(ours.mean.low, "paired_mean_low", 0.0041);
    close(ours.mean.high, "paired_mean_high", 0.0041);
    close(ours.median.low, "paired_median_low", 1e-12);
    close(ours.median.high, "paired_median_high", 1e-12);
}

#[test]
fn pairing_takes_out_what_seeds_share() {
    let x: BTreeMap<u64, f64> = (0..8).map(|seed| (seed, seed as f64 + 0.1 * (seed % 2) as f64)).collect();
    let y: BTreeMap<u64, f64> = (2..10).map(|seed| (seed, seed as f64 - 0.5)).collect();
    let difference = paired_differences(&x, &y, Bootstrap::TABLES).unwrap();
    assert_eq!(difference.n, 6, "seeds 2 to 7");
    assert!((difference.mean.value - 0.55).abs() < 1e-12);
    assert!(difference.mean.low >= 0.5 - 1e-12 && difference.mean.high <= 0.6 + 1e-12, "{difference:?}");
    assert_eq!(paired_differences(&x, &BTreeMap::from([(99, 0.0)]), Bootstrap::BANDS), None);
}

#[test]
fn the_seed_decides_and_nothing_else() {
    let one = Bootstrap { resamples: 200, seed: 1 };
    assert_eq!(one.estimate(&x()), one.estimate(&x()));
    assert_ne!(one.estimate(&x()), Bootstrap { seed: 2, ..one }.estimate(&x()));
    let mut reversed = x();
    for benchmark in &mut reversed {
        benchmark.reverse();
    }
    assert_eq!(one.estimate(&x()), one.estimate(&reversed), "the order of seeds says nothing");
}
