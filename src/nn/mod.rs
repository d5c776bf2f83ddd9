//! Networks: layers, activations, initialisation.

pub mod activation;
mod batch;
mod builder;
pub mod cnn;
mod dot;
mod gpt;
pub mod initialization;
mod injection;
mod layout;
mod mlp;
mod nature_cnn;
mod network;
mod orthogonal;
mod parameter;
pub mod registry;
mod resnet;
mod samples;
mod transformer;
mod vit;
mod work;

pub use crate::kernels::pass::Pass;
pub use batch::{Replayed, batch, loss, places, training_batch};
pub use builder::{Builder, Filters, for_width};
pub use cnn::Cnn;
pub use injection::Injection;
pub use layout::{Feed, Layer, NormPlaces};
pub use mlp::Mlp;
pub use network::{
    ActivationLayer, Blueprint, Buffer, Dims, Network, NetworkError, Parts, Registered, rule_of,
};
pub use parameter::{Parameter, Role, reset_gradients};
pub use registry::{build, build_from, check, check_choices, depth, entries, work};
pub use resnet::{ResNet, STAGES};
pub use work::LayerWork;
