//! Where the steps of a run are taken: on the processor, or by a device that takes many at a time.

use std::ops::Range;

use super::{Feed, Learner, StepResult, TrainError};
use crate::kernels;
use crate::spec::Plan;
use crate::tasks::Task;
use crate::trained::StepTrace;

/// The networks that a task trains side by side on the same batches.
pub struct Pair<'a> {
    /// The run's own.
    pub own: &'a mut Learner,
    /// The freshly initialised one that it is paired with, if the plan asks for one.
    pub fresh: Option<&'a mut Learner>,
}

/// One step taken.
pub struct Taken {
    /// Of the run's network, on the rows of the batch that are the task's own.
    pub own: StepResult,
    /// Of the paired one, where there is one and the run's own loss was finite.
    pub fresh: Option<StepResult>,
    /// What the step did, if that was asked for and the loss was finite.
    pub trace: Option<StepTrace>,
}

/// Where the steps of one run are taken. The learners are what everything else reads: they hold what the place holds
/// from [`Place::store`] to the next [`Place::steps`].
pub trait Place {
    /// Steps that it likes to take at a time, at least 1.
    fn most(&self) -> usize;

    /// Takes over what the learners hold, and what the task shows.
    ///
    /// # Errors
    /// If something is not there or too large; likewise below.
    fn load(&mut self, pair: Pair<'_>, task: &Task) -> Result<(), TrainError>;

    /// Takes `steps` of the task one after the other and appends what came of them to `taken`. It ends early with
    /// the first loss of the run's own network that is not finite, which changes nothing.
    fn steps(
        &mut self,
        pair: Pair<'_>,
        feed: &mut Feed<'_>,
        steps: Range<usize>,
        taken: &mut Vec<Taken>,
    ) -> Result<(), TrainError>;

    /// Takes step number `step` and traces it; the learners hold what it left.
    fn traced_step(
        &mut self,
        pair: Pair<'_>,
        feed: &mut Feed<'_>,
        step: usize,
        taken: &mut Vec<Taken>,
    ) -> Result<(), TrainError>;

    /// Gives the learners back what it took over, as it is now.
    fn store(&mut self, pair: Pair<'_>) -> Result<(), TrainError>;
}

/// Where the steps of all runs of a process are taken.
pub trait Places: Send + Sync {
    /// A place for one run of this plan.
    ///
    /// # Errors
    /// If the plan has something that is not taken here.
    fn place(&self, plan: &Plan) -> Result<Box<dyn Place + '_>, TrainError>;

    /// `cpu`, `cuda:0`: what run.toml has as the device.
    fn device(&self) -> &str;

    /// What decides the last bits of a step, for run.toml.
    fn kernels(&self) -> &str;

    /// Bytes of memory of its own that a run of this plan takes there; `None` where it has none.
    fn bytes(&self, plan: &Plan) -> Option<f64> {
        let _ = plan;
        None
    }

    /// Bytes of that memory that are free, where that can be asked.
    fn free(&self) -> Option<f64> {
        None
    }
}

/// All of them on the processor, each on its own thread.
pub struct Processor;

impl Places for Processor {
    fn place(&self, _: &Plan) -> Result<Box<dyn Place + '_>, TrainError> {
        Ok(Box::new(Cpu))
    }

    fn device(&self) -> &'static str {
        "cpu"
    }

    fn kernels(&self) -> &'static str {
        kernels::name()
    }
}

/// The processor. The learners themselves take the steps, one at a time.
pub struct Cpu;

impl Cpu {
    fn step(
        mut pair: Pair<'_>,
        feed: &mut Feed<'_>,
        step: usize,
        traced: bool,
    ) -> candle_core::Result<Taken> {
        let replayed = feed.replayed(pair.own, step);
        let ((inputs, targets), rows) = feed.batch(step, &replayed)?;
        let (own, trace) = if traced {
            pair.own.traced_step(&inputs, &targets, rows)?
        } else {
            (pair.own.step_counting(&inputs, &targets, rows)?, None)
        };
        let mut fresh = None;
        if let Some(reference) = pair.fresh.as_mut().filter(|_| own.loss.is_finite()) {
            // It has no earlier tasks: its batch is the task's own.
            let paired = if replayed.is_empty() { (inputs, targets) } else { feed.batch(step, &[])?.0 };
            fresh = Some(reference.step(&paired.0, &paired.1)?);
        }
        Ok(Taken { own, fresh, trace })
    }
}

impl Place for Cpu {
    fn most(&self) -> usize {
        1
    }

    fn load(&mut self, _: Pair<'_>, _: &Task) -> Result<(), TrainError> {
        Ok(())
    }

    fn steps(
        &mut self,
        mut pair: Pair<'_>,
        feed: &mut Feed<'_>,
        steps: Range<usize>,
        taken: &mut Vec<Taken>,
    ) -> Result<(), TrainError> {
        for step in steps {
            let pair = Pair { own: pair.own, fresh: pair.fresh.as_deref_mut() };
            let one = Self::step(pair, feed, step, false)?;
            let is_finite = one.own.loss.is_finite();
            taken.push(one);
            if !is_finite {
                break;
            }
        }
        Ok(())
    }

    fn traced_step(
        &mut self,
        pair: Pair<'_>,
        feed: &mut Feed<'_>,
        step: usize,
        taken: &mut Vec<Taken>,
    ) -> Result<(), TrainError> {
        taken.push(Self::step(pair, feed, step, true)?);
        Ok(())
    }

    fn store(&mut self, _: Pair<'_>) -> Result<(), TrainError> {
        Ok(())
    }
}
