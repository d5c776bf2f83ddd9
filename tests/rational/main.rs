//! Rational activations against published fits, autograd, finite differences and their own bounds.

mod bounds;
mod building;
mod choices;
mod finite;
mod fits;
mod gradients;
mod layers;
mod reference;
mod speed;
