//! How far each run is: one slot a run, written by its worker, read to draw the bars.

use std::fmt::Write as _;
use std::io::Write;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use super::bars::Bars;
use super::eta::Eta;
use crate::stderr::tell;
use crate::train::signals::Progress;

/// Where progress is shown.
pub(super) enum Display {
    /// Errors alone, to stderr.
    Quiet,
    /// A plain line a task.
    Lines(Mutex<Box<dyn Write + Send>>),
    /// Bars on a terminal.
    Bars(Bars),
}

/// Progress of all runs of this process.
pub(super) struct ProgressTracker {
    display: Display,
    labels: Vec<String>,
    weights: Vec<f64>,
    /// A lock a run, not one for all: its worker takes it a few times a second, the ticker likewise.
    slots: Vec<Mutex<Slot>>,
    began: Instant,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    ended: bool,
    /// Share of the run that former attempts had done.
    start: f64,
    /// Share done now.
    fraction: f64,
    reported: bool,
}

impl ProgressTracker {
    /// For runs of these names and weights; those that are `finished` already count as ended.
    pub fn new(display: Display, labels: Vec<String>, weights: Vec<f64>, finished: &[bool]) -> Self {
        let slot = |&ended: &bool| {
            let done = if ended { 1.0 } else { 0.0 };
            Mutex::new(Slot { ended, start: done, fraction: done, reported: ended })
        };
        let slots = finished.iter().map(slot).collect();
        Self { display, labels, weights, slots, began: Instant::now() }
    }

    /// Run number `index` starts.
    pub fn begin(&self, index: usize) {
        if let Display::Bars(bars) = &self.display {
            bars.begin(index, &self.labels[index]);
        }
    }

    /// Run number `index` is as far as `progress`.
    pub fn report(&self, index: usize, progress: &Progress) {
        {
            let mut slot = self.slot(index);
            slot.fraction = progress.fraction();
            if !slot.reported {
                // Whole tasks alone: the first report of a run that starts afresh may come late in
                // its first task, and that part was done here.
                slot.start = progress.task as f64 / progress.tasks.max(1) as f64;
                slot.reported = true;
            }
        }
        match &self.display {
            Display::Lines(_) if progress.task_ended => self.say(&self.line(index, progress)),
            Display::Quiet | Display::Lines(_) => {}
            Display::Bars(bars) => bars.move_to(index, progress),
        }
    }

    /// Run number `index` has ended; `whole` if nothing of it is left to do.
    pub fn end(&self, index: usize, whole: bool) {
        {
            let mut slot = self.slot(index);
            slot.ended = true;
            if !slot.reported {
                slot.start = if whole { 1.0 } else { 0.0 };
            }
            if whole {
                slot.fraction = 1.0;
            }
        }
        if let Display::Bars(bars) = &self.display {
            bars.end(index);
        }
    }

    /// Prints a message; none when quiet.
    pub fn say(&self, text: &str) {
        match &self.display {
            Display::Quiet => {}
            Display::Lines(_) | Display::Bars(_) => self.print(text),
        }
    }

    /// A message about run number `index`.
    pub fn say_of(&self, index: usize, text: &str) {
        self.say(&format!("{} {text}", self.head(index)));
    }

    /// An error of run number `index`, shown even when quiet.
    pub fn complain_of(&self, index: usize, text: &str) {
        self.print(&format!("{} {text}", self.head(index)));
    }

    /// Brings the bars up to date.
    pub fn tick(&self) {
        if let Display::Bars(bars) = &self.display {
            bars.draw(&self.eta(self.began.elapsed().as_secs_f64()), self.slots.len());
        }
    }

    /// Whether [`ProgressTracker::tick`] does anything.
    pub fn ticks(&self) -> bool {
        matches!(self.display, Display::Bars(_))
    }

    /// Takes the bars away.
    pub fn close(&self) {
        if let Display::Bars(bars) = &self.display {
            bars.close();
        }
    }

    fn eta(&self, elapsed: f64) -> Eta {
        let (mut ended, mut done, mut left) = (0, 0.0, 0.0);
        for (index, weight) in self.weights.iter().enumerate() {
            let slot = *self.slot(index);
            ended += usize::from(slot.ended);
            done += weight * (slot.fraction - slot.start);
            left += if slot.ended { 0.0 } else { weight * (1.0 - slot.fraction) };
        }
        Eta {
            ended,
            fraction: if left > 0.0 { done / (done + left) } else { 1.0 },
            seconds_left: (done > 0.0).then(|| elapsed * left / done),
        }
    }

    /// `[3/12] LABEL`: the run's number in the grid, from 1.
    fn head(&self, index: usize) -> String {
        format!("[{}/{}] {}", index + 1, self.slots.len(), self.labels[index])
    }

    fn line(&self, index: usize, progress: &Progress) -> String {
        let mut line = format!("{} task {}/{}", self.head(index), progress.task + 1, progress.tasks);
        if let Some(score) = progress.score {
            let _ = write!(line, " {} {score:.3}", progress.score_kind.label());
        }
        let _ = write!(line, " {:.0} steps/s", progress.steps_per_second);
        line
    }

    /// A reader that has gone away must not end the runs: failures to write are ignored.
    fn print(&self, text: &str) {
        match &self.display {
            Display::Quiet => tell(text),
            Display::Lines(out) => {
                let mut out = out.lock().unwrap_or_else(PoisonError::into_inner);
                let _ = writeln!(out, "{text}");
            }
            Display::Bars(bars) => bars.print(text),
        }
    }

    fn slot(&self, index: usize) -> MutexGuard<'_, Slot> {
        self.slots[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::signals::ScoreKind;

    fn tracker(weights: &[f64], finished: &[bool]) -> ProgressTracker {
        let labels = (0..weights.len()).map(|i| format!("run-{i}")).collect();
        ProgressTracker::new(Display::Quiet, labels, weights.to_vec(), finished)
    }

    fn at(task: usize, step: usize) -> Progress {
        Progress {
            task,
            tasks: 10,
            step,
            steps: 100,
            steps_per_second: 911.7,
            score: Some(0.8731),
            score_kind: ScoreKind::OnlineAccuracy,
            task_ended: step == 100,
        }
    }

    #[test]
    fn a_line_counts_tasks_and_runs_from_one() {
        let tracker = tracker(&[1.0; 12], &[false; 12]);
        assert_eq!(tracker.line(2, &at(3, 100)), "[3/12] run-2 task 4/10 online 0.873 912 steps/s");
        let unknown = Progress { score: None, ..at(0, 100) };
        assert_eq!(tracker.line(0, &unknown), "[1/12] run-0 task 1/10 912 steps/s");
    }

    #[test]
    fn time_left_counts_what_is_left_against_what_was_done_here() {
        let tracker = tracker(&[1.0, 3.0, 5.0], &[false, false, true]);
        assert_eq!(tracker.eta(10.0), Eta { ended: 1, fraction: 0.0, seconds_left: None });
        // Run 0 goes on from task 5 and does two tasks of ten: 0.2 of weight 1 in 10 seconds.
        tracker.report(0, &at(5, 0));
        tracker.report(0, &at(6, 100));
        let eta = tracker.eta(10.0);
        assert!((eta.seconds_left.unwrap() - 10.0 * (0.3 + 3.0) / 0.2).abs() < 1e-9, "{eta:?}");
        assert!((eta.fraction - 0.2 / 3.5).abs() < 1e-12);
        // A failed run leaves nothing to wait for.
        tracker.end(1, false);
        assert!((tracker.eta(10.0).seconds_left.unwrap() - 15.0).abs() < 1e-9);
        tracker.end(0, true);
        assert_eq!(tracker.eta(10.0), Eta { ended: 3, fraction: 1.0, seconds_left: Some(0.0) });
    }
}
