//! Many runs: axes, variants, seeds, `--set`, and how they are laid over each other.

use super::*;

/// Activation, its slope or constraint, learning rate, seed: what the grids below vary.
fn told(plan: &Plan) -> String {
    let rate = super::super::number(plan.optimizer.number("learning_rate"));
    let detail = match plan.activation.name.as_str() {
        "leaky_relu" => super::super::number(plan.activation.number("slope")),
        "rational" => plan.activation.choice("constraint").name.clone(),
        _ => "-".into(),
    };
    format!("{} {detail} {} {rate} {}", plan.activation.name, plan.optimizer.name, plan.seed)
}

fn told_all(text: &str, sets: &[&str]) -> Vec<String> {
    plans_with(text, sets).iter().map(told).collect()
}

const GRID: &str = "\
[grid]
seeds = \"0..2\"
activation = [{ name = \"relu\" }, { name = \"leaky_relu\", slope = 0.1 }]
\"optimizer.learning_rate\" = [1e-2, 1]
";

#[test]
fn the_product_is_run_seed_by_seed_with_the_first_axis_slowest() {
    assert_eq!(
        told_all(&base_and(GRID), &[]),
        [
            "relu - adam 0.01 0",
            "relu - adam 1 0",
            "leaky_relu 0.1 adam 0.01 0",
            "leaky_relu 0.1 adam 1 0",
            "relu - adam 0.01 1",
            "relu - adam 1 1",
            "leaky_relu 0.1 adam 0.01 1",
            "leaky_relu 0.1 adam 1 1",
        ]
    );
}

#[test]
fn seeds_are_text_numbers_or_lists_and_can_be_overridden() {
    for (written, seeds) in [
        ("\"0..3\"", vec![0, 1, 2]),
        ("\"7,3\"", vec![7, 3]),
        ("5", vec![5]),
        ("[2, 0, 2]", vec![2, 0]),
        ("[\"0..2\", 9]", vec![0, 1, 9]),
    ] {
        let found: Vec<u64> =
            plans(&base_and(&format!("[grid]\nseeds = {written}\n"))).iter().map(|p| p.seed).collect();
        assert_eq!(found, seeds, "{written}");
    }
    let spec = parse_with(&base_and(GRID), &[]).unwrap();
    let plans = spec.plans(Some("10..12")).unwrap();
    assert_eq!(plans.iter().map(|plan| plan.seed).collect::<Vec<_>>(), [10, 10, 10, 10, 11, 11, 11, 11]);
    assert_eq!(spec.plans(Some("4")).unwrap().len(), 4);
}

#[test]
fn axes_may_be_dotted_tables_or_lists_of_lists() {
    let text = base_and("[grid]\noptimizer.learning_rate = [1, 2]\n[grid.network]\nhidden = [[4], [4, 4]]\n");
    let found: Vec<(f64, usize)> = plans(&text)
        .iter()
        .map(|p| (p.optimizer.number("learning_rate"), p.network.integers("hidden").len()))
        .collect();
    assert_eq!(found, [(1.0, 1), (1.0, 2), (2.0, 1), (2.0, 2)]);
}

#[test]
fn a_section_is_laid_before_keys_within_it_whatever_their_order() {
    let text = base_and(
        "[grid]\n\"activation.constraint\" = [\"none\", \"freeze-after\"]\nactivation = [{ name = \"rational\", start = \"relu\" }]\n",
    );
    assert_eq!(told_all(&text, &[]), ["rational none adam 1e-3 0", "rational freeze-after adam 1e-3 0"]);
}

#[test]
fn runs_that_come_out_the_same_are_run_once() {
    let text = base_and("[grid]\n\"optimizer.learning_rate\" = [1e-3, 0.001, 1e-2]\n");
    assert_eq!(told_all(&text, &[]), ["rational tail-slope adam 1e-3 0", "rational tail-slope adam 0.01 0"]);
    assert_eq!(told_all(&text, &["optimizer.learning_rate=1"]), ["rational tail-slope adam 1 0"]);
}

const VARIANTS: &str = "\
[grid]
seeds = [3, 4]

[[variants]]
activation = { name = \"relu\" }
\"optimizer.learning_rate\" = 1e-2

[[variants]]
activation = \"leaky_relu\"
optimizer = { name = \"sgd\" }

[[variants]]
[variants.activation]
constraint = \"none\"
";

#[test]
fn variants_replace_the_product_and_seeds_still_come_from_the_grid() {
    let mut wanted = Vec::new();
    for seed in [3, 4] {
        wanted.push(format!("relu - adam 0.01 {seed}"));
        wanted.push(format!("leaky_relu 0.01 sgd 1e-3 {seed}"));
        wanted.push(format!("rational none adam 1e-3 {seed}"));
    }
    assert_eq!(told_all(&base_and(VARIANTS), &[]), wanted);
}

#[test]
fn another_name_replaces_the_section_and_the_same_name_is_laid_over_it() {
    // BASE's rational starts as gelu and has a bound.
    let activation =
        |over: &str| plans(&base_and(&format!("[[variants]]\nactivation = {over}\n")))[0].activation.clone();
    assert_eq!(activation("{ name = \"rational\", version = \"B\" }").text("start"), "gelu");
    assert_eq!(activation("{ version = \"B\" }").choice("constraint").number("bound"), 0.5);
    let bound = |over: &str| activation(&format!("{{ constraint = {over} }}")).choice("constraint").clone();
    assert_eq!(bound("{ name = \"tail-slope\" }").number("bound"), 0.5);
    assert_eq!(bound("{ bound = 2.0 }").number("bound"), 2.0);
    assert_eq!(bound("\"freeze-after\"").integer("tasks"), 1);
    assert!(activation("\"relu\"").parameters.is_empty());

    // The learning rate of one optimiser is none of another's.
    let text = base_and("[[variants]]\noptimizer = { name = \"sgd\", nesterov = true }\n")
        .replace("= 1e-3", "= 0.5");
    assert_eq!(plans(&text)[0].optimizer.number("learning_rate"), 1e-3);
    // A dotted name changes the name alone.
    let text = base_and("[[variants]]\n\"optimizer.name\" = \"sgd\"\n").replace("= 1e-3", "= 0.5");
    assert_eq!(plans(&text)[0].optimizer.number("learning_rate"), 0.5);
}

#[test]
fn another_family_keeps_the_streams_own_keys_and_loses_the_old_familys() {
    let text = base_with("family = \"shuffled-labels\"", "family = \"permuted-pixels\"\nshare = 0.5")
        + "[[variants]]\nstream = { family = \"split-classes\", groups = 2 }\n[[variants]]\n\"stream.tasks\" = 9\n";
    let found = plans(&text);
    assert_eq!((found[0].stream().tasks, found[0].stream().batch_size), (3, 4));
    assert_eq!(found[0].stream().family.integer("groups"), 2);
    assert_eq!(found[0].stream().family.get("share"), None);
    assert_eq!((found[1].stream().tasks, found[1].stream().family.number("share")), (9, 0.5));
}

#[test]
fn set_is_laid_over_every_run() {
    let text = base_and(VARIANTS);
    let plans = plans_with(
        &text,
        &[
            "stream.tasks=7",
            "name=other",
            "network.hidden=[2, 3]",
            "data.scaling=standardize",
            "probes.names=[]",
        ],
    );
    assert_eq!(plans.len(), 6);
    for plan in plans {
        assert_eq!((plan.stream().tasks, plan.name.as_str()), (7, "other"));
        assert_eq!(plan.network.integers("hidden"), [2, 3]);
        assert_eq!((plan.data().scaling, plan.probes.names.len()), (Scaling::Standardize, 0));
    }
}

#[test]
fn set_descends_into_words_and_replaces_sections() {
    let word = base_with("{ name = \"tail-slope\", bound = 0.5 }", "\"tail-slope\"");
    let bound = |sets: &[&str]| plans_with(&word, sets)[0].activation.choice("constraint").number("bound");
    assert_eq!(bound(&["activation.constraint.bound=3"]), 3.0);
    assert_eq!(
        bound(&["activation.constraint.bound = 1", "activation.constraint.bound=2.5"]),
        2.5,
        "the last counts"
    );
    assert_eq!(
        told_all(&base_and(GRID), &["activation=relu", "grid.seeds=1"]),
        ["relu - adam 0.01 1", "relu - adam 1 1"]
    );
    assert_eq!(
        told_all(BASE, &["activation={ name = 'leaky_relu', slope = 2 }"]),
        ["leaky_relu 2 adam 1e-3 0"]
    );
    assert_eq!(plans_with(BASE, &["source="])[0].source, "");
    assert_eq!(plans_with(BASE, &["method.name=l2-init"])[0].methods[0].number("strength"), 0.01);
}

#[test]
fn set_makes_and_replaces_axes() {
    let sets = ["grid.optimizer.learning_rate=[1, 2]", "grid.seeds=0..1", "grid.activation=['relu']"];
    assert_eq!(told_all(&base_and(GRID), &sets), ["relu - adam 1 0", "relu - adam 2 0"]);
    assert_eq!(told_all(BASE, &["grid.seeds=0..2"]).len(), 2);
}

#[test]
fn a_grid_of_a_hundred_thousand_runs_is_taken_and_one_more_is_not() {
    let spec =
        parse_with(&base_and("[grid]\nseeds = \"0..50000\"\n\"stream.tasks\" = [1, 2]\n"), &[]).unwrap();
    assert_eq!(spec.plans(None).unwrap().len(), 100_000);
    assert_eq!(
        spec.plans(Some("0..50001")).unwrap_err().to_string(),
        "--seeds: the grid has 100002 runs; at most 100000 are taken. Shorten its lists, or split the spec."
    );
}

/// What a `--set` replaces is said where it would be lost, or honoured.
#[test]
fn no_axis_is_lost_to_a_set() {
    let of_sets = ["optimizer={ name = \"sgd\" }", "grid.optimizer.learning_rate=[0.1, 0.01]"];
    assert_eq!(told_all(BASE, &of_sets), ["rational tail-slope sgd 0.1 0", "rational tail-slope sgd 0.01 0"]);
    let of_file = base_and("[grid]\n\"optimizer.learning_rate\" = [0.1, 0.01]\n");
    assert_eq!(
        told_all(&of_file, &["optimizer={ name = \"sgd\" }"]),
        ["rational tail-slope sgd 0.1 0", "rational tail-slope sgd 0.01 0"]
    );
    let quoted = plans_with(BASE, &["grid.\"stream.tasks\"=[1, 2]"]);
    assert_eq!(quoted.iter().map(Plan::tasks).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn a_length_laid_over_a_spec_takes_the_place_of_the_other_one() {
    assert_eq!(plans_with(BASE, &["stream.epochs=3"])[0].stream().length, Length::Epochs(3));
    assert_eq!(plans_with(BASE, &["stream={ epochs = 3 }"])[0].stream().length, Length::Epochs(3));
    let both = parse_with(BASE, &["stream={ epochs = 3, steps = 4 }"]).unwrap_err().to_string();
    assert!(both.contains("both steps and epochs"), "{both}");
}

#[test]
fn methods_are_a_list_and_one_of_them_is_set_by_its_name() {
    let several = base_and("[[method]]\nname = \"l2-init\"\n");
    assert_eq!(plans(&several)[0].methods, plans_with(BASE, &["method=l2-init"])[0].methods);
    assert_eq!(plans_with(&several, &["method.l2-init.strength=0.5"])[0].methods[0].number("strength"), 0.5);
    let twice = parse_with(&several, &["method=[\"l2-init\", \"l2-init\"]"]).unwrap_err().to_string();
    assert!(twice.contains("listed twice"), "{twice}");
    assert_eq!(plans_with(BASE, &["method=[\"none\"]"])[0].methods, []);
}
