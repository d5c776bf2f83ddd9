//! Methods against the loss of plasticity and against forgetting: what is done beside the optimiser's steps.
//!
//! A method works either on weights ([`Method`]: hooks at the edges of tasks and around the update) or on
//! data ([`Curriculum`]: what is trained on). A spec names any number of them, and every hook runs through
//! the list in the spec's order.

mod a_gem;
mod continual_backprop;
pub mod data;
mod distillation;
mod ewc;
mod fire;
#[cfg(test)]
mod fixture;
mod from_start;
mod full_reset;
mod hare_and_tortoise;
mod hooks;
mod l1_init;
mod l2;
mod l2_init;
mod l2_previous;
mod list;
mod optimizer_reset;
mod parseval;
mod partial_reset;
mod plasticity_injection;
mod redo;
mod registered;
mod registry;
mod reset;
mod selective_weight_reinitialization;
mod self_normalized_resets;
mod shrink_and_perturb;
mod snapshot;
mod spectral;
mod upgd;
mod weight_clipping;
mod weight_projection;

pub use self::data::{Curricula, Curriculum};
pub use self::hooks::{At, Method, Perturbation, Pull, Streams};
pub use self::list::Methods;
pub use self::registry::{check, entries};
