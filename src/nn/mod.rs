//! Networks: layers, activations, initialisation.

pub mod activation;
