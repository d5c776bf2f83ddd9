//! One run: what is taken over, and what is filled in.

use super::*;

#[test]
fn a_spec_without_a_grid_is_one_run_with_seed_0() {
    let plans = plans(BASE);
    assert_eq!(plans.len(), 1);
    let plan = &plans[0];
    assert_eq!((plan.name.as_str(), plan.source.as_str(), plan.seed), ("bench", "a paper", 0));
    assert_eq!(
        plan.data(),
        &DataPlan { dataset: "mnist".into(), scaling: Scaling::Unit, augmentation: Augmentation::None }
    );
    let stream = &plan.stream();
    assert_eq!(
        (stream.family.name.as_str(), stream.tasks, stream.examples),
        ("shuffled-labels", 3, Some(100))
    );
    assert_eq!((stream.length, stream.batch_size), (Length::Steps(20), 4));
    assert_eq!((stream.order, stream.examples_from), (Order::Fixed, ExamplesFrom::Seed));
    assert_eq!(plan.network.integers("hidden"), [8, 8]);
    assert_eq!(plan.activation.text("start"), "gelu");
    assert_eq!(plan.activation.choice("constraint").number("bound"), 0.5);
    assert_eq!(plan.optimizer.number("learning_rate"), 1e-3);
}

#[test]
fn what_is_left_out_has_its_default_or_no_value() {
    let plan = &plans(BASE)[0];
    assert_eq!(plan.activation.text("version"), "A");
    assert_eq!(plan.activation.integers("degrees"), [5, 4]);
    assert!(!plan.activation.flag("shared"));
    assert_eq!(plan.activation.optional_number("learning_rate"), None);
    assert_eq!(plan.activation.get("groups"), None);
    assert_eq!(plan.optimizer.number("beta1"), 0.9);
    assert_eq!(plan.methods, []);
    assert_eq!(plan.probes.names, ["srank", "dead_units"], "the standard ones in the catalogue's order");
    assert_eq!((plan.probes.samples, plan.probes.plasticity_gap), (2000, false));

    let short = "name = 'x'\ndata = { dataset = 'mnist' }\nnetwork = 'mlp'\nactivation = 'relu'\noptimizer = 'adam'\n\
                 stream = { family = 'permuted-pixels', tasks = 1, epochs = 2, batch_size = 1 }\n";
    let plan = &plans(short)[0];
    assert_eq!((plan.data().scaling, plan.source.as_str()), (Scaling::Symmetric, ""));
    assert_eq!((plan.stream().examples, plan.stream().length), (None, Length::Epochs(2)));
    assert_eq!((plan.stream().order, plan.stream().examples_from), (Order::Reshuffled, ExamplesFrom::Seed));
    assert_eq!(plan.stream().family.number("share"), 1.0);
    assert_eq!(plan.network.integers("hidden"), [100, 100]);
}

#[test]
fn a_nested_choice_is_a_table_a_word_or_its_default() {
    let constraint = |line: &str| {
        let text = base_with("constraint = { name = \"tail-slope\", bound = 0.5 }", line);
        plans(&text)[0].activation.choice("constraint").clone()
    };
    assert_eq!(constraint("constraint = \"tail-slope\"").number("bound"), 1.0);
    assert_eq!(constraint("constraint.name = \"freeze-after\"\nconstraint.tasks = 4").integer("tasks"), 4);
    assert_eq!(constraint("").name, "none");
}

#[test]
fn integers_are_taken_where_floats_are_expected() {
    let plan = &plans(&base_with("learning_rate = 1e-3", "learning_rate = 1"))[0];
    assert_eq!(plan.optimizer.get("learning_rate"), Some(&Value::Number(1.0)));
}

#[test]
fn integers_may_be_written_in_every_way_that_toml_has() {
    for (written, tasks) in [("1_000", 1000), ("0x10", 16), ("0b11", 3), ("+7", 7)] {
        assert_eq!(plans(&base_with("tasks = 3", &format!("tasks = {written}")))[0].stream().tasks, tasks);
    }
}

#[test]
fn probes_come_in_the_catalogues_order_and_once() {
    let text = base_and(
        "[probes]\nnames = ['curvature', 'srank', 'curvature']\nsamples = 64\nplasticity_gap = true\n",
    );
    let plan = &plans(&text)[0];
    assert_eq!(plan.probes.names, ["srank", "curvature"]);
    assert_eq!((plan.probes.samples, plan.probes.plasticity_gap), (64, true));
    assert!(plans(&base_and("[probes]\nnames = []\n"))[0].probes.names.is_empty());
}

#[test]
fn a_batch_may_be_larger_than_the_examples() {
    assert_eq!(plans(&base_with("batch_size = 4", "batch_size = 400"))[0].stream().batch_size, 400);
}
