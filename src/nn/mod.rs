//! Networks: layers, activations, initialisation.

pub mod activation;
mod batch;
mod builder;
pub mod cnn;
pub mod initialization;
mod mlp;
mod network;
mod orthogonal;
mod parameter;
mod resnet;
mod samples;
mod work;

pub use crate::kernels::pass::Pass;
pub use batch::{Rehearsed, batch, training_batch};
pub use builder::{Builder, Filters, for_width};
pub use cnn::Cnn;
pub use mlp::Mlp;
pub use network::{ActivationSite, Buffer, Layer, Network, NetworkError, build, check, entries};
pub use parameter::{Parameter, Role};
pub use resnet::{ResNet, STAGES};
pub use work::{LayerWork, work};
