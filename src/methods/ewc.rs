//! Elastic weight consolidation: λ/2 Σ Σ F (θ - θ*)² over parameters and over every task learned
//! (Kirkpatrick et al. 2017, PNAS 114, eq. 3, not the online form of Schwarz et al. 2018). Its gradient
//! λ (θ Σ F - Σ F·θ*), sums over tasks, needs two numbers a parameter however many the tasks.
//!
//! F is the diagonal of the Fisher information, the mean over so many of the task's examples, drawn
//! without replacement, of the squared gradient of ln p(y | x) at the task's end, example by example. y is
//! drawn from the network's own distribution over the answers that count (`fisher = "sampled"`, the
//! definition), or is the label (`"empirical"`, nearly nothing where the labels are fitted; van de Ven
//! 2025, arXiv 2502.11756, compares them). Images are not augmented for it.
//!
//! Activations that move make the Fisher information of the weights stale (Jaziri et al. 2025):
//! `coefficients` says whether their coefficients are held too.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use candle_core::{Result, Tensor};

use super::{Learned, Method, count};
use crate::kernels::loss::{Targets, cross_entropy};
use crate::nn::{Network, Pass, Role, batch};
use crate::random::Stream;
use crate::spec::{Choice, Entry, Kind, Parameter, Plan};
use crate::tasks::draw;

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "ewc",
    summary: "after each task, a penalty strength/2·Σ F(θ - θ*)² by the Fisher information F, summed over tasks",
    source: "Kirkpatrick et al. 2017, arXiv 1612.00796",
    parameters: &[
        Parameter {
            name: "strength",
            summary: "λ of the penalty",
            kind: Kind::Number { default: Some(100.0), min: 0.0, max: 1e12 },
        },
        Parameter {
            name: "samples",
            summary: "examples that the Fisher information is estimated on; all, where a task has fewer",
            kind: Kind::Integer { default: Some(200), min: 1, max: 10_000_000 },
        },
        Parameter {
            name: "fisher",
            summary: "sampled: labels from the network's own distribution; empirical: the true ones",
            kind: Kind::Text { default: Some("sampled"), one_of: &["sampled", "empirical"] },
        },
        Parameter {
            name: "coefficients",
            summary: "whether the activations' coefficients are held too",
            kind: Kind::Flag { default: true },
        },
    ],
};

/// Sums over the tasks learned, for one parameter; empty until one was.
struct Held {
    parameter: usize,
    name: String,
    len: usize,
    /// Σ F
    importance: Vec<f32>,
    /// Σ F θ*
    anchor: Vec<f32>,
}

struct Ewc {
    strength: f32,
    samples: usize,
    sampled: bool,
    held: Vec<Held>,
}

/// Builds it, holding nothing yet.
#[allow(clippy::unnecessary_wraps, reason = "the form that every method has")]
pub fn build(choice: &Choice, network: &dyn Network) -> Result<Box<dyn Method>> {
    let coefficients = choice.flag("coefficients");
    let parameters = network.parameters().iter().enumerate();
    let held = parameters
        .filter(|(_, p)| coefficients || !matches!(p.role, Role::Coefficients(_)))
        .map(|(parameter, p)| Held {
            parameter,
            name: p.name.clone(),
            len: p.values.elem_count(),
            importance: Vec::new(),
            anchor: Vec::new(),
        })
        .collect();
    Ok(Box::new(Ewc {
        strength: choice.number("strength") as f32,
        samples: count(choice, "samples"),
        sampled: choice.text("fisher") == "sampled",
        held,
    }))
}

/// Whether the Fisher information of the plan's network can be had. The error is a sentence.
pub fn check(plan: &Plan) -> std::result::Result<(), String> {
    if plan.network.name == "resnet18" && plan.network.text("norm") == "batch" {
        return Err(
            "method \"ewc\" takes gradients example by example, which batch normalisation mixes: set \
                    network.norm = \"group\" or \"none\""
                .into(),
        );
    }
    Ok(())
}

impl Ewc {
    /// Writes the gradient of -ln p(y | x) of one example into the network's gradients.
    fn differentiate(
        &self,
        learned: &Learned<'_>,
        position: u32,
        pass: &Pass,
        draws: &mut Stream,
    ) -> Result<()> {
        let (inputs, mut targets) = batch(learned.examples, &[position])?;
        let network = learned.network;
        let logits = network.forward(&inputs, pass)?;
        if self.sampled {
            targets.labels = Arc::new(vec![sample(&logits, &targets, draws.unit())?]);
        }
        reset(network);
        cross_entropy(&logits, targets)?.loss.backward()?;
        Ok(())
    }
}

fn reset(network: &dyn Network) {
    for parameter in network.parameters() {
        parameter.gradient.reset();
    }
}

/// The class whose share of the distribution over the answers that count holds `unit` of [0, 1).
fn sample(logits: &Tensor, targets: &Targets, unit: f64) -> Result<u32> {
    let logits: Vec<f32> = logits.flatten_all()?.to_vec1()?;
    let classes: Vec<u32> = match &targets.among {
        Some(among) => among[0].to_vec(),
        None => (0..logits.len() as u32).collect(),
    };
    let of = |class: u32| f64::from(logits[class as usize]);
    let largest = classes.iter().map(|&class| of(class)).fold(f64::NEG_INFINITY, f64::max);
    let weights: Vec<f64> = classes.iter().map(|&class| libm::exp(of(class) - largest)).collect();
    let mut left = unit * weights.iter().sum::<f64>();
    for (&class, weight) in classes.iter().zip(weights) {
        left -= weight;
        if left < 0.0 {
            return Ok(class);
        }
    }
    // Rounding, or logits that are no numbers.
    Ok(*classes.last().expect("a task has classes"))
}

impl Method for Ewc {
    fn before_update(&mut self, network: &dyn Network) -> Result<()> {
        for held in self.held.iter().filter(|held| !held.importance.is_empty()) {
            let parameter = &network.parameters()[held.parameter];
            let values = parameter.to_vec()?;
            let mut gradient = parameter.gradient.lock();
            let Some(gradient) = gradient.read::<f32>()? else { continue };
            for (((g, &v), &f), &a) in
                gradient.iter_mut().zip(&values).zip(&held.importance).zip(&held.anchor)
            {
                *g += self.strength * f.mul_add(v, -a);
            }
        }
        Ok(())
    }

    fn end_task(&mut self, learned: &Learned<'_>, stream: &mut Stream) -> Result<()> {
        let parameters = learned.network.parameters();
        let chosen = draw(stream, learned.examples.len(), self.samples.min(learned.examples.len()));
        // Randomised activations draw from a generator of this task's end, not from the training's.
        let pass = Pass::Train(Arc::new(Mutex::new(stream.clone())));
        let mut squares: Vec<Vec<f64>> = self.held.iter().map(|h| vec![0.0; h.len]).collect();
        for &position in &chosen {
            self.differentiate(learned, position, &pass, stream)?;
            for (held, squares) in self.held.iter().zip(&mut squares) {
                let mut gradient = parameters[held.parameter].gradient.lock();
                let Some(gradient) = gradient.read::<f32>()? else { continue };
                squares.iter_mut().zip(gradient).for_each(|(s, g)| *s += f64::from(*g).powi(2));
            }
        }
        reset(learned.network);
        for (held, squares) in self.held.iter_mut().zip(squares) {
            let values = parameters[held.parameter].to_vec()?;
            held.importance.resize(held.len, 0.0);
            held.anchor.resize(held.len, 0.0);
            let sums = held.importance.iter_mut().zip(&mut held.anchor);
            for ((value, square), (importance, anchor)) in values.into_iter().zip(squares).zip(sums) {
                let fisher = (square / chosen.len() as f64) as f32;
                *importance += fisher;
                *anchor = fisher.mul_add(value, *anchor);
            }
        }
        Ok(())
    }

    fn state(&self) -> Vec<(String, Vec<f32>)> {
        let lists = |held: &Held| {
            [
                (format!("{}.anchor", held.name), held.anchor.clone()),
                (format!("{}.importance", held.name), held.importance.clone()),
            ]
        };
        self.held.iter().filter(|held| !held.importance.is_empty()).flat_map(lists).collect()
    }

    fn restore(&mut self, state: Vec<(String, Vec<f32>)>) {
        let mut lists: BTreeMap<String, Vec<f32>> = state.into_iter().collect();
        for held in &mut self.held {
            let mut take = |what: &str| lists.remove(&format!("{}.{what}", held.name)).unwrap_or_default();
            (held.anchor, held.importance) = (take("anchor"), take("importance"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::inplace::update;
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
        let examples = stream.task(task).train;
        let learned = Learned { task, examples: &examples, tasks: stream, network };
        method.end_task(&learned, &mut Stream::new(0, "method-end", task as u64)).unwrap();
    }

    fn list(method: &dyn Method, name: &str) -> Vec<f32> {
        method.state().into_iter().find(|(key, _)| key == name).unwrap().1
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
            let examples = stream.task(0).train;
            let learned = Learned { task, examples: &examples, tasks: &*stream, network: &*network };
            method.end_task(&learned, &mut Stream::new(0, "method-end", task as u64)).unwrap();
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
            method.before_update(&*network).unwrap();
            weight.gradient.to_f32()
        };
        assert!(pull(&mut *method).iter().all(|g| *g == 0.0), "nothing was learned yet");
        let (mut fishers, mut ends): (Vec<Vec<f32>>, Vec<Vec<f32>>) = (Vec::new(), Vec::new());
        for task in 0..2 {
            update(&weight.values, |values| values.iter_mut().for_each(|v| *v += 0.1)).unwrap();
            let before =
                if task == 0 { vec![0.0; 420] } else { list(&*method, "layers.0.weight.importance") };
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
        resumed.restore(method.state());
        assert_eq!((resumed.state(), pull(&mut *resumed)), (method.state(), pulled));
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
}
