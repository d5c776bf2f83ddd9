//! Rational activations against published fits, finite differences and their own bounds.

mod choices;
mod speed;
