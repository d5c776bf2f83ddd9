use super::*;
use crate::catalogue::catalogue;
use crate::spec::{Spec, Value};

/// The settings of a spec's sections with all defaults, and the diagnostic with some of its own.
fn settings(diagnostic: &str, own: &[(&str, Value)], sections: &str) -> Settings {
    let text = format!(
        "name = 'x'\ndata = {{ dataset = 'generated-digits' }}\n\
         stream = {{ family = 'shuffled-labels', tasks = 1, steps = 1, batch_size = 1 }}\n{sections}"
    );
    let plan = Spec::parse(&text, "x.toml", &[], &catalogue()).unwrap().plans(None).unwrap().remove(0);
    let entry = entries().into_iter().find(|entry| entry.name == diagnostic).unwrap();
    let defaults = entry.parameters.iter().filter_map(|p| Some((p.name.to_owned(), p.kind.default()?)));
    let mut parameters: std::collections::BTreeMap<String, Value> = defaults.collect();
    for (name, value) in own {
        assert!(entry.parameters.iter().any(|parameter| parameter.name == *name), "{name}");
        parameters.insert((*name).to_owned(), value.clone());
    }
    Settings {
        diagnostic: crate::spec::Choice { name: diagnostic.into(), parameters },
        network: plan.network,
        activation: plan.activation,
        optimizer: plan.optimizer,
        methods: plan.methods,
    }
}

const RELU: &str = "network = { kind = 'mlp', hidden = [50, 50] }\nactivation = 'relu'\noptimizer = 'adam'";

/// The numbers printed in Figure 2 of Double DQN.
#[test]
fn polynomials_overestimate_as_published() {
    for (function, degree, published) in [("sine", 6, 0.61), ("gaussian", 6, 0.47), ("gaussian", 9, 3.35)] {
        let own = [
            ("function", Value::Text(function.into())),
            ("approximator", Value::Text("polynomial".into())),
            ("degree", Value::Integer(degree)),
        ];
        let outcome = run(&settings("overestimation-fit", &own, RELU), 0).unwrap();
        let found = outcome.figure("overestimation").unwrap();
        assert_eq!((found * 100.0).round() / 100.0, published, "{function} {degree}: {found}");
    }
}

/// Degree 10 goes through all eleven points.
#[test]
fn a_polynomial_through_all_points_has_no_error_there() {
    let own = [("approximator", Value::Text("polynomial".into())), ("degree", Value::Integer(10))];
    let outcome = run(&settings("overestimation-fit", &own, RELU), 0).unwrap();
    assert!(outcome.figure("fit_error").unwrap() < 1e-10, "{outcome:?}");
    assert!(outcome.figure("overestimation_max").unwrap() > outcome.figure("overestimation").unwrap());
}

#[test]
fn networks_fit_their_points_and_a_seed_repeats() {
    let own = [("steps", Value::Integer(1000))];
    let settings = settings("overestimation-fit", &own, RELU);
    let outcome = run(&settings, 1).unwrap();
    assert!(outcome.figure("fit_error").unwrap() < 0.2, "{outcome:?}");
    assert!(outcome.figure("overestimation").unwrap() > 0.0, "{outcome:?}");
    assert_eq!(run(&settings, 1).unwrap(), outcome);
    assert_ne!(run(&settings, 2).unwrap(), outcome);
}

/// Without a discount and without noise the problem is plain regression on a dense grid: hardly any bias,
/// and the best action is found.
#[test]
fn without_a_future_and_noise_there_is_no_bias() {
    let own =
        [("discount", Value::Number(0.0)), ("noise", Value::Number(0.0)), ("steps", Value::Integer(1500))];
    let outcome = run(&settings("overestimation-mdp", &own, RELU), 0).unwrap();
    assert!(outcome.figure("bias_mean").unwrap().abs() < 0.02, "{outcome:?}");
    assert!(outcome.figure("bias_variance").unwrap() < 1e-3, "{outcome:?}");
    assert!(outcome.figure("policy_error").unwrap() < 0.05, "{outcome:?}");
}

/// With noise, the largest of a single critic's values is too large, and the least of several is lower.
#[test]
fn a_single_critic_overestimates_more_than_the_least_of_several() {
    let run = |critics, combine: &str| {
        let own = [
            ("discount", Value::Number(0.9)),
            ("steps", Value::Integer(300)),
            ("critics", Value::Integer(critics)),
            ("combine", Value::Text(combine.into())),
        ];
        let of_seed = |seed| {
            let outcome = super::run(&settings("overestimation-mdp", &own, RELU), seed).unwrap();
            outcome.figure("bias_policy").unwrap()
        };
        trimmed_mean(&[0, 1, 2].map(of_seed), 0.1).unwrap()
    };
    let (single, least) = (run(1, "mean"), run(4, "min"));
    assert!(least < single, "{least} {single}");
}

/// TQC's mixture of `critics` of so many atoms, with other settings behind.
fn mixture(critics: i64, atoms: i64, dropped: i64, more: &[(&'static str, Value)]) -> Settings {
    let own = [
        ("critics", Value::Integer(critics)),
        ("combine", Value::Text("truncated".into())),
        ("atoms", Value::Integer(atoms)),
        ("dropped", Value::Integer(dropped)),
    ];
    settings("overestimation-mdp", &[&own[..], more].concat(), RELU)
}

/// As long as all errors are below 1, Huber's loss of one atom at τ = 1/2 is a multiple of the squared error,
/// to whose scale Adam is blind: the two variants are one but for rounding.
#[test]
fn one_atom_is_a_critic_of_the_squared_error() {
    let own =
        [("discount", Value::Number(0.0)), ("noise", Value::Number(0.0)), ("steps", Value::Integer(100))];
    let plain = run(&settings("overestimation-mdp", &own, RELU), 3).unwrap();
    let one = run(&mixture(1, 1, 0, &own), 3).unwrap();
    for name in ["bias_mean", "bias_variance", "bias_policy", "policy_value"] {
        let (a, b) = (plain.figure(name).unwrap(), one.figure(name).unwrap());
        assert!((a - b).abs() < 5e-3, "{name}: {a} {b}");
    }
}

#[test]
fn a_mixture_without_a_future_and_noise_has_no_bias_either() {
    let own =
        [("discount", Value::Number(0.0)), ("noise", Value::Number(0.0)), ("steps", Value::Integer(1500))];
    let outcome = run(&mixture(2, 5, 2, &own), 0).unwrap();
    assert!(outcome.figure("bias_mean").unwrap().abs() < 0.02, "{outcome:?}");
    assert!(outcome.figure("policy_error").unwrap() < 0.05, "{outcome:?}");
}

/// Each atom that is left out lowers what targets say.
#[test]
fn the_more_atoms_are_dropped_the_lower_the_bias() {
    let bias = |dropped| {
        let own = [("discount", Value::Number(0.9)), ("steps", Value::Integer(300))];
        let of_seed = |seed| {
            let outcome = run(&mixture(2, 10, dropped, &own), seed).unwrap();
            outcome.figure("bias_policy").unwrap()
        };
        trimmed_mean(&[0, 1, 2].map(of_seed), 0.1).unwrap()
    };
    let biases = [0, 2, 5, 9].map(bias);
    assert!(biases.windows(2).all(|pair| pair[0] > pair[1]), "{biases:?}");
}

#[test]
fn a_mixture_says_its_atoms_and_nothing_else_does() {
    let parse = |own: &str| {
        let text = format!("name = 'x'\ndiagnostic = {{ name = 'overestimation-mdp'{own} }}\n{RELU}");
        Spec::parse(&text, "x.toml", &[], &catalogue()).map(|_| ()).map_err(|error| error.to_string())
    };
    assert_eq!(parse(""), Ok(()));
    assert_eq!(parse(", combine = 'truncated', atoms = 25, dropped = 0"), Ok(()));
    for (own, words) in [
        (", combine = 'truncated'", "as in atoms = 25, dropped = 2"),
        (", combine = 'truncated', atoms = 25", "as in atoms = 25, dropped = 2"),
        (", combine = 'truncated', atoms = 5, dropped = 5", "leaves nothing of diagnostic.atoms = 5"),
        (", combine = 'min', atoms = 5", "it is \"min\": leave them out"),
        (", dropped = 0", "it is \"mean\": leave them out"),
    ] {
        let error = parse(own).unwrap_err();
        assert!(error.starts_with("x.toml:2: ") && error.contains(words), "{error}");
    }
}

#[test]
fn what_is_no_number_any_more_is_an_outcome() {
    let wild = "network = { kind = 'mlp', hidden = [8] }\nactivation = 'relu'\n\
                optimizer = { name = 'sgd', learning_rate = 1e5 }";
    for name in ["overestimation-fit", "overestimation-mdp"] {
        let outcome = run(&settings(name, &[], wild), 0).unwrap();
        assert!(matches!(outcome, Outcome::Diverged { .. }), "{outcome:?}");
        assert_eq!(outcome.figure("bias_mean"), None);
    }
    let mut mixture = mixture(2, 5, 1, &[]);
    // The gradient is bounded, whatever the error: it takes a wilder rate.
    mixture.optimizer = settings("overestimation-mdp", &[], wild).optimizer;
    mixture.optimizer.parameters.insert("learning_rate".into(), Value::Number(1e30));
    let outcome = run(&mixture, 0).unwrap();
    assert!(matches!(outcome, Outcome::Diverged { .. }), "{outcome:?}");
    let cnn = "network = 'cnn'\nactivation = 'relu'\noptimizer = 'adam'";
    let error = run(&settings("overestimation-fit", &[], cnn), 0).unwrap_err().to_string();
    assert!(error.contains("network.kind = \"mlp\""), "{error}");
}

/// Whatever a spec can name can stand in the polynomial's place.
#[test]
fn every_activation_and_constraint_can_be_diagnosed() {
    let catalogue = catalogue();
    let fixed = catalogue.section("activations").iter().map(|entry| format!("'{}'", entry.name));
    let constrained = catalogue.section("constraints").iter().map(|entry| {
        // The one constraint that asks for a bounded tail.
        let numerator = if entry.name == "proper-degree" { 2 } else { 3 };
        format!("{{ name = 'rational', degrees = [{numerator}, 2], constraint = '{}' }}", entry.name)
    });
    for activation in fixed.chain(constrained) {
        let sections = format!(
            "network = {{ kind = 'mlp', hidden = [8] }}\nactivation = {activation}\noptimizer = 'adam'"
        );
        for name in ["overestimation-fit", "overestimation-mdp"] {
            let outcome = run(&settings(name, &[("steps", Value::Integer(3))], &sections), 0).unwrap();
            let Outcome::Figures(figures) = outcome else { panic!("{activation}: {outcome:?}") };
            assert!(figures.iter().all(|(_, value)| value.is_finite()), "{activation}: {figures:?}");
        }
    }
}

#[test]
fn trimmed_means_leave_out_both_ends() {
    assert_eq!(trimmed_mean(&[9.0, 1.0, 2.0, 3.0, -50.0, 4.0, 5.0, 6.0, 7.0, 8.0], 0.1), Some(4.5));
    assert_eq!(trimmed_mean(&[3.0, 1.0], 0.1), Some(2.0));
    assert_eq!(trimmed_mean(&[], 0.1), None);
}
