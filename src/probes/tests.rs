//! Measured against numpy, and the cases that no formula foresees.

mod network;

use super::spectrum::Spectrum;
use super::*;
use crate::nn::activation::Curve;

/// tests/reference/probes.py: numpy's full SVD in f64.
const REFERENCE: &str = include_str!("../../tests/reference/probes.csv");

fn set(names: &[&str]) -> ProbeSet {
    ProbeSet::new(&names.iter().map(ToString::to_string).collect::<Vec<_>>())
}

fn standard() -> ProbeSet {
    set(STANDARD)
}

fn view(features: &[f32], units: usize) -> LayerView<'_> {
    LayerView { name: "layers.0", samples: features.len() / units, units, features, ..LayerView::default() }
}

/// The recipes of probes.py, to the last bit.
mod recipe {
    /// Multiples of 2^(1 - bits) in [-1, 1) from splitmix64's finaliser.
    pub fn uniform(seed: u64, i: usize, j: usize, bits: u32) -> f64 {
        let mut z = (seed << 48).wrapping_add((i as u64) << 24).wrapping_add(j as u64);
        z = z.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        let half = f64::from(1u32 << (bits - 1));
        ((z >> (64 - bits)) as f64 - half) / half
    }

    fn halved(times: usize) -> f64 {
        1.0 / (1u64 << times) as f64
    }

    fn low_rank(seed: u64, i: usize, j: usize, rank: usize, halving: usize) -> f64 {
        let term = |k| uniform(seed, i, k, 12) * halved(k * halving / 8) * uniform(seed + 1, k, j, 12);
        (0..rank).map(term).sum()
    }

    fn graded(seed: u64, i: usize, j: usize, side: usize, octaves: usize) -> f64 {
        let sign = |k: usize| if (k & j).count_ones().is_multiple_of(2) { 1.0 } else { -1.0 };
        (0..side).map(|k| uniform(seed, i, k, 8) * halved(k * octaves / (side - 1)) * sign(k)).sum()
    }

    /// Entry (i, j) of the named case.
    fn entry(case: &str, i: usize, j: usize) -> f64 {
        match case {
            "uniform" => uniform(1, i, j, 24),
            "wide" => uniform(2, i, j, 24),
            "wide_low_rank" => low_rank(3, i, j, 6, 0),
            "relu" => low_rank(5, i, j, 20, 4).max(0.0),
            "dead" if j % 3 == 1 => 0.0,
            "dead" => low_rank(7, i, j, 40, 2).max(0.0),
            "rank_5" => low_rank(9, i, j, 5, 0),
            "rank_5_rounded" => low_rank(9, i, j, 5, 0) * 0.1,
            "graded_1e-6" => graded(11, i, j, 64, 20),
            "graded_1e-12" => graded(11, i, j, 64, 40),
            "constant" => uniform(13, 0, j, 24),
            "nearly_constant" => 1000.0 + 0.01 * uniform(15, i, j, 24),
            "offset" => 7.0 + low_rank(17, i, j, 30, 4),
            "zeros" => 0.0,
            "huge" => uniform(19, i, j, 24) * 2f64.powi(100),
            "tiny" => uniform(21, i, j, 24) * 2f64.powi(-120),
            "one_sample" => uniform(23, i, j, 24),
            "one_unit" => uniform(25, i, j, 24),
            "unequal" => uniform(29, i, j, 24) * halved(j / 4) + 0.5 * (j % 2) as f64,
            "square" => uniform(27, i, j, 24),
            other => panic!("no recipe {other}"),
        }
    }

    pub fn features(case: &str, samples: usize, units: usize) -> Vec<f32> {
        (0..samples).flat_map(|i| (0..units).map(move |j| entry(case, i, j) as f32)).collect()
    }
}

struct Row<'a> {
    case: &'a str,
    samples: usize,
    units: usize,
    probe: &'a str,
    value: f64,
}

fn reference() -> Vec<Row<'static>> {
    let rows = REFERENCE.lines().skip(2).map(|line| {
        let cells: Vec<&str> = line.split(',').collect();
        let [case, samples, units, probe, value] = cells[..] else { panic!("{line}") };
        let (samples, units) = (samples.parse().unwrap(), units.parse().unwrap());
        Row { case, samples, units, probe, value: value.parse().unwrap() }
    });
    rows.collect()
}

#[test]
fn every_probe_agrees_with_numpy_on_hard_matrices() {
    let rows = reference();
    let (mut cases, mut worst) = (0, 0.0f64);
    for group in rows.chunk_by(|a, b| a.case == b.case) {
        let Row { case, samples, units, .. } = group[0];
        let features = recipe::features(case, samples, units);
        let measured = standard().measure(&view(&features, units));
        let expected: Vec<&Row> = group.iter().filter(|r| !r.probe.starts_with("singular")).collect();
        assert_eq!(measured.len(), expected.len(), "{case}: {measured:?}");
        for Row { probe, value, .. } in expected {
            let ours = measured.iter().find(|m| m.probe == *probe).unwrap();
            assert_eq!((ours.units, ours.samples), (Some(units), Some(samples)), "{case}");
            let error = if ours.value == *value { 0.0 } else { (ours.value / value - 1.0).abs() };
            // Counts and shares must be equal; effective_rank feels the last singular values a little.
            let tolerance = match *probe {
                "effective_rank" => 5e-6,
                "stable_rank" | "participation_ratio" | "output_scale_rms" => 1e-12,
                _ => 0.0,
            };
            println!("{case} {probe}: {} numpy {value} error {error:.1e}", ours.value);
            assert!(error <= tolerance, "{case} {probe}: {} but numpy has {value}", ours.value);
            worst = worst.max(error);
        }
        cases += 1;
    }
    assert_eq!(cases, 19);
    println!("largest relative difference {worst:.1e}");
}

#[test]
fn singular_values_agree_with_numpy_down_to_what_a_gram_matrix_can_tell() {
    let rows: Vec<Row> = reference().into_iter().filter(|r| r.probe.starts_with("singular")).collect();
    for group in rows.chunk_by(|a, b| a.case == b.case) {
        let Row { case, samples, units, .. } = group[0];
        let features = recipe::features(case, samples, units);
        let view = view(&features, units);
        let subject = Subject::new(&view);
        let Spectrum { values, .. } = subject.spectrum().unwrap();
        assert_eq!(values.len(), group.len(), "{case}");
        let largest = group[0].value;
        let errors = values.iter().zip(group).map(|(ours, row)| ((ours - row.value).abs(), row.value));
        let relative = |floor: f64| {
            let above = errors.clone().filter(move |(_, value)| *value > floor * largest);
            above.map(|(error, value)| error / value).fold(0.0, f64::max)
        };
        let absolute = errors.clone().map(|(error, _)| error / largest).fold(0.0, f64::max);
        println!(
            "{case}: |Δs|/s₁ ≤ {absolute:.1e}; Δs/s ≤ {:.1e} above 1e-3 s₁, {:.1e} above 1e-5 s₁, {:.1e} above 1e-6 s₁",
            relative(1e-3),
            relative(1e-5),
            relative(1e-6)
        );
        assert!(absolute < 2e-7, "{case}: {absolute:e}");
        assert!(relative(1e-3) < 1e-11 && relative(1e-5) < 1e-6, "{case}");
    }
}

fn rows(measured: &[Measurement]) -> Vec<(&str, f64)> {
    measured.iter().map(|m| (m.probe.as_str(), m.value)).collect()
}

#[test]
fn a_silent_layer_has_rank_0_and_only_dead_dormant_and_constant_units() {
    let expected = [
        ("srank", 0.0),
        ("effective_rank", 0.0),
        ("numerical_rank", 0.0),
        ("feature_rank", 0.0),
        ("stable_rank", 0.0),
        ("participation_ratio", 0.0),
        ("dead_units", 1.0),
        ("dormant_units_0.025", 1.0),
        ("dormant_units_0.1", 1.0),
        ("constant_units_0.025", 1.0),
        ("constant_units_0.1", 1.0),
        ("output_scale_rms", 0.0),
        ("output_scale_max_abs", 0.0),
    ];
    for features in [[0.0f32; 24], [-0.0; 24]] {
        assert_eq!(rows(&standard().measure(&view(&features, 4))), expected);
    }
}

#[test]
fn features_that_are_not_finite_give_no_rows_and_harm_no_others() {
    for poison in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut features = recipe::features("uniform", 40, 10);
        features[123] = poison;
        let (slopes, weight) = ([1.0, poison], [3.0, 4.0]);
        let layer = LayerView { slopes: Some(&slopes), weight: &weight, ..view(&features, 10) };
        let expected = [("weight_norm", 5.0), ("weight_norm_mean_abs", 3.5)];
        assert_eq!(rows(&standard().measure(&layer)), expected, "{poison}");

        let bad = [1.0, poison];
        let layer =
            LayerView { weight: &bad, gradient: Some(&bad), update: Some(&bad), ..LayerView::default() };
        assert_eq!(standard().measure(&layer), [], "{poison}");
    }
}

#[test]
fn the_ends_of_f32_neither_overflow_nor_vanish() {
    for scale in [f32::MAX, f32::from_bits(1)] {
        // Rank 2, equal singular values, signs ±: the least and the largest f32 squared fit an f64.
        let features = [scale, 0.0, -scale, 0.0, 0.0, scale, 0.0, -scale];
        let measured = standard().measure(&view(&features, 2));
        let of = |probe: &str| measured.iter().find(|m| m.probe == probe).unwrap().value;
        for probe in ["srank", "numerical_rank", "effective_rank", "stable_rank", "participation_ratio"] {
            assert!((of(probe) - 2.0).abs() < 1e-12, "{scale:e} {probe}: {}", of(probe));
        }
        let rms = of("output_scale_rms") / f64::from(scale);
        assert!((rms - 0.5f64.sqrt()).abs() < 1e-12, "{scale:e}: {rms}");
    }
}

#[test]
fn a_head_has_weights_and_no_samples() {
    let (weight, gradient, update) = ([0.0f32, -2.0], [0.6f32, 0.8], [0.25f32, 0.0]);
    let head = LayerView {
        name: "layers.2",
        samples: 2000,
        units: 10,
        weight: &weight,
        gradient: Some(&gradient),
        update: Some(&update),
        ..LayerView::default()
    };
    let measured = standard().measure(&head);
    let names: Vec<&str> = measured.iter().map(|m| m.probe.as_str()).collect();
    assert_eq!(names, ["weight_norm", "weight_norm_mean_abs", "gradient_norm", "update_norm"]);
    assert!(measured.iter().all(|m| m.units == Some(10) && m.samples.is_none()));
    let values: Vec<f64> = measured.iter().map(|m| m.value).collect();
    assert!((values[2] - 1.0).abs() < 1e-7);
    assert_eq!((values[0], values[1], values[3]), (2.0, 1.0, 0.25));
}

#[test]
fn a_curve_speaks_of_no_sample_and_without_a_tail_slope_there_is_no_row_of_it() {
    let curve = Curve { tail_slope: f64::INFINITY, steepest: 1.5, least_denominator: f64::NAN };
    let measured = set(&["output_scale"]).measure(&LayerView { curve: Some(curve), ..view(&[3.0, -3.0], 1) });
    let expected = [("output_scale_rms", 3.0), ("output_scale_max_abs", 3.0), ("output_scale_steepest", 1.5)];
    assert_eq!(rows(&measured), expected);
    let samples: Vec<_> = measured.iter().map(|m| m.samples).collect();
    assert_eq!(samples, [Some(2), Some(2), None]);
}

#[test]
fn slopes_count_where_there_are_any() {
    let features = [1.0f32, 2.0];
    let measure = |slopes| set(&["saturated_units"]).measure(&LayerView { slopes, ..view(&features, 1) });
    assert_eq!(rows(&measure(Some(&[0.0, 1.0]))), [("saturated_units", 0.5)]);
    assert_eq!(measure(None), []);
    assert_eq!(measure(Some(&[])), []);
}

#[test]
fn one_sample_cannot_tell_whether_a_unit_is_constant() {
    let measured = set(&["constant_units", "dormant_units"]).measure(&view(&[1.0, 0.0], 2));
    assert_eq!(rows(&measured), [("dormant_units_0.025", 0.5), ("dormant_units_0.1", 0.5)]);
}

#[test]
fn the_rank_of_more_units_than_samples_is_capped_by_the_samples_beside_it() {
    let features = recipe::features("wide", 30, 100);
    let measured = set(&["numerical_rank"]).measure(&view(&features, 100));
    assert_eq!((measured[0].value, measured[0].units, measured[0].samples), (30.0, Some(100), Some(30)));
}

#[test]
fn bytes_do_not_depend_on_threads() {
    let features = recipe::features("relu", 2000, 100);
    let bits = || -> Vec<u64> {
        standard().measure(&view(&features, 100)).iter().map(|m| m.value.to_bits()).collect()
    };
    let alone = bits();
    let together: Vec<Vec<u64>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(bits)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert!(together.iter().all(|other| *other == alone));
}

#[test]
fn the_registry_is_what_it_says() {
    let entries = entries();
    let names: Vec<&str> = entries.iter().map(|e| e.name).collect();
    assert!(names.iter().enumerate().all(|(i, name)| !names[..i].contains(name)), "{names:?}");
    let mut known = names.iter();
    assert!(STANDARD.iter().all(|s| known.any(|n| n == s)), "STANDARD is not in the catalogue's order");

    // Rows carry the name of their probe and are told apart by it.
    let features = recipe::features("dead", 50, 60);
    let weight = [1.0f32; 4];
    let (z, slopes) = ([-1.0f32; 3000], [0.0f32; 3000]);
    let layer = LayerView {
        pre_activations: &z,
        on_tasks: Some([&z, &z]),
        slopes: Some(&slopes),
        weight: &weight,
        gradient: Some(&weight),
        update: Some(&weight),
        curve: Some(Curve { tail_slope: 1.0, steepest: 1.0, least_denominator: 1.0 }),
        ..view(&features, 60)
    };
    let mut seen = Vec::new();
    let whole = |name: &str| {
        REGISTRY.iter().any(|r| r.entry.name == name && matches!(r.measure, Measure::Network(..)))
    };
    assert!(STANDARD.iter().all(|name| !whole(name)), "probes of a whole network are slow");
    for name in names.into_iter().filter(|name| !whole(name)) {
        let measured = set(&[name]).measure(&layer);
        assert!(!measured.is_empty() && measured.iter().all(|m| m.probe.starts_with(name)), "{name}");
        seen.extend(measured.into_iter().map(|m| m.probe));
    }
    assert!(seen.iter().enumerate().all(|(i, row)| !seen[..i].contains(row)), "{seen:?}");
}

#[test]
fn a_set_keeps_the_catalogues_order_and_counts_a_name_once() {
    let measured = set(&["weight_norm", "dead_units", "srank", "dead_units"])
        .measure(&LayerView { weight: &[1.0], ..view(&[1.0, 0.0, 2.0, 0.0], 2) });
    let expected = [("srank", 1.0), ("dead_units", 0.5), ("weight_norm", 1.0), ("weight_norm_mean_abs", 1.0)];
    assert_eq!(rows(&measured), expected);
    assert!(!set(&["srank", "weight_norm"]).traces_steps());
    assert!(set(&["srank", "update_norm"]).traces_steps() && set(&["gradient_norm"]).traces_steps());
}

#[test]
#[should_panic(expected = "no probe is named sranks")]
fn an_unknown_name_is_a_mistake_of_the_caller() {
    let _ = set(&["srank", "sranks"]);
}

#[test]
#[should_panic(expected = "layers.0: 5 features are not 2 samples of 2 units")]
fn features_must_fill_their_shape() {
    let _ = standard().measure(&view(&[0.0; 5], 2));
}
