//! One run's place on a device: a seat of an engine for its network, and one for the fresh network that it is paired
//! with.

use std::ops::Range;

use plasticity_bench_cuda::{
    Activation, CudaError, Load, MAX_P, Seat, Shape, Step, Steps, Taken as OnDevice,
};

use super::{Devices, Fit, learner};
use crate::nn::activation::rational::kernel::NOISE;
use crate::tasks::{Answers, Task};
use crate::train::{Feed, Learner, Pair, Place, StepResult, Taken, TrainError};
use crate::trained::StepTrace;

/// Steps that are asked for at a time: enough that asking costs nothing, few enough that an interrupt is seen soon.
const CHUNK: usize = 128;

/// See the module.
pub struct DevicePlace<'a> {
    devices: &'a Devices,
    fit: Fit,
    batch: usize,
    own: Option<Seat>,
    fresh: Option<Seat>,
}

#[allow(clippy::needless_pass_by_value, reason = "what map_err takes")]
fn failed(error: CudaError) -> TrainError {
    let mut text = error.to_string();
    text[..1].make_ascii_uppercase();
    TrainError::Device(text)
}

impl<'a> DevicePlace<'a> {
    /// Without seats yet: the first task's sizes decide.
    #[must_use]
    pub fn new(devices: &'a Devices, fit: Fit, batch: usize) -> Self {
        Self { devices, fit, batch, own: None, fresh: None }
    }

    fn shape(&self, learner: &Learner) -> Shape {
        learner::shape(learner, &self.fit, self.batch)
    }

    fn load_one(&self, seat: Option<Seat>, learner: &Learner, task: &Task) -> Result<Seat, TrainError> {
        let shape = self.shape(learner);
        let seat = match seat {
            Some(seat) => seat,
            None => self.devices.engine(&shape).map_err(failed)?.seat(),
        };
        let mut inputs = Vec::new();
        task.train.inputs.gather_range(0..task.train.len(), &mut inputs);
        let load = Load {
            values: learner::values(learner, &shape)?,
            start: learner::start(learner, &shape),
            settings: learner::settings(learner, &self.fit),
            examples: Some((inputs, task.train.labels.to_vec())),
        };
        seat.load(load).map_err(failed)?;
        Ok(seat)
    }

    /// The steps as the kernels want them. Draws what a randomised activation would draw.
    fn ask(&self, learner: &Learner, feed: &mut Feed<'_>, range: Range<usize>) -> Steps {
        let trained = learner.trained();
        let (weight, coefficients) = learner::numbers(trained);
        let trains = |number: usize| trained.trains(trained.network().parameters()[number].role);
        let is_trained = coefficients.is_some_and(trains);
        let mut steps = Steps::default();
        for (ahead, step) in (1..).zip(range) {
            let positions = feed.positions(step);
            steps.positions.extend(positions);
            steps.steps.push(Step {
                rows: positions.len() as i32,
                trained: i32::from(is_trained),
                weights: learner::rule(trained, weight, ahead),
                coefficients: coefficients
                    .map_or_else(Default::default, |n| learner::rule(trained, n, ahead)),
            });
            if let Some(by) = trained.perturbation().filter(|_| self.fit.perturb.draws()) {
                steps.keys.extend(trained.stream_of_step(by.purpose, step).key());
            }
            steps.positions.resize(steps.steps.len() * self.batch, 0);
            if let Activation::Rational { p, .. } = self.fit.activation
                && self.fit.activation.draws()
            {
                for _ in 1..trained.network().layers().len() {
                    let from = steps.noise.len();
                    let factor = |draws: &mut crate::random::Stream| draws.uniform(NOISE.0, NOISE.1) as f32;
                    steps.noise.extend((0..=p).map(|_| trained.draw(factor)));
                    steps.noise.resize(from + MAX_P, 1.0);
                }
            }
        }
        steps
    }
}

fn seated(seat: Option<&Seat>) -> Result<&Seat, TrainError> {
    seat.ok_or_else(|| TrainError::Device("A step was asked for before a task was loaded.".to_owned()))
}

/// Of a step whose batch has so many rows of the task's own.
fn result(taken: OnDevice, answers: usize) -> StepResult {
    StepResult { loss: f64::from(taken.loss), correct: taken.correct as usize, answers }
}

/// Counts the steps that moved something.
fn advance(learner: &mut Learner, taken: &[OnDevice]) {
    learner.trained_mut().advance(taken.iter().filter(|taken| taken.loss.is_finite()).count());
}

impl Place for DevicePlace<'_> {
    fn most(&self) -> usize {
        CHUNK
    }

    fn load(&mut self, pair: Pair<'_>, task: &Task) -> Result<(), TrainError> {
        if task.train.answers != Answers::All {
            return Err(TrainError::Device("The device takes softmax over all classes alone.".to_owned()));
        }
        let own = self.own.take();
        self.own = Some(self.load_one(own, pair.own, task)?);
        // Of the task before is nothing left.
        let fresh = self.fresh.take();
        self.fresh = pair.fresh.map(|learner| self.load_one(fresh, learner, task)).transpose()?;
        Ok(())
    }

    fn steps(
        &mut self,
        pair: Pair<'_>,
        feed: &mut Feed<'_>,
        steps: Range<usize>,
        taken: &mut Vec<Taken>,
    ) -> Result<(), TrainError> {
        let asked = self.ask(pair.own, feed, steps.clone());
        let rows: Vec<usize> = asked.steps.iter().map(|step| step.rows as usize).collect();
        // Both are under way at once.
        let own = seated(self.own.as_ref())?.start(asked);
        let mut fresh = None;
        if let Some(learner) = pair.fresh {
            let asked = self.ask(learner, feed, steps);
            fresh = Some((seated(self.fresh.as_ref())?.start(asked), learner));
        }
        let own = own.wait().map_err(failed)?;
        advance(pair.own, &own);
        let mut beside = None;
        if let Some((pending, learner)) = fresh {
            let results = pending.wait().map_err(failed)?;
            advance(learner, &results);
            beside = Some(results);
        }
        for (at, (one, &rows)) in own.iter().zip(&rows).enumerate() {
            let own = result(*one, rows);
            // A reference that has diverged stays so.
            let lost = StepResult { loss: f64::NAN, correct: 0, answers: rows };
            let fresh = beside.as_ref().filter(|_| own.loss.is_finite());
            let fresh = fresh.map(|results| results.get(at).map_or(lost, |one| result(*one, rows)));
            taken.push(Taken { own, fresh, trace: None });
        }
        Ok(())
    }

    fn traced_step(
        &mut self,
        mut pair: Pair<'_>,
        feed: &mut Feed<'_>,
        step: usize,
        taken: &mut Vec<Taken>,
    ) -> Result<(), TrainError> {
        self.store(Pair { own: pair.own, fresh: pair.fresh.as_deref_mut() })?;
        let ((inputs, targets), _) = feed.batch(step, &[])?;
        // The gradient is the processor's, at the device's values: other last bits, and nothing depends on them.
        let mut trace = pair.own.gradients(&inputs, &targets)?;
        let before = pair.own.view().weights()?;
        self.steps(Pair { own: pair.own, fresh: pair.fresh.as_deref_mut() }, feed, step..step + 1, taken)?;
        self.store(Pair { own: pair.own, fresh: pair.fresh })?;
        if let Some(last) = taken.last_mut().filter(|last| last.own.loss.is_finite()) {
            trace.updates = StepTrace::differences(&pair.own.view().weights()?, &before);
            last.trace = Some(trace);
        }
        Ok(())
    }

    fn store(&mut self, pair: Pair<'_>) -> Result<(), TrainError> {
        let give = |seat: Option<&Seat>, learner: &mut Learner| {
            let values = seated(seat)?.store().map_err(failed)?;
            let shape = learner::shape(learner, &self.fit, self.batch);
            learner::take_back(learner, &shape, &values).map_err(TrainError::from)
        };
        give(self.own.as_ref(), pair.own)?;
        pair.fresh.map_or(Ok(()), |learner| give(self.fresh.as_ref(), learner))
    }
}
