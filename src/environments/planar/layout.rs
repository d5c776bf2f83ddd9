//! A model with its names resolved and its parameters mixed: what the engine runs on.

use super::model::{Cone, Geom, Integrator, Model, Motion, Shape, WORLD};

/// The world's number among the bodies.
pub const GROUND: usize = 0;
/// Least coefficient of friction; below it a friction cone has no width.
const LEAST_FRICTION: f64 = 1e-5;
/// Impedances stay between this and its distance from 1.
const LEAST_IMPEDANCE: f64 = 1e-4;

/// A model of `N` joints. Bodies are numbered from 1; [`GROUND`] is the world.
#[derive(Clone, Debug)]
pub struct Layout<const N: usize> {
    pub timestep: f64,
    pub integrator: Integrator,
    pub gravity: [f64; 2],
    pub density: f64,
    pub bodies: Vec<Link>,
    pub joints: [Dof; N],
    pub damped: bool,
    pub capsules: Vec<Capsule>,
    pub planes: Vec<PlaneContact>,
    pub pairs: Vec<CapsuleContact>,
    pub limits: Vec<Limit>,
    pub losses: Vec<FrictionLoss>,
    pub strings: Vec<TautString>,
    pub sites: Vec<Spot>,
    pub motors: Vec<Motor>,
}

/// A body.
#[derive(Clone, Debug, Default)]
pub struct Link {
    pub parent: usize,
    /// Its joints: first and one past the last.
    pub joints: (usize, usize),
    pub position: [f64; 2],
    /// Cosine and sine of the fixed turn against the parent.
    pub turn: (f64, f64),
    pub mass: f64,
    pub com: [f64; 2],
    pub inertia: f64,
    pub sides: [f64; 3],
}

/// A degree of freedom.
#[derive(Clone, Copy, Debug)]
pub struct Dof {
    pub motion: Motion,
    /// The joint next above it in the tree; `usize::MAX` if there is none.
    pub above: usize,
    pub reference: f64,
    pub spring: f64,
    pub stiffness: f64,
    pub damping: f64,
    pub armature: f64,
}

/// A capsule on a body.
#[derive(Clone, Copy, Debug)]
pub struct Capsule {
    pub body: usize,
    pub position: [f64; 2],
    /// Half the segment, as a vector.
    pub arm: [f64; 2],
    pub half_length: f64,
    pub radius: f64,
}

/// Softness of a constraint: time constant, damping ratio and impedance, as the formulas want them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Softness {
    /// Damping per velocity.
    damping: f64,
    /// Stiffness per distance, still to be multiplied by the impedance.
    stiffness: f64,
    impedance: (f64, f64),
    width: f64,
}

/// What two touching geoms share.
#[derive(Clone, Copy, Debug)]
pub struct Touching {
    pub friction: f64,
    /// A contact without friction.
    pub smooth: bool,
    pub cone: Cone,
    pub margin: f64,
    pub softness: Softness,
    /// Sum of the two bodies' inverse weights.
    pub invweight: f64,
}

/// A capsule that can touch a plane.
#[derive(Clone, Copy, Debug)]
pub struct PlaneContact {
    pub capsule: usize,
    pub height: f64,
    pub touching: Touching,
}

/// Two capsules that can touch.
#[derive(Clone, Copy, Debug)]
pub struct CapsuleContact {
    pub first: usize,
    pub second: usize,
    pub touching: Touching,
}

/// A joint with a range.
#[derive(Clone, Copy, Debug)]
pub struct Limit {
    pub joint: usize,
    pub range: [f64; 2],
    pub margin: f64,
    pub softness: Softness,
    pub invweight: f64,
}

/// A joint with dry friction.
#[derive(Clone, Copy, Debug)]
pub struct FrictionLoss {
    pub joint: usize,
    pub force: f64,
    pub softness: Softness,
    pub invweight: f64,
}

/// A tendon.
#[derive(Clone, Copy, Debug)]
pub struct TautString {
    pub sites: [usize; 2],
    pub max_length: f64,
    pub margin: f64,
    pub softness: Softness,
    pub invweight: f64,
}

/// A site.
#[derive(Clone, Copy, Debug)]
pub struct Spot {
    pub body: usize,
    pub position: [f64; 2],
    pub touch_radius: Option<f64>,
}

/// An actuator.
#[derive(Clone, Copy, Debug)]
pub struct Motor {
    pub joint: usize,
    pub gear: f64,
    pub range: [f64; 2],
}

impl Softness {
    /// From solref and solimp, for steps of a length.
    fn new(solref: [f64; 2], solimp: [f64; 5], timestep: f64) -> Result<Self, String> {
        let [first, last, width, middle, power] = solimp;
        if solref[0] <= 0.0 || solref[1] <= 0.0 {
            return Err("a time constant or a damping ratio is not positive".to_owned());
        }
        if width <= 0.0 || middle != 0.5 || power != 2.0 {
            return Err("an impedance has no width, or another shape than two parabolas".to_owned());
        }
        let clip = |x: f64| x.clamp(LEAST_IMPEDANCE, 1.0 - LEAST_IMPEDANCE);
        let (first, last) = (clip(first), clip(last));
        let time = solref[0].max(2.0 * timestep);
        Ok(Self {
            damping: 2.0 / (last * time),
            stiffness: 1.0 / (last * time * solref[1] * (last * time * solref[1])),
            impedance: (first, last),
            width,
        })
    }

    /// Impedance at a distance past the margin.
    #[inline]
    fn impedance(&self, past: f64) -> f64 {
        let (first, last) = self.impedance;
        let x = past.abs() / self.width;
        if x >= 1.0 {
            return last;
        }
        let y = if x <= 0.5 { 2.0 * x * x } else { 1.0 - 2.0 * (1.0 - x) * (1.0 - x) };
        first + y * (last - first)
    }

    /// At a distance past the margin: what pushes back whatever the velocity, and 1/R per inverse weight.
    #[inline]
    pub fn at(&self, past: f64) -> (f64, f64) {
        let impedance = self.impedance(past);
        (self.stiffness * impedance * past, impedance / (1.0 - impedance))
    }

    /// What pushes back per velocity.
    #[inline]
    pub fn damping(&self) -> f64 {
        self.damping
    }

    fn mixed(a: &Geom, b: &Geom, timestep: f64) -> Result<Self, String> {
        let share = if a.solmix == b.solmix { 0.5 } else { a.solmix / (a.solmix + b.solmix) };
        let mix = |x: f64, y: f64| share * x + (1.0 - share) * y;
        let solref = std::array::from_fn(|i| mix(a.solref[i], b.solref[i]));
        let solimp = std::array::from_fn(|i| mix(a.solimp[i], b.solimp[i]));
        Self::new(solref, solimp, timestep)
    }
}

impl<const N: usize> Layout<N> {
    /// Resolves a model.
    ///
    /// # Errors
    /// If it names what it does not have, or has what the engine does not know.
    pub fn new(model: &Model) -> Result<Self, String> {
        let bodies = links(model)?;
        let joints = dofs(model, &bodies)?;
        let joints: [Dof; N] =
            joints.try_into().map_err(|all: Vec<Dof>| format!("{} joints in place of {N}", all.len()))?;
        let joint = |name: &str| model.joint(name).ok_or_else(|| format!("there is no joint {name}"));
        let site = |name: &str| model.site(name).ok_or_else(|| format!("there is no site {name}"));
        let softness = |solref, solimp| Softness::new(solref, solimp, model.timestep);

        let mut limits = Vec::new();
        let mut losses = Vec::new();
        for (number, joint) in model.joints.iter().enumerate() {
            if let (Some(range), Some(solref), Some(solimp)) = (joint.range, joint.solref, joint.solimp) {
                let softness = softness(solref, solimp)?;
                let (margin, invweight) = (joint.margin, joint.invweight);
                limits.push(Limit { joint: number, range, margin, softness, invweight });
            }
            if joint.frictionloss > 0.0 {
                let parameters = joint.frictionloss_solref.zip(joint.frictionloss_solimp);
                let (solref, solimp) = parameters.ok_or("dry friction needs solref and solimp")?;
                losses.push(FrictionLoss {
                    joint: number,
                    force: joint.frictionloss,
                    softness: softness(solref, solimp)?,
                    invweight: joint.invweight,
                });
            }
        }
        let sites = model.sites.iter().map(|site| {
            let body = number(model, &site.body)?;
            Ok(Spot { body, position: site.position, touch_radius: site.touch_radius })
        });
        let strings = model.tendons.iter().map(|tendon| {
            Ok(TautString {
                sites: [site(&tendon.sites[0])?, site(&tendon.sites[1])?],
                max_length: tendon.max_length,
                margin: tendon.margin,
                softness: softness(tendon.solref, tendon.solimp)?,
                invweight: tendon.invweight,
            })
        });
        let motors = model.actuators.iter().map(|actuator| {
            let range = actuator.range.unwrap_or([f64::NEG_INFINITY, f64::INFINITY]);
            if range[0].is_nan() || range[1].is_nan() || range[0] > range[1] {
                return Err(format!("the motor of {} has no range", actuator.joint));
            }
            Ok(Motor { joint: joint(&actuator.joint)?, gear: actuator.gear, range })
        });
        let (strings, sites, motors) = (
            strings.collect::<Result<_, String>>()?,
            sites.collect::<Result<_, String>>()?,
            motors.collect::<Result<_, String>>()?,
        );
        let (capsules, planes, pairs) = contacts(model, &bodies)?;
        Ok(Self {
            timestep: model.timestep,
            integrator: model.integrator,
            gravity: model.gravity,
            density: model.density,
            damped: joints.iter().any(|dof| dof.damping > 0.0),
            bodies,
            joints,
            capsules,
            planes,
            pairs,
            limits,
            losses,
            strings,
            sites,
            motors,
        })
    }
}

/// A body's number.
fn number(model: &Model, name: &str) -> Result<usize, String> {
    if name == WORLD {
        return Ok(GROUND);
    }
    model.body(name).map(|body| body + 1).ok_or_else(|| format!("there is no body {name}"))
}

fn links(model: &Model) -> Result<Vec<Link>, String> {
    let mut bodies = vec![Link { turn: (1.0, 0.0), ..Link::default() }];
    let mut joints = 0;
    for body in &model.bodies {
        let parent = number(model, &body.parent)?;
        if parent >= bodies.len() {
            return Err(format!("{} comes before its parent", body.name));
        }
        let own = model.joints[joints..].iter().take_while(|joint| joint.body == body.name).count();
        bodies.push(Link {
            parent,
            joints: (joints, joints + own),
            position: body.position,
            turn: if body.angle == 0.0 { (1.0, 0.0) } else { (libm::cos(body.angle), libm::sin(body.angle)) },
            mass: body.mass,
            com: body.com,
            inertia: body.inertia,
            sides: body.sides,
        });
        joints += own;
    }
    if joints < model.joints.len() {
        return Err(format!("joint {} is not in the order of the bodies", model.joints[joints].name));
    }
    Ok(bodies)
}

fn dofs(model: &Model, bodies: &[Link]) -> Result<Vec<Dof>, String> {
    let mut last = vec![usize::MAX; bodies.len()];
    let mut turned = vec![false; bodies.len()];
    let mut all = Vec::new();
    for (number, link) in bodies.iter().enumerate().skip(1) {
        last[number] = last[link.parent];
        turned[number] = turned[link.parent];
        for j in link.joints.0..link.joints.1 {
            let joint = &model.joints[j];
            match joint.motion {
                Motion::Hinge { .. } => turned[number] = true,
                // A slide acts before the body's own turn, along a direction of the world.
                Motion::Slide { .. } if turned[number] || link.turn.1 != 0.0 => {
                    return Err(format!("{} slides along a direction that turns", joint.name));
                }
                Motion::Slide { .. } => {}
            }
            all.push(Dof {
                motion: joint.motion,
                above: last[number],
                reference: joint.reference,
                spring: joint.spring,
                stiffness: joint.stiffness,
                damping: joint.damping,
                armature: joint.armature,
            });
            last[number] = j;
        }
    }
    Ok(all)
}

type Contacts = (Vec<Capsule>, Vec<PlaneContact>, Vec<CapsuleContact>);

/// All capsules, and who can touch whom: not what is on one body, nor on a body and the one it hangs on.
fn contacts(model: &Model, bodies: &[Link]) -> Result<Contacts, String> {
    let mut capsules = Vec::new();
    let mut of_geom = Vec::new();
    for geom in &model.geoms {
        of_geom.push(capsules.len());
        if let Shape::Capsule { position, direction, half_length, radius } = geom.shape {
            let arm = direction.map(|x| x * half_length);
            capsules.push(Capsule { body: number(model, &geom.body)?, position, arm, half_length, radius });
        }
    }
    let invweight = |body: usize| if body == GROUND { 0.0 } else { model.bodies[body - 1].invweight };
    let mut planes = Vec::new();
    let mut pairs = Vec::new();
    for (i, a) in model.geoms.iter().enumerate() {
        for (j, b) in model.geoms.iter().enumerate().skip(i + 1) {
            let touch = (a.contype & b.conaffinity) | (b.contype & a.conaffinity) != 0;
            let (first, second) = (number(model, &a.body)?, number(model, &b.body)?);
            let parent_and_child = (bodies[second].parent == first && first != GROUND)
                || (bodies[first].parent == second && second != GROUND);
            if !touch || first == second || parent_and_child {
                continue;
            }
            let touching = Touching {
                friction: a.friction.max(b.friction).max(LEAST_FRICTION),
                smooth: a.condim.max(b.condim) == 1,
                cone: model.cone,
                margin: a.margin + b.margin,
                softness: Softness::mixed(a, b, model.timestep)?,
                invweight: invweight(first) + invweight(second),
            };
            match (a.shape, b.shape) {
                (Shape::Capsule { .. }, Shape::Capsule { .. }) => {
                    pairs.push(CapsuleContact { first: of_geom[i], second: of_geom[j], touching });
                }
                (Shape::Plane { position }, Shape::Capsule { .. }) => {
                    planes.push(PlaneContact { capsule: of_geom[j], height: position[1], touching });
                }
                (Shape::Capsule { .. }, Shape::Plane { position }) => {
                    planes.push(PlaneContact { capsule: of_geom[i], height: position[1], touching });
                }
                (Shape::Plane { .. }, Shape::Plane { .. }) => {}
            }
        }
    }
    Ok((capsules, planes, pairs))
}
