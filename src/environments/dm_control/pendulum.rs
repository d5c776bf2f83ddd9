//! A pole on a hinge with a motor too weak to lift it: swing up and stay there.

use std::sync::Arc;

use super::super::Registered;
use super::super::mechanism::{Passed, Setup, Start, Task};
use super::super::planar::Dynamics;
use super::tolerance::Tolerance;
use super::{LIMIT, MOST, RETURNS, SOURCE};
use crate::random::Stream;
use crate::spec::Entry;

pub const REGISTERED: &[Registered] = &[Registered {
    entry: Entry {
        name: "pendulum-swingup",
        summary: "swing a pole up with a weak motor; 1 within 8° of upright, else 0",
        source: SOURCE,
        parameters: &[],
    },
    build: |changes| SETUP.build(changes),
}];

const SETUP: Setup = Setup {
    name: "pendulum-swingup",
    model: include_str!("../models/pendulum.toml"),
    prepare: |_| {},
    substeps: 1,
    observation: 3,
    target: &[],
    limit: LIMIT,
    returns: RETURNS,
    max_reward: MOST,
    random_return: Some(0.8867),
    task: |_| Arc::new(SwingUp),
};

const POLE: usize = 0;

struct SwingUp;

impl Task for SwingUp {
    fn observe(&self, world: &dyn Dynamics, _: &[f64], observation: &mut [f64]) {
        let pole = world.pose(POLE);
        observation.copy_from_slice(&[pole.cos, -pole.sin, world.qvel()[0]]);
    }

    fn reward(&self, passed: &Passed<'_>) -> f64 {
        let least = libm::cos(8f64.to_radians());
        Tolerance::within(least, 1.0).of(passed.world.pose(POLE).cos)
    }

    fn start(&self, start: &mut Start<'_>, draws: &mut Stream) {
        start.random_joints(draws);
        start.set();
    }
}
