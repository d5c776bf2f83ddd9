//! Mechanisms in a plane: rigid bodies, hinges and slides, motors, contacts, limits, strings, a fluid.
//!
//! One step is what MuJoCo 3.17 makes of the same model, to rounding: generalised coordinates, soft
//! constraints, a convex problem for the acceleration. Here it is solved to its exact minimum, so a step is a
//! function of positions, velocities and action alone (MuJoCo's own warm start is not; it moves a step by up
//! to 2e-5). The order of the files is the order of a step:
//!
//! - [`model`]: a mechanism as data, `changes` to it, `layout` resolves it;
//! - `frame`: where everything is, how it moves, the inertia matrix, gravity, gyration and drag;
//! - `collision`: contacts; `constraint`: what limits, contacts and strings cost; `solver`: the acceleration;
//! - `engine`: integrators and sensors.

mod changes;
mod collision;
mod constraint;
mod engine;
mod frame;
mod layout;
mod linear;
pub mod model;
mod solver;

pub use changes::Changes;
pub use frame::Pose;
pub use model::Model;

use engine::Engine;
use layout::Layout;

/// What was felt when the last acceleration was found: at the state before the last integration.
#[derive(Clone, Debug, PartialEq)]
pub struct Sensors {
    /// By site: sum of the normal forces of the contacts that it senses, in newtons.
    pub touch: Vec<f64>,
    /// By site: its place then.
    pub sites: Vec<[f64; 2]>,
    /// By joint: force of all constraints.
    pub constraint: Vec<f64>,
}

/// A mechanism in motion. Bodies, joints and sites are numbered as in its [`Model`].
pub trait Dynamics: Send {
    /// Positions of the joints.
    fn qpos(&self) -> &[f64];

    /// Velocities of the joints.
    fn qvel(&self) -> &[f64];

    /// Goes to a state of as many positions and velocities as there are joints. The sensors keep what they
    /// felt last.
    fn set(&mut self, qpos: &[f64], qvel: &[f64]);

    /// Lets the sensors feel the state while no motor acts.
    fn rest(&mut self);

    /// So many steps of the integrator under one action.
    fn step(&mut self, action: &[f64], steps: usize);

    /// Where a body is.
    fn pose(&self, body: usize) -> &Pose;

    /// A body's centre of mass.
    fn com(&self, body: usize) -> [f64; 2];

    /// Velocity of a body's origin, and how fast it turns.
    fn twist(&self, body: usize) -> ([f64; 2], f64);

    /// Velocity of the centre of mass of all bodies.
    fn com_velocity(&self) -> [f64; 2];

    /// Where a site is.
    fn site(&self, site: usize) -> [f64; 2];

    /// Contacts of the state.
    fn contacts(&self) -> usize;

    /// What was felt last.
    fn sensors(&self) -> &Sensors;

    /// Likewise, to be taken back from a saved state.
    fn sensors_mut(&mut self) -> &mut Sensors;

    /// A second one in the same state.
    fn duplicate(&self) -> Box<dyn Dynamics>;
}

/// A mechanism at its reference pose.
///
/// # Errors
/// If the model is not sound, or has a number of joints that no engine was built for.
pub fn dynamics(model: &Model) -> Result<Box<dyn Dynamics>, String> {
    fn engine<const N: usize>(model: &Model) -> Result<Box<dyn Dynamics>, String> {
        Ok(Box::new(Engine::<N>::new(Layout::new(model)?)))
    }
    match model.joints.len() {
        1 => engine::<1>(model),
        2 => engine::<2>(model),
        3 => engine::<3>(model),
        4 => engine::<4>(model),
        6 => engine::<6>(model),
        7 => engine::<7>(model),
        8 => engine::<8>(model),
        9 => engine::<9>(model),
        17 => engine::<17>(model),
        joints => Err(format!("{joints} joints: add a line to environments::planar::dynamics")),
    }
}
