//! Optimisers with a readable state: Adam, `AdamW`, SGD with momentum, `RMSprop`, as `PyTorch` defines them, and Muon.
//!
//! All of them can clip the gradients first (`max_grad_norm`).
//!
//! candle's SGD has no momentum and its Adam's moments can be neither read nor set, which checkpoints
//! and methods that reset them need.

mod clipping;
mod entries;
mod restarts;

use std::ops::Range;

use candle_core::Result;

use crate::kernels::inplace::update;
use crate::kernels::muon::Muon;
use crate::kernels::optimizer_step::{Adam, AdamStep, Corrections, Sgd};
use crate::kernels::rms_prop::RmsProp;
use crate::nn::{self, Parameter, Role};
use crate::spec::{Choice, Plan, Value};
use crate::state::{StateDict, StateError, Stateful, Values};

pub use self::clipping::max_grad_norm;
pub use self::entries::entries;
use self::restarts::{Counts, Restarts};

/// Whether the settings go together. The error is a sentence.
pub fn check(plan: &Plan) -> std::result::Result<(), String> {
    check_one(&plan.optimizer, &plan.network)?;
    let critic = plan.control().map(|control| &control.critic);
    critic.map_or(Ok(()), |critic| {
        let optimizer = critic.optimizer.as_ref().unwrap_or(&plan.optimizer);
        check_one(optimizer, critic.network.as_ref().unwrap_or(&plan.network))
    })
}

fn check_one(choice: &Choice, network: &Choice) -> std::result::Result<(), String> {
    let is_flat = nn::depth(network).is_some_and(|layers| layers < 3);
    if choice.name == "muon" && is_flat && choice.text("input_layer") == "adam" {
        return Err("optimizer \"muon\" steps matrices between hidden layers, and this network has none: give it two \
                    hidden layers, set optimizer.input_layer = \"muon\", or take \"adam\""
            .to_owned());
    }
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
    RmsProp(RmsProp),
    /// Of a hidden matrix of so many rows.
    Muon(Muon, usize),
}

impl Rule {
    /// With the parameter's own settings, where it has any.
    fn of(mut self, parameter: &Parameter) -> Self {
        let (rate, decay) = match &mut self {
            Self::Adam(rule) => (&mut rule.learning_rate, &mut rule.weight_decay),
            Self::Sgd(rule) => (&mut rule.learning_rate, &mut rule.weight_decay),
            Self::RmsProp(rule) => (&mut rule.learning_rate, &mut rule.weight_decay),
            Self::Muon(rule, _) => (&mut rule.learning_rate, &mut rule.weight_decay),
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
            Self::RmsProp(rule) => Step::RmsProp(rule),
            Self::Muon(..) => unreachable!("a matrix is stepped as a whole"),
        }
    }
}

/// What a rule does to every element in one step.
enum Step {
    Adam(AdamStep),
    Sgd(Sgd),
    RmsProp(RmsProp),
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
            Self::RmsProp(rule) => rule.step(values, g, first, &mut second[range]),
        }
    }
}

/// The rule of parameter number `number`.
///
/// # Panics
/// If the choice is not one of [`entries`].
fn rule(choice: &Choice, parameters: &[Parameter], number: usize) -> Rule {
    let (learning_rate, weight_decay) = (choice.number("learning_rate"), choice.number("weight_decay"));
    let betas = || (choice.number("beta1"), choice.number("beta2"));
    match choice.name.as_str() {
        name @ ("adam" | "adamw") => Rule::Adam(Adam {
            learning_rate,
            betas: betas(),
            epsilon: choice.number("epsilon"),
            gnt: matches!(choice.get("correction"), Some(Value::Text(form)) if form == "adam-gnt"),
            weight_decay,
            decoupled: name == "adamw",
        }),
        "sgd" => Rule::Sgd(Sgd {
            learning_rate,
            momentum: choice.number("momentum"),
            nesterov: choice.flag("nesterov"),
            weight_decay,
        }),
        "rmsprop" => Rule::RmsProp(RmsProp {
            learning_rate,
            alpha: choice.number("alpha"),
            epsilon: choice.number("epsilon"),
            momentum: choice.number("momentum"),
            weight_decay,
        }),
        "muon" if is_hidden(parameters, number, choice.text("input_layer") == "muon") => Rule::Muon(
            Muon {
                learning_rate,
                momentum: choice.number("momentum"),
                nesterov: choice.flag("nesterov"),
                iterations: usize::try_from(choice.integer("iterations"))
                    .expect("checked against the catalogue"),
                weight_decay,
            },
            parameters[number].values.dims()[0],
        ),
        "muon" => Rule::Adam(Adam {
            learning_rate: choice.number("adam_learning_rate"),
            betas: betas(),
            epsilon: choice.number("epsilon"),
            gnt: false,
            weight_decay,
            decoupled: true,
        }),
        other => panic!("no optimiser is named {other}"),
    }
}

/// Whether parameter number `number` is the weight of a hidden layer: not of the head, which comes last, nor of
/// the first layer, unless `input` says that it counts.
fn is_hidden(parameters: &[Parameter], number: usize, input: bool) -> bool {
    // What looks characters up is the first layer of those that do.
    let is_before = |parameter: &Parameter| matches!(parameter.role, Role::Weight | Role::Embedding);
    let before = parameters[..number].iter().any(is_before);
    let behind = parameters[number + 1..].iter().any(|parameter| parameter.role == Role::Weight);
    parameters[number].role == Role::Weight && behind && (before || input)
}

/// The state that an optimiser keeps for one parameter.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Adam's first moment, or the momentum buffer of the others.
    pub first: Vec<f32>,
    /// Adam's second moment and `RMSprop`'s mean of squares; empty for SGD and Muon.
    pub second: Vec<f32>,
    /// Steps that this parameter has taken (a frozen one takes none): one number for each of its rows
    /// where they are separate, otherwise one for all of it.
    pub steps: Vec<u64>,
    /// Whether every row is a parameter of its own.
    pub separate_rows: bool,
    /// Whether its rule has a use for step counts, as Adam has.
    counts: bool,
    /// Rows of the parameter; 1 of a vector.
    rows: usize,
    /// Where the counts of a part of it started anew.
    restarts: Restarts,
}

impl State {
    /// Forgets the moments and the step count: as if the parameter had never been stepped.
    pub fn reset(&mut self) {
        self.first.fill(0.0);
        self.second.fill(0.0);
        self.steps.fill(0);
        self.restarts.clear();
    }

    fn width(&self) -> usize {
        self.first.len() / self.rows.max(1)
    }

    /// The step count of row number `unit`, or of that element of a vector, starts anew: for Adam, since no other rule
    /// makes use of it.
    pub fn restart_unit(&mut self, unit: usize) {
        if self.rows == 1 {
            self.restart_columns(unit..unit + 1);
        } else if self.counts {
            let counts = Counts { width: self.width(), steps: &self.steps };
            self.restarts.row(unit, self.rows, counts);
        }
    }

    /// The step counts of these columns start anew in every row, likewise.
    pub fn restart_columns(&mut self, range: Range<usize>) {
        if self.counts {
            let counts = Counts { width: self.width(), steps: &self.steps };
            self.restarts.columns(range, counts);
        }
    }
}

/// One step of a parameter with one count, if it has a gradient.
fn step_whole(rule: Rule, parameter: &Parameter, state: &mut State) -> Result<()> {
    let mut gradient = parameter.gradient.lock();
    let State { first, second, steps, .. } = state;
    if gradient.is_fresh() {
        return Ok(());
    }
    steps[0] += 1;
    if let Rule::Muon(rule, rows) = rule {
        let Some(gradient) = gradient.read::<f32>()? else { return Ok(()) };
        return update(&parameter.values, |values| rule.step(values, gradient, first, rows));
    }
    let step = rule.at(steps[0]);
    let mut done = Ok(());
    update(&parameter.values, |values| {
        done = gradient.blocks(|at, g| step.apply(at..at + g.len(), values, g, first, second));
    })?;
    done
}

/// The same of a parameter whose parts have counts of their own: on all rows, or on these, each with its own count.
fn step_parts(
    rule: Rule,
    parameter: &Parameter,
    state: &mut State,
    rows: Option<&[u32]>,
    known: &mut Option<Corrections>,
) -> Result<()> {
    let mut gradient = parameter.gradient.lock();
    if gradient.is_fresh() {
        return Ok(());
    }
    let width = state.width();
    let State { first, second, steps, restarts, .. } = state;
    match rows {
        Some(rows) => rows.iter().for_each(|&row| steps[row as usize] += 1),
        // One count, or that of each row.
        None => steps.iter_mut().for_each(|steps| *steps += 1),
    }
    let counts = Counts { width, steps };
    // Powers once computed serve every step.
    let mut stepping = match rule {
        Rule::Adam(rule) if !restarts.is_empty() => {
            Some(restarts.stepping(counts, known.get_or_insert_with(|| Corrections::new(rule))))
        }
        _ => None,
    };
    let mut row = |row: usize, g: &[f32], values: &mut [f32]| {
        if let Some(stepping) = &mut stepping {
            stepping.row(row, g, (values, first, second));
        } else {
            let range = row * width..(row + 1) * width;
            rule.at(counts.of(row)).apply(range, values, g, first, second);
        }
    };
    let mut done = Ok(());
    update(&parameter.values, |values| {
        done = match rows {
            // A deferred gradient is multiplied a few rows at a time.
            None => gradient.blocks(|at, block| {
                for (i, g) in block.chunks_exact(width).enumerate() {
                    row(at / width + i, g, values);
                }
            }),
            Some(rows) => gradient.read::<f32>().map(|all| {
                let all = all.expect("it is not fresh");
                rows.iter().map(|&i| i as usize).for_each(|i| row(i, &all[i * width..][..width], values));
            }),
        };
    })?;
    done
}

/// One optimiser for all parameters of a network.
#[derive(Clone, Debug)]
pub struct Optimizer {
    /// By parameter, with its own settings where it has any.
    rules: Vec<Rule>,
    /// Names of the parameters.
    names: Vec<String>,
    states: Vec<State>,
    /// By parameter, where parts of it count their own steps.
    corrections: Vec<Option<Corrections>>,
    /// Largest norm of all gradients together.
    max_grad_norm: Option<f64>,
}

impl Optimizer {
    /// From a checked choice. States start at 0.
    ///
    /// # Panics
    /// If the choice is not one of [`entries`].
    #[must_use]
    pub fn new(choice: &Choice, parameters: &[Parameter]) -> Self {
        let rules: Vec<Rule> = (0..parameters.len())
            .map(|number| rule(choice, parameters, number).of(&parameters[number]))
            .collect();
        let state = |(p, rule): (&Parameter, &Rule)| {
            let zeros = vec![0.0; p.values.elem_count()];
            let has_second = matches!(rule, Rule::Adam(_) | Rule::RmsProp(_));
            let second = if has_second { zeros.clone() } else { Vec::new() };
            let rows = if p.values.rank() > 1 { p.values.dims()[0] } else { 1 };
            let (steps, counts) = (vec![0], matches!(rule, Rule::Adam(_)));
            let restarts = Restarts::default();
            State { first: zeros, second, steps, separate_rows: false, counts, rows, restarts }
        };
        let states = parameters.iter().zip(&rules).map(state).collect();
        let names = parameters.iter().map(|p| p.name.clone()).collect();
        let corrections = vec![None; rules.len()];
        Self { rules, names, states, corrections, max_grad_norm: max_grad_norm(choice) }
    }

    /// Treats every row of the parameters numbered so as a parameter of its own, as `PyTorch` has it for
    /// one head per task: each row has its own step count, and a row that a step does not use keeps its
    /// values and moments.
    pub fn separate_rows(&mut self, numbers: &[usize], parameters: &[Parameter]) {
        for &number in numbers {
            let state = &mut self.states[number];
            state.rows = parameters[number].values.dims()[0];
            state.steps = vec![0; state.rows];
            state.separate_rows = true;
        }
    }

    /// One step on every parameter whose role is trained and that has a gradient.
    pub fn step(&mut self, parameters: &[Parameter], trained: impl Fn(Role) -> bool) -> Result<()> {
        self.step_rows(parameters, trained, || None)
    }

    /// The same. Of parameters with separate rows, only the rows that `used` lists are stepped, or all if
    /// it gives `None`. It is called only if there are such parameters. Gradients that are clipped stay so.
    pub fn step_rows(
        &mut self,
        parameters: &[Parameter],
        trained: impl Fn(Role) -> bool,
        used: impl Fn() -> Option<Vec<u32>>,
    ) -> Result<()> {
        let separate = self.states.iter().any(|state| state.separate_rows);
        let used = if separate { used() } else { None };
        if let Some(most) = self.max_grad_norm {
            let stepped =
                parameters.iter().zip(&self.states).filter(|(parameter, _)| trained(parameter.role));
            let rows = |state: &State| used.as_deref().filter(|_| state.separate_rows);
            clipping::clip(most, stepped.map(|(parameter, state)| (parameter, rows(state))))?;
        }
        for (((parameter, state), &rule), known) in
            parameters.iter().zip(&mut self.states).zip(&self.rules).zip(&mut self.corrections)
        {
            if !trained(parameter.role) {
                continue;
            }
            if !state.separate_rows && state.restarts.is_empty() {
                step_whole(rule, parameter, state)?;
                continue;
            }
            let rows = used.as_deref().filter(|_| state.separate_rows);
            step_parts(rule, parameter, state, rows, known)?;
        }
        Ok(())
    }

    /// What step number `ahead` (1 is the next) does to parameter number `number`, for steps that are taken elsewhere:
    /// Adam's numbers, or SGD's in their places; `None` of the other optimisers.
    #[must_use]
    pub fn numbers(&self, number: usize, ahead: u64) -> Option<[f32; 11]> {
        match self.rules[number] {
            Rule::Adam(rule) => Some(rule.at(self.states[number].steps[0] + ahead).numbers()),
            Rule::Sgd(rule) => Some(rule.numbers()),
            Rule::RmsProp(_) | Rule::Muon(..) => None,
        }
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

/// `NAME.first`, `NAME.second` and `NAME.steps` of every parameter; `NAME.rows` and `NAME.columns` where parts of it have
/// started anew.
impl Stateful for Optimizer {
    fn save(&self, state: &mut StateDict) {
        for (name, of) in self.names.iter().zip(&self.states) {
            state.insert(format!("{name}.first"), Values::F32(of.first.clone()));
            if !of.second.is_empty() {
                state.insert(format!("{name}.second"), Values::F32(of.second.clone()));
            }
            state.insert(format!("{name}.steps"), Values::U64(of.steps.clone()));
            of.restarts.save(name, state);
        }
    }

    fn load(&mut self, state: &StateDict) -> std::result::Result<(), StateError> {
        for (name, of) in self.names.iter().zip(&mut self.states) {
            state.copy_f32s(&format!("{name}.first"), &mut of.first)?;
            if !of.second.is_empty() {
                state.copy_f32s(&format!("{name}.second"), &mut of.second)?;
            }
            state.copy_u64s(&format!("{name}.steps"), &mut of.steps)?;
            let counts = Counts { width: of.width(), steps: &of.steps };
            of.restarts.load(name, state, (of.rows, counts))?;
        }
        Ok(())
    }
}
