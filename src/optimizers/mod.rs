//! Optimisers with a readable state: Adam, `AdamW`, SGD with momentum, as `PyTorch` defines them.
//!
//! candle's SGD has no momentum and its Adam's moments can be neither read nor set, which checkpoints
//! and methods that reset them need.

use std::borrow::Cow;
use std::ops::Range;

use candle_core::Result;

use crate::kernels::inplace::update;
use crate::kernels::optimizer_step::{Adam, AdamStep, Sgd};
use crate::nn::{Parameter, Role};
use crate::spec::{Choice, Entry, Kind, Parameter as Setting, Plan};
use crate::state::{StateDict, StateError, Stateful, Values};

const RATE: Setting = Setting {
    name: "learning_rate",
    summary: "step size",
    kind: Kind::Number { default: Some(1e-3), min: 0.0, max: 1e6 },
};
const BETA1: Setting = Setting {
    name: "beta1",
    summary: "decay of the mean of gradients",
    kind: Kind::Number { default: Some(0.9), min: 0.0, max: 0.999_999_999 },
};
const BETA2: Setting = Setting {
    name: "beta2",
    summary: "decay of the mean of squared gradients",
    kind: Kind::Number { default: Some(0.999), min: 0.0, max: 0.999_999_999 },
};
const EPSILON: Setting = Setting {
    name: "epsilon",
    summary: "added to the root of the second moment",
    kind: Kind::Number { default: Some(1e-8), min: 0.0, max: 1e6 },
};

const fn decay(summary: &'static str, default: f64) -> Setting {
    Setting {
        name: "weight_decay",
        summary,
        kind: Kind::Number { default: Some(default), min: 0.0, max: 1e6 },
    }
}

const ADAM: &[Setting] = &[RATE, BETA1, BETA2, EPSILON, decay("L2 penalty, added to the gradient", 0.0)];
const ADAMW: &[Setting] =
    &[RATE, BETA1, BETA2, EPSILON, decay("share lost per step and unit of learning rate", 0.01)];
const SGD: &[Setting] = &[
    RATE,
    Setting {
        name: "momentum",
        summary: "decay of the gradient sum, without dampening",
        kind: Kind::Number { default: Some(0.0), min: 0.0, max: 0.999_999_999 },
    },
    Setting { name: "nesterov", summary: "look ahead", kind: Kind::Flag { default: false } },
    decay("L2 penalty, added to the gradient", 0.0),
];

/// Catalogue section `optimizers`.
#[must_use]
pub fn entries() -> Vec<Entry> {
    vec![
        Entry {
            name: "adam",
            summary: "Adam; weight decay is coupled (an L2 penalty)",
            source: "Kingma & Ba 2015, arXiv 1412.6980; torch.optim.Adam",
            parameters: ADAM,
        },
        Entry {
            name: "adamw",
            summary: "Adam with decoupled weight decay",
            source: "Loshchilov & Hutter 2019, arXiv 1711.05101; torch.optim.AdamW",
            parameters: ADAMW,
        },
        Entry {
            name: "sgd",
            summary: "stochastic gradient descent with momentum",
            source: "torch.optim.SGD",
            parameters: SGD,
        },
    ]
}

/// Whether the settings go together. The error is a sentence.
pub fn check(plan: &Plan) -> std::result::Result<(), String> {
    let choice = &plan.optimizer;
    if choice.name == "sgd" && choice.flag("nesterov") && choice.number("momentum") == 0.0 {
        return Err("nesterov looks ahead along the momentum, which is 0: set optimizer.momentum, for \
                    example to 0.9, or leave nesterov out"
            .to_owned());
    }
    Ok(())
}

#[derive(Clone, Copy, Debug)]
enum Rule {
    Adam(Adam),
    Sgd(Sgd),
}

impl Rule {
    /// With the parameter's own settings, where it has any.
    fn of(mut self, parameter: &Parameter) -> Self {
        let (rate, decay) = match &mut self {
            Self::Adam(rule) => (&mut rule.learning_rate, &mut rule.weight_decay),
            Self::Sgd(rule) => (&mut rule.learning_rate, &mut rule.weight_decay),
        };
        *rate = parameter.learning_rate.unwrap_or(*rate);
        *decay = parameter.weight_decay.unwrap_or(*decay);
        self
    }

    /// Step number `step` (from 1).
    fn at(self, step: u64) -> Step {
        match self {
            Self::Adam(rule) => Step::Adam(rule.at(step)),
            Self::Sgd(rule) => Step::Sgd(rule),
        }
    }
}

/// What a rule does to every element in one step.
enum Step {
    Adam(AdamStep),
    Sgd(Sgd),
}

impl Step {
    /// On the elements of `range`, whose gradients are `g`.
    fn apply(
        &self,
        range: Range<usize>,
        values: &mut [f32],
        g: &[f32],
        first: &mut [f32],
        second: &mut [f32],
    ) {
        let (values, first) = (&mut values[range.clone()], &mut first[range.clone()]);
        match self {
            Self::Adam(step) => step.apply(values, g, first, &mut second[range]),
            Self::Sgd(rule) => rule.step(values, g, first),
        }
    }
}

/// The state that an optimiser keeps for one parameter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Adam's first moment, or SGD's momentum buffer.
    pub first: Vec<f32>,
    /// Adam's second moment; empty for SGD.
    pub second: Vec<f32>,
    /// Steps that this parameter has taken (a frozen one takes none): one number for each of its rows
    /// where they are separate, otherwise one for all of it.
    pub steps: Vec<u64>,
    /// Whether every row is a parameter of its own.
    pub separate_rows: bool,
}

impl State {
    /// Forgets the moments and the step count: as if the parameter had never been stepped.
    pub fn reset(&mut self) {
        self.first.fill(0.0);
        self.second.fill(0.0);
        self.steps.fill(0);
    }
}

/// One optimiser for all parameters of a network.
#[derive(Clone, Debug)]
pub struct Optimizer {
    rule: Rule,
    /// Names of the parameters.
    names: Vec<String>,
    states: Vec<State>,
}

impl Optimizer {
    /// From a checked choice. States start at 0.
    ///
    /// # Panics
    /// If the choice is not one of [`entries`].
    #[must_use]
    pub fn new(choice: &Choice, parameters: &[Parameter]) -> Self {
        let (learning_rate, weight_decay) = (choice.number("learning_rate"), choice.number("weight_decay"));
        let rule = match choice.name.as_str() {
            name @ ("adam" | "adamw") => Rule::Adam(Adam {
                learning_rate,
                betas: (choice.number("beta1"), choice.number("beta2")),
                epsilon: choice.number("epsilon"),
                weight_decay,
                decoupled: name == "adamw",
            }),
            "sgd" => Rule::Sgd(Sgd {
                learning_rate,
                momentum: choice.number("momentum"),
                nesterov: choice.flag("nesterov"),
                weight_decay,
            }),
            other => panic!("no optimiser is named {other}"),
        };
        let state = |p: &Parameter| {
            let zeros = vec![0.0; p.values.elem_count()];
            let second = if matches!(rule, Rule::Adam(_)) { zeros.clone() } else { Vec::new() };
            State { first: zeros, second, steps: vec![0], separate_rows: false }
        };
        let names = parameters.iter().map(|p| p.name.clone()).collect();
        Self { rule, names, states: parameters.iter().map(state).collect() }
    }

    /// Treats every row of the parameters numbered so as a parameter of its own, as `PyTorch` has it for
    /// one head per task: each row has its own step count, and a row that a step does not use keeps its
    /// values and moments.
    pub fn separate_rows(&mut self, numbers: &[usize], parameters: &[Parameter]) {
        for &number in numbers {
            let state = &mut self.states[number];
            state.steps = vec![0; parameters[number].values.dims()[0]];
            state.separate_rows = true;
        }
    }

    /// One step on every parameter whose role is trained and that has a gradient.
    pub fn step(&mut self, parameters: &[Parameter], trained: impl Fn(Role) -> bool) -> Result<()> {
        self.step_rows(parameters, trained, || None)
    }

    /// The same. Of parameters with separate rows, only the rows that `used` lists are stepped, or all if
    /// it gives `None`. It is called only if there are such parameters.
    pub fn step_rows(
        &mut self,
        parameters: &[Parameter],
        trained: impl Fn(Role) -> bool,
        used: impl Fn() -> Option<Vec<u32>>,
    ) -> Result<()> {
        let separate = self.states.iter().any(|state| state.separate_rows);
        let used = if separate { used() } else { None };
        for (parameter, state) in parameters.iter().zip(&mut self.states) {
            if !trained(parameter.role) {
                continue;
            }
            let mut gradient = parameter.gradient.lock();
            let rule = self.rule.of(parameter);
            let State { first, second, steps, separate_rows } = state;
            if !*separate_rows {
                if gradient.is_fresh() {
                    continue;
                }
                steps[0] += 1;
                let step = rule.at(steps[0]);
                let mut done = Ok(());
                update(&parameter.values, |values| {
                    done = gradient.blocks(|at, g| step.apply(at..at + g.len(), values, g, first, second));
                })?;
                done?;
                continue;
            }
            let Some(gradient) = gradient.read::<f32>()? else { continue };
            let rows = match &used {
                Some(used) => Cow::Borrowed(&used[..]),
                None => Cow::Owned((0..steps.len() as u32).collect()),
            };
            let width = gradient.len() / steps.len();
            update(&parameter.values, |values| {
                for row in rows.iter().map(|&row| row as usize) {
                    let range = row * width..(row + 1) * width;
                    steps[row] += 1;
                    let g = &gradient[range.clone()];
                    rule.at(steps[row]).apply(range, values, g, first, second);
                }
            })?;
        }
        Ok(())
    }

    /// Forgets all moments and step counts.
    pub fn reset(&mut self) {
        self.states.iter_mut().for_each(State::reset);
    }

    /// States in the order of the parameters.
    #[must_use]
    pub fn states(&self) -> &[State] {
        &self.states
    }

    /// The same, to restore or reset them.
    pub fn states_mut(&mut self) -> &mut [State] {
        &mut self.states
    }
}

/// `NAME.first`, `NAME.second` and `NAME.steps` of every parameter.
impl Stateful for Optimizer {
    fn save(&self, state: &mut StateDict) {
        for (name, of) in self.names.iter().zip(&self.states) {
            state.insert(format!("{name}.first"), Values::F32(of.first.clone()));
            if !of.second.is_empty() {
                state.insert(format!("{name}.second"), Values::F32(of.second.clone()));
            }
            state.insert(format!("{name}.steps"), Values::U64(of.steps.clone()));
        }
    }

    fn load(&mut self, state: &StateDict) -> std::result::Result<(), StateError> {
        for (name, of) in self.names.iter().zip(&mut self.states) {
            state.copy_f32s(&format!("{name}.first"), &mut of.first)?;
            if !of.second.is_empty() {
                state.copy_f32s(&format!("{name}.second"), &mut of.second)?;
            }
            state.copy_u64s(&format!("{name}.steps"), &mut of.steps)?;
        }
        Ok(())
    }
}
