//! What is built, what is refused, and what the rule says between steps.

use plasticity_bench::nn::activation::rational::{self, RationalError};
use plasticity_bench::spec::{Choice, Value};

use crate::choices::{With, constraint, rational as choice, word};
use crate::layers;

fn refused(choice: &Choice) -> RationalError {
    rational::build(choice, 4).err().expect("this does not go together")
}

#[test]
fn combinations_that_void_a_bound_are_refused() {
    let of = |version: &str, degrees, name: &str| refused(&choice(version, degrees, constraint(name, &[])));
    assert_eq!(of("A", [5, 4], "proper-degree"), RationalError::NotProper { m: 5, n: 4 });
    for constraint in ["tail-slope", "projected-tail-slope"] {
        assert_eq!(of("A", [4, 4], constraint), RationalError::NotLinearTail { constraint, m: 4, n: 4 });
    }
    assert_eq!(of("B", [6, 4], "lipschitz"), RationalError::SteepTail { m: 6, n: 4 });
    for name in ["proper-degree", "tail-slope", "projected-tail-slope", "lipschitz", "unit-gain"] {
        let degrees = if name == "proper-degree" { [4, 4] } else { [5, 4] };
        assert!(matches!(of("N", degrees, name), RationalError::Poles { .. }), "{name}");
    }
    for name in ["none", "output-bound", "coefficient-box", "frozen", "freeze-after"] {
        assert!(rational::build(&choice("N", [5, 4], constraint(name, &[])), 4).is_ok(), "{name}");
    }
    assert_eq!(of("A", [5, 9], "none"), RationalError::Degrees { m: 5, n: 9 });
}

#[test]
fn bounds_must_be_positive() {
    for name in ["tail-slope", "projected-tail-slope", "output-bound", "lipschitz", "coefficient-box"] {
        let error = refused(&choice("A", [5, 4], constraint(name, &[("bound", 0.0)])));
        assert!(matches!(error, RationalError::NotPositive { key: "bound", .. }), "{error}");
    }
    let error = refused(&choice("A", [4, 4], constraint("proper-degree", &[("epsilon", 0.0)])));
    assert_eq!(error.to_string(), "constraint proper-degree: epsilon = 0 must be a finite number above 0");
}

#[test]
fn groups_and_sharing_must_agree() {
    let plain = || choice("A", [5, 4], constraint("none", &[]));
    let groups = |n| plain().with("sharing", word("groups")).with("groups", Value::Integer(n));
    assert_eq!(refused(&plain().with("sharing", word("groups"))), RationalError::NoGroups);
    assert_eq!(refused(&groups(5)), RationalError::TooManyGroups { groups: 5, units: 4 });
    assert_eq!(refused(&plain().with("groups", Value::Integer(2))), RationalError::StrayGroups(2));
    for (choice, sets, network_wide) in [
        (plain(), 1, false),
        (plain().with("sharing", word("network")), 1, true),
        (groups(3), 3, false),
        (plain().with("sharing", word("unit")), 4, false),
    ] {
        let (activation, coefficients) = layers::build(&choice, 4);
        assert_eq!(activation.expansion, 1);
        assert_eq!(coefficients.start.len(), 10 * sets);
        assert_eq!(coefficients.network_wide, network_wide);
    }
}

#[test]
fn a_map_numbers_its_sets_as_they_appear() {
    let plain = || choice("A", [5, 4], constraint("none", &[]));
    let mapped =
        |map: &[i64]| plain().with("sharing", word("map")).with("map", Value::Integers(map.to_vec()));
    assert_eq!(refused(&plain().with("sharing", word("map"))), RationalError::NoMap);
    let stray = plain().with("map", Value::Integers(vec![0, 0]));
    assert_eq!(refused(&stray), RationalError::StrayMap(vec![0, 0]));
    for map in [&[1, 0][..], &[0, 2, 1], &[0, 1, 3]] {
        assert_eq!(refused(&mapped(map)), RationalError::UnorderedMap(map.to_vec()));
    }
    let (_, coefficients) = layers::build(&mapped(&[0, 0, 1, 0]), 4);
    assert_eq!((coefficients.map, coefficients.network_wide), (vec![0, 0, 1, 0], true));
}

#[test]
fn names_and_rates_are_passed_on() {
    let choice = choice("C", [2, 1], constraint("none", &[])).with("learning_rate", Value::Number(5e-3));
    let (_, coefficients) = layers::build(&choice, 4);
    assert_eq!(coefficients.names, ["a0", "a1", "a2", "b0", "b1"]);
    assert_eq!((coefficients.learning_rate, coefficients.weight_decay), (Some(5e-3), None));
}

#[test]
fn freezing_is_by_task() {
    let trained = |constraint| {
        let rule = layers::build(&choice("A", [5, 4], constraint), 1).1.rule;
        [0, 1, 2].map(|task| rule.trained_in(task))
    };
    assert_eq!(trained(constraint("none", &[])), [true; 3]);
    assert_eq!(trained(constraint("frozen", &[])), [false; 3]);
    let after = constraint("freeze-after", &[]).with("tasks", Value::Integer(2));
    assert_eq!(trained(after), [true, true, false]);
}

#[test]
fn effective_coefficients_draw_the_constrained_curve() {
    let bound = 0.6;
    let constrained = constraint("lipschitz", &[("bound", bound)]);
    let (activation, coefficients) = layers::build(&choice("A", [5, 4], constrained), 1);
    let values: Vec<f32> = coefficients.start.iter().map(|&x| x as f32).collect();
    let drawn = coefficients.rule.effective(&values);
    let (free, _) = layers::build(&choice("A", [5, 4], constraint("none", &[])), 1);
    let z = [-2.0, -0.3, 0.0, 0.7, 4.0];
    let wide: Vec<f64> = values.iter().map(|&x| f64::from(x)).collect();
    let (y, again) = (layers::values(&activation, &wide, 1, &z), layers::values(&free, &drawn, 1, &z));
    assert!(y.iter().zip(&again).all(|(x, y)| (x - y).abs() < 1e-12), "{y:?} {again:?}");
    let curve = coefficients.rule.describe(&values, 0).unwrap();
    assert!((curve.steepest - bound).abs() < 1e-3, "{curve:?}");
    assert!(curve.tail_slope <= bound && curve.least_denominator == 1.0, "{curve:?}");
    assert!(coefficients.rule.describe(&values, 1).is_none());
}

#[test]
fn description_of_a_known_curve() {
    // R = 2x/(1 + |x|): slope 2 at 0, bounded, Q least at 0. As c·tanh(R/c): no tail, same slope at 0.
    let theta = [0.0f32, 2.0, 1.0];
    let (_, plain) = layers::build(&choice("A", [1, 1], constraint("none", &[])), 1);
    let curve = plain.rule.describe(&theta, 0).unwrap();
    assert_eq!((curve.tail_slope, curve.steepest, curve.least_denominator), (0.0, 2.0, 1.0));
    let (_, free) = layers::build(&choice("A", [2, 1], constraint("none", &[])), 1);
    assert_eq!(free.rule.describe(&[0.0, 2.0, 3.0, -2.0], 0).unwrap().tail_slope, 1.5);
    assert_eq!(free.rule.describe(&[0.0, 2.0, 3.0, 0.0], 0).unwrap().tail_slope, f64::INFINITY);
    let (_, bounded) = layers::build(&choice("A", [2, 1], constraint("output-bound", &[])), 1);
    let curve = bounded.rule.describe(&[0.0, 2.0, 3.0, -2.0], 0).unwrap();
    assert_eq!(curve.tail_slope, 0.0);
}

#[test]
fn every_entry_is_documented_and_buildable() {
    for entry in rational::constraints() {
        assert!(!entry.summary.is_empty() && !entry.source.is_empty(), "{}", entry.name);
        let degrees = if entry.name == "proper-degree" { [4, 4] } else { [5, 4] };
        assert!(rational::build(&choice("A", degrees, constraint(entry.name, &[])), 3).is_ok());
    }
}
