//! Everything with everything: each family × activation × method × network trains three steps across the edge of
//! two tasks, or is refused by a sentence before anything is built.
//!
//! On the MLP that is the whole product. On the other networks every activation meets every method, and the
//! families take turns, so that each meets all activations and all methods.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use plasticity_bench::catalogue::catalogue;
use plasticity_bench::data::{self, DataSet, Silent};
use plasticity_bench::methods;
use plasticity_bench::nn::{activation, training_batch};
use plasticity_bench::random::Stream;
use plasticity_bench::spec::{Plan, Spec};
use plasticity_bench::tasks::{self, Batches};
use plasticity_bench::train::Learner;

const MLP: &str = "{ kind = 'mlp', hidden = [4, 4] }";
const OTHERS: [&str; 4] = [
    "{ kind = 'cnn', channels = [2, 2], kernel = 3, padding = 1, hidden = [4] }",
    "{ kind = 'resnet18', width = 2 }",
    "{ kind = 'resnet18', width = 2, norm = 'none' }",
    "{ kind = 'vit', patch = 7, width = 4, depth = 1, heads = 2 }",
];
/// The family of tasks that text has, and a network for it.
const OF_TEXT: &str = "permuted-alphabet";
const GPT: &str = "{ kind = 'gpt', width = 4, depth = 1, heads = 2, alphabet = 29 }";
/// Steps of the first task, and of the second.
const STEPS: [usize; 2] = [2, 1];

/// What makes a method act within three steps.
fn hasty(method: &str) -> &'static str {
    match method {
        "redo" | "selective-weight-reinitialization" | "hare-and-tortoise" => ", period = 1",
        "continual-backprop" => ", rate = 0.3, maturity = 0",
        "shrink-and-perturb" => ", every = 'step', noise_from = 'init'",
        "replay" => ", buffer = 20, rows = 3",
        "ewc" => ", samples = 3",
        "a-gem" => ", memory = 5",
        "self-normalized-resets" => ", limit = 1",
        _ => "",
    }
}

/// What a family needs on ten classes.
fn few(family: &str) -> &'static str {
    match family {
        "split-classes" | "incremental-classes" => "classes_per_task = 5\nexamples_per_class = 4",
        "easy-hard" => "examples_per_class = 4",
        _ => "examples = 24",
    }
}

fn plan(family: &str, activation: &str, method: &str, network: &str, head: &str) -> Result<Plan, String> {
    let optimizer = if method == "upgd" { "sgd" } else { "adam" };
    let dataset = if network == GPT { "generated-text" } else { "generated-digits" };
    let text = format!(
        "name = 'x'\ndata = {{ dataset = '{dataset}' }}\nnetwork = {network}\nactivation = '{activation}'\n\
         optimizer = {{ name = '{optimizer}', learning_rate = 1e-3 }}\n\
         method = {{ name = '{method}'{} }}\n\
         [stream]\nfamily = '{family}'\ntasks = 2\nsteps = 2\nbatch_size = 4\nhead = '{head}'\n{}\n",
        hasty(method),
        few(family)
    );
    let spec = Spec::parse(&text, "x.toml", &[], &catalogue()).map_err(|error| error.to_string())?;
    Ok(spec.plans(None).map_err(|error| error.to_string())?.remove(0))
}

/// Losses of three steps; the error is a sentence.
fn three_steps(plan: &Plan, data: &Arc<DataSet>) -> Result<Vec<f64>, String> {
    let stream = &*tasks::stream(plan, Arc::clone(data)).map_err(|error| error.to_string())?;
    let mut learner =
        Learner::new(plan, stream, &mut Stream::new(0, "init", 0)).map_err(|error| error.to_string())?;
    let mut losses = Vec::new();
    for (task, steps) in STEPS.into_iter().enumerate() {
        learner.start_task(task).unwrap();
        let examples = learner.training_set(task, stream).unwrap_or_else(|| stream.task(task).train);
        let mut batches = Batches::new(plan, examples.len(), task);
        for step in 0..steps {
            let replayed = learner.replayed(plan, stream, step);
            let own = (&examples, batches.batch(step));
            let (inputs, targets) = training_batch(own, &replayed, None).unwrap();
            losses.push(learner.step_counting(&inputs, &targets, own.1.len()).unwrap().loss);
        }
        learner.end_task(plan, &examples).unwrap();
    }
    Ok(losses)
}

/// Trains all of `cases` (family, activation, method, network, head) and counts those that ran and those that
/// were refused.
fn train_all(cases: &[[&str; 5]]) -> (usize, usize) {
    let [digits, text] = ["generated-digits", "generated-text"]
        .map(|name| Arc::new(data::load(name, None, &mut Silent).unwrap()));
    let (next, ran, refused) = (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        while let Some(&[family, activation, method, network, head]) =
            cases.get(next.fetch_add(1, Ordering::Relaxed))
        {
            let of = format!("{family} × {activation} × {method} × {network} × {head}");
            let data = if network == GPT { &text } else { &digits };
            let outcome =
                plan(family, activation, method, network, head).and_then(|plan| three_steps(&plan, data));
            match outcome {
                Ok(losses) => {
                    assert!(
                        losses.len() == 3 && losses.iter().all(|loss| loss.is_finite()),
                        "{of}: {losses:?}"
                    );
                    ran.fetch_add(1, Ordering::Relaxed);
                }
                Err(sentence) => {
                    assert!(sentence.len() > 30 && sentence.contains(' '), "{of}: {sentence}");
                    refused.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        (0..threads)
            .map(|_| scope.spawn(work))
            .collect::<Vec<_>>()
            .into_iter()
            .for_each(|t| t.join().unwrap());
    });
    (ran.into_inner(), refused.into_inner())
}

/// Names of the families of images, of all activations, and of all methods.
fn names() -> (Vec<&'static str>, Vec<&'static str>, Vec<&'static str>) {
    (
        tasks::entries().iter().map(|entry| entry.name).filter(|name| *name != OF_TEXT).collect(),
        activation::registry().iter().map(|registered| registered.entry.name).collect(),
        methods::entries().iter().map(|entry| entry.name).collect(),
    )
}

/// One head over all classes, and a head a task: the families take turns in having them.
const HEADS: [&str; 2] = ["single", "multi"];

#[test]
fn everything_goes_with_everything_on_an_mlp_or_is_refused() {
    let (families, activations, methods) = names();
    let mut cases = Vec::new();
    for (f, family) in families.iter().enumerate() {
        for (a, activation) in activations.iter().enumerate() {
            for (m, method) in methods.iter().enumerate() {
                cases.push([*family, *activation, *method, MLP, HEADS[(f + a + m) % 2]]);
            }
        }
    }
    let (ran, refused) = train_all(&cases);
    println!("{ran} ran, {refused} were refused");
    assert!(ran > 4 * cases.len() / 5 && refused > 0, "{ran} of {} ran", cases.len());
}

#[test]
fn every_activation_goes_with_every_method_on_every_network_or_is_refused() {
    let (families, activations, methods) = names();
    let mut cases = Vec::new();
    for network in OTHERS {
        for (a, activation) in activations.iter().enumerate() {
            for (m, method) in methods.iter().enumerate() {
                let family = families[(a + m) % families.len()];
                cases.push([family, *activation, *method, network, HEADS[a % 2]]);
            }
        }
    }
    let (ran, refused) = train_all(&cases);
    println!("{ran} ran, {refused} were refused");
    assert!(ran > 3 * cases.len() / 4 && refused > 0, "{ran} of {} ran", cases.len());
}

/// A text has one family of tasks, and every other is refused for it.
#[test]
fn every_activation_goes_with_every_method_on_text_or_is_refused() {
    let (families, activations, methods) = names();
    let mut cases = Vec::new();
    for (a, activation) in activations.iter().enumerate() {
        for (m, method) in methods.iter().enumerate() {
            cases.push([OF_TEXT, *activation, *method, GPT, HEADS[(a + m) % 2]]);
        }
    }
    let all = cases.len();
    cases.extend(families.iter().map(|family| [*family, "gelu", "none", GPT, "single"]));
    let (ran, refused) = train_all(&cases);
    println!("{ran} ran, {refused} were refused");
    assert!(ran > 3 * all / 4 && refused >= families.len(), "{ran} of {all} ran");
}
