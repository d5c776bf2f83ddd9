//! Progress on a terminal: one bar over all, and one for each running run.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::eta::{Eta, duration};
use crate::stderr::tell;
use crate::train::signals::Progress;

/// Bars count in thousandths: runs and tasks are of different lengths.
const WHOLE: u64 = 1000;

/// The bars on stderr.
pub(super) struct Bars {
    all: MultiProgress,
    overall: ProgressBar,
    running: Mutex<BTreeMap<usize, Running>>,
}

/// The bar of a run, and the online accuracy of its last finished task: a run that is within a task
/// does not report it again.
struct Running {
    bar: ProgressBar,
    score: Option<f64>,
}

impl Bars {
    /// Bars drawn to `target`.
    pub fn new(target: ProgressDrawTarget) -> Self {
        let all = MultiProgress::with_draw_target(target);
        let overall = all.add(ProgressBar::new(WHOLE));
        overall.set_style(style("[{elapsed_precise}] {bar:30} {msg}"));
        Self { all, overall, running: Mutex::default() }
    }

    /// Figures stand before the name, which gives way where the terminal is narrow.
    pub fn begin(&self, index: usize, label: &str) {
        let bar = self.all.add(ProgressBar::new(WHOLE));
        bar.set_style(style("{bar:16} {prefix:44} {wide_msg:.cyan}"));
        bar.set_prefix("starting");
        bar.set_message(label.to_owned());
        self.running().insert(index, Running { bar, score: None });
    }

    pub fn move_to(&self, index: usize, progress: &Progress) {
        let mut running = self.running();
        let Some(run) = running.get_mut(&index) else { return };
        run.score = progress.score.or(run.score);
        let (bar, figures) = (run.bar.clone(), figures(progress, run.score));
        drop(running);
        bar.set_position((progress.fraction() * WHOLE as f64) as u64);
        bar.set_prefix(figures);
    }

    pub fn end(&self, index: usize) {
        let ended = self.running().remove(&index);
        if let Some(Running { bar, .. }) = ended {
            bar.finish_and_clear();
            self.all.remove(&bar);
        }
    }

    pub fn draw(&self, eta: &Eta, runs: usize) {
        self.overall.set_position((eta.fraction * WHOLE as f64) as u64);
        self.overall.set_message(summary(eta, runs));
        self.overall.tick();
    }

    pub fn print(&self, text: &str) {
        if self.all.println(text).is_err() || self.all.is_hidden() {
            tell(text);
        }
    }

    pub fn close(&self) {
        self.overall.finish_and_clear();
    }

    fn running(&self) -> MutexGuard<'_, BTreeMap<usize, Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the template is a constant that a test renders")
}

fn figures(progress: &Progress, score: Option<f64>) -> String {
    let label = progress.score_kind.label();
    let score = score.map(|score| format!("  {label} {score:.3}")).unwrap_or_default();
    format!("task {}/{}  {:.0} steps/s{score}", progress.task + 1, progress.tasks, progress.steps_per_second)
}

fn summary(eta: &Eta, runs: usize) -> String {
    let left = eta.seconds_left.map(|s| format!("  {} left", duration(s))).unwrap_or_default();
    format!("{}/{runs} runs{left}", eta.ended)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::signals::ScoreKind;
    use indicatif::TermLike;
    use std::io;
    use std::sync::Arc;

    /// A terminal of 90 columns that remembers what it shows.
    #[derive(Clone, Debug, Default)]
    struct Screen(Arc<Mutex<Shown>>);

    #[derive(Debug, Default)]
    struct Shown {
        rows: Vec<Vec<char>>,
        row: usize,
        column: usize,
    }

    impl Shown {
        fn put(&mut self, text: &str) {
            for letter in text.chars() {
                if self.column == 90 && letter != '\n' {
                    (self.row, self.column) = (self.row + 1, 0);
                }
                self.rows.resize(self.rows.len().max(self.row + 1), Vec::new());
                if letter == '\n' {
                    (self.row, self.column) = (self.row + 1, 0);
                    continue;
                }
                let line = &mut self.rows[self.row];
                line.resize(line.len().max(self.column + 1), ' ');
                line[self.column] = letter;
                self.column += 1;
            }
        }
    }

    impl Screen {
        #[allow(clippy::unnecessary_wraps, reason = "every method of the trait returns one")]
        fn change(&self, how: impl FnOnce(&mut Shown)) -> io::Result<()> {
            how(&mut self.0.lock().unwrap());
            Ok(())
        }

        fn lines(&self) -> Vec<String> {
            let rows = self.0.lock().unwrap().rows.clone();
            let lines = rows.into_iter().map(|row| row.into_iter().collect::<String>().trim_end().to_owned());
            lines.filter(|line| !line.is_empty()).collect()
        }
    }

    impl TermLike for Screen {
        fn width(&self) -> u16 {
            90
        }
        fn move_cursor_up(&self, n: usize) -> io::Result<()> {
            self.change(|shown| shown.row = shown.row.saturating_sub(n))
        }
        fn move_cursor_down(&self, n: usize) -> io::Result<()> {
            self.change(|shown| shown.row += n)
        }
        fn move_cursor_right(&self, n: usize) -> io::Result<()> {
            self.change(|shown| shown.column += n)
        }
        fn move_cursor_left(&self, n: usize) -> io::Result<()> {
            self.change(|shown| shown.column = shown.column.saturating_sub(n))
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.change(|shown| shown.put(&format!("{text}\n")))
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.change(|shown| shown.put(text))
        }
        fn clear_line(&self) -> io::Result<()> {
            self.change(|shown| {
                shown.column = 0;
                let row = shown.row;
                if let Some(line) = shown.rows.get_mut(row) {
                    line.clear();
                }
            })
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn bars_show_the_whole_and_each_running_run() {
        let screen = Screen::default();
        let bars = Bars::new(ProgressDrawTarget::term_like(Box::new(screen.clone())));
        bars.begin(0, "relu-s0");
        bars.begin(1, "tanh-s0");
        let progress = Progress {
            task: 3,
            tasks: 10,
            step: 50,
            steps: 100,
            steps_per_second: 912.3,
            score: Some(0.8731),
            score_kind: ScoreKind::OnlineAccuracy,
            task_ended: false,
        };
        bars.move_to(1, &progress);
        // Reports from within the next task carry no accuracy: that of the last one stays.
        bars.move_to(1, &Progress { step: 51, score: None, ..progress });
        bars.end(0);
        bars.draw(&Eta { ended: 1, fraction: 0.5, seconds_left: Some(61.0) }, 3);
        bars.print("news");
        let lines = screen.lines();
        assert_eq!(lines.len(), 3, "{lines:#?}");
        assert_eq!(lines[0], "news");
        assert!(lines[1].contains("█") && lines[1].ends_with("1/3 runs  1 min 01 s left"), "{lines:#?}");
        assert!(lines[2].contains("░ task 4/10  912 steps/s  online 0.873 "), "{lines:#?}");
        assert!(lines[2].ends_with(" tanh-s0"), "{lines:#?}");
        bars.end(1);
        bars.close();
        assert_eq!(screen.lines(), ["news"]);
    }
}
