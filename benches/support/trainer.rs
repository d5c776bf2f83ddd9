//! One network in training: the step of the training loop (gather a batch, forward, loss, backward,
//! update) as a run takes it, without the loop's bookkeeping around it.

use candle_core::{Device, Tensor};
use plasticity_bench::kernels::inplace::update;
use plasticity_bench::methods;
use plasticity_bench::optimizers;
use plasticity_bench::random::Stream;
use plasticity_bench::spec::{Entry, Value};
use plasticity_bench::tasks::Examples;
use plasticity_bench::train::Learner;

use super::clock;
use super::common;
use super::names;
use super::problem::{CLASSES, PIXELS, Problem};
use super::serve::Contender;

/// Which network, on which batches.
#[derive(Clone, Debug)]
pub struct Case {
    /// As [`names`] has it.
    pub activation: String,
    /// Hidden widths.
    pub hidden: Vec<i64>,
    /// Examples per step.
    pub batch: usize,
}

impl Case {
    /// Label for tables.
    pub fn label(&self) -> String {
        format!("{} {:?} b{}", self.activation, self.hidden, self.batch)
    }

    /// Floating-point operations of a step's matrix products: y and ∂W in every layer, ∂x in all but
    /// the first.
    pub fn flop(&self) -> f64 {
        let mut widths = vec![PIXELS as f64];
        widths.extend(self.hidden.iter().map(|&w| w as f64));
        widths.push(CLASSES as f64);
        let weights: f64 = widths.windows(2).map(|pair| pair[0] * pair[1]).sum();
        2.0 * self.batch as f64 * (3.0 * weights - widths[0] * widths[1])
    }
}

/// A learner and its place in the data.
pub struct Trainer {
    learner: Learner,
    examples: Examples,
    positions: Vec<u32>,
    batch: usize,
    at: usize,
}

impl Trainer {
    /// A network at its start values. The case must name a known activation.
    pub fn new(problem: &Problem, case: &Case) -> Self {
        Self::with(problem, case, "adam", "none")
    }

    /// The same with an optimiser and a method, both with their defaults. They must be known.
    pub fn with(problem: &Problem, case: &Case, optimizer: &str, method: &str) -> Self {
        let choice = |entries: Vec<Entry>, name: &str| {
            common::defaults(entries.iter().find(|entry| entry.name == name).expect("a known name"))
        };
        let activation = names::choice(&case.activation).expect("names are checked before");
        let mut plan = common::plan(activation);
        plan.network = common::mlp(&case.hidden);
        plan.optimizer = choice(optimizers::entries(), optimizer);
        plan.optimizer.parameters.insert("learning_rate".into(), Value::Number(1e-3));
        plan.methods = if method == "none" { Vec::new() } else { vec![choice(methods::entries(), method)] };
        let mut init = Stream::new(0, "init", 0);
        let mut learner = Learner::new(&plan, &*problem.stream, &mut init).expect("a sound network");
        learner.start_task(0).expect("a first task");
        for parameter in learner.trained().network().parameters() {
            // A constraint gives the coefficients another meaning, so it keeps its own start.
            let constrained = parameter.name.contains("coefficients") && case.activation != "rational";
            if let (Some(start), false) = (problem.start.get(&parameter.name), constrained) {
                update(&parameter.values, |values| values.copy_from_slice(start)).expect("the same shape");
            }
        }
        let examples = problem.examples.clone();
        let positions = (0..examples.len() as u32).collect();
        Self { learner, examples, positions, batch: case.batch, at: 0 }
    }
}

impl Contender for Trainer {
    /// On the next batch.
    fn step(&mut self) -> f64 {
        let positions = &self.positions[self.at..self.at + self.batch];
        self.at = (self.at + self.batch) % (self.positions.len() / self.batch * self.batch);
        let mut inputs = Vec::new();
        self.examples.inputs.gather(positions, &mut inputs);
        let labels: Vec<u32> = positions.iter().map(|&p| self.examples.labels[p as usize]).collect();
        let inputs = Tensor::from_vec(inputs, (self.batch, PIXELS), &Device::Cpu).expect("whole rows");
        self.learner.step(&inputs, &labels.into()).expect("a step").loss
    }

    /// After a tenth as many to warm up.
    fn microseconds(&mut self, steps: usize) -> f64 {
        (0..steps / 10).for_each(|_| _ = self.step());
        let seconds = clock::seconds(|| (0..steps).for_each(|_| _ = self.step()));
        seconds * 1e6 / steps as f64
    }
}
