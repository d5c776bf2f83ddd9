//! A mechanism in motion.

use std::sync::Arc;

use super::collision::{Contact, Placed, collide};
use super::constraint::{Constraints, Law};
use super::frame::{Frame, Loads, Pose};
use super::layout::Layout;
use super::linear::Factored;
use super::model::Integrator;
use super::solver::solve;
use super::{Dynamics, Sensors};

/// A mechanism of `N` joints: its state, and room for everything that a step needs.
#[derive(Clone)]
pub struct Engine<const N: usize> {
    layout: Arc<Layout<N>>,
    q: [f64; N],
    v: [f64; N],
    /// Always those of the state.
    frame: Frame<N>,
    contacts: Vec<Contact>,
    sensors: Sensors,
    // Scratch.
    placed: Vec<Placed>,
    loads: Loads,
    constraints: Constraints<N>,
    factored: Factored<N>,
    acceleration: [f64; N],
    /// What motors, springs, gravity and the rest do, constraints apart.
    force: [f64; N],
}

impl<const N: usize> Engine<N> {
    /// A mechanism at its reference pose, at rest.
    pub fn new(layout: Layout<N>) -> Self {
        let bodies = layout.bodies.len();
        let sites = layout.sites.len();
        let most = 2 * layout.planes.len() + 2 * layout.pairs.len();
        let mut engine = Self {
            q: layout.joints.map(|joint| joint.reference),
            v: [0.0; N],
            frame: Frame::new(&layout),
            contacts: Vec::with_capacity(most),
            sensors: Sensors {
                touch: vec![0.0; sites],
                sites: vec![[0.0; 2]; sites],
                constraint: vec![0.0; N],
            },
            placed: Vec::with_capacity(layout.capsules.len()),
            loads: Loads::new(bodies),
            constraints: Constraints::new(&layout),
            factored: Factored::new(),
            acceleration: [0.0; N],
            force: [0.0; N],
            layout: Arc::new(layout),
        };
        engine.refresh();
        engine
    }

    /// Brings frame and contacts to the state.
    #[inline(always)]
    fn refresh(&mut self) {
        self.frame.update(&self.layout, &self.q, &self.v);
        collide(&self.layout, &self.frame, &mut self.placed, &mut self.contacts);
    }

    /// The acceleration under an action, from the frame, into `acceleration`: without constraints and with
    /// implicit damping it is that of the whole step. Whether there were constraints.
    #[inline(always)]
    fn accelerate(&mut self, action: &[f64], implicit: bool, guess: bool) -> bool {
        let layout = &*self.layout;
        let mut force = self.frame.load(layout, &self.v, &mut self.loads);
        for j in 0..N {
            let joint = &layout.joints[j];
            force[j] = -force[j] - joint.damping * self.v[j] - joint.stiffness * (self.q[j] - joint.spring);
        }
        for (motor, &action) in layout.motors.iter().zip(action) {
            force[motor.joint] += motor.gear * action.clamp(motor.range[0], motor.range[1]);
        }
        self.force = force;
        self.constraints.find(layout, &self.frame, &self.contacts, &self.q, &self.v);
        if self.constraints.is_empty() {
            self.dampen(implicit);
            self.factored.solve(&mut force);
            self.acceleration = force;
            return false;
        }
        if !guess {
            self.acceleration = [0.0; N];
        }
        solve(
            &self.frame.inertia,
            &self.force,
            &mut self.constraints,
            &mut self.factored,
            &mut self.acceleration,
        );
        true
    }

    /// Factors the inertia, with the damping of a whole step where it is implicit.
    #[inline(always)]
    fn dampen(&mut self, implicit: bool) {
        let matrix = self.factored.load(&self.frame.inertia);
        if implicit && self.layout.damped {
            for j in 0..N {
                matrix[j][j] += self.layout.timestep * self.layout.joints[j].damping;
            }
        }
        self.factored.factor();
    }

    /// A semi-implicit step of Euler's.
    #[inline(always)]
    fn euler(&mut self, action: &[f64], first: bool, last: bool) {
        let h = self.layout.timestep;
        let constrained = self.accelerate(action, true, !first);
        if last {
            self.sense(constrained);
        }
        let mut rate = self.acceleration;
        if constrained && self.layout.damped {
            // (M + hD)⁻¹ M a = a − (M + hD)⁻¹ hD a
            let mut lost: [f64; N] = std::array::from_fn(|j| h * self.layout.joints[j].damping * rate[j]);
            self.dampen(true);
            self.factored.solve(&mut lost);
            for j in 0..N {
                rate[j] -= lost[j];
            }
        }
        for j in 0..N {
            self.v[j] += h * rate[j];
            self.q[j] += h * self.v[j];
        }
        self.refresh();
    }

    /// A step of Runge and Kutta's.
    fn runge_kutta(&mut self, action: &[f64], last: bool) {
        let h = self.layout.timestep;
        let (q, v) = (self.q, self.v);
        let mut slope_q = [0.0; N];
        let mut slope_v = [0.0; N];
        for (stage, (weight, ahead)) in
            [(1.0, 0.5), (2.0, 0.5), (2.0, 1.0), (1.0, 0.0)].into_iter().enumerate()
        {
            let constrained = self.accelerate(action, false, false);
            for j in 0..N {
                slope_q[j] += weight * self.v[j];
                slope_v[j] += weight * self.acceleration[j];
            }
            if stage == 3 {
                if last {
                    self.sense(constrained);
                }
                break;
            }
            for j in 0..N {
                self.q[j] = q[j] + ahead * h * self.v[j];
                self.v[j] = v[j] + ahead * h * self.acceleration[j];
            }
            self.refresh();
        }
        for j in 0..N {
            self.q[j] = q[j] + h / 6.0 * slope_q[j];
            self.v[j] = v[j] + h / 6.0 * slope_v[j];
        }
        self.refresh();
    }

    /// Reads the sensors after an acceleration was found.
    fn sense(&mut self, constrained: bool) {
        let sensors = &mut self.sensors;
        sensors.constraint.fill(0.0);
        sensors.touch.fill(0.0);
        for (site, place) in self.layout.sites.iter().zip(&mut sensors.sites) {
            *place = self.frame.poses[site.body].place(site.position);
        }
        if !constrained {
            return;
        }
        for single in &self.constraints.singles {
            let residual = single.sign * self.acceleration[single.joint] - single.reference;
            sensors.constraint[single.joint] += single.sign * single.respond(residual).0;
        }
        for (number, pair) in self.constraints.pairs.iter().enumerate() {
            let response = pair.respond(pair.at(&self.acceleration));
            for (j, sum) in sensors.constraint.iter_mut().enumerate() {
                *sum += response.force[0] * pair.u[j] + response.force[1] * pair.v[j];
            }
            let Some(contact) = self.contacts.get(number) else { continue };
            let normal_force = match pair.law {
                Law::CrossedPyramid(_) | Law::CrossedCone(_) => pair.crossed_force(&self.acceleration),
                _ => response.force[0],
            };
            if normal_force <= 0.0 {
                continue;
            }
            for (site, touch) in self.layout.sites.iter().zip(&mut sensors.touch) {
                let Some(radius) = site.touch_radius else { continue };
                if !contact.bodies.contains(&site.body) {
                    continue;
                }
                // The force counts if it is felt within the circle, or if the circle lies in the way that
                // the normal points out of the body.
                let centre = self.frame.poses[site.body].place(site.position);
                let point = self.frame.point;
                let from = [contact.place[0] + point[0] - centre[0], contact.place[1] + point[1] - centre[1]];
                let outside = from[0] * from[0] + from[1] * from[1] - radius * radius;
                let side = if contact.bodies[0] == site.body { 1.0 } else { -1.0 };
                let along = contact.normal.map_or(0.0, |n| side * (from[0] * n[0] + from[1] * n[1]));
                if outside <= 0.0 || (along < 0.0 && along * along >= outside) {
                    *touch += normal_force;
                }
            }
        }
    }
}

impl<const N: usize> Dynamics for Engine<N> {
    fn qpos(&self) -> &[f64] {
        &self.q
    }

    fn qvel(&self) -> &[f64] {
        &self.v
    }

    fn set(&mut self, qpos: &[f64], qvel: &[f64]) {
        self.q.copy_from_slice(qpos);
        self.v.copy_from_slice(qvel);
        self.refresh();
    }

    fn rest(&mut self) {
        let constrained = self.accelerate(&[], false, false);
        self.sense(constrained);
    }

    fn step(&mut self, action: &[f64], steps: usize) {
        for step in 0..steps {
            let last = step + 1 == steps;
            match self.layout.integrator {
                Integrator::Euler => self.euler(action, step == 0, last),
                Integrator::Rk4 => self.runge_kutta(action, last),
            }
        }
    }

    fn pose(&self, body: usize) -> &Pose {
        &self.frame.poses[body + 1]
    }

    fn com(&self, body: usize) -> [f64; 2] {
        let [x, y] = self.frame.coms[body + 1];
        [x + self.frame.point[0], y + self.frame.point[1]]
    }

    fn twist(&self, body: usize) -> ([f64; 2], f64) {
        let twist = &self.frame.twists[body + 1];
        let [x, y] = self.frame.poses[body + 1].origin;
        (twist.velocity([x - self.frame.point[0], y - self.frame.point[1]]), twist.w)
    }

    fn com_velocity(&self) -> [f64; 2] {
        let (mut x, mut y, mut mass) = (0.0, 0.0, 0.0);
        for (body, link) in self.layout.bodies.iter().enumerate().skip(1) {
            let velocity = self.frame.twists[body].velocity(self.frame.coms[body]);
            x += link.mass * velocity[0];
            y += link.mass * velocity[1];
            mass += link.mass;
        }
        [x / mass, y / mass]
    }

    fn site(&self, site: usize) -> [f64; 2] {
        let site = &self.layout.sites[site];
        self.frame.poses[site.body].place(site.position)
    }

    fn contacts(&self) -> usize {
        self.contacts.len()
    }

    fn sensors(&self) -> &Sensors {
        &self.sensors
    }

    fn sensors_mut(&mut self) -> &mut Sensors {
        &mut self.sensors
    }

    fn duplicate(&self) -> Box<dyn Dynamics> {
        Box::new(self.clone())
    }
}
