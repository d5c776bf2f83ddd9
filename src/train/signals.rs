//! Signals between a run and its surroundings: an interrupt inwards, progress and notes outwards.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How far a run is. Tasks and steps count from 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// The current task.
    pub task: usize,
    /// Number of tasks of the run.
    pub tasks: usize,
    /// Steps taken in the current task.
    pub step: usize,
    /// Steps of the current task.
    pub steps: usize,
    /// Recent rate; 0 where none is known yet.
    pub steps_per_second: f64,
    /// The score of the last finished task, where there is one.
    pub score: Option<f64>,
    /// What the score is.
    pub score_kind: ScoreKind,
    /// Whether the current task has just ended, its rows on disk: the report that every task makes
    /// exactly once.
    pub task_ended: bool,
}

/// What a run is scored by while it runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ScoreKind {
    /// Online accuracy of a task, in [0, 1].
    #[default]
    OnlineAccuracy,
    /// Mean return of the task's episodes, in the environment's own units.
    Return,
}

impl ScoreKind {
    /// A short label for a progress line.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::OnlineAccuracy => "online",
            Self::Return => "return",
        }
    }
}

impl Progress {
    /// Share of the run's steps that have been taken, in [0, 1] (tasks counted as equally long).
    #[must_use]
    pub fn fraction(&self) -> f64 {
        let within = if self.task_ended { 1.0 } else { self.step as f64 / self.steps.max(1) as f64 };
        ((self.task as f64 + within) / self.tasks.max(1) as f64).clamp(0.0, 1.0)
    }
}

/// How a run came to its end, errors aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All tasks were trained.
    Done,
    /// The loss or a parameter left the finite numbers: a result of its own, not an error.
    Diverged {
        /// Task in which it happened.
        task: usize,
        /// Step of that task.
        step: usize,
    },
    /// It was asked to stop, and stands on disk up to its last step.
    Interrupted,
}

/// What a run is given by its caller: a flag that asks it to stop, and listeners for its reports and notes.
pub struct Signals {
    interrupt: Arc<AtomicBool>,
    listener: Box<dyn Fn(&Progress) + Send + Sync>,
    notes: Box<dyn Fn(&str) + Send + Sync>,
}

impl Signals {
    /// Signals whose `interrupt` may be raised from anywhere and whose reports go to `listener`.
    pub fn new(interrupt: Arc<AtomicBool>, listener: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        Self { interrupt, listener: Box::new(listener), notes: Box::new(|_| {}) }
    }

    /// The same with a listener for notes: what the user should know and what does not stop the run.
    #[must_use]
    pub fn noting(self, notes: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { notes: Box::new(notes), ..self }
    }

    /// Signals that never interrupt and that nobody listens to.
    #[must_use]
    pub fn none() -> Self {
        Self::new(Arc::default(), |_| {})
    }

    /// Whether the run should end at this step. A relaxed load: cheap enough for every step.
    #[must_use]
    pub fn interrupted(&self) -> bool {
        self.interrupt.load(Ordering::Relaxed)
    }

    /// Reports how far the run is: at a task's end always, within a task as often as a [`Throttle`] allows.
    pub fn report(&self, progress: &Progress) {
        (self.listener)(progress);
    }

    /// Passes on a note: a sentence without its full stop about something that did not stop the run.
    pub fn note(&self, text: &str) {
        (self.notes)(text);
    }
}

/// Limits how often something is done: [`Throttle::ready`] is true at most once a period.
#[derive(Debug)]
pub struct Throttle {
    period: Duration,
    last: Instant,
}

impl Throttle {
    /// A throttle that is ready for the first time one period from now.
    #[must_use]
    pub fn every(period: Duration) -> Self {
        Self { period, last: Instant::now() }
    }

    /// Whether a period has passed at `now` since it was last ready. If so, the next period begins.
    pub fn ready(&mut self, now: Instant) -> bool {
        let ready = now.duration_since(self.last) >= self.period;
        if ready {
            self.last = now;
        }
        ready
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fraction_counts_whole_tasks_and_the_part_of_the_current_one() {
        let mut progress = Progress {
            task: 3,
            tasks: 10,
            step: 50,
            steps: 100,
            steps_per_second: 0.0,
            score: None,
            score_kind: ScoreKind::OnlineAccuracy,
            task_ended: false,
        };
        assert_eq!(progress.fraction(), 0.35);
        progress.task_ended = true;
        assert_eq!(progress.fraction(), 0.4);
    }

    #[test]
    fn a_throttle_is_ready_once_a_period() {
        let begun = Instant::now();
        let mut throttle = Throttle { period: Duration::from_secs(10), last: begun };
        let ready: Vec<bool> = [9, 10, 19, 20].map(|s| throttle.ready(begun + Duration::from_secs(s))).into();
        assert_eq!(ready, [false, true, false, true]);
    }

    #[test]
    fn an_interrupt_goes_in_and_a_report_comes_out() {
        let flag = Arc::new(AtomicBool::new(false));
        let heard = Arc::new(AtomicBool::new(false));
        let listener = Arc::clone(&heard);
        let signals = Signals::new(Arc::clone(&flag), move |_| listener.store(true, Ordering::Relaxed));
        assert!(!signals.interrupted());
        flag.store(true, Ordering::Relaxed);
        assert!(signals.interrupted());
        signals.report(&Progress {
            task: 0,
            tasks: 1,
            step: 0,
            steps: 1,
            steps_per_second: 0.0,
            score: None,
            score_kind: ScoreKind::OnlineAccuracy,
            task_ended: false,
        });
        assert!(heard.load(Ordering::Relaxed));
    }
}
