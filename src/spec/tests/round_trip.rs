//! Any plan that the catalogue allows is written as a spec that is that plan again.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::select;

use super::*;

fn value(kind: Kind) -> BoxedStrategy<Option<Value>> {
    match kind {
        Kind::Number { default, min, max } => {
            let edges = [min, max, f64::MIN_POSITIVE, 0.1 + 0.2, 1e-7, 123_456_789.0, -0.0];
            let edges: Vec<f64> = edges.into_iter().filter(|x| (min..=max).contains(x)).collect();
            let bits = any::<f64>().prop_filter("in range", move |x| (min..=max).contains(x));
            let some = prop_oneof![select(edges), bits].prop_map(|x| Some(Value::Number(x)));
            or_none(default.is_none(), some.boxed())
        }
        Kind::Integer { default, min, max } => {
            or_none(default.is_none(), (min..=max).prop_map(|i| Some(Value::Integer(i))).boxed())
        }
        Kind::Text { default, one_of } => {
            let some = select(one_of).prop_map(|word| Some(Value::Text(word.to_owned())));
            or_none(default.is_none(), some.boxed())
        }
        Kind::Flag { .. } => any::<bool>().prop_map(|flag| Some(Value::Flag(flag))).boxed(),
        Kind::Integers { min, max, lengths: (least, most), .. } => {
            prop::collection::vec(min..=max, least..=most)
                .prop_map(|list| Some(Value::Integers(list)))
                .boxed()
        }
        Kind::Choice { of, .. } => choice(of).prop_map(|choice| Some(Value::Choice(choice))).boxed(),
    }
}

/// A parameter without a default may be absent.
fn or_none(optional: bool, some: BoxedStrategy<Option<Value>>) -> BoxedStrategy<Option<Value>> {
    if optional { prop_oneof![Just(None), some].boxed() } else { some }
}

fn choice(section: &'static str) -> BoxedStrategy<Choice> {
    select(catalogue().section(section).to_vec())
        .prop_flat_map(|entry| {
            let values: Vec<_> = entry.parameters.iter().map(|p| (Just(p.name), value(p.kind))).collect();
            (Just(entry.name), values)
        })
        .prop_map(|(name, values)| Choice {
            name: name.to_owned(),
            parameters: values
                .into_iter()
                .filter_map(|(key, value)| Some((key.to_owned(), value?)))
                .collect::<BTreeMap<_, _>>(),
        })
        .boxed()
}

fn stream() -> impl Strategy<Value = StreamPlan> {
    let length =
        prop_oneof![(1usize..1_000_000_000).prop_map(Length::Steps), (1usize..9).prop_map(Length::Epochs)];
    (
        choice("families"),
        1usize..=1_000_000,
        prop::option::of(1usize..=1_000_000_000),
        select(vec![ExamplesFrom::Seed, ExamplesFrom::First]),
        length,
        1usize..100_000,
        select(vec![Order::Reshuffled, Order::Fixed]),
        select(vec![Head::Single, Head::Masked, Head::Multi]),
    )
        .prop_map(|(family, tasks, examples, examples_from, length, batch_size, order, head)| {
            StreamPlan { family, tasks, examples, examples_from, length, batch_size, order, head }
        })
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let heading = ("[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}", any::<String>(), 0..=i64::MAX as u64);
    let scaling = select(vec![Scaling::Unit, Scaling::Symmetric, Scaling::Standardize]);
    let augmentation = select(vec![Augmentation::None, Augmentation::CropFlip]);
    let data = (select(vec!["mnist", "generated-digits"]), scaling, augmentation);
    let probes = (prop::collection::vec(any::<bool>(), 3), 1usize..100_000, any::<bool>());
    let choices = (choice("networks"), choice("activations"), choice("optimizers"), choice("methods"));
    (heading, data, stream(), choices, probes)
        .prop_map(
            |(
                (name, source, seed),
                (dataset, scaling, augmentation),
                stream,
                choices,
                (taken, samples, gap),
            )| {
                let names = ["srank", "dead_units", "curvature"].into_iter().zip(taken);
                Plan {
                    name,
                    source,
                    work: Work::Supervised {
                        data: DataPlan { dataset: dataset.to_owned(), scaling, augmentation },
                        stream,
                    },
                    network: choices.0,
                    activation: choices.1,
                    optimizer: choices.2,
                    methods: if choices.3.name == "none" { Vec::new() } else { vec![choices.3] },
                    probes: ProbesPlan {
                        names: names.filter(|(_, taken)| *taken).map(|(name, _)| name.to_owned()).collect(),
                        samples,
                        plasticity_gap: gap,
                    },
                    seed,
                }
            },
        )
        .prop_filter("the catalogue's rule", |plan| {
            catalogue().rules.iter().all(|rule| (rule.check)(plan).is_ok())
        })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_written_is_the_plan_read(plan in any_plan()) {
        let text = plan.to_toml();
        let read = plans(&text);
        prop_assert_eq!(&read[..], std::slice::from_ref(&plan), "{}", text);
        // Equality cannot tell 0.0 from -0.0; the text can.
        prop_assert_eq!(read[0].to_toml(), text);
        prop_assert_eq!(read[0].slug(), plan.slug());
    }
}

#[test]
fn the_record_of_a_run_can_itself_be_run() {
    let plan = &plans(&base_and("[grid]\nseeds = 4\n"))[0];
    let record = format!(
        "{}\n[run]\nstatus = \"done\"\nseconds = 1.5\nfinished = 2026-01-02T03:04:05Z\n",
        plan.to_toml()
    );
    assert_eq!(&plans(&record)[..], std::slice::from_ref(plan));
}
