//! Two poles, one on the other, on a cart: keep them up.
//!
//! Gymnasium reads the tip and the force of the rail as they were when the last acceleration was found, one
//! integration before the state of the observation; so it is here.

use std::sync::Arc;

use super::super::Registered;
use super::super::mechanism::{Passed, Setup, Start, Task};
use super::super::planar::{Dynamics, Model};
use super::{LIMIT, SOURCE};
use crate::random::Stream;
use crate::spec::Entry;

pub const REGISTERED: &[Registered] = &[Registered {
    entry: Entry {
        name: "InvertedDoublePendulum-v5",
        summary: "two poles on a cart: 10 a step while the tip is above 1 m, less distance and speed",
        source: SOURCE,
        parameters: &[],
    },
    build: |changes| SETUP.build(changes),
}];

const SETUP: Setup = Setup {
    name: "InvertedDoublePendulum-v5",
    model: include_str!("../models/gymnasium_inverted_double_pendulum.toml"),
    prepare: |_| {},
    substeps: 5,
    observation: 9,
    target: &[],
    limit: LIMIT,
    returns: None,
    max_reward: Some(10.0),
    random_return: Some(48.77),
    task: |model| Arc::new(Balance { tip: tip(model) }),
};

const NOISE: f64 = 0.1;
/// Observed velocities and forces are clipped to it.
const MOST_OBSERVED: f64 = 10.0;

fn tip(model: &Model) -> usize {
    model.site("tip").expect("the upper pole has a tip")
}

struct Balance {
    tip: usize,
}

impl Task for Balance {
    fn observe(&self, world: &dyn Dynamics, _: &[f64], observation: &mut [f64]) {
        let clip = |x: f64| x.clamp(-MOST_OBSERVED, MOST_OBSERVED);
        let [x, lower, upper] = [0, 1, 2].map(|j| world.qpos()[j]);
        let [sines, cosines] = [libm::sin, libm::cos].map(|of| [of(lower), of(upper)]);
        observation[0] = x;
        observation[1..3].copy_from_slice(&sines);
        observation[3..5].copy_from_slice(&cosines);
        for (place, v) in observation[5..8].iter_mut().zip(world.qvel()) {
            *place = clip(*v);
        }
        observation[8] = clip(world.sensors().constraint[0]);
    }

    fn reward(&self, passed: &Passed<'_>) -> f64 {
        let [x, z] = passed.world.sensors().sites[self.tip];
        let [_, v, w] = [0, 1, 2].map(|j| passed.world.qvel()[j]);
        let alive = if self.terminated(passed) { 0.0 } else { 10.0 };
        alive - (0.01 * x * x + (z - 2.0) * (z - 2.0)) - (1e-3 * v * v + 5e-3 * w * w)
    }

    fn terminated(&self, passed: &Passed<'_>) -> bool {
        passed.world.sensors().sites[self.tip][1] <= 1.0
    }

    fn start(&self, start: &mut Start<'_>, draws: &mut Stream) {
        start.qpos.iter_mut().for_each(|q| *q += draws.uniform(-NOISE, NOISE));
        start.qvel.iter_mut().for_each(|v| *v += NOISE * draws.normal());
        start.set();
    }
}
