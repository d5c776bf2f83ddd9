//! Two links with a motor in the elbow only: bring the tip to the place above.

use std::sync::Arc;

use super::super::Registered;
use super::super::mechanism::{Passed, Setup, Start, Task};
use super::super::planar::{Dynamics, Model};
use super::tolerance::Tolerance;
use super::{LIMIT, MOST, RETURNS, SOURCE};
use crate::random::Stream;
use crate::spec::Entry;

pub const REGISTERED: &[Registered] = &[
    Registered {
        entry: Entry {
            name: "acrobot-swingup",
            summary: "swing two links up by the motor between them",
            source: SOURCE,
            parameters: &[],
        },
        build: |changes| SETUP.build(changes),
    },
    Registered {
        entry: Entry {
            name: "acrobot-swingup_sparse",
            summary: "swing two links up by the motor between them; 1 if the tip is within 0.2",
            source: SOURCE,
            parameters: &[],
        },
        build: |changes| {
            Setup {
                name: "acrobot-swingup_sparse",
                random_return: Some(0.0867),
                task: |model| acrobot(model, 0.0),
                ..SETUP
            }
            .build(changes)
        },
    },
];

const SETUP: Setup = Setup {
    name: "acrobot-swingup",
    model: include_str!("../models/acrobot.toml"),
    prepare: |_| {},
    substeps: 1,
    observation: 6,
    target: &[],
    limit: LIMIT,
    returns: RETURNS,
    max_reward: MOST,
    random_return: Some(3.355),
    task: |model| acrobot(model, 1.0),
};

/// Upper and lower arm.
const ARMS: [usize; 2] = [0, 1];
/// Where the tip should be.
const GOAL: [f64; 2] = [0.0, 4.0];
const GOAL_RADIUS: f64 = 0.2;

fn acrobot(model: &Model, margin: f64) -> Arc<dyn Task> {
    Arc::new(Acrobot { tip: model.site("tip").expect("the arm has a tip"), margin })
}

struct Acrobot {
    tip: usize,
    margin: f64,
}

impl Task for Acrobot {
    fn observe(&self, world: &dyn Dynamics, _: &[f64], observation: &mut [f64]) {
        let [upper, lower] = ARMS.map(|arm| world.pose(arm));
        let [v, w] = [world.qvel()[0], world.qvel()[1]];
        observation.copy_from_slice(&[-upper.sin, -lower.sin, upper.cos, lower.cos, v, w]);
    }

    fn reward(&self, passed: &Passed<'_>) -> f64 {
        let [x, z] = passed.world.site(self.tip);
        let distance = libm::hypot(x - GOAL[0], z - GOAL[1]);
        Tolerance::gaussian(0.0, GOAL_RADIUS, self.margin).of(distance)
    }

    fn start(&self, start: &mut Start<'_>, draws: &mut Stream) {
        start.random_joints(draws);
        start.set();
    }
}
