use super::*;
use crate::kernels::inplace::update;
use crate::methods::Streams;
use crate::optimizers::Optimizer;
use crate::spec::Value;
use crate::tasks::{Examples, TaskStream, fixture};

/// Logistic regression on 42 pixels: its Fisher information can be written down.
fn network(seed: u64) -> Box<dyn Network> {
    let mut plan = fixture::mlp_plan();
    plan.network.parameters.insert("hidden".into(), Value::Integers(vec![]));
    crate::nn::build(&plan, (1, 6, 7), 10, &mut Stream::new(seed, "test", 0)).unwrap()
}

fn ewc(fisher: &str, samples: i64, network: &dyn Network) -> Box<dyn Method> {
    let settings = [
        ("strength", Value::Number(3.0)),
        ("samples", Value::Integer(samples)),
        ("fisher", Value::Text(fisher.into())),
        ("coefficients", Value::Flag(true)),
    ];
    let parameters = settings.map(|(key, value)| (key.to_owned(), value)).into();
    build(&Choice { name: "ewc".into(), parameters }, network).unwrap()
}

/// `Σ_y q(y) (p_c - [y = c])² x_i²`, mean over the examples, for every weight (c, i) in f64; q is the label
/// or p itself.
fn by_hand(network: &dyn Network, examples: &Examples, sampled: bool) -> Vec<f64> {
    let [weight, bias] = [0, 1].map(|n| network.parameters()[n].to_vec().unwrap());
    let pixels = fixture::rows(&examples.inputs);
    let mut fisher = vec![0.0; 420];
    for (x, &label) in pixels.chunks(42).zip(examples.labels.iter()) {
        let logit = |c: usize| {
            let sum: f64 = (0..42).map(|i| f64::from(weight[c * 42 + i]) * f64::from(x[i])).sum();
            (sum + f64::from(bias[c])).exp()
        };
        let p: Vec<f64> = (0..10).map(logit).collect();
        let total: f64 = p.iter().sum();
        for c in 0..10 {
            let p = p[c] / total;
            let hit = f64::from(u8::from(label as usize == c));
            let square = if sampled { p * (1.0 - p) } else { (p - hit).powi(2) };
            (0..42).for_each(|i| fisher[c * 42 + i] += square * f64::from(x[i]).powi(2));
        }
    }
    fisher.iter().map(|sum| sum / examples.len() as f64).collect()
}

fn end(method: &mut dyn Method, task: usize, stream: &dyn TaskStream, network: &dyn Network) {
    at(network, task, |at| method.end_task(at, Some(&stream.task(task).train)).unwrap());
}

/// Calls a hook as in task number `task`.
fn at<R>(network: &dyn Network, task: usize, hook: impl FnOnce(&mut At<'_>) -> R) -> R {
    let settings =
        ["learning_rate", "momentum", "weight_decay"].map(|key| (key.to_owned(), Value::Number(0.0)));
    let mut parameters: std::collections::BTreeMap<_, _> = settings.into();
    parameters.insert("nesterov".to_owned(), Value::Flag(false));
    let mut optimizer = Optimizer::new(&Choice { name: "sgd".into(), parameters }, network.parameters());
    let streams = Streams { seed: 0, network: "", task, step: 0 };
    hook(&mut At { task, step: 0, steps: 0, network, optimizer: &mut optimizer, streams })
}

fn state(method: &dyn Method) -> StateDict {
    let mut state = StateDict::default();
    method.save(&mut state);
    state
}

fn list(method: &dyn Method, name: &str) -> Vec<f32> {
    state(method).f32s(name).unwrap().to_vec()
}

#[test]
fn the_empirical_fisher_information_is_that_of_logistic_regression() {
    let (stream, network) = (fixture::stream("shuffled-labels", 0), network(0));
    let mut method = ewc("empirical", 1000, &*network);
    end(&mut *method, 0, &*stream, &*network);
    let expected = by_hand(&*network, &stream.task(0).train, false);
    for (ours, theirs) in list(&*method, "layers.0.weight.importance").iter().zip(&expected) {
        assert!((f64::from(*ours) - theirs).abs() < 1e-5 * theirs + 1e-9, "{ours} {theirs}");
    }
}

#[test]
fn the_sampled_fisher_information_has_the_models_own_expectation() {
    let (stream, network) = (fixture::stream("shuffled-labels", 0), network(0));
    let expected: f64 = by_hand(&*network, &stream.task(0).train, true).iter().sum();
    // 40 estimates of it, each on the 200 examples with labels of their own.
    let mut sums = Vec::new();
    for task in 0..40 {
        let mut method = ewc("sampled", 200, &*network);
        at(&*network, task, |at| method.end_task(at, Some(&stream.task(0).train)).unwrap());
        let importance = list(&*method, "layers.0.weight.importance");
        sums.push(importance.iter().copied().map(f64::from).sum::<f64>());
    }
    let mean = sums.iter().sum::<f64>() / 40.0;
    let spread = (sums.iter().map(|s| (s - mean).powi(2)).sum::<f64>() / 39.0 / 40.0).sqrt();
    assert!(spread > 0.0 && (mean - expected).abs() < 4.0 * spread, "{mean} {expected} {spread}");
}

#[test]
fn the_penalty_pulls_to_where_each_task_ended_by_its_own_information() {
    let (stream, network) = (fixture::stream("shuffled-labels", 0), network(0));
    let weight = &network.parameters()[0];
    let mut method = ewc("empirical", 50, &*network);
    let pull = |method: &mut dyn Method| {
        weight.gradient.reset();
        weight.gradient.lock().accumulate::<f32>().unwrap();
        at(&*network, 0, |at| method.gradients(at, &[]).unwrap());
        weight.gradient.to_f32().unwrap()
    };
    assert!(pull(&mut *method).iter().all(|g| *g == 0.0), "nothing was learned yet");
    let (mut fishers, mut ends): (Vec<Vec<f32>>, Vec<Vec<f32>>) = (Vec::new(), Vec::new());
    for task in 0..2 {
        update(&weight.values, |values| values.iter_mut().for_each(|v| *v += 0.1)).unwrap();
        let before = if task == 0 { vec![0.0; 420] } else { list(&*method, "layers.0.weight.importance") };
        end(&mut *method, task, &*stream, &*network);
        let after = list(&*method, "layers.0.weight.importance");
        fishers.push(after.iter().zip(before).map(|(a, b)| a - b).collect());
        ends.push(weight.to_vec().unwrap());
    }
    update(&weight.values, |values| values.iter_mut().for_each(|v| *v -= 0.3)).unwrap();
    let values = weight.to_vec().unwrap();
    let pulled = pull(&mut *method);
    for i in 0..420 {
        let expected: f32 = (0..2).map(|t| 3.0 * fishers[t][i] * (values[i] - ends[t][i])).sum();
        assert!((pulled[i] - expected).abs() < 1e-4 * expected.abs() + 1e-6, "{} {expected}", pulled[i]);
    }
    assert!(pulled.iter().any(|g| g.abs() > 1e-3));

    let mut resumed = ewc("empirical", 50, &*network);
    resumed.load(&state(&*method)).unwrap();
    assert_eq!((state(&*resumed), pull(&mut *resumed)), (state(&*method), pulled));
    resumed.load(&StateDict::default()).unwrap();
    assert!(state(&*resumed).is_empty() && pull(&mut *resumed).iter().all(|g| *g == 0.0));
}

#[test]
fn the_online_form_decays_what_is_known_and_holds_to_the_last_end() {
    let (stream, network) = (fixture::stream("shuffled-labels", 0), network(0));
    let weight = &network.parameters()[0];
    let settings = [
        ("strength", Value::Number(3.0)),
        ("samples", Value::Integer(1000)),
        ("fisher", Value::Text("empirical".into())),
        ("coefficients", Value::Flag(true)),
        ("decay", Value::Number(0.25)),
    ];
    let parameters = settings.map(|(key, value)| (key.to_owned(), value)).into();
    let mut method = build(&Choice { name: "ewc".into(), parameters }, &*network).unwrap();
    let mut expected = vec![0.0; 420];
    for task in 0..3 {
        update(&weight.values, |values| values.iter_mut().for_each(|v| *v += 0.05)).unwrap();
        end(&mut *method, task, &*stream, &*network);
        let fisher = by_hand(&*network, &stream.task(task).train, false);
        expected = expected.iter().zip(fisher).map(|(known, own)| 0.25 * known + own).collect();
    }
    for (ours, theirs) in list(&*method, "layers.0.weight.importance").iter().zip(&expected) {
        assert!((f64::from(*ours) - theirs).abs() < 1e-5 * theirs + 1e-9, "{ours} {theirs}");
    }
    update(&weight.values, |values| values.iter_mut().for_each(|v| *v -= 0.3)).unwrap();
    weight.gradient.reset();
    weight.gradient.lock().accumulate::<f32>().unwrap();
    at(&*network, 3, |at| method.gradients(at, &[]).unwrap());
    for (ours, importance) in weight.gradient.to_f32().unwrap().iter().zip(&expected) {
        let theirs = 3.0 * importance * -0.3;
        assert!((f64::from(*ours) - theirs).abs() < 1e-4 * theirs.abs() + 1e-6, "{ours} {theirs}");
    }
}

/// A residual network with batch normalisation, its running statistics away from their start.
fn with_batch_norm(dtype: candle_core::DType) -> Box<dyn Network> {
    let entries = nn::entries();
    let mut network = Choice::of(entries.iter().find(|entry| entry.name == "resnet18").unwrap());
    network.parameters.insert("width".into(), Value::Integer(2));
    let activations: Vec<_> = nn::activation::registry().iter().map(|known| known.entry).collect();
    let activation = Choice::of(activations.iter().find(|entry| entry.name == "swish").unwrap());
    let blueprint =
        nn::Blueprint { network: &network, activation: &activation, dims: (1, 6, 7), outputs: 10, dtype };
    let network = nn::build_from(&blueprint, &mut Stream::new(2, "test", 0)).unwrap();
    for (number, buffer) in network.buffers().iter().enumerate() {
        let (shift, spread) = (0.1 * (number % 3) as f32, if number % 2 == 0 { 0.0 } else { 0.6 });
        buffer.values.lock().unwrap().iter_mut().for_each(|v| *v = *v * (1.0 + spread) + shift);
    }
    network
}

/// In evaluation mode, from central differences in f64 of each example's own loss.
#[test]
fn the_fisher_information_of_a_batch_norm_network_is_that_of_evaluation_mode() {
    let (stream, network) = (fixture::stream("shuffled-labels", 0), with_batch_norm(candle_core::DType::F32));
    let examples = stream.task(0).train;
    let before = network.buffers().iter().map(|b| b.values.lock().unwrap().clone()).collect::<Vec<_>>();
    let mut method = ewc("empirical", 1000, &*network);
    end(&mut *method, 0, &*stream, &*network);
    let after = network.buffers().iter().map(|b| b.values.lock().unwrap().clone()).collect::<Vec<_>>();
    assert_eq!(after, before, "running statistics stay");

    let wide = with_batch_norm(candle_core::DType::F64);
    let rows: Vec<f64> = fixture::rows(&examples.inputs).into_iter().map(f64::from).collect();
    let inputs = Tensor::from_vec(rows, (examples.len(), 42), &candle_core::Device::Cpu).unwrap();
    for (own, values) in wide.parameters().iter().zip(network.parameters()) {
        own.values.set(&values.values.to_dtype(candle_core::DType::F64).unwrap()).unwrap();
    }
    let losses = || -> Vec<f64> {
        let logits = wide.forward(&inputs, &Pass::Evaluate).unwrap().to_vec2::<f64>().unwrap();
        let of = |(row, &label): (&Vec<f64>, &u32)| {
            row.iter().map(|l| l.exp()).sum::<f64>().ln() - row[label as usize]
        };
        logits.iter().zip(examples.labels.iter()).map(of).collect()
    };
    let mut checked = 0;
    for name in ["conv1.weight", "bn1.weight", "bn1.bias", "layer2.0.conv1.weight", "fc.weight", "fc.bias"] {
        let parameter = wide.parameters().iter().find(|parameter| parameter.name == name).unwrap();
        let importance = list(&*method, &format!("{name}.importance"));
        let start = parameter.values.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        for place in [0, start.len() / 2, start.len() - 1] {
            let at = |by: f64| {
                let mut moved = start.clone();
                moved[place] += by;
                let shape = parameter.values.shape().clone();
                parameter.values.set(&Tensor::from_vec(moved, shape, inputs.device()).unwrap()).unwrap();
                losses()
            };
            let slopes = at(1e-5).into_iter().zip(at(-1e-5)).map(|(a, b)| (a - b) / 2e-5);
            let expected = slopes.map(|slope| slope * slope).sum::<f64>() / examples.len() as f64;
            at(0.0);
            let ours = f64::from(importance[place]);
            assert!((ours - expected).abs() < 1e-3 * expected + 1e-9, "{name} {place}: {ours} {expected}");
            checked += usize::from(expected > 1e-6);
        }
    }
    assert!(checked >= 6, "{checked}");
}

#[test]
fn labels_are_drawn_from_the_distribution_over_the_answers_that_count() {
    let logits = Tensor::new(&[[0.0f32, 1.0, 50.0, 2.0]], &candle_core::Device::Cpu).unwrap();
    let among = Some(Arc::new(vec![Arc::from([0u32, 1, 3])]));
    let targets = Targets { labels: Arc::new(vec![0]), among };
    // softmax of 0, 1, 2: 0.0900, 0.2447, 0.6652.
    for (unit, class) in [(0.0, 0), (0.089, 0), (0.091, 1), (0.334, 1), (0.336, 3), (0.999_999, 3)] {
        assert_eq!(sample(&logits, &targets, unit).unwrap(), class, "{unit}");
    }
    assert_eq!(sample(&logits, &Targets { among: None, ..targets }, 0.5).unwrap(), 2);
}
