//! Every method on every kind of network: it goes on from its state to the same bits, and with its strength
//! at 0 it is the optimiser alone.

use std::sync::Arc;

use plasticity_bench::catalogue::catalogue;
use plasticity_bench::data::{self, DataSet, Silent};
use plasticity_bench::methods;
use plasticity_bench::nn::training_batch;
use plasticity_bench::random::Stream;
use plasticity_bench::spec::{Plan, Spec};
use plasticity_bench::state::{StateDict, Stateful};
use plasticity_bench::tasks::{self, Batches, TaskStream};
use plasticity_bench::train::Learner;

const STEPS: usize = 4;
const NETWORKS: [&str; 5] = [
    "{ kind = 'mlp', hidden = [6, 5] }",
    "{ kind = 'mlp', hidden = [6], initialization = 'orthogonal' }",
    "{ kind = 'cnn', channels = [2, 3], kernel = 3, padding = 1, hidden = [4] }",
    "{ kind = 'resnet18', width = 2 }",
    "{ kind = 'resnet18', width = 2, norm = 'group', groups = 2 }",
];

/// What makes a method act within a few steps.
fn hasty(name: &str) -> &'static str {
    match name {
        "redo" => ", period = 2, threshold = 0.9, coefficients = 'reset'",
        "continual-backprop" => ", rate = 0.3, maturity = 1, compensation = true, coefficients = 'reset'",
        "selective-weight-reinitialization" => {
            ", period = 2, factor = 0.3, pruning = 'share', start = 'draw'"
        }
        "shrink-and-perturb" => ", every = 'step', noise_from = 'init'",
        "self-normalized-resets" => ", limit = 2, tasks = 1",
        "a-gem" => ", memory = 7, rows = 5",
        "replay" => ", buffer = 20, rows = 3",
        "ewc" => ", samples = 5, decay = 0.5",
        "hare-and-tortoise" => ", momentum = 0.5, period = 3",
        "plasticity-injection" => ", part = 'head'",
        "weight-clipping" => ", bound = 0.7",
        _ => "",
    }
}

/// A plan of two tasks of five classes; the error is a sentence.
fn plan(network: &str, activation: &str, methods: &str) -> Result<Plan, String> {
    let optimizer = if methods.contains("upgd") { "sgd" } else { "adam" };
    let text = format!(
        "name = 'x'\ndata = {{ dataset = 'generated-digits' }}\nnetwork = {network}\n\
         activation = {activation}\noptimizer = {{ name = '{optimizer}', learning_rate = 1e-3 }}\n{methods}\n\
         [stream]\nfamily = 'split-classes'\ntasks = 2\nclasses_per_task = 5\nexamples_per_class = 4\n\
         steps = {STEPS}\nbatch_size = 4\nhead = 'multi'\n"
    );
    let spec = Spec::parse(&text, "x.toml", &[], &catalogue()).map_err(|error| error.to_string())?;
    Ok(spec.plans(None).map_err(|error| error.to_string())?.remove(0))
}

fn digits() -> Arc<DataSet> {
    Arc::new(data::load("generated-digits", None, &mut Silent).unwrap())
}

fn state(learner: &Learner) -> StateDict {
    let mut state = StateDict::default();
    learner.save(&mut state);
    state
}

/// Losses of both tasks, and the state at the end. After step `resume` of each task the learner is replaced
/// by another one that took over its state.
fn train(plan: &Plan, stream: &dyn TaskStream, resume: Option<usize>) -> (Vec<f64>, StateDict) {
    let new = |seed| Learner::new(plan, stream, &mut Stream::new(seed, "init", 0)).unwrap();
    let (mut learner, mut losses) = (new(0), Vec::new());
    for task in 0..2 {
        learner.start_task(task).unwrap();
        let examples = learner.training_set(task, stream).unwrap_or_else(|| stream.task(task).train);
        let mut batches = Batches::new(plan, examples.len(), task);
        for step in 0..STEPS {
            let replayed = learner.replayed(plan, stream, step);
            let own = (&examples, batches.batch(step));
            let (inputs, targets) = training_batch(own, &replayed, None).unwrap();
            losses.push(learner.step_counting(&inputs, &targets, own.1.len()).unwrap().loss);
            if resume == Some(step) {
                // The start that penalties go back to follows from the seed, not from the state.
                let mut other = new(0);
                other.load(&state(&learner)).unwrap();
                learner = other;
            }
        }
        learner.end_task(plan, &examples).unwrap();
    }
    (losses, state(&learner))
}

#[test]
fn every_method_goes_on_from_its_state_to_the_same_bits_or_is_refused_in_a_sentence() {
    let data = digits();
    let (mut ran, mut refused) = (0, 0);
    for entry in methods::entries() {
        for network in NETWORKS {
            for activation in ["'relu'", "{ name = 'rational', sharing = 'unit' }", "'crelu'"] {
                let methods = format!("method = {{ name = '{}'{} }}", entry.name, hasty(entry.name));
                let of = format!("{} on {network} with {activation}", entry.name);
                let plan = match plan(network, activation, &methods) {
                    Ok(plan) => plan,
                    Err(sentence) => {
                        assert!(
                            sentence.starts_with("x.toml:") && sentence.ends_with('.'),
                            "{of}: {sentence}"
                        );
                        refused += 1;
                        continue;
                    }
                };
                let stream = tasks::stream(&plan, Arc::clone(&data)).unwrap();
                let whole = train(&plan, &*stream, None);
                assert!(whole.0.iter().all(|loss| loss.is_finite()), "{of}: {:?}", whole.0);
                let (losses, end) = train(&plan, &*stream, Some(1));
                assert_eq!(losses, whole.0, "{of}");
                assert!(end == whole.1, "{of}: the states differ");
                ran += 1;
            }
        }
    }
    assert!(ran > 10 * methods::entries().len() && refused > 0, "{ran} ran, {refused} were refused");
}

/// Every method that has a setting for "not at all".
#[test]
fn a_method_of_no_strength_is_none() {
    let off = [
        "l2-init', strength = 0",
        "l1-init', strength = 0",
        "shrink-and-perturb', shrink = 1, noise = 0",
        "shrink-and-perturb', shrink = 1, noise = 0, every = 'step'",
        "ewc', strength = 0",
        "distillation', strength = 0",
        "a-gem', memory = 0",
        "ewc', strength = 0, decay = 0.9",
        "l2', strength = 0",
        "l2', strength = 1, weights = false, biases = false, norms = false, coefficients = false",
        "l2-previous', strength = 0",
        "hare-and-tortoise', momentum = 0, period = 1",
        "plasticity-injection', task = 0",
        "weight-clipping', bound = 0",
        "weight-projection', period = 0",
        "spectral', strength = 0",
        "parseval', strength = 0",
        "fire', iterations = 0",
        "redo', period = 0",
        "continual-backprop', rate = 0",
        "selective-weight-reinitialization', period = 0",
        "self-normalized-resets', limit = 0",
    ];
    let data = digits();
    let weights = |(losses, state): (Vec<f64>, StateDict)| {
        let rest: Vec<_> = state.iter().filter(|(name, _)| !name.starts_with("methods.")).collect();
        (losses, format!("{rest:?}"))
    };
    for network in NETWORKS {
        for activation in ["'relu'", "'randomized-smooth-leaky'"] {
            let none = plan(network, activation, "").unwrap();
            let stream = tasks::stream(&none, Arc::clone(&data)).unwrap();
            let expected = weights(train(&none, &*stream, None));
            for method in off {
                let Ok(plan) = plan(network, activation, &format!("method = {{ name = '{method} }}")) else {
                    continue;
                };
                assert!(weights(train(&plan, &*stream, None)) == expected, "{method} on {network}");
            }
        }
    }
}

/// Composed methods are those of the list, whatever else is in it.
#[test]
fn methods_compose() {
    let data = digits();
    let of = |methods: &[&str]| {
        let list: Vec<String> = methods.iter().map(|method| format!("[[method]]\n{method}\n")).collect();
        let plan = plan(NETWORKS[0], "'relu'", &list.concat()).unwrap();
        let stream = tasks::stream(&plan, Arc::clone(&data)).unwrap();
        train(&plan, &*stream, Some(2)).0
    };
    let l2 = "name = 'l2-init'\nstrength = 0.1";
    let replay = "name = 'replay'\nrows = 3";
    let alone = [of(&[l2]), of(&[replay])];
    let both = of(&[l2, replay]);
    // In the first task replay has nothing to serve.
    assert_eq!(both[..STEPS], alone[0][..STEPS]);
    assert_ne!(both[STEPS + 1..], alone[0][STEPS + 1..]);
    assert_ne!(both[..STEPS], alone[1][..STEPS]);
}
