//! A mechanism as data: what a file of `models/` says.
//!
//! Everything lies in one plane. Angles are counter-clockwise in it, whichever axes of the source it has.
//! Lengths are metres, masses kilograms, times seconds, angles radians.

use serde::Deserialize;

/// Name of the body that never moves.
pub const WORLD: &str = "world";

/// A mechanism. Bodies come after their parents; joints stand in the order of the state.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// Length of a step of the integrator.
    pub timestep: f64,
    /// How a step is made.
    pub integrator: Integrator,
    /// Which friction cone a contact has.
    pub cone: Cone,
    /// Acceleration of free fall.
    pub gravity: [f64; 2],
    /// Of the fluid around, in kg/m³; 0 is none.
    pub density: f64,
    /// Rigid bodies.
    #[serde(rename = "body")]
    pub bodies: Vec<Body>,
    /// One degree of freedom each.
    #[serde(rename = "joint")]
    pub joints: Vec<Joint>,
    /// Shapes, for contacts and for pictures.
    #[serde(rename = "geom", default)]
    pub geoms: Vec<Geom>,
    /// Marked points.
    #[serde(rename = "site", default)]
    pub sites: Vec<Site>,
    /// Motors.
    #[serde(rename = "actuator")]
    pub actuators: Vec<Actuator>,
    /// Strings of bounded length.
    #[serde(rename = "tendon", default)]
    pub tendons: Vec<Tendon>,
}

/// How a step is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Integrator {
    /// Semi-implicit Euler; joint damping is implicit.
    Euler,
    /// Runge–Kutta of fourth order.
    Rk4,
}

/// Which friction cone a contact has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cone {
    /// Four edges, each a constraint of its own.
    Pyramidal,
    /// A round cone.
    Elliptic,
}

/// A rigid body.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Body {
    /// Unique name.
    pub name: String,
    /// The body that it hangs on, or [`WORLD`].
    pub parent: String,
    /// Origin in the parent's frame, at the reference pose.
    pub position: [f64; 2],
    /// Turn against the parent, at the reference pose.
    pub angle: f64,
    /// Mass.
    pub mass: f64,
    /// Centre of mass in the body's frame.
    pub com: [f64; 2],
    /// Moment of inertia about the centre of mass.
    pub inertia: f64,
    /// Inverse weight at the reference pose, for the softness of contacts.
    pub invweight: f64,
    /// Sides of the box that the fluid sees: along the two axes of the body, and out of the plane.
    #[serde(rename = "box", default)]
    pub sides: [f64; 3],
}

/// One degree of freedom of a body. A body's joints act one after the other.
#[derive(Clone, Debug, Deserialize)]
pub struct Joint {
    /// Unique name.
    pub name: String,
    /// The body that it moves.
    pub body: String,
    /// What it does.
    #[serde(flatten)]
    pub motion: Motion,
    /// Position at the reference pose.
    pub reference: f64,
    /// Position at which the spring is at rest.
    pub spring: f64,
    /// Of the spring.
    pub stiffness: f64,
    /// Force or torque per speed.
    pub damping: f64,
    /// Inertia of the motor.
    pub armature: f64,
    /// Inverse weight at the reference pose, for the softness of its limits.
    pub invweight: f64,
    /// Least and greatest position.
    pub range: Option<[f64; 2]>,
    /// Distance from the limit at which it begins to push.
    #[serde(default)]
    pub margin: f64,
    /// Time constant and damping ratio of the limit. Without it the range is not enforced.
    pub solref: Option<[f64; 2]>,
    /// Impedance of the limit.
    pub solimp: Option<[f64; 5]>,
    /// Dry friction: the largest force.
    #[serde(default)]
    pub frictionloss: f64,
    /// Time constant and damping ratio of the dry friction.
    pub frictionloss_solref: Option<[f64; 2]>,
    /// Impedance of the dry friction.
    pub frictionloss_solimp: Option<[f64; 5]>,
}

/// What a joint does.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Motion {
    /// Shifts the body along a fixed direction of the world.
    Slide {
        /// Unit vector.
        direction: [f64; 2],
    },
    /// Turns the body about a point of it.
    Hinge {
        /// 1 for counter-clockwise, −1 for clockwise.
        sign: f64,
        /// The point, in the body's frame.
        anchor: [f64; 2],
    },
}

/// A shape on a body.
#[derive(Clone, Debug, Deserialize)]
pub struct Geom {
    /// Name, which may be empty.
    pub name: String,
    /// The body that it is part of.
    pub body: String,
    /// What it looks like.
    #[serde(flatten)]
    pub shape: Shape,
    /// Kinds that it is of, in bits.
    pub contype: u32,
    /// Kinds that it touches, in bits.
    pub conaffinity: u32,
    /// 1: without friction. 3: with.
    #[serde(default)]
    pub condim: u32,
    /// Coefficient of sliding friction.
    #[serde(default)]
    pub friction: f64,
    /// Distance at which a contact begins to push.
    #[serde(default)]
    pub margin: f64,
    /// Time constant and damping ratio of its contacts.
    #[serde(default)]
    pub solref: [f64; 2],
    /// Impedance of its contacts.
    #[serde(default)]
    pub solimp: [f64; 5],
    /// Weight of its parameters in a mixture.
    #[serde(default)]
    pub solmix: f64,
}

/// What a geom looks like.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Shape {
    /// The half plane below a height.
    Plane {
        /// Any point of its edge.
        position: [f64; 2],
    },
    /// All points near a segment; a segment of no length is a disc.
    Capsule {
        /// Middle of the segment, in the body's frame.
        position: [f64; 2],
        /// Unit vector along the segment.
        #[serde(default)]
        direction: [f64; 2],
        /// Half the length of the segment.
        #[serde(default)]
        half_length: f64,
        /// Distance from the segment.
        radius: f64,
    },
}

/// A marked point of a body.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Unique name.
    pub name: String,
    /// The body that it is on.
    pub body: String,
    /// Place in the body's frame.
    pub position: [f64; 2],
    /// With it the site senses the contacts of its body within this distance.
    pub touch_radius: Option<f64>,
}

/// A motor.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actuator {
    /// The joint that it pushes.
    pub joint: String,
    /// Force or torque per unit of action.
    pub gear: f64,
    /// Least and greatest action; what lies outside is clipped.
    pub range: Option<[f64; 2]>,
}

/// A string between two sites.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tendon {
    /// Its ends.
    pub sites: [String; 2],
    /// Length at which it is taut.
    pub max_length: f64,
    /// How much earlier it begins to pull.
    pub margin: f64,
    /// Time constant and damping ratio.
    pub solref: [f64; 2],
    /// Impedance.
    pub solimp: [f64; 5],
    /// Inverse weight at the reference pose.
    pub invweight: f64,
}

impl Model {
    /// Reads a file of `models/`.
    ///
    /// # Errors
    /// If it is not one.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    /// The joint of this name.
    #[must_use]
    pub fn joint(&self, name: &str) -> Option<usize> {
        self.joints.iter().position(|joint| joint.name == name)
    }

    /// The body of this name.
    #[must_use]
    pub fn body(&self, name: &str) -> Option<usize> {
        self.bodies.iter().position(|body| body.name == name)
    }

    /// The site of this name.
    #[must_use]
    pub fn site(&self, name: &str) -> Option<usize> {
        self.sites.iter().position(|site| site.name == name)
    }
}
