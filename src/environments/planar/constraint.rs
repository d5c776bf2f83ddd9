//! Soft constraints: what each costs and how it pushes back.
//!
//! A constraint is a function of the acceleration of one or two directions: of the residual r = e·a − r₀,
//! where r₀ is the acceleration of a damped spring that would undo the violation. Its force is minus the
//! derivative of its cost, which is a half quadratic of stiffness 1/R in places and straight in others; R
//! comes from the impedance.

use super::collision::Contact;
use super::frame::Frame;
use super::layout::{GROUND, Layout};
use super::linear::dot;
use super::model::Cone;

/// Least R.
const LEAST_REGULARISER: f64 = 1e-15;

/// A constraint of one joint alone.
#[derive(Clone, Copy, Debug)]
pub struct Single {
    pub joint: usize,
    pub sign: f64,
    pub reference: f64,
    /// 1/R.
    pub stiffness: f64,
    /// Dry friction: the largest force. A limit has none and only pushes.
    pub most: Option<f64>,
    pub residual: f64,
    pub change: f64,
}

/// A constraint of one or two directions of the space of joints.
#[derive(Clone, Copy, Debug)]
pub struct Pair<const N: usize> {
    pub u: [f64; N],
    pub v: [f64; N],
    pub reference: [f64; 2],
    /// 1/R.
    pub stiffness: f64,
    pub friction: f64,
    pub law: Law,
    pub residual: [f64; 2],
    pub change: [f64; 2],
}

/// How a [`Pair`] pushes back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Law {
    /// Along u only, when its residual is negative.
    Push,
    /// u is the normal and v the tangent of a contact with four edges n ± μt, n, n.
    Pyramid,
    /// u is the normal and v the tangent of a contact with a round cone.
    Cone,
    /// The normal leaves the plane and keeps this residual; u and v are the two tangents.
    CrossedPyramid(f64),
    /// Likewise, with a round cone.
    CrossedCone(f64),
}

/// Force of a constraint, curvature of its cost, and which piece of the cost it is on.
#[derive(Clone, Copy, Debug)]
pub struct Response {
    /// Along u and v.
    pub force: [f64; 2],
    /// Second derivatives: uu, uv, vv.
    pub curvature: [f64; 3],
    /// Two residuals on the same piece have the same quadratic between them.
    pub piece: u8,
}

/// The piece of a sliding [`Law::CrossedCone`], which is not quadratic.
pub const CURVED: u8 = u8::MAX;

impl Single {
    /// Force, curvature and piece at a residual.
    #[inline(always)]
    pub fn respond(&self, residual: f64) -> (f64, f64, u8) {
        let force = -self.stiffness * residual;
        match self.most {
            None if residual < 0.0 => (force, self.stiffness, 1),
            None => (0.0, 0.0, 0),
            Some(most) if force > most => (most, 0.0, 0),
            Some(most) if force < -most => (-most, 0.0, 2),
            Some(_) => (force, self.stiffness, 1),
        }
    }
}

impl<const N: usize> Pair<N> {
    /// The residuals of an acceleration.
    pub fn at(&self, acceleration: &[f64; N]) -> [f64; 2] {
        [dot(&self.u, acceleration) - self.reference[0], dot(&self.v, acceleration) - self.reference[1]]
    }

    /// Force along a normal that leaves the plane.
    pub fn crossed_force(&self, acceleration: &[f64; N]) -> f64 {
        let ([u, v], mu) = (self.at(acceleration), self.friction);
        match self.law {
            Law::CrossedPyramid(normal) => {
                let edges = [mu * u, -mu * u, mu * v, -mu * v];
                edges.iter().map(|edge| self.stiffness * (-normal - edge).max(0.0)).sum()
            }
            Law::CrossedCone(normal) => {
                let slip = (u * u + v * v).sqrt();
                if normal >= mu * slip {
                    0.0
                } else if mu * normal + slip <= 0.0 {
                    -self.stiffness * normal
                } else {
                    self.stiffness / (1.0 + mu * mu) * (mu * slip - normal)
                }
            }
            _ => 0.0,
        }
    }

    /// Force, curvature and piece at two residuals.
    #[inline(always)]
    pub fn respond(&self, [u, v]: [f64; 2]) -> Response {
        let (d, mu) = (self.stiffness, self.friction);
        // One edge of a pyramid: its force, and d where it pushes.
        let edge = |residual: f64| if residual < 0.0 { (-d * residual, d) } else { (0.0, 0.0) };
        let bit = |curvature: f64, place: u8| u8::from(curvature > 0.0) << place;
        let still = Response { force: [0.0; 2], curvature: [0.0; 3], piece: 0 };
        match self.law {
            Law::Push => {
                let (force, on) = edge(u);
                Response { force: [force, 0.0], curvature: [on, 0.0, 0.0], piece: bit(on, 0) }
            }
            Law::Pyramid => {
                let ((plus, p), (minus, m), (mid, n)) = (edge(u + mu * v), edge(u - mu * v), edge(u));
                Response {
                    force: [plus + minus + 2.0 * mid, mu * (plus - minus)],
                    curvature: [p + m + 2.0 * n, mu * (p - m), mu * mu * (p + m)],
                    piece: bit(p, 0) | bit(m, 1) | bit(n, 2),
                }
            }
            Law::CrossedPyramid(normal) => {
                let [(a, p), (b, q)] = [edge(normal + mu * u), edge(normal - mu * u)];
                let [(c, r), (e, s)] = [edge(normal + mu * v), edge(normal - mu * v)];
                Response {
                    force: [mu * (a - b), mu * (c - e)],
                    curvature: [mu * mu * (p + q), 0.0, mu * mu * (r + s)],
                    piece: bit(p, 0) | bit(q, 1) | bit(r, 2) | bit(s, 3),
                }
            }
            Law::Cone => {
                let slip = v.abs();
                if u >= mu * slip {
                    still
                } else if mu * u + slip <= 0.0 {
                    Response { force: [-d * u, -d * v], curvature: [d, 0.0, d], piece: 1 }
                } else {
                    let k = d / (1.0 + mu * mu);
                    let force = -k * (u - mu * slip);
                    let side = mu.copysign(v);
                    Response {
                        force: [force, -side * force],
                        curvature: [k, -k * side, k * mu * mu],
                        piece: if v > 0.0 { 2 } else { 3 },
                    }
                }
            }
            Law::CrossedCone(normal) => {
                let slip = (u * u + v * v).sqrt();
                if normal >= mu * slip {
                    still
                } else if mu * normal + slip <= 0.0 {
                    Response { force: [-d * u, -d * v], curvature: [d, 0.0, d], piece: 1 }
                } else {
                    let k = d / (1.0 + mu * mu);
                    let force = k * mu * (normal - mu * slip);
                    let [x, y] = [u / slip, v / slip];
                    // Along the slip the cost bends by kμ², across it by −force/slip.
                    let (along, across) = (k * mu * mu, -force / slip);
                    Response {
                        force: [force * x, force * y],
                        curvature: [
                            along * x * x + across * y * y,
                            (along - across) * x * y,
                            along * y * y + across * x * x,
                        ],
                        piece: CURVED,
                    }
                }
            }
        }
    }
}

/// All constraints of one state.
#[derive(Clone, Debug)]
pub struct Constraints<const N: usize> {
    pub singles: Vec<Single>,
    /// The contacts, in the order in which they were found, and then the strings.
    pub pairs: Vec<Pair<N>>,
}

impl<const N: usize> Constraints<N> {
    /// Room for all that a model can have at once.
    pub fn new(layout: &Layout<N>) -> Self {
        let contacts = 2 * layout.planes.len() + 2 * layout.pairs.len();
        Self {
            singles: Vec::with_capacity(2 * layout.limits.len() + layout.losses.len()),
            pairs: Vec::with_capacity(contacts + layout.strings.len()),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.singles.is_empty() && self.pairs.is_empty()
    }

    /// Finds those of a state.
    #[inline(always)]
    pub fn find(
        &mut self,
        layout: &Layout<N>,
        frame: &Frame<N>,
        contacts: &[Contact],
        q: &[f64; N],
        v: &[f64; N],
    ) {
        self.singles.clear();
        self.pairs.clear();
        for loss in &layout.losses {
            let (_, per_weight) = loss.softness.at(0.0);
            self.singles.push(Single {
                joint: loss.joint,
                sign: 1.0,
                reference: -loss.softness.damping() * v[loss.joint],
                stiffness: stiffness(loss.invweight, per_weight),
                most: Some(loss.force),
                residual: 0.0,
                change: 0.0,
            });
        }
        for limit in &layout.limits {
            let [low, high] = limit.range;
            for (sign, distance) in [(1.0, q[limit.joint] - low), (-1.0, high - q[limit.joint])] {
                let past = distance - limit.margin;
                if past < 0.0 {
                    let (push, per_weight) = limit.softness.at(past);
                    self.singles.push(Single {
                        joint: limit.joint,
                        sign,
                        reference: -limit.softness.damping() * sign * v[limit.joint] - push,
                        stiffness: stiffness(limit.invweight, per_weight),
                        most: None,
                        residual: 0.0,
                        change: 0.0,
                    });
                }
            }
        }
        for contact in contacts {
            self.touch(frame, contact, v);
        }
        for string in &layout.strings {
            let [(from, a), (to, b)] = string.sites.map(|site| {
                let spot = &layout.sites[site];
                let place = frame.poses[spot.body].place(spot.position);
                (spot.body, [place[0] - frame.point[0], place[1] - frame.point[1]])
            });
            let way = [b[0] - a[0], b[1] - a[1]];
            let length = (way[0] * way[0] + way[1] * way[1]).sqrt();
            let past = string.max_length - length - string.margin;
            if past < 0.0 {
                let along = [way[0] / length, way[1] / length];
                let (pulled, pulling) = (frame.jacobian(from, a, along), frame.jacobian(to, b, along));
                let u: [f64; N] = std::array::from_fn(|j| pulled[j] - pulling[j]);
                let (push, per_weight) = string.softness.at(past);
                self.pairs.push(Pair {
                    reference: [-string.softness.damping() * dot(&u, v) - push, 0.0],
                    u,
                    v: [0.0; N],
                    stiffness: stiffness(string.invweight, per_weight),
                    friction: 0.0,
                    law: Law::Push,
                    residual: [0.0; 2],
                    change: [0.0; 2],
                });
            }
        }
    }

    /// Those of a contact. One that is not near enough to push is kept as a constraint without stiffness, so
    /// that constraints and contacts stay side by side.
    #[inline(always)]
    fn touch(&mut self, frame: &Frame<N>, contact: &Contact, velocity: &[f64; N]) {
        let touching = &contact.touching;
        let softness = &touching.softness;
        let past = contact.distance - touching.margin;
        let (push, per_weight) = softness.at(past);
        let mu = touching.friction;
        let [first, second] = contact.bodies;
        let along = |direction: [f64; 2]| {
            let on = frame.jacobian(second, contact.place, direction);
            if first == GROUND {
                return on;
            }
            let off = frame.jacobian(first, contact.place, direction);
            std::array::from_fn(|j| on[j] - off[j])
        };
        let (u, v, law) = if let Some([x, y]) = contact.normal {
            let law = match touching.cone {
                _ if touching.smooth => Law::Push,
                Cone::Pyramidal => Law::Pyramid,
                Cone::Elliptic => Law::Cone,
            };
            (along([x, y]), along([y, -x]), law)
        } else {
            let law = match touching.cone {
                _ if touching.smooth => Law::Push,
                Cone::Pyramidal => Law::CrossedPyramid(push),
                Cone::Elliptic => Law::CrossedCone(push),
            };
            (along([1.0, 0.0]), along([0.0, 1.0]), law)
        };
        let damp = [softness.damping() * dot(&u, velocity), softness.damping() * dot(&v, velocity)];
        let normal = if contact.normal.is_some() { push } else { 0.0 };
        // All edges of a pyramid share one R, twice that of the edge squared by the friction.
        let weight = match law {
            Law::Pyramid | Law::CrossedPyramid(_) => 2.0 * mu * mu * (1.0 + mu * mu) * touching.invweight,
            _ => touching.invweight,
        };
        // Without friction nothing in the plane resists if the normal leaves it.
        let idle = past >= 0.0 || (touching.smooth && contact.normal.is_none());
        self.pairs.push(Pair {
            reference: [-damp[0] - normal, -damp[1]],
            u,
            v,
            stiffness: if idle { 0.0 } else { stiffness(weight, per_weight) },
            friction: mu,
            law,
            residual: [0.0; 2],
            change: [0.0; 2],
        });
    }
}

/// 1/R from an inverse weight and what the impedance makes of it.
#[inline(always)]
fn stiffness(invweight: f64, per_weight: f64) -> f64 {
    1.0 / (invweight / per_weight).max(LEAST_REGULARISER)
}
