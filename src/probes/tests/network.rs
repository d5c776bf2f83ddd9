//! Probes of whole networks, against `PyTorch`'s own second derivatives.

use std::sync::Arc;

use candle_core::{Device, Tensor};

use super::recipe::uniform;
use super::{Measurement, NetworkView, STANDARD};
use crate::kernels::inplace::update;
use crate::kernels::loss::Targets;
use crate::nn::Network;
use crate::probes::sample::Sample;
use crate::probes::twin::{Twin, drawn};
use crate::probes::{ProbeSet, REGISTRY, check, curvature, hessian_rank, ntk_rank, optimization_readiness};
use crate::random::Stream;
use crate::spec::{Choice, Plan, Value};
use crate::tasks::{TaskStream, fixture};
use crate::trained::View;

/// `tests/reference/network_probes.py`
const REFERENCE: &str = include_str!("../../../tests/reference/network_probes.csv");
const SIZES: [usize; 4] = [6, 5, 4, 3];
const EXAMPLES: usize = 24;

fn reference(quantity: &str) -> Vec<f64> {
    let rows = REFERENCE.lines().skip(2).map(|line| line.split(',').collect::<Vec<_>>());
    rows.filter(|row| row[0] == quantity).map(|row| row[2].parse().unwrap()).collect()
}

fn plan() -> Plan {
    let mut plan = fixture::mlp_plan();
    plan.network.parameters.insert("hidden".into(), Value::Integers(vec![5, 4]));
    plan.activation.name = "tanh".into();
    plan
}

/// The script's network.
fn network() -> Box<dyn Network> {
    let sizes = ((1, 2, 3), 3);
    let network = drawn(&plan(), sizes, candle_core::DType::F32, &mut Stream::new(0, "test", 0)).unwrap();
    for (number, parameter) in network.parameters().iter().enumerate() {
        let (columns, scale) = match parameter.values.dims() {
            [_, columns] => (*columns, 2.0),
            _ => (1, 0.5),
        };
        let value = |at: usize| scale * uniform(40 + number as u64, at / columns, at % columns, 12);
        update(&parameter.values, |values| {
            values.iter_mut().enumerate().for_each(|(at, v)| *v = value(at) as f32);
        })
        .unwrap();
    }
    network
}

fn sample() -> Sample {
    let inputs: Vec<f32> =
        (0..EXAMPLES * SIZES[0]).map(|at| uniform(60, at / SIZES[0], at % SIZES[0], 12) as f32).collect();
    let labels: Vec<u32> = (0..EXAMPLES).map(|i| ((i * 7 + i / 5) % SIZES[3]) as u32).collect();
    Sample::new(Tensor::from_vec(inputs, (EXAMPLES, SIZES[0]), &Device::Cpu).unwrap(), Targets::from(labels))
}

fn twin() -> Twin {
    Twin::new(&plan(), ((1, 2, 3), 3), View::new(&*network())).unwrap()
}

fn close(ours: f64, theirs: f64, relative: f64) -> bool {
    (ours - theirs).abs() <= relative * theirs.abs().max(1e-3)
}

#[test]
fn gradient_and_hessian_products_agree_with_pytorch() {
    let (twin, sample) = (twin(), sample());
    let (loss, gradient) = twin.loss_and_gradient(&sample).unwrap();
    assert!(close(loss, reference("loss")[0], 1e-12), "{loss}");
    let square: f64 = gradient.iter().map(|g| g * g).sum();
    assert!(close(square, reference("gradient_square")[0], 1e-12), "{square}");
    let expected = reference("hessian_row");
    let mut axis = vec![0.0; expected.len()];
    axis[7] = -3.0;
    let ours = twin.hessian_times(&sample, &axis).unwrap();
    for (ours, theirs) in ours.iter().zip(&expected) {
        assert!((ours / -3.0 - theirs).abs() < 1e-6, "{ours} {theirs}");
    }
    // The copy is where it was.
    assert_eq!(twin.loss_and_gradient(&sample).unwrap(), (loss, gradient));
}

#[test]
fn curvature_is_the_hessians_extreme_eigenvalues() {
    let expected = reference("hessian_eigenvalue");
    let (least, largest) = (expected[0], expected[expected.len() - 1]);
    for number in 0..5 {
        let draws = &mut Stream::new(0, "test", number);
        let (ours_least, ours) = curvature::extremes(&twin(), &sample(), draws).unwrap().unwrap();
        assert!(close(ours, largest, 1e-5), "{ours} {largest}");
        assert!(close(ours_least, least, 1e-3), "{ours_least} {least}");
        assert!(ours <= largest + 1e-5 && ours_least >= least - 1e-5, "a bound from inside");
    }
}

#[test]
fn the_hessians_rank_has_the_true_share_as_its_mean() {
    let expected = reference("hessian_eigenvalue");
    let (twin, sample) = (twin(), sample());
    let runs: Vec<[f64; 2]> = (0..60)
        .map(|number| {
            let shares = hessian_rank::shares(&twin, &sample, &mut Stream::new(0, "test", number)).unwrap();
            shares.map(Option::unwrap)
        })
        .collect();
    for (part, threshold) in [0.1, 0.01].into_iter().enumerate() {
        let count = expected.iter().filter(|value| value.abs() > threshold).count();
        let truth = count as f64 / expected.len() as f64;
        let mean = runs.iter().map(|run| run[part]).sum::<f64>() / 60.0;
        let spread = (runs.iter().map(|run| (run[part] - mean).powi(2)).sum::<f64>() / 59.0 / 60.0).sqrt();
        println!("{threshold}: {mean} ± {spread}, in truth {truth}");
        assert!((mean - truth).abs() < 4.0 * spread + 0.01 && truth > 0.0, "{threshold}: {mean} {truth}");
        assert!(spread < 0.02, "{spread}");
    }
}

#[test]
fn the_tangent_kernel_agrees_with_pytorch() {
    let ours = ntk_rank::eigenvalues(&twin(), &sample(), &[0, 1, 2]).unwrap().unwrap();
    for (ours, theirs) in ours.iter().zip(reference("kernel_eigenvalue")) {
        assert!(close(*ours, theirs, 1e-9), "{ours} {theirs}");
    }
    assert!(close(ntk_rank::effective(&ours), reference("ntk_rank")[0], 1e-9));
    assert_eq!(ntk_rank::numerical(&ours), reference("ntk_rank_numerical")[0]);
    assert_eq!((ntk_rank::effective(&[0.0; 4]), ntk_rank::numerical(&[0.0; 4])), (0.0, 0.0));
    assert!((ntk_rank::effective(&[0.0, 2.0, 2.0, 2.0]) - 3.0).abs() < 1e-12);
}

#[test]
fn readiness_is_its_formula_on_pytorchs_gradients() {
    let products = reference("product");
    let mut draws = Stream::new(0, "test", 0);
    let mut square = 0.0;
    for _ in 0..optimization_readiness::BATCHES {
        let batch: Vec<usize> = (0..4).map(|_| draws.below(EXAMPLES as u64) as usize).collect();
        let sum: f64 = batch
            .iter()
            .flat_map(|i| batch.iter().map(move |j| (i, j)))
            .map(|(i, j)| products[i * EXAMPLES + j])
            .sum();
        square += sum / 16.0 / optimization_readiness::BATCHES as f64;
    }
    let whole = reference("gradient_square")[0];
    let ours = optimization_readiness::readiness(&twin(), &sample(), &mut Stream::new(0, "test", 0)).unwrap();
    assert!(close(ours.strength, whole / reference("loss")[0], 1e-10), "{ours:?}");
    assert!(close(ours.reliability, whole / square, 1e-10), "{ours:?} {}", whole / square);
    assert!(ours.reliability < 1.0, "a batch's gradient is noisy");
}

/// A plan with all probes of whole networks on a stream of ten tasks of 200 images.
fn whole_plan(network: &str, activation: &str) -> Plan {
    let mut plan = fixture::mlp_plan();
    let entry = crate::nn::entries().into_iter().find(|entry| entry.name == network).unwrap();
    let mut choice = Choice::of(&entry);
    if network == "mlp" {
        choice.parameters.insert("hidden".into(), Value::Integers(vec![8]));
    } else if network == "cnn" {
        choice.parameters.insert("channels".into(), Value::Integers(vec![4]));
        choice.parameters.insert("kernel".into(), Value::Integer(3));
        choice.parameters.insert("hidden".into(), Value::Integers(vec![6]));
    } else if network == "vit" {
        for (key, size) in [("width", 4), ("depth", 2), ("heads", 2), ("patch", 2)] {
            choice.parameters.insert(key.into(), Value::Integer(size));
        }
    } else {
        choice.parameters.insert("width".into(), Value::Integer(2));
    }
    plan.network = choice;
    let entries = crate::nn::activation::registry();
    plan.activation = Choice::of(&entries.iter().find(|r| r.entry.name == activation).unwrap().entry);
    plan.optimizer = Choice::of(&crate::optimizers::entries()[0]);
    plan.stream_mut().tasks = 2;
    plan.probes.samples = 20;
    plan
}

fn stream(plan: &Plan) -> Box<dyn TaskStream> {
    crate::tasks::stream(plan, Arc::new(fixture::data(300, 1, 8, 8, 10))).unwrap()
}

fn measured(plan: &Plan, network: &dyn Network, task: usize, probes: &ProbeSet) -> Vec<Measurement> {
    let stream = &*stream(plan);
    probes.measure_network(&NetworkView { plan, stream, network: View::new(network), task }).unwrap()
}

fn whole_set() -> ProbeSet {
    let names = REGISTRY.iter().map(|r| r.entry.name.to_owned());
    ProbeSet::new(&names.filter(|name| !STANDARD.contains(&name.as_str())).collect::<Vec<_>>())
}

fn initial(plan: &Plan, name: &str) -> Box<dyn Network> {
    drawn(plan, ((1, 8, 8), 10), candle_core::DType::F32, &mut Stream::new(plan.seed, name, 0)).unwrap()
}

#[test]
fn every_network_and_kind_of_activation_is_measured_and_left_as_it_was() {
    let cases = [
        ("mlp", "relu"),
        ("mlp", "crelu"),
        ("mlp", "rational"),
        ("mlp", "aid"),
        ("cnn", "rational"),
        ("resnet18", "relu"),
        ("vit", "gelu"),
        ("vit", "crelu"),
    ];
    for (kind, activation) in cases {
        let plan = whole_plan(kind, activation);
        let network = initial(&plan, "init");
        let bits = || -> Vec<Vec<u32>> {
            let values = network.parameters().iter().map(|p| p.to_vec().unwrap());
            let buffers = network.buffers().iter().map(|b| b.values.lock().unwrap().clone());
            values.chain(buffers).map(|v| v.iter().map(|x| x.to_bits()).collect()).collect()
        };
        let before = bits();
        let rows = measured(&plan, &*network, 0, &whole_set());
        let names: Vec<&str> = rows.iter().map(|row| row.probe.as_str()).collect();
        assert_eq!(rows.len(), 2 + 2 + 2 + 6 + 4, "{kind} {activation}: {names:?}");
        assert!(rows.iter().all(|row| row.units.is_none() && row.samples == Some(20)), "{rows:?}");
        assert_eq!(bits(), before, "{kind} {activation}");
        assert!(network.parameters().iter().all(|p| p.gradient.lock().is_fresh()), "{kind} {activation}");
        assert_eq!(
            measured(&plan, &*network, 0, &whole_set()),
            rows,
            "{kind} {activation}: not the same again"
        );
        // After the last task there is no next one.
        assert_eq!(measured(&plan, &*network, 1, &whole_set()).len(), rows.len() - 3 - 2);
    }
}

#[test]
fn the_fresh_network_itself_has_lost_nothing_and_one_of_silent_units_has() {
    let plan = whole_plan("mlp", "relu");
    let probes = ProbeSet::new(&["refit_plasticity".to_owned()]);
    let fresh = initial(&plan, "probe-refit");
    let value = |rows: &[Measurement], probe: &str| rows.iter().find(|row| row.probe == probe).unwrap().value;
    let rows = measured(&plan, &*fresh, 0, &probes);
    assert_eq!((value(&rows, "refit_plasticity"), value(&rows, "refit_plasticity_next")), (0.0, 0.0));
    let loss = value(&rows, "refit_plasticity_loss");
    assert!((0.0..1.0).contains(&loss), "a fresh network learns something of targets of variance 1: {loss}");
    // Biases so low that no unit ever fires: nothing can be learned but the head's bias.
    update(&fresh.parameters()[1].values, |bias| bias.fill(-1e3)).unwrap();
    let rows = measured(&plan, &*fresh, 0, &probes);
    assert!(value(&rows, "refit_plasticity") > 0.1, "{rows:?}");
    assert!(value(&rows, "refit_plasticity_next") > 0.0, "{rows:?}");
    assert!((value(&rows, "refit_plasticity_loss") - 1.0).abs() < 0.05, "{rows:?}");
}

#[test]
fn a_network_that_is_not_finite_gives_no_rows() {
    let plan = whole_plan("mlp", "relu");
    let network = initial(&plan, "init");
    update(&network.parameters()[0].values, |weights| weights[3] = f32::NAN).unwrap();
    assert_eq!(measured(&plan, &*network, 0, &whole_set()), []);
}

#[test]
fn what_cannot_be_measured_is_refused_in_words() {
    let error = |change: &dyn Fn(&mut Plan)| {
        let mut plan = whole_plan("mlp", "relu");
        plan.data_mut().dataset = "mnist".into();
        change(&mut plan);
        check(&plan).unwrap_err()
    };
    let names = |plan: &mut Plan, name: &str| plan.probes.names = vec![name.to_owned()];
    let widens = error(&|plan| {
        names(plan, "negative_slope");
        plan.activation = whole_plan("mlp", "crelu").activation;
    });
    assert!(widens.contains("of which crelu makes 2 features"), "{widens}");
    let large = error(&|plan| {
        names(plan, "ntk_rank");
        plan.probes.samples = 2000;
        plan.network.parameters.insert("hidden".into(), Value::Integers(vec![4000]));
    });
    assert!(large.contains("keeps 128 gradients of all 3176000 weights"), "{large}");
    let agent = error(&|plan| {
        names(plan, "curvature");
        plan.work = crate::spec::Work::Diagnostic(plan.activation.clone());
    });
    assert!(agent.contains("supervised tasks"), "{agent}");
    let gap = error(&|plan| {
        plan.probes.plasticity_gap = true;
        plan.work = crate::spec::Work::Diagnostic(plan.activation.clone());
    });
    assert!(gap.contains("a fresh network beside this one"), "{gap}");
    let mut plan = whole_plan("resnet18", "relu");
    plan.probes.names = REGISTRY.iter().map(|r| r.entry.name.to_owned()).collect();
    assert_eq!(check(&plan), Ok(()));
}
