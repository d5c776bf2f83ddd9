//! Small networks for the tests of this room: 4 inputs, 2 outputs.

use std::collections::BTreeMap;

use super::hooks::{At, Method, Streams};
use super::registered::Build;
use super::registry;
use crate::kernels::inplace::update;
use crate::nn::{self, Network};
use crate::optimizers::Optimizer;
use crate::random::Stream;
use crate::spec::{Choice, Kind, Plan, Spec, Value};

/// A plan whose TOML ends with `rest`.
pub fn plan(rest: &str) -> Plan {
    let text = format!(
        "name = 'x'\ndata = {{ dataset = 'generated-digits' }}\n\
         stream = {{ family = 'shuffled-labels', tasks = 1, examples = 8, steps = 1, batch_size = 1 }}\n{rest}"
    );
    let catalogue = crate::catalogue::catalogue();
    Spec::parse(&text, "x.toml", &[], &catalogue).unwrap().plans(None).unwrap().remove(0)
}

/// The network of a plan on images of `dims`, with its optimiser.
pub fn network(rest: &str, dims: (usize, usize, usize), seed: u64) -> (Box<dyn Network>, Optimizer) {
    let plan = plan(rest);
    let network = nn::build(&plan, dims, 2, &mut Stream::new(seed, "init", 0)).unwrap();
    let optimizer = Optimizer::new(&plan.optimizer, network.parameters());
    (network, optimizer)
}

/// An MLP of relus under Adam.
pub fn mlp(hidden: &[usize], seed: u64) -> (Box<dyn Network>, Optimizer) {
    let rest = format!(
        "network = {{ kind = 'mlp', hidden = {hidden:?} }}\nactivation = 'relu'\noptimizer = 'adam'\n"
    );
    network(&rest, (1, 2, 2), seed)
}

/// A method with its defaults but for some numbers.
pub fn method(name: &str, settings: &[(&str, f64)], network: &dyn Network) -> Box<dyn Method> {
    let words: Vec<(&str, Value)> = settings.iter().map(|(key, x)| (*key, Value::Number(*x))).collect();
    method_of(name, &words, network)
}

/// A method with its defaults but for some settings. Numbers become integers where the entry wants them.
pub fn method_of(name: &str, settings: &[(&str, Value)], network: &dyn Network) -> Box<dyn Method> {
    let registered = registry::find(name);
    let mut parameters = BTreeMap::new();
    for parameter in registered.entry.parameters {
        let given = settings.iter().find(|(key, _)| *key == parameter.name).map(|(_, value)| value.clone());
        let value = match (parameter.kind, given) {
            (Kind::Integer { .. }, Some(Value::Number(x))) => Some(Value::Integer(x as i64)),
            (_, Some(value)) => Some(value),
            (Kind::Number { default, .. }, None) => default.map(Value::Number),
            (Kind::Integer { default, .. }, None) => default.map(Value::Integer),
            (Kind::Text { default, .. }, None) => default.map(|word| Value::Text(word.into())),
            (Kind::Flag { default }, None) => Some(Value::Flag(default)),
            _ => None,
        };
        parameters.extend(value.map(|value| (parameter.name.to_owned(), value)));
    }
    let Build::Weights(build) = registered.build else { panic!("{name} does not work on weights") };
    build(&Choice { name: name.into(), parameters }, network).unwrap()
}

/// A hook's moment: task `task`, after `steps` steps of it.
pub fn at<'a>(network: &'a dyn Network, optimizer: &'a mut Optimizer, task: usize, steps: usize) -> At<'a> {
    let streams = Streams { seed: 0, network: "", task, step: steps };
    At { task, step: steps, steps: steps as u64, network, optimizer, streams }
}

fn number(network: &dyn Network, name: &str) -> usize {
    network.parameters().iter().position(|p| p.name == name).unwrap_or_else(|| panic!("no parameter {name}"))
}

/// Sets a parameter's values.
pub fn set(network: &dyn Network, name: &str, values: &[f32]) {
    let parameter = &network.parameters()[number(network, name)].values;
    update(parameter, |old| old.copy_from_slice(values)).unwrap();
}

/// A parameter's values.
pub fn get(network: &dyn Network, name: &str) -> Vec<f32> {
    network.parameters()[number(network, name)].to_vec().unwrap()
}

/// Sets every gradient to 0, as after a backward pass that found nothing.
pub fn no_gradients(network: &dyn Network) {
    for parameter in network.parameters() {
        parameter.gradient.reset();
        parameter.gradient.lock().accumulate::<f32>().unwrap();
    }
}

/// A parameter's gradient.
pub fn gradient(network: &dyn Network, name: &str) -> Vec<f32> {
    network.parameters()[number(network, name)].gradient.to_f32().unwrap()
}
