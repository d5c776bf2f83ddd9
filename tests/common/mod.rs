//! Shared by the integration tests: choices with their defaults.
#![allow(dead_code, reason = "each test file uses a part of it")]

pub mod replay;

use std::collections::BTreeMap;

use plasticity_bench::nn::activation;
use plasticity_bench::spec::{
    Augmentation, Choice, DataPlan, Entry, ExamplesFrom, Head, Length, Order, Plan, ProbesPlan, Scaling,
    StreamPlan, Value, Work,
};

/// An entry's choice with every default.
pub fn defaults(entry: &Entry) -> Choice {
    Choice::of(entry)
}

/// An activation by name with its defaults.
pub fn activation(name: &str) -> Choice {
    let registry = activation::registry();
    let known = registry.iter().find(|r| r.entry.name == name);
    defaults(&known.unwrap_or_else(|| panic!("no activation {name}")).entry)
}

/// An MLP with the given hidden widths.
pub fn mlp(hidden: &[i64]) -> Choice {
    let mut choice = defaults(&plasticity_bench::nn::entries()[0]);
    choice.parameters.insert("hidden".into(), Value::Integers(hidden.to_vec()));
    choice
}

/// A small plan on generated digits: shuffled labels, one hidden layer pair.
pub fn plan(activation: Choice) -> Plan {
    let adam = defaults(&plasticity_bench::optimizers::entries()[0]);
    Plan {
        name: "test".into(),
        source: String::new(),
        work: Work::Supervised {
            data: DataPlan {
                dataset: "generated-digits".into(),
                scaling: Scaling::Symmetric,
                augmentation: Augmentation::None,
            },
            stream: StreamPlan {
                family: Choice { name: "shuffled-labels".into(), parameters: BTreeMap::new() },
                tasks: 2,
                examples: Some(64),
                examples_from: ExamplesFrom::Seed,
                length: Length::Steps(60),
                batch_size: 16,
                drop_last: false,
                order: Order::Reshuffled,
                head: Head::Single,
                transition: None,
                scaling_shock: None,
            },
        },
        network: mlp(&[16, 16]),
        activation,
        optimizer: adam,
        methods: Vec::new(),
        probes: ProbesPlan { names: Vec::new(), samples: 64, plasticity_gap: false, retention: false },
        seed: 0,
    }
}
