//! Networks: layers, activations, initialisation.

pub mod activation;
pub mod initialization;
mod mlp;
mod network;
mod parameter;

pub use mlp::Mlp;
pub use network::{ActivationSite, Layer, Network, NetworkError, Pass, build, check, entries};
pub use parameter::{Parameter, Role};
