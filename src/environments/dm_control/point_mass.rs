//! A point on a table: push it to the middle.

use std::sync::Arc;

use super::super::Registered;
use super::super::mechanism::{Passed, Setup, Start, Task};
use super::super::planar::Dynamics;
use super::tolerance::{Tolerance, small_control};
use super::{LIMIT, MOST, RETURNS, SOURCE};
use crate::random::Stream;
use crate::spec::Entry;

pub const REGISTERED: &[Registered] = &[Registered {
    entry: Entry {
        name: "point_mass-easy",
        summary: "push a point to the middle of a table, with little control",
        source: SOURCE,
        parameters: &[],
    },
    build: |changes| SETUP.build(changes),
}];

const SETUP: Setup = Setup {
    name: "point_mass-easy",
    model: include_str!("../models/point_mass.toml"),
    prepare: |_| {},
    substeps: 1,
    observation: 4,
    target: &[],
    limit: LIMIT,
    returns: RETURNS,
    max_reward: MOST,
    random_return: Some(8.184),
    task: |_| Arc::new(PointMass),
};

/// Radius of the goal.
const GOAL: f64 = 0.015;

struct PointMass;

impl Task for PointMass {
    fn observe(&self, world: &dyn Dynamics, _: &[f64], observation: &mut [f64]) {
        observation[..2].copy_from_slice(world.qpos());
        observation[2..].copy_from_slice(world.qvel());
    }

    fn reward(&self, passed: &Passed<'_>) -> f64 {
        let distance = libm::hypot(passed.world.qpos()[0], passed.world.qpos()[1]);
        Tolerance::gaussian(0.0, GOAL, GOAL).of(distance) * small_control(passed.action)
    }

    fn start(&self, start: &mut Start<'_>, draws: &mut Stream) {
        start.random_joints(draws);
        start.set();
    }
}
