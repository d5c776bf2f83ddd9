//! A ball on a string under a cup: catch it.

use std::sync::Arc;

use super::super::Registered;
use super::super::mechanism::{Passed, Setup, Start, Task};
use super::super::planar::{Dynamics, Model};
use super::{LIMIT, MOST, RETURNS, SOURCE};
use crate::random::Stream;
use crate::spec::Entry;

pub const REGISTERED: &[Registered] = &[Registered {
    entry: Entry {
        name: "ball_in_cup-catch",
        summary: "a ball on a string under a cup; 1 while it is in the cup",
        source: SOURCE,
        parameters: &[],
    },
    build: |changes| SETUP.build(changes),
}];

const SETUP: Setup = Setup {
    name: "ball_in_cup-catch",
    model: include_str!("../models/ball_in_cup.toml"),
    prepare: |_| {},
    substeps: 10,
    observation: 8,
    target: &[],
    limit: LIMIT,
    returns: RETURNS,
    max_reward: MOST,
    random_return: Some(88.07),
    task: |model| {
        let site = |name| model.site(name).expect("a site of the cup");
        Arc::new(Catch { goal: site("target"), ball: ball(model) })
    },
};

/// Half the side of the square in which the whole ball has to be.
const HALF_SIDE: f64 = 0.05;
const BALL_RADIUS: f64 = 0.025;

fn ball(model: &Model) -> usize {
    model.body("ball").expect("there is a ball")
}

struct Catch {
    /// A site in the middle of the cup.
    goal: usize,
    ball: usize,
}

impl Task for Catch {
    fn observe(&self, world: &dyn Dynamics, _: &[f64], observation: &mut [f64]) {
        observation[..4].copy_from_slice(world.qpos());
        observation[4..].copy_from_slice(world.qvel());
    }

    fn reward(&self, passed: &Passed<'_>) -> f64 {
        let goal = passed.world.site(self.goal);
        let ball = passed.world.pose(self.ball).origin;
        let near = |i: usize| (goal[i] - ball[i]).abs() < HALF_SIDE - BALL_RADIUS;
        f64::from(u8::from(near(0) && near(1)))
    }

    fn start(&self, start: &mut Start<'_>, draws: &mut Stream) {
        loop {
            start.qpos[2] = draws.uniform(-0.2, 0.2);
            start.qpos[3] = draws.uniform(0.2, 0.5);
            start.set();
            if start.world.contacts() == 0 {
                break;
            }
        }
    }
}
