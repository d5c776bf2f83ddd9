//! What a network says of its layers: without its outgoing columns a unit is cut off, in every layout.

mod common;

use candle_core::{DType, Device, Tensor, Var};
use plasticity_bench::nn::{self, Blueprint, Network, Pass};
use plasticity_bench::random::Stream;
use plasticity_bench::spec::{Choice, Value};

const DIMS: (usize, usize, usize) = (2, 8, 8);

fn build(kind: &str, settings: &[(&str, Value)], activation: &str) -> Box<dyn Network> {
    let entry = nn::entries().into_iter().find(|entry| entry.name == kind).unwrap();
    let mut network: Choice = common::defaults(&entry);
    network.parameters.extend(settings.iter().map(|(key, value)| ((*key).to_string(), value.clone())));
    let activation = common::activation(activation);
    let blueprint =
        Blueprint { network: &network, activation: &activation, dims: DIMS, outputs: 3, dtype: DType::F64 };
    nn::build_from(&blueprint, &mut Stream::new(3, "init", 0)).unwrap()
}

fn networks() -> Vec<(String, Box<dyn Network>)> {
    let integers = |list: &[i64]| Value::Integers(list.to_vec());
    let mut all = Vec::new();
    for activation in ["tanh", "crelu"] {
        let hidden = ("hidden", integers(&[8, 6]));
        let normalized = ("norm", Value::Text("layer".into()));
        all.push((format!("mlp {activation}"), build("mlp", std::slice::from_ref(&hidden), activation)));
        all.push((format!("mlp, layer norm, {activation}"), build("mlp", &[hidden, normalized], activation)));
        let cnn = [
            ("channels", integers(&[4, 6])),
            ("kernel", Value::Integer(3)),
            ("padding", Value::Integer(1)),
            ("hidden", integers(&[6])),
        ];
        all.push((format!("cnn {activation}"), build("cnn", &cnn, activation)));
    }
    for norm in ["batch", "group", "none"] {
        let mut settings = vec![("width", Value::Integer(2)), ("norm", Value::Text(norm.into()))];
        settings.extend((norm == "group").then_some(("groups", Value::Integer(2))));
        all.push((format!("resnet18 {norm}"), build("resnet18", &settings, "tanh")));
    }
    for activation in ["tanh", "crelu"] {
        let sizes = [("width", 4), ("depth", 2), ("heads", 2)].map(|(key, size)| (key, Value::Integer(size)));
        all.push((format!("vit {activation}"), build("vit", &sizes, activation)));
    }
    all
}

fn outputs(network: &dyn Network) -> Vec<f64> {
    let mut stream = Stream::new(5, "test", 0);
    let features = DIMS.0 * DIMS.1 * DIMS.2;
    let pixels: Vec<f64> = (0..4 * features).map(|_| stream.normal()).collect();
    let x = Tensor::from_vec(pixels, (4, features), &Device::Cpu).unwrap();
    network.forward(&x, &Pass::Evaluate).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

fn values(var: &Var) -> Vec<f64> {
    var.flatten_all().unwrap().to_vec1().unwrap()
}

fn change(var: &Var, change: impl FnOnce(&mut [f64])) {
    let mut all = values(var);
    change(&mut all);
    var.set(&Tensor::from_vec(all, var.shape(), &Device::Cpu).unwrap()).unwrap();
}

#[test]
fn a_unit_without_outgoing_columns_is_cut_off() {
    for (name, network) in networks() {
        let parameters = network.parameters();
        let mut cut = 0;
        for layer in network.layers().iter().filter(|layer| layer.activation.is_some()) {
            // A group normalisation ties the units of a group together before their activation.
            let tied = name.contains("group") || name.contains("layer norm");
            let unit = layer.units() / 2;
            let before: Vec<Vec<f64>> = parameters.iter().map(|p| values(&p.values)).collect();
            let stir = || {
                let place = match (layer.norm, layer.bias) {
                    (Some(norm), _) => norm.shift,
                    (None, bias) => bias.unwrap(),
                };
                change(&parameters[place].values, |all| all[unit] += 0.5);
                if !tied {
                    let weight = &parameters[layer.weight].values;
                    let row = weight.elem_count() / layer.units();
                    change(weight, |all| {
                        all[unit * row..(unit + 1) * row].iter_mut().for_each(|w| *w += 0.1);
                    });
                }
            };
            let usual = outputs(&*network);
            stir();
            assert_ne!(outputs(&*network), usual, "{name} {}: nothing was tested", layer.name);
            for feed in &layer.feeds {
                let weight = &parameters[network.layers()[feed.layer].weight].values;
                let columns = weight.elem_count() / weight.dims()[0];
                assert_eq!(columns, layer.features * feed.columns_per_feature, "{name} {}", layer.name);
                change(weight, |all| {
                    for row in all.chunks_exact_mut(columns) {
                        layer.outgoing(unit, *feed).for_each(|range| row[range].fill(0.0));
                    }
                });
            }
            let silent = outputs(&*network);
            stir();
            let same = outputs(&*network) == silent;
            assert_eq!(same, !layer.bypassed, "{name} {}", layer.name);
            cut += usize::from(same);
            for (parameter, values) in parameters.iter().zip(before) {
                change(&parameter.values, |all| all.copy_from_slice(&values));
            }
        }
        assert!(cut >= 2, "{name}");
        let head = network.layers().last().unwrap();
        assert!(head.feeds.is_empty() && head.activation.is_none() && head.bias.is_some());
    }
}
