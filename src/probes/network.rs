//! A whole network under the probes: with the tasks that it learns, at one moment of a supervised run.

use std::cell::OnceCell;

use candle_core::Result;

use super::sample::Sample;
use super::twin::Twin;
use crate::random::Stream;
use crate::spec::Plan;
use crate::tasks::TaskStream;
use crate::trained::View;

/// What the probes of a whole network get.
#[derive(Clone, Copy)]
pub struct NetworkView<'a> {
    /// The run's plan.
    pub plan: &'a Plan,
    /// Its tasks.
    pub stream: &'a dyn TaskStream,
    /// The network as it is now.
    pub network: View<'a>,
    /// The task that it begins or has ended, from 0.
    pub task: usize,
}

/// A view, and what has been made of it so far.
pub(super) struct NetworkSubject<'a> {
    pub(super) view: &'a NetworkView<'a>,
    twin: OnceCell<Twin>,
    here: OnceCell<Sample>,
    next: OnceCell<Option<Sample>>,
}

impl<'a> NetworkSubject<'a> {
    pub(super) fn new(view: &'a NetworkView<'a>) -> Self {
        Self { view, twin: OnceCell::new(), here: OnceCell::new(), next: OnceCell::new() }
    }

    /// The network's copy in f64.
    pub(super) fn twin(&self) -> Result<&Twin> {
        let NetworkView { plan, stream, network, .. } = *self.view;
        once(&self.twin, || Twin::new(plan, (stream.dims(), stream.classes()), network))
    }

    /// Training examples of this task: the plan's number of samples, or all.
    pub(super) fn here(&self) -> Result<&Sample> {
        once(&self.here, || self.sample(self.view.task))
    }

    /// The same of the next task; `None` after the last one.
    pub(super) fn next(&self) -> Result<Option<&Sample>> {
        let task = self.view.task + 1;
        let sample = || (task < self.view.stream.tasks()).then(|| self.sample(task)).transpose();
        Ok(once(&self.next, sample)?.as_ref())
    }

    fn sample(&self, task: usize) -> Result<Sample> {
        let plan = self.view.plan;
        Sample::of(&self.view.stream.task(task).train, plan.probes.samples, plan.seed)
    }

    /// The generator of the probe of this name at this task: no training draw shares it.
    pub(super) fn draws(&self, probe: &str) -> Stream {
        Stream::new(self.view.plan.seed, &format!("probe-{probe}"), self.view.task as u64)
    }
}

/// What is in the cell, made where nothing is.
fn once<T>(cell: &OnceCell<T>, make: impl FnOnce() -> Result<T>) -> Result<&T> {
    if let Some(made) = cell.get() {
        return Ok(made);
    }
    let made = make()?;
    Ok(cell.get_or_init(|| made))
}
