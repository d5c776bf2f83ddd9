//! The files of a run, from the moment at which it is known where they go on.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::record::{Recorder, Row, StepRow};
use crate::sha256::Prefixes;
use crate::train::Rows;

/// What is done when an attempt has taken its first step, at that task and step.
type OnFirstStep<'a> = Box<dyn FnOnce(FirstStep) -> anyhow::Result<()> + 'a>;

/// Where an attempt at a run took its first step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FirstStep {
    /// Task, from 0.
    pub task: usize,
    /// Step within it, from 0.
    pub step: usize,
    /// Whether rows of single steps from before that are there.
    pub has_steps: bool,
}

/// The rows of a run on their way to its files.
pub struct RunRows<'a> {
    folder: PathBuf,
    run: String,
    recorder: Option<Recorder>,
    has_steps: bool,
    on_first_step: Option<OnFirstStep<'a>>,
}

impl<'a> RunRows<'a> {
    /// Of the run in `folder`. No file is touched before [`Rows::resume`].
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        let run = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Self { folder: folder.to_owned(), run, recorder: None, has_steps: false, on_first_step: None }
    }

    /// Name of the run: that of its folder.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Calls `first_step` once, after the first step of this attempt.
    pub fn on_first_step(&mut self, first_step: impl FnOnce(FirstStep) -> anyhow::Result<()> + 'a) {
        self.on_first_step = Some(Box::new(first_step));
    }

    /// To be called after every step.
    ///
    /// # Errors
    /// If what is done after the first one fails.
    pub fn stepped(&mut self, task: usize, step: usize) -> anyhow::Result<()> {
        let has_steps = self.has_steps;
        self.on_first_step.take().map_or(Ok(()), |first_step| first_step(FirstStep { task, step, has_steps }))
    }

    /// Adds a row.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn push<R: Row>(&mut self, row: &R) -> anyhow::Result<()> {
        Ok(self.recorder()?.push(row)?)
    }

    fn recorder(&mut self) -> anyhow::Result<&mut Recorder> {
        self.recorder.as_mut().context("the run was recorded before it was begun")
    }
}

impl Rows for RunRows<'_> {
    fn resume(&mut self, files: &Prefixes) -> anyhow::Result<()> {
        self.has_steps = files.contains_key(StepRow::FILE);
        self.recorder = Some(Recorder::resume(&self.folder, files)?);
        Ok(())
    }

    fn holds(&self, files: &Prefixes) -> anyhow::Result<bool> {
        Ok(Recorder::holds(&self.folder, files)?)
    }

    fn commit(&mut self) -> anyhow::Result<Prefixes> {
        let recorder = self.recorder()?;
        recorder.commit()?;
        Ok(recorder.prefixes())
    }
}
