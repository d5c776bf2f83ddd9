//! What can be wrong with a stream, in sentences.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

/// Why a stream cannot be made.
#[derive(Debug, Error)]
pub enum TaskError {
    /// More examples asked for than there are.
    #[error(
        "stream.examples = {asked}, but the training set of {dataset} has {available} examples: \
         ask for at most {available}, or leave the key out to take all"
    )]
    TooManyExamples {
        /// `stream.examples`
        asked: usize,
        /// Size of the training set.
        available: usize,
        /// Name of the data set.
        dataset: String,
    },
    /// Nothing to train on.
    #[error("the stream on {dataset} would have no training example: stream.examples must be at least 1")]
    NoExamples {
        /// Name of the data set.
        dataset: String,
    },
    /// Standardising needs a mean and a positive deviation for every channel.
    #[error(
        "data.scaling = \"standardize\" needs a mean and a positive standard deviation for each of the \
         {channels} channels of {dataset}, which does not have them: take \"unit\" or \"symmetric\""
    )]
    NoConstants {
        /// Name of the data set.
        dataset: String,
        /// Channels of its images.
        channels: usize,
    },
    /// Training and test images of different shape or classes.
    #[error("the test images of {dataset} differ from its training images in size or number of classes")]
    SplitsDiffer {
        /// Name of the data set.
        dataset: String,
    },
    /// Classes that cannot be divided as asked for.
    #[error("{0}")]
    Classes(String),
    /// A task without a training example.
    #[error(
        "task {task} would have no training example: stream.examples leaves none of its classes, so take more, \
         or take stream.examples_per_class instead"
    )]
    EmptyTask {
        /// Number of the task.
        task: usize,
    },
    /// More examples of a class asked for than there are.
    #[error(
        "stream.examples_per_class = {asked}, but a class of {dataset} has only {available} training examples"
    )]
    TooFewOfClass {
        /// `stream.examples_per_class`
        asked: usize,
        /// Examples of the smallest class.
        available: usize,
        /// Name of the data set.
        dataset: String,
    },
    /// A family that is not in the registry.
    #[error("stream.family = \"{name}\" is no task family; there are: {known}")]
    UnknownFamily {
        /// The name that was given.
        name: String,
        /// The names that would be taken.
        known: String,
    },
}

/// Why a stream cannot be exported.
#[derive(Debug, Error)]
pub enum ExportError {
    /// The stream itself is wrong.
    #[error(transparent)]
    Stream(#[from] TaskError),
    /// Tasks that the stream does not have.
    #[error(
        "tasks {start}..{end} were asked for, but the stream has tasks 0..{tasks}: name at least one of those"
    )]
    NoSuchTasks {
        /// First task asked for.
        start: usize,
        /// One past the last.
        end: usize,
        /// Number of tasks of the stream.
        tasks: usize,
    },
    /// Batches that are not rows of the inputs.
    #[error(
        "stream.transition and stream.scaling_shock change batches as they are served, for which an export has no \
         file: leave them out to export the tasks themselves"
    )]
    Served,
    /// The output cannot be written.
    #[error("cannot write {path}: {source}; give --out a folder that can be created and written to")]
    Unwritable {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}
