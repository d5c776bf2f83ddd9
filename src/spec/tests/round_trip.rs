//! Any plan that the catalogue allows is written as a spec that is that plan again.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::spec::{axes, values};

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
        Kind::OptionalIntegers { min, max, lengths: (least, most) } => {
            let some = prop::collection::vec(min..=max, least..=most.min(20));
            or_none(true, some.prop_map(|list| Some(Value::Integers(list))).boxed())
        }
        Kind::Integers { min, max, lengths: (least, most), .. } => {
            prop::collection::vec(min..=max, least..=most)
                .prop_map(|list| Some(Value::Integers(list)))
                .boxed()
        }
        Kind::Path | Kind::Name { .. } => unreachable!("keys of sections alone"),
        Kind::Names { of } => {
            let known: Vec<&str> = catalogue().section(of).iter().map(|entry| entry.name).collect();
            let list = prop::collection::vec(select(known), 0..4);
            let names = list.prop_map(|list| list.into_iter().map(str::to_owned).collect());
            or_none(true, names.prop_map(|names| Some(Value::Names(names))).boxed())
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
        any::<bool>(),
        select(vec![Order::Reshuffled, Order::Fixed]),
        select(vec![Head::Single, Head::Masked, Head::Multi]),
        (transition(), prop::option::of(1usize..100)),
    )
        .prop_map(
            |(
                family,
                tasks,
                examples,
                examples_from,
                length,
                batch_size,
                drop_last,
                order,
                head,
                changes,
            )| {
                let (transition, scaling_shock) = changes;
                StreamPlan {
                    family,
                    tasks,
                    examples,
                    examples_from,
                    length,
                    batch_size,
                    drop_last,
                    order,
                    head,
                    transition,
                    scaling_shock,
                }
            },
        )
}

fn transition() -> impl Strategy<Value = Option<Transition>> {
    let forms = vec![TransitionForm::Mixture, TransitionForm::Labels, TransitionForm::Inputs];
    prop::option::of((select(forms), 1usize..100_000).prop_map(|(form, steps)| Transition { form, steps }))
}

fn control() -> impl Strategy<Value = ControlPlan> {
    let environment = select(vec!["walker-walk", "walker-run", "python:gymnasium/Ant-v5"]);
    let counts = (1usize..1000, 1usize..1_000_000, 1usize..1_000_000_000, 1usize..100_000, 0usize..10_000);
    let critic = (
        prop::option::of(choice("networks")),
        prop::option::of(choice("activations")),
        prop::option::of(choice("optimizers")),
        prop::option::of(methods()),
    );
    let python = prop::option::of("[ -~]{1,20}");
    (environment, python, counts, choice("changes"), choice("agents"), critic).prop_map(
        |(environment, python, (action_repeat, tasks, steps, every, episodes), change, agent, critic)| {
            ControlPlan {
                environment: environment.to_owned(),
                python,
                action_repeat,
                change,
                tasks,
                steps,
                agent,
                critic: CriticPlan {
                    network: critic.0,
                    activation: critic.1,
                    optimizer: critic.2,
                    methods: critic.3,
                },
                evaluate_every: every,
                evaluation_episodes: episodes,
            }
        },
    )
}

/// None, or one: the test's catalogue has no two.
fn methods() -> impl Strategy<Value = Vec<Choice>> {
    let given = |method: &Choice| method.name != "none";
    choice("methods").prop_map(move |method| if given(&method) { vec![method] } else { Vec::new() })
}

fn work() -> impl Strategy<Value = Work> {
    let scaling = select(vec![Scaling::Unit, Scaling::Symmetric, Scaling::Standardize]);
    let augmentation = select(vec![Augmentation::None, Augmentation::CropFlip]);
    let data = (select(vec!["mnist", "generated-digits"]), scaling, augmentation).prop_map(
        |(dataset, scaling, augmentation)| DataPlan { dataset: dataset.to_owned(), scaling, augmentation },
    );
    prop_oneof![
        (data, stream()).prop_map(|(data, stream)| Work::Supervised { data, stream }),
        control().prop_map(Work::Control),
        choice("diagnostics").prop_map(Work::Diagnostic),
    ]
}

fn any_plan() -> impl Strategy<Value = Plan> {
    let heading = ("[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}", any::<String>(), 0..=i64::MAX as u64);
    let probes = (prop::collection::vec(any::<bool>(), 3), 1usize..100_000, any::<bool>(), any::<bool>());
    let choices = (choice("networks"), choice("activations"), choice("optimizers"), methods());
    (heading, work(), choices, probes)
        .prop_map(|((name, source, seed), work, choices, (taken, samples, gap, retention))| {
            let names = ["srank", "dead_units", "curvature"].into_iter().zip(taken);
            // A diagnostic has no layers to look at.
            let looks = !matches!(work, Work::Diagnostic(_));
            Plan {
                name,
                source,
                work,
                network: choices.0,
                activation: choices.1,
                optimizer: choices.2,
                methods: choices.3,
                probes: ProbesPlan {
                    names: names
                        .filter(|(_, taken)| looks && *taken)
                        .map(|(name, _)| name.to_owned())
                        .collect(),
                    samples: if looks { samples } else { 1 },
                    plasticity_gap: looks && gap,
                    retention: looks && retention,
                },
                seed,
            }
        })
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

    /// What is no setting could vary in a grid without a word in any table.
    #[test]
    fn plans_that_differ_differ_in_a_setting(one in any_plan(), other in any_plan()) {
        let other = Plan { source: one.source.clone(), seed: one.seed, ..other };
        // Two plans drawn apart hardly ever differ in one place alone: each part is exchanged by itself.
        let parts = [
            other.clone(),
            Plan { work: other.work.clone(), probes: other.probes.clone(), ..one.clone() },
            Plan { network: other.network.clone(), ..one.clone() },
            Plan { activation: other.activation.clone(), ..one.clone() },
            Plan { optimizer: other.optimizer.clone(), ..one.clone() },
            Plan { methods: other.methods.clone(), ..one.clone() },
        ];
        let looked_at = [&one, &other].iter().all(|plan| !matches!(plan.work, Work::Diagnostic(_)));
        let probes = looked_at.then(|| Plan { probes: other.probes.clone(), ..one.clone() });
        for mixed in parts.into_iter().chain(probes).chain(exchanged(&one, &other)) {
            prop_assert!(mixed == one || mixed.settings() != one.settings(), "{:?}", mixed);
            let keys: Vec<String> = axes(&[&one, &mixed]).into_iter().map(|axis| axis.key).collect();
            prop_assert!(mixed == one || values(&mixed, &keys) != values(&one, &keys), "{:?}", mixed);
            prop_assert!(mixed != one || mixed.to_toml() != one.to_toml() || mixed.settings() == one.settings());
        }
    }
}

/// The first plan with one field of its sections after the other taken from the second one.
fn exchanged(one: &Plan, other: &Plan) -> Vec<Plan> {
    let with = |work: Work| Plan { work, ..one.clone() };
    match (&one.work, &other.work) {
        (Work::Supervised { data, stream }, Work::Supervised { data: d, stream: s }) => {
            let of_data = |data: DataPlan| with(Work::Supervised { data, stream: stream.clone() });
            let of_stream = |stream: StreamPlan| with(Work::Supervised { data: data.clone(), stream });
            vec![
                of_data(DataPlan { dataset: d.dataset.clone(), ..data.clone() }),
                of_data(DataPlan { scaling: d.scaling, ..data.clone() }),
                of_data(DataPlan { augmentation: d.augmentation, ..data.clone() }),
                of_stream(StreamPlan { family: s.family.clone(), ..stream.clone() }),
                of_stream(StreamPlan { tasks: s.tasks, ..stream.clone() }),
                of_stream(StreamPlan { examples: s.examples, ..stream.clone() }),
                of_stream(StreamPlan { examples_from: s.examples_from, ..stream.clone() }),
                of_stream(StreamPlan { length: s.length, ..stream.clone() }),
                of_stream(StreamPlan { batch_size: s.batch_size, ..stream.clone() }),
                of_stream(StreamPlan { drop_last: s.drop_last, ..stream.clone() }),
                of_stream(StreamPlan { order: s.order, ..stream.clone() }),
                of_stream(StreamPlan { head: s.head, ..stream.clone() }),
                of_stream(StreamPlan { transition: s.transition, ..stream.clone() }),
                of_stream(StreamPlan { scaling_shock: s.scaling_shock, ..stream.clone() }),
            ]
        }
        (Work::Control(a), Work::Control(b)) => {
            let critic = |critic: CriticPlan| with(Work::Control(ControlPlan { critic, ..a.clone() }));
            let with = |control: ControlPlan| with(Work::Control(control));
            vec![
                with(ControlPlan { environment: b.environment.clone(), ..a.clone() }),
                with(ControlPlan { action_repeat: b.action_repeat, ..a.clone() }),
                with(ControlPlan { change: b.change.clone(), ..a.clone() }),
                with(ControlPlan { tasks: b.tasks, ..a.clone() }),
                with(ControlPlan { steps: b.steps, ..a.clone() }),
                with(ControlPlan { agent: b.agent.clone(), ..a.clone() }),
                with(ControlPlan { evaluate_every: b.evaluate_every, ..a.clone() }),
                with(ControlPlan { evaluation_episodes: b.evaluation_episodes, ..a.clone() }),
                critic(CriticPlan { network: b.critic.network.clone(), ..a.critic.clone() }),
                critic(CriticPlan { activation: b.critic.activation.clone(), ..a.critic.clone() }),
                critic(CriticPlan { optimizer: b.critic.optimizer.clone(), ..a.critic.clone() }),
                critic(CriticPlan { methods: b.critic.methods.clone(), ..a.critic.clone() }),
            ]
        }
        _ => Vec::new(),
    }
}
