//! Networks: layers, activations, initialisation.

pub mod activation;
pub mod initialization;
mod mlp;
mod network;
mod parameter;
mod resnet;

pub use mlp::Mlp;
pub use network::{ActivationSite, Buffer, Layer, Network, NetworkError, Pass, build, check, entries};
pub use parameter::{Parameter, Role};
pub use resnet::{ResNet, STAGES};
