//! Progress on a terminal: one bar over all, and one for each running run.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::progress::{Outlook, duration};
use crate::train::control::Progress;

/// Bars count in thousandths: runs and tasks are of different lengths.
const WHOLE: u64 = 1000;

/// The bars on stderr.
pub(super) struct Bars {
    all: MultiProgress,
    overall: ProgressBar,
    running: Mutex<BTreeMap<usize, ProgressBar>>,
}

impl Bars {
    /// Bars drawn to `target`.
    pub fn new(target: ProgressDrawTarget) -> Self {
        let all = MultiProgress::with_draw_target(target);
        let overall = all.add(ProgressBar::new(WHOLE));
        overall.set_style(style("[{elapsed_precise}] {bar:30} {msg}"));
        Self { all, overall, running: Mutex::default() }
    }

    pub fn begin(&self, index: usize, label: &str) {
        let bar = self.all.add(ProgressBar::new(WHOLE));
        bar.set_style(style("{prefix:.cyan} {bar:16} {wide_msg}"));
        bar.set_prefix(label.to_owned());
        bar.set_message("starting");
        self.running().insert(index, bar);
    }

    pub fn move_to(&self, index: usize, progress: &Progress) {
        let Some(bar) = self.running().get(&index).cloned() else { return };
        bar.set_position((progress.fraction() * WHOLE as f64) as u64);
        bar.set_message(message(progress));
    }

    pub fn end(&self, index: usize) {
        if let Some(bar) = self.running().remove(&index) {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
    }

    pub fn draw(&self, outlook: &Outlook, runs: usize) {
        self.overall.set_position((outlook.fraction * WHOLE as f64) as u64);
        self.overall.set_message(summary(outlook, runs));
        self.overall.tick();
    }

    pub fn print(&self, text: &str) {
        if self.all.println(text).is_err() || self.all.is_hidden() {
            eprintln!("{text}");
        }
    }

    pub fn close(&self) {
        self.overall.finish_and_clear();
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<usize, ProgressBar>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is a constant that a test renders")
}

fn message(progress: &Progress) -> String {
    let accuracy = progress.online_accuracy.map(|a| format!("  online {a:.3}")).unwrap_or_default();
    format!(
        "task {}/{}  {:.0} steps/s{accuracy}",
        progress.task + 1,
        progress.tasks,
        progress.steps_per_second
    )
}

fn summary(outlook: &Outlook, runs: usize) -> String {
    let left = outlook.seconds_left.map(|s| format!("  {} left", duration(s))).unwrap_or_default();
    format!("{}/{runs} runs{left}", outlook.ended)
}

#[cfg(test)]
mod tests {
    use super::*;
    use indicatif::InMemoryTerm;

    #[test]
    fn bars_show_the_whole_and_each_running_run() {
        let terminal = InMemoryTerm::new(10, 90);
        let bars = Bars::new(ProgressDrawTarget::term_like(Box::new(terminal.clone())));
        bars.begin(0, "relu-s0");
        bars.begin(1, "tanh-s0");
        let progress = Progress {
            task: 3,
            tasks: 10,
            step: 50,
            steps: 100,
            steps_per_second: 912.3,
            online_accuracy: Some(0.8731),
            task_ended: false,
        };
        bars.move_to(1, &progress);
        bars.end(0);
        bars.draw(&Outlook { ended: 1, fraction: 0.5, seconds_left: Some(61.0) }, 3);
        bars.print("news");
        let shown = terminal.contents();
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[0], "news");
        assert!(lines[1].contains("█") && lines[1].ends_with("1/3 runs  1 min 01 s left"), "{shown}");
        assert!(lines[2].starts_with("tanh-s0"), "{shown}");
        assert!(lines[2].ends_with("task 4/10  912 steps/s  online 0.873"), "{shown}");
        assert_eq!(lines.len(), 3, "{shown}");
        bars.end(1);
        bars.close();
        assert_eq!(terminal.contents(), "news");
    }
}
