//! What a download tells of itself, without knowing who shows it.

/// Receives a download's progress; all methods are called on the thread that asked for the data.
pub trait Progress {
    /// A file of this many bytes begins (0 where the server did not say).
    fn total(&mut self, bytes: u64);
    /// So many more bytes of it have arrived.
    fn advance(&mut self, bytes: u64);
    /// What is being done now, in a few words.
    fn message(&mut self, text: &str);
}

/// Shows nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn total(&mut self, _: u64) {}
    fn advance(&mut self, _: u64) {}
    fn message(&mut self, _: &str) {}
}
