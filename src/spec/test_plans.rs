//! Plans for the tests of this room and of those that run them and read them back.

use std::collections::BTreeMap;

use crate::spec::{
    Augmentation, Choice, DataPlan, ExamplesFrom, Head, Length, Order, Plan, ProbesPlan, Scaling, StreamPlan,
    Value, Work,
};

fn bare(name: &str) -> Choice {
    Choice { name: name.into(), parameters: BTreeMap::new() }
}

/// Fifty tasks of 100 steps with Adam.
pub fn plan(activation: &str, seed: u64) -> Plan {
    let mut optimizer = bare("adam");
    optimizer.parameters.insert("learning_rate".into(), Value::Number(1e-4));
    let mut network = bare("mlp");
    network.parameters.insert("hidden".into(), Value::Integers(vec![100, 100]));
    Plan {
        name: "bench".into(),
        source: String::new(),
        work: Work::Supervised {
            data: DataPlan {
                dataset: "mnist".into(),
                scaling: Scaling::Unit,
                augmentation: Augmentation::None,
            },
            stream: StreamPlan {
                family: bare("shuffled-labels"),
                tasks: 50,
                examples: Some(1200),
                examples_from: ExamplesFrom::Seed,
                length: Length::Steps(100),
                batch_size: 16,
                order: Order::Reshuffled,
                drop_last: false,
                head: Head::Single,
                transition: None,
                scaling_shock: None,
            },
        },
        network,
        activation: bare(activation),
        optimizer,
        methods: Vec::new(),
        probes: ProbesPlan {
            names: vec!["srank".into()],
            samples: 100,
            plasticity_gap: false,
            retention: false,
        },
        seed,
    }
}

/// The same with a rational activation under a constraint.
pub fn rational(constraint: &str, bound: Option<f64>, seed: u64) -> Plan {
    let mut plan = plan("rational", seed);
    let mut choice = bare(constraint);
    choice.parameters.extend(bound.map(|b| ("bound".to_owned(), Value::Number(b))));
    plan.activation.parameters.insert("constraint".into(), Value::Choice(choice));
    plan
}
