//! Run to the right: half a cheetah, a hopper and a walker. The reward is the speed, less a cost of control,
//! and a bonus while the body is healthy; the episode ends when it is not.

use std::ops::Range;
use std::sync::Arc;

use super::super::Registered;
use super::super::mechanism::{Passed, Setup, Start, Task};
use super::super::planar::Dynamics;
use super::{LIMIT, SOURCE};
use crate::random::Stream;
use crate::spec::Entry;

pub const REGISTERED: &[Registered] = &[
    Registered {
        entry: entry("HalfCheetah-v5", "a cat seen from the side: speed less control"),
        build: |changes| SETUP.build(changes),
    },
    Registered {
        entry: entry("Hopper-v5", "one leg with a foot: speed and being upright, less control"),
        build: |changes| {
            Setup {
                name: "Hopper-v5",
                random_return: Some(18.13),
                model: include_str!("../models/gymnasium_hopper.toml"),
                substeps: 4,
                observation: 11,
                task: |_| Arc::new(HOPPER),
                ..SETUP
            }
            .build(changes)
        },
    },
    Registered {
        entry: entry("Walker2d-v5", "two legs and a trunk: speed and being upright, less control"),
        build: |changes| {
            Setup {
                name: "Walker2d-v5",
                random_return: Some(1.957),
                model: include_str!("../models/gymnasium_walker2d.toml"),
                substeps: 4,
                observation: 17,
                task: |_| Arc::new(WALKER),
                ..SETUP
            }
            .build(changes)
        },
    },
];

const fn entry(name: &'static str, summary: &'static str) -> Entry {
    Entry { name, summary, source: SOURCE, parameters: &[] }
}

const SETUP: Setup = Setup {
    name: "HalfCheetah-v5",
    model: include_str!("../models/gymnasium_half_cheetah.toml"),
    prepare: |_| {},
    substeps: 5,
    observation: 17,
    target: &[],
    limit: LIMIT,
    returns: None,
    max_reward: None,
    random_return: Some(-279.2),
    task: |_| Arc::new(CHEETAH),
};

const CHEETAH: Runner = Runner {
    control_cost: 0.1,
    noise: 0.1,
    normal_velocities: true,
    most_observed_speed: f64::INFINITY,
    healthy: None,
};

const HOPPER: Runner = Runner {
    control_cost: 1e-3,
    noise: 5e-3,
    normal_velocities: false,
    most_observed_speed: 10.0,
    healthy: Some(Healthy { height: 0.7..f64::INFINITY, angle: -0.2..0.2, most: 100.0 }),
};

const WALKER: Runner =
    Runner { healthy: Some(Healthy { height: 0.8..2.0, angle: -1.0..1.0, most: f64::INFINITY }), ..HOPPER };

struct Runner {
    /// Per square of the action.
    control_cost: f64,
    /// Of positions and velocities at the start.
    noise: f64,
    /// Whether the noise of velocities is Gaussian.
    normal_velocities: bool,
    /// Observed velocities are clipped to it.
    most_observed_speed: f64,
    /// While it holds a step brings 1 more; the episode ends when it does not.
    healthy: Option<Healthy>,
}

struct Healthy {
    height: Range<f64>,
    angle: Range<f64>,
    /// Everything but the first two positions has to be nearer to 0.
    most: f64,
}

impl Healthy {
    fn holds(&self, world: &dyn Dynamics) -> bool {
        let inside = |range: &Range<f64>, x: f64| range.start < x && x < range.end;
        let [_, height, angle, ..] = *world.qpos() else { return false };
        let rest = world.qpos()[2..].iter().chain(world.qvel());
        inside(&self.height, height)
            && inside(&self.angle, angle)
            && rest.copied().all(|x| x.abs() < self.most)
    }
}

impl Task for Runner {
    fn observe(&self, world: &dyn Dynamics, _: &[f64], observation: &mut [f64]) {
        let (positions, velocities) = observation.split_at_mut(world.qpos().len() - 1);
        positions.copy_from_slice(&world.qpos()[1..]);
        let most = self.most_observed_speed;
        for (place, v) in velocities.iter_mut().zip(world.qvel()) {
            *place = v.clamp(-most, most);
        }
    }

    fn reward(&self, passed: &Passed<'_>) -> f64 {
        let speed = (passed.world.qpos()[0] - passed.before) / passed.duration;
        let cost = self.control_cost * passed.action.iter().map(|u| u * u).sum::<f64>();
        let healthy = self.healthy.as_ref().is_some_and(|healthy| healthy.holds(passed.world));
        speed + f64::from(u8::from(healthy)) - cost
    }

    fn terminated(&self, passed: &Passed<'_>) -> bool {
        self.healthy.as_ref().is_some_and(|healthy| !healthy.holds(passed.world))
    }

    fn start(&self, start: &mut Start<'_>, draws: &mut Stream) {
        start.qpos.iter_mut().for_each(|q| *q += draws.uniform(-self.noise, self.noise));
        for v in &mut *start.qvel {
            *v = if self.normal_velocities {
                self.noise * draws.normal()
            } else {
                draws.uniform(-self.noise, self.noise)
            };
        }
        start.set();
    }
}
