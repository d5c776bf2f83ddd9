//! Training steps of many small networks at once on an NVIDIA GPU.
//!
//! ```text
//! shape      what the kernels are compiled for: sizes, activation, optimiser
//! source     the kernels' text: ../kernels, put together for CUDA or for a C compiler
//! layout     what host and kernels hand each other, field by field
//! backend    memory and launches: `driver` (a GPU) or `emulator` (the C compiler and fibers; for tests)
//! device     which of the two
//! engine     a thread that takes the steps of all networks of one shape, round by round
//! reference  the same arithmetic in plain Rust, network by network: what the kernels are tested against
//! ```
//!
//! A network's numbers depend on nothing beside it: not on the others that are trained with it, nor on its place or
//! the steps of a round. The kernels have not been run on a GPU yet.

mod backend;
mod device;
mod driver;
#[cfg(feature = "emulator")]
mod emulator;
mod engine;
mod error;
mod layout;
pub mod nvrtc;
pub mod reference;
mod shape;
mod source;

pub use backend::PATIENCE;
pub use device::Device;
pub use driver::{describe, free_memory};
pub use engine::{Engine, Load, Pending, Seat, Steps, Values};
pub use error::CudaError;
pub use layout::{KEY, MAX_P, MAX_SET, Rule, Step, Taken};
pub use shape::{Activation, Constraint, Perturb, Settings, Shape};
pub use source::{KERNELS, text_for_cuda};

#[cfg(feature = "emulator")]
pub use emulator::Flags;
