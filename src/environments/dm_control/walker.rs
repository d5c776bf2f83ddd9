//! Two legs and a trunk: stand, walk, run.

use std::sync::Arc;

use super::super::Registered;
use super::super::mechanism::{Passed, Setup, Start, Task};
use super::super::planar::Dynamics;
use super::tolerance::Tolerance;
use super::{LIMIT, MOST, RETURNS, SOURCE};
use crate::random::Stream;
use crate::spec::Entry;

pub const REGISTERED: &[Registered] = &[
    Registered {
        entry: entry("walker-stand", "two legs and a trunk: stand upright"),
        build: |changes| SETUP.build(changes),
    },
    Registered {
        entry: entry("walker-walk", "two legs and a trunk: walk upright at 1 m/s or more"),
        build: |changes| {
            Setup {
                name: "walker-walk",
                random_return: Some(32.1),
                task: |_| Arc::new(Walker { speed: 1.0 }),
                ..SETUP
            }
            .build(changes)
        },
    },
    Registered {
        entry: entry("walker-run", "two legs and a trunk: run upright at 8 m/s or more"),
        build: |changes| {
            Setup {
                name: "walker-run",
                random_return: Some(23.03),
                task: |_| Arc::new(Walker { speed: 8.0 }),
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
    name: "walker-stand",
    model: include_str!("../models/walker.toml"),
    prepare: |_| {},
    substeps: 10,
    observation: 24,
    target: &[],
    limit: LIMIT,
    returns: RETURNS,
    max_reward: MOST,
    random_return: Some(130.3),
    task: |_| Arc::new(Walker { speed: 0.0 }),
};

const BODIES: usize = 7;
const TORSO: usize = 0;
const STAND_HEIGHT: f64 = 1.2;

struct Walker {
    /// In m/s; 0 is standing.
    speed: f64,
}

impl Task for Walker {
    fn observe(&self, world: &dyn Dynamics, _: &[f64], observation: &mut [f64]) {
        let (orientations, rest) = observation.split_at_mut(2 * BODIES);
        for (body, place) in orientations.chunks_exact_mut(2).enumerate() {
            let pose = world.pose(body);
            place.copy_from_slice(&[pose.cos, -pose.sin]);
        }
        rest[0] = world.pose(TORSO).origin[1];
        rest[1..].copy_from_slice(world.qvel());
    }

    fn reward(&self, passed: &Passed<'_>) -> f64 {
        let torso = passed.world.pose(TORSO);
        let standing =
            Tolerance::gaussian(STAND_HEIGHT, f64::INFINITY, STAND_HEIGHT / 2.0).of(torso.origin[1]);
        let upright = f64::midpoint(1.0, torso.cos);
        let stand = (3.0 * standing + upright) / 4.0;
        if self.speed == 0.0 {
            return stand;
        }
        let moving = Tolerance::linear(self.speed, self.speed / 2.0, 0.5);
        stand * (5.0 * moving.of(passed.world.com_velocity()[0]) + 1.0) / 6.0
    }

    fn start(&self, start: &mut Start<'_>, draws: &mut Stream) {
        start.random_joints(draws);
        start.set();
    }
}
