//! Why a run could not go on.

use super::checkpoint::CheckpointError;
use crate::agents::AgentError;
use crate::environments::EnvironmentError;
use crate::nn::NetworkError;
use crate::tasks::TaskError;

/// Why a run could not go on.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The stream cannot be made from this data.
    #[error(transparent)]
    Tasks(#[from] TaskError),
    /// The network cannot be built.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// An agent cannot be made or go on.
    #[error(transparent)]
    Agent(#[from] AgentError),
    /// An environment cannot go on.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The environment of a task cannot be built. A whole sentence.
    #[error("{0}")]
    World(String),
    /// The device that takes the steps cannot go on. A whole sentence.
    #[error("{0}")]
    Device(String),
    /// candle refused an operation.
    #[error("a tensor operation failed: {0}")]
    Candle(#[from] candle_core::Error),
    /// A checkpoint could not be written or read.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The observer could not record.
    #[error("{0:#}")]
    Observer(#[from] anyhow::Error),
}
