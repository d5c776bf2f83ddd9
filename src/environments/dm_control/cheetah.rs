//! A running cat seen from the side.

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
        name: "cheetah-run",
        summary: "a cat seen from the side: run, in proportion up to 10 m/s",
        source: SOURCE,
        parameters: &[],
    },
    build: |changes| SETUP.build(changes),
}];

const SETUP: Setup = Setup {
    name: "cheetah-run",
    model: include_str!("../models/cheetah.toml"),
    prepare: |_| {},
    substeps: 1,
    observation: 17,
    target: &[],
    limit: LIMIT,
    returns: RETURNS,
    max_reward: MOST,
    random_return: Some(3.654),
    task: |_| Arc::new(Run),
};

const SPEED: f64 = 10.0;
/// Steps in which it comes to rest before an episode. (In `dm_control` the first of them feels the forces of
/// the reference pose; this is not repeated here.)
const SETTLING: usize = 200;

struct Run;

impl Task for Run {
    fn observe(&self, world: &dyn Dynamics, _: &[f64], observation: &mut [f64]) {
        let (positions, velocities) = observation.split_at_mut(8);
        positions.copy_from_slice(&world.qpos()[1..]);
        velocities.copy_from_slice(world.qvel());
    }

    fn reward(&self, passed: &Passed<'_>) -> f64 {
        Tolerance::linear(SPEED, SPEED, 0.0).of(passed.world.com_velocity()[0])
    }

    fn start(&self, start: &mut Start<'_>, draws: &mut Stream) {
        for (joint, q) in start.model.joints.iter().zip(&mut *start.qpos) {
            if let Some([low, high]) = joint.range {
                *q = draws.uniform(low, high);
            }
        }
        start.set();
        start.world.step(&[], SETTLING);
    }
}
