//! Whole transformers (embedding, attention, norms, feed-forward pairs, readout) against central finite differences
//! in f64, in training mode, by every parameter and by the inputs; and what the places of a text are asked for.

mod common;

use std::sync::{Arc, Mutex};

use candle_core::{DType, Device, Tensor, Var};
use plasticity_bench::kernels::loss::Targets;
use plasticity_bench::nn::{self, Blueprint, Network, Pass, Role};
use plasticity_bench::random::Stream;
use plasticity_bench::spec::Value;

const BATCH: usize = 3;
const CLASSES: usize = 3;

struct Case {
    name: String,
    network: Box<dyn Network>,
    inputs: Var,
    labels: Vec<u32>,
}

fn built(
    kind: &str,
    settings: &[(&str, Value)],
    activation: &str,
    dims: (usize, usize, usize),
) -> Box<dyn Network> {
    let entry = nn::entries().into_iter().find(|entry| entry.name == kind).unwrap();
    let mut network = common::defaults(&entry);
    network.parameters.extend(settings.iter().map(|(key, value)| ((*key).to_string(), value.clone())));
    let activation = common::activation(activation);
    let blueprint =
        Blueprint { network: &network, activation: &activation, dims, outputs: CLASSES, dtype: DType::F64 };
    nn::build_from(&blueprint, &mut Stream::new(1, "init", 0)).unwrap()
}

/// Moves all but coefficients off their start, where attention is even and many gradients are nearly 0.
fn stir(network: &dyn Network, stream: &mut Stream) {
    for parameter in network.parameters().iter().filter(|p| !matches!(p.role, Role::Coefficients(_))) {
        let start: Vec<f64> = parameter.values.flatten_all().unwrap().to_vec1().unwrap();
        let moved: Vec<f64> = start.iter().map(|v| v + 0.4 * stream.normal()).collect();
        let moved = Tensor::from_vec(moved, parameter.values.shape(), &Device::Cpu).unwrap();
        parameter.values.set(&moved).unwrap();
    }
}

impl Case {
    fn vit(pool: &str, activation: &str) -> Self {
        let settings = [
            ("patch", Value::Integer(3)),
            ("width", Value::Integer(6)),
            ("depth", Value::Integer(2)),
            ("heads", Value::Integer(2)),
            ("ratio", Value::Integer(2)),
            ("pool", Value::Text(pool.into())),
        ];
        let network = built("vit", &settings, activation, (2, 6, 3));
        let mut stream = Stream::new(4, "test", 0);
        stir(&*network, &mut stream);
        let pixels: Vec<f64> = (0..BATCH * 36).map(|_| stream.normal()).collect();
        Self::with(format!("vit {pool} {activation}"), network, &pixels)
    }

    /// Five characters in a row, of an alphabet of three.
    fn gpt(activation: &str) -> Self {
        let settings = [
            ("width", Value::Integer(6)),
            ("depth", Value::Integer(2)),
            ("heads", Value::Integer(2)),
            ("ratio", Value::Integer(2)),
            ("alphabet", Value::Integer(3)),
        ];
        let network = built("gpt", &settings, activation, (1, 1, 5));
        let mut stream = Stream::new(4, "test", 0);
        stir(&*network, &mut stream);
        let characters: Vec<f64> = (0..BATCH * 5).map(|_| stream.below(3) as f64).collect();
        Self::with(format!("gpt {activation}"), network, &characters)
    }

    fn with(name: String, network: Box<dyn Network>, inputs: &[f64]) -> Self {
        let mut stream = Stream::new(5, "test", 0);
        let inputs = Var::from_slice(inputs, (BATCH, inputs.len() / BATCH), &Device::Cpu).unwrap();
        let labels = (0..BATCH).map(|_| stream.below(CLASSES as u64) as u32).collect();
        Self { name, network, inputs, labels }
    }

    fn loss(&self) -> Tensor {
        let pass = Pass::Train(Arc::new(Mutex::new(Stream::new(9, "activation", 0))));
        let logits = self.network.forward(self.inputs.as_tensor(), &pass).unwrap();
        nn::loss(self.inputs.as_tensor(), &logits, self.labels.clone().into()).unwrap().loss
    }

    fn difference(&self, of: &Var, place: usize) -> f64 {
        let start: Vec<f64> = of.flatten_all().unwrap().to_vec1().unwrap();
        let at = |step: f64| {
            let mut moved = start.clone();
            moved[place] += step;
            of.set(&Tensor::from_vec(moved, of.shape(), &Device::Cpu).unwrap()).unwrap();
            self.loss().to_scalar::<f64>().unwrap()
        };
        let difference = (at(1e-6) - at(-1e-6)) / 2e-6;
        at(0.0);
        difference
    }

    fn check(&self) {
        let close = |what: &str, ours: f64, theirs: f64| {
            let name = &self.name;
            assert!(
                (ours - theirs).abs() < 1e-7 + 1e-5 * theirs.abs(),
                "{name} {what}: {ours} against {theirs}"
            );
        };
        nn::reset_gradients(self.network.parameters());
        let gradients = self.loss().backward().unwrap();
        let dx: Vec<f64> = gradients.get(&self.inputs).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        let mut all: Vec<(&str, Vec<f64>, &Var)> = self
            .network
            .parameters()
            .iter()
            .map(|p| (p.name.as_str(), p.gradient.lock().read::<f64>().unwrap().unwrap().to_vec(), &p.values))
            .collect();
        if self.name.starts_with("gpt") {
            assert!(dx.iter().all(|d| *d == 0.0), "characters have no gradient");
        } else {
            all.push(("inputs", dx, &self.inputs));
        }
        for (name, ours, of) in all {
            let mut seen = 0.0f64;
            for place in (0..ours.len()).step_by(ours.len().div_ceil(12)) {
                let theirs = self.difference(of, place);
                close(&format!("{name}[{place}]"), ours[place], theirs);
                seen = seen.max(theirs.abs());
            }
            // What is added to all keys alike leaves every softmax as it is.
            assert!(seen > 1e-6 || name.ends_with("attn.k.bias"), "{} {name}: nothing was tested", self.name);
        }
    }
}

#[test]
fn gradients_are_finite_differences() {
    for activation in ["relu", "gelu", "rational", "kat", "crelu"] {
        for pool in ["class", "mean"] {
            Case::vit(pool, activation).check();
        }
        Case::gpt(activation).check();
    }
}

/// What comes later changes no answer before it, and every earlier character does.
#[test]
fn a_place_of_a_text_sees_those_before_it_alone() {
    let case = Case::gpt("gelu");
    let answers = |characters: &[f64]| -> Vec<Vec<f64>> {
        let inputs = Tensor::from_slice(characters, (1, 5), &Device::Cpu).unwrap();
        case.network.forward(&inputs, &Pass::Evaluate).unwrap().to_vec2().unwrap()
    };
    let usual = answers(&[0.0, 2.0, 1.0, 1.0, 0.0]);
    for place in 0..5 {
        let mut other = [0.0, 2.0, 1.0, 1.0, 0.0];
        other[place] = (other[place] + 1.0) % 3.0;
        for (at, (a, b)) in answers(&other).iter().zip(&usual).enumerate() {
            assert_eq!(a == b, at < place, "character {place} and answer {at}");
        }
    }
}

/// The targets of a text are its own characters, and its label last; with a head a task, rows of that head.
#[test]
fn every_place_is_asked_for_the_next_character() {
    let inputs = Tensor::new(&[[1f32, 0.0, 2.0], [2.0, 2.0, 0.0]], &Device::Cpu).unwrap();
    let outputs = Tensor::zeros((6, 9), DType::F32, &Device::Cpu).unwrap();
    let targets: Targets = vec![1, 0].into();
    let places = nn::places(&inputs, &outputs, targets).unwrap();
    assert_eq!((&places.labels[..], places.among), (&[0, 2, 1, 2, 0, 0][..], None));
    let own: Arc<[u32]> = [3, 4, 5].into();
    let targets = Targets { labels: Arc::new(vec![4, 3]), among: Some(Arc::new(vec![Arc::clone(&own); 2])) };
    let places = nn::places(&inputs, &outputs, targets).unwrap();
    assert_eq!(places.labels[..], [3, 5, 4, 5, 3, 3]);
    assert!(places.among.unwrap().iter().all(|among| *among == own));
    let one = nn::places(&inputs, &outputs.narrow(0, 0, 2).unwrap(), vec![7, 8].into()).unwrap();
    assert_eq!(one.labels[..], [7, 8]);
    assert!(nn::places(&inputs, &outputs.narrow(0, 0, 4).unwrap(), vec![7, 8].into()).is_err());
}
