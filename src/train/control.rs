//! What a running run and its surroundings say to each other: "stop soon" inwards, "this far" outwards.

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
    /// Online accuracy of the last finished task, where there is one.
    pub online_accuracy: Option<f64>,
    /// Whether the current task has just ended, its rows on disk: the report that every task makes
    /// exactly once.
    pub task_ended: bool,
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

/// Handed to a run: the flag that asks it to stop, and the ears for its reports and notes.
pub struct Control {
    interrupt: Arc<AtomicBool>,
    listener: Box<dyn Fn(&Progress) + Send + Sync>,
    notes: Box<dyn Fn(&str) + Send + Sync>,
}

impl Control {
    /// A control whose `interrupt` may be raised from anywhere and whose reports go to `listener`.
    pub fn new(interrupt: Arc<AtomicBool>, listener: impl Fn(&Progress) + Send + Sync + 'static) -> Self {
        Self { interrupt, listener: Box::new(listener), notes: Box::new(|_| {}) }
    }

    /// The same with an ear for what the user should know and the run can live with.
    #[must_use]
    pub fn noting(self, notes: impl Fn(&str) + Send + Sync + 'static) -> Self {
        Self { notes: Box::new(notes), ..self }
    }

    /// A control that never interrupts and hears nothing.
    #[must_use]
    pub fn deaf() -> Self {
        Self::new(Arc::default(), |_| {})
    }

    /// Whether the run should end at this step. A relaxed load: cheap enough for every step.
    #[must_use]
    pub fn interrupted(&self) -> bool {
        self.interrupt.load(Ordering::Relaxed)
    }

    /// Tells how far the run is: at a task's end always, within a task as often as [`Pulse`] says.
    pub fn report(&self, progress: &Progress) {
        (self.listener)(progress);
    }

    /// Tells of something odd that did not stop the run, in a sentence without its full stop.
    pub fn note(&self, text: &str) {
        (self.notes)(text);
    }
}

/// Keeps reports rare: true at most once in a period.
#[derive(Debug)]
pub struct Pulse {
    period: Duration,
    last: Instant,
}

impl Pulse {
    /// A pulse whose first beat is one period from now.
    #[must_use]
    pub fn every(period: Duration) -> Self {
        Self { period, last: Instant::now() }
    }

    /// Whether a period has passed since the last beat; if so, this is the next one.
    pub fn beats(&mut self) -> bool {
        let now = Instant::now();
        let due = now.duration_since(self.last) >= self.period;
        if due {
            self.last = now;
        }
        due
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
            online_accuracy: None,
            task_ended: false,
        };
        assert_eq!(progress.fraction(), 0.35);
        progress.task_ended = true;
        assert_eq!(progress.fraction(), 0.4);
    }

    #[test]
    fn a_pulse_beats_once_a_period() {
        let mut slow = Pulse::every(Duration::from_hours(1));
        assert!(!slow.beats());
        let mut quick = Pulse::every(Duration::ZERO);
        assert!(quick.beats() && quick.beats());
    }

    #[test]
    fn a_raised_flag_and_a_report_cross_the_control() {
        let flag = Arc::new(AtomicBool::new(false));
        let heard = Arc::new(AtomicBool::new(false));
        let ear = Arc::clone(&heard);
        let control = Control::new(Arc::clone(&flag), move |_| ear.store(true, Ordering::Relaxed));
        assert!(!control.interrupted());
        flag.store(true, Ordering::Relaxed);
        assert!(control.interrupted());
        control.report(&Progress {
            task: 0,
            tasks: 1,
            step: 0,
            steps: 1,
            steps_per_second: 0.0,
            online_accuracy: None,
            task_ended: false,
        });
        assert!(heard.load(Ordering::Relaxed));
    }
}
