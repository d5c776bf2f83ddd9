//! A download as a bar on stderr.

use indicatif::{ProgressBar, ProgressStyle};

use crate::data::Progress;
use crate::stderr::tell;

/// Shows what the data room reports; silent where stderr is no terminal but for what is said in words.
pub struct Download {
    bar: ProgressBar,
    quiet: bool,
}

impl Download {
    /// A download that has not begun; `quiet` shows nothing.
    pub fn new(quiet: bool) -> Self {
        Self { bar: ProgressBar::hidden(), quiet }
    }
}

impl Progress for Download {
    fn total(&mut self, bytes: u64) {
        if self.quiet {
            return;
        }
        self.bar.finish_and_clear();
        self.bar = if bytes == 0 { ProgressBar::no_length() } else { ProgressBar::new(bytes) };
        let style =
            ProgressStyle::with_template("{wide_bar} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left");
        self.bar.set_style(style.expect("the template is sound"));
    }

    fn advance(&mut self, bytes: u64) {
        self.bar.inc(bytes);
    }

    fn message(&mut self, text: &str) {
        if !self.quiet {
            self.bar.suspend(|| tell(text));
        }
    }
}

impl Drop for Download {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
