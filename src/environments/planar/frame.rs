//! Where everything is and how fast it moves: kinematics and the inertia matrix of one state.
//!
//! Motions are taken at one common point, the origin of the first body, which moves along so that
//! nothing is lost far from the world's origin. A motion (w, x, y) turns at w and carries the point at
//! (x, y); a place p relative to it then has the velocity (x − w p.y, y + w p.x).

use super::layout::Layout;
use super::linear::Matrix;
use super::model::Motion;

/// Where a body is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pose {
    /// Origin, in the world.
    pub origin: [f64; 2],
    /// Cosine of its angle.
    pub cos: f64,
    /// Sine of its angle.
    pub sin: f64,
}

impl Pose {
    /// A vector of the body's frame, in the world's axes.
    #[inline(always)]
    #[must_use]
    pub fn rotate(&self, v: [f64; 2]) -> [f64; 2] {
        [self.cos * v[0] - self.sin * v[1], self.sin * v[0] + self.cos * v[1]]
    }

    /// A vector of the world, in the body's axes.
    #[inline(always)]
    #[must_use]
    pub fn rotate_back(&self, v: [f64; 2]) -> [f64; 2] {
        [self.cos * v[0] + self.sin * v[1], self.cos * v[1] - self.sin * v[0]]
    }

    /// A place of the body's frame, in the world.
    #[inline(always)]
    #[must_use]
    pub fn place(&self, v: [f64; 2]) -> [f64; 2] {
        let v = self.rotate(v);
        [self.origin[0] + v[0], self.origin[1] + v[1]]
    }

    #[inline(always)]
    fn turned(&self, (cos, sin): (f64, f64)) -> Self {
        let Self { origin, cos: c, sin: s } = *self;
        Self { origin, cos: c * cos - s * sin, sin: s * cos + c * sin }
    }
}

/// A motion, or (as torque and force) what acts along one.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Screw {
    pub w: f64,
    pub x: f64,
    pub y: f64,
}

impl Screw {
    /// Velocity at a place relative to the common point.
    #[inline(always)]
    pub fn velocity(&self, p: [f64; 2]) -> [f64; 2] {
        [self.x - self.w * p[1], self.y + self.w * p[0]]
    }
}

/// Mass, first and second moments about the common point.
#[derive(Clone, Copy, Debug, Default)]
struct Inertia {
    mass: f64,
    first: [f64; 2],
    second: f64,
}

/// Everything that follows from a state before forces are asked for.
#[derive(Clone, Debug)]
pub struct Frame<const N: usize> {
    /// The bodies; the world first.
    pub poses: Vec<Pose>,
    /// Centres of mass, relative to the common point.
    pub coms: Vec<[f64; 2]>,
    /// How the bodies move.
    pub twists: Vec<Screw>,
    /// The common point.
    pub point: [f64; 2],
    /// Motion of each joint at unit speed, in three arrays so that loops over joints are vectors.
    pub w: [f64; N],
    /// Likewise.
    pub x: [f64; N],
    /// Likewise.
    pub y: [f64; N],
    /// Inertia matrix, armature included.
    pub inertia: Matrix<N>,
    /// 1 for the joints that move a body.
    pub moves: Vec<[f64; N]>,
    /// Anchors of hinges, relative to the common point.
    anchors: [[f64; 2]; N],
    composites: Vec<Inertia>,
}

impl<const N: usize> Frame<N> {
    /// Room for a frame of a model.
    pub fn new(layout: &Layout<N>) -> Self {
        let bodies = layout.bodies.len();
        let mut moves = vec![[0.0; N]; bodies];
        for (body, link) in layout.bodies.iter().enumerate().skip(1) {
            moves[body] = moves[link.parent];
            moves[body][link.joints.0..link.joints.1].fill(1.0);
        }
        let world = Pose { cos: 1.0, ..Pose::default() };
        Self {
            poses: vec![world; bodies],
            coms: vec![[0.0; 2]; bodies],
            twists: vec![Screw::default(); bodies],
            point: [0.0; 2],
            w: [0.0; N],
            x: [0.0; N],
            y: [0.0; N],
            inertia: [[0.0; N]; N],
            moves,
            anchors: [[0.0; 2]; N],
            composites: vec![Inertia::default(); bodies],
        }
    }

    /// Moves to a state.
    #[inline(always)]
    pub fn update(&mut self, layout: &Layout<N>, q: &[f64; N], v: &[f64; N]) {
        self.place(layout, q);
        self.move_along(layout, v);
        self.weigh(layout);
    }

    fn place(&mut self, layout: &Layout<N>, q: &[f64; N]) {
        for (body, link) in layout.bodies.iter().enumerate().skip(1) {
            let mut pose = self.poses[link.parent];
            pose.origin = pose.place(link.position);
            pose = pose.turned(link.turn);
            for j in link.joints.0..link.joints.1 {
                let shift = q[j] - layout.joints[j].reference;
                match layout.joints[j].motion {
                    Motion::Slide { direction } => {
                        pose.origin[0] += direction[0] * shift;
                        pose.origin[1] += direction[1] * shift;
                    }
                    Motion::Hinge { sign, anchor } => {
                        let (sin, cos) = libm::sincos(shift);
                        let place = pose.place(anchor);
                        pose = pose.turned((cos, sign * sin));
                        let arm = pose.rotate(anchor);
                        pose.origin = [place[0] - arm[0], place[1] - arm[1]];
                        self.anchors[j] = place;
                    }
                }
            }
            self.poses[body] = pose;
        }
        self.point = self.poses[1].origin;
        for (body, link) in layout.bodies.iter().enumerate().skip(1) {
            let com = self.poses[body].place(link.com);
            self.coms[body] = [com[0] - self.point[0], com[1] - self.point[1]];
        }
    }

    fn move_along(&mut self, layout: &Layout<N>, v: &[f64; N]) {
        for (body, link) in layout.bodies.iter().enumerate().skip(1) {
            let mut twist = self.twists[link.parent];
            for j in link.joints.0..link.joints.1 {
                let unit = match layout.joints[j].motion {
                    Motion::Slide { direction: [x, y] } => Screw { w: 0.0, x, y },
                    Motion::Hinge { sign, .. } => {
                        let [x, y] = self.anchors[j];
                        let anchor = [x - self.point[0], y - self.point[1]];
                        self.anchors[j] = anchor;
                        Screw { w: sign, x: sign * anchor[1], y: -sign * anchor[0] }
                    }
                };
                (self.w[j], self.x[j], self.y[j]) = (unit.w, unit.x, unit.y);
                twist.w += unit.w * v[j];
                twist.x += unit.x * v[j];
                twist.y += unit.y * v[j];
            }
            self.twists[body] = twist;
        }
    }

    /// The inertia matrix from the inertias of whole branches.
    fn weigh(&mut self, layout: &Layout<N>) {
        for (body, link) in layout.bodies.iter().enumerate().skip(1) {
            let [x, y] = self.coms[body];
            self.composites[body] = Inertia {
                mass: link.mass,
                first: [link.mass * x, link.mass * y],
                second: link.inertia + link.mass * (x * x + y * y),
            };
        }
        for (body, link) in layout.bodies.iter().enumerate().skip(1).rev() {
            let Inertia { mass, first: [x, y], second } = self.composites[body];
            let parent = &mut self.composites[link.parent];
            parent.mass += mass;
            parent.first[0] += x;
            parent.first[1] += y;
            parent.second += second;
            for j in link.joints.0..link.joints.1 {
                let momentum = Screw {
                    w: second * self.w[j] + x * self.y[j] - y * self.x[j],
                    x: mass * self.x[j] - self.w[j] * y,
                    y: mass * self.y[j] + self.w[j] * x,
                };
                let mut i = j;
                while i != usize::MAX {
                    self.inertia[j][i] =
                        self.w[i] * momentum.w + self.x[i] * momentum.x + self.y[i] * momentum.y;
                    i = layout.joints[i].above;
                }
                self.inertia[j][j] += layout.joints[j].armature;
            }
        }
    }

    /// Derivative of a place of a body (relative to the common point) along a direction by the joints.
    #[inline(always)]
    pub fn jacobian(&self, body: usize, place: [f64; 2], direction: [f64; 2]) -> [f64; N] {
        let moves = &self.moves[body];
        std::array::from_fn(|j| {
            moves[j]
                * (direction[0] * (self.x[j] - self.w[j] * place[1])
                    + direction[1] * (self.y[j] + self.w[j] * place[0]))
        })
    }

    /// Generalised force at rest of the joints' accelerations, with the sign of a load: gravity,
    /// centrifugal and Coriolis forces, and what the fluid does.
    #[inline(always)]
    pub fn load(&self, layout: &Layout<N>, v: &[f64; N], scratch: &mut Loads) -> [f64; N] {
        for (body, link) in layout.bodies.iter().enumerate().skip(1) {
            let mut bias = scratch.biases[link.parent];
            let mut twist = self.twists[link.parent];
            for j in link.joints.0..link.joints.1 {
                if let Motion::Hinge { sign, .. } = layout.joints[j].motion {
                    let speed = sign * v[j];
                    let [x, y] = twist.velocity(self.anchors[j]);
                    bias[0] += speed * y;
                    bias[1] -= speed * x;
                }
                twist.w += self.w[j] * v[j];
                twist.x += self.x[j] * v[j];
                twist.y += self.y[j] * v[j];
            }
            scratch.biases[body] = bias;
            let com = self.coms[body];
            let [x, y] = twist.velocity(com);
            let force = [
                link.mass * (bias[0] - twist.w * y - layout.gravity[0]),
                link.mass * (bias[1] + twist.w * x - layout.gravity[1]),
            ];
            scratch.wrenches[body] =
                Screw { w: com[0] * force[1] - com[1] * force[0], x: force[0], y: force[1] };
            if layout.density > 0.0 {
                let (drag, torque) = drag(layout.density, link.sides, &self.poses[body], twist.w, [x, y]);
                let wrench = &mut scratch.wrenches[body];
                wrench.w -= torque + com[0] * drag[1] - com[1] * drag[0];
                wrench.x -= drag[0];
                wrench.y -= drag[1];
            }
        }
        let mut load = [0.0; N];
        for (body, link) in layout.bodies.iter().enumerate().skip(1).rev() {
            let Screw { w, x, y } = scratch.wrenches[body];
            let parent = &mut scratch.wrenches[link.parent];
            parent.w += w;
            parent.x += x;
            parent.y += y;
            for j in link.joints.0..link.joints.1 {
                load[j] = self.w[j] * w + self.x[j] * x + self.y[j] * y;
            }
        }
        load
    }
}

/// Scratch of [`Frame::load`].
#[derive(Clone, Debug)]
pub struct Loads {
    biases: Vec<[f64; 2]>,
    wrenches: Vec<Screw>,
}

impl Loads {
    /// Room for so many bodies.
    pub fn new(bodies: usize) -> Self {
        Self { biases: vec![[0.0; 2]; bodies], wrenches: vec![Screw::default(); bodies] }
    }
}

/// Force and torque of a fluid of a density on a box that moves through it.
fn drag(density: f64, sides: [f64; 3], pose: &Pose, w: f64, velocity: [f64; 2]) -> ([f64; 2], f64) {
    let [a, b, c] = sides;
    let [x, y] = pose.rotate_back(velocity);
    let force = [-0.5 * density * b * c * x.abs() * x, -0.5 * density * a * c * y.abs() * y];
    let (a2, b2) = (a * a, b * b);
    (pose.rotate(force), -density * c * (a2 * a2 + b2 * b2) * w.abs() * w / 64.0)
}
