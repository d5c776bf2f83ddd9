//! A pole on a cart: keep it up.

use std::sync::Arc;

use super::super::Registered;
use super::super::mechanism::{Passed, Setup, Start, Task};
use super::super::planar::Dynamics;
use super::{LIMIT, SOURCE};
use crate::random::Stream;
use crate::spec::Entry;

pub const REGISTERED: &[Registered] = &[Registered {
    entry: Entry {
        name: "InvertedPendulum-v5",
        summary: "a pole on a cart: 1 a step while it is within 0.2 rad of upright",
        source: SOURCE,
        parameters: &[],
    },
    build: |changes| SETUP.build(changes),
}];

const SETUP: Setup = Setup {
    name: "InvertedPendulum-v5",
    model: include_str!("../models/gymnasium_inverted_pendulum.toml"),
    prepare: |_| {},
    substeps: 2,
    observation: 4,
    target: &[],
    limit: LIMIT,
    returns: Some((0.0, 1000.0)),
    max_reward: Some(1.0),
    random_return: Some(5.05),
    task: |_| Arc::new(Balance),
};

const MOST_ANGLE: f64 = 0.2;
const NOISE: f64 = 0.01;

struct Balance;

impl Task for Balance {
    fn observe(&self, world: &dyn Dynamics, _: &[f64], observation: &mut [f64]) {
        observation[..2].copy_from_slice(world.qpos());
        observation[2..].copy_from_slice(world.qvel());
    }

    fn reward(&self, passed: &Passed<'_>) -> f64 {
        f64::from(u8::from(!self.terminated(passed)))
    }

    fn terminated(&self, passed: &Passed<'_>) -> bool {
        passed.world.qpos()[1].abs() > MOST_ANGLE
    }

    fn start(&self, start: &mut Start<'_>, draws: &mut Stream) {
        start.qpos.iter_mut().chain(&mut *start.qvel).for_each(|x| *x += draws.uniform(-NOISE, NOISE));
        start.set();
    }
}
