//! A chain of links in water: swim to a disc.

use std::sync::Arc;

use super::super::Registered;
use super::super::mechanism::{Passed, Setup, Start, Task};
use super::super::planar::Dynamics;
use super::tolerance::{Sigmoid, Tolerance};
use super::{LIMIT, MOST, RETURNS, SOURCE};
use crate::random::Stream;
use crate::spec::Entry;

pub const REGISTERED: &[Registered] = &[
    Registered {
        entry: Entry {
            name: "swimmer-swimmer6",
            summary: "six links in water: bring the nose to a disc",
            source: SOURCE,
            parameters: &[],
        },
        build: |changes| SETUP.build(changes),
    },
    Registered {
        entry: Entry {
            name: "swimmer-swimmer15",
            summary: "fifteen links in water: bring the nose to a disc",
            source: SOURCE,
            parameters: &[],
        },
        build: |changes| {
            Setup {
                name: "swimmer-swimmer15",
                random_return: Some(140.1),
                model: include_str!("../models/swimmer15.toml"),
                observation: 61,
                ..SETUP
            }
            .build(changes)
        },
    },
];

const SETUP: Setup = Setup {
    name: "swimmer-swimmer6",
    model: include_str!("../models/swimmer6.toml"),
    prepare: |_| {},
    substeps: 15,
    observation: 25,
    // x, y, radius.
    target: &[1.0, 1.0, 0.1],
    limit: LIMIT,
    returns: RETURNS,
    max_reward: MOST,
    random_return: Some(143.8),
    task: |_| Arc::new(Swim),
};

const HEAD: usize = 0;
/// In the frame of the head.
const NOSE: [f64; 2] = [0.0, -0.06];
/// Slides and hinge of the head.
const ROOT: usize = 3;

struct Swim;

/// From the nose to the target, in the frame of the head.
fn to_target(world: &dyn Dynamics, target: &[f64]) -> [f64; 2] {
    let head = world.pose(HEAD);
    let [x, y] = head.place(NOSE);
    head.rotate_back([target[0] - x, target[1] - y])
}

impl Task for Swim {
    fn observe(&self, world: &dyn Dynamics, target: &[f64], observation: &mut [f64]) {
        let joints = world.qpos().len() - ROOT;
        let (angles, rest) = observation.split_at_mut(joints);
        angles.copy_from_slice(&world.qpos()[ROOT..]);
        rest[..2].copy_from_slice(&to_target(world, target));
        for (body, place) in rest[2..].chunks_exact_mut(3).enumerate() {
            let (velocity, turn) = world.twist(body);
            let [x, y] = world.pose(body).rotate_back(velocity);
            place.copy_from_slice(&[x, y, turn]);
        }
    }

    fn reward(&self, passed: &Passed<'_>) -> f64 {
        let [x, y] = to_target(passed.world, passed.target);
        let radius = passed.target[2];
        let near = Tolerance {
            bounds: (0.0, radius),
            margin: 5.0 * radius,
            sigmoid: Sigmoid::LongTail,
            at_margin: 0.1,
        };
        near.of(libm::hypot(x, y))
    }

    fn start(&self, start: &mut Start<'_>, draws: &mut Stream) {
        start.random_joints(draws);
        start.set();
        let side = if draws.unit() < 0.2 { 0.3 } else { 2.0 };
        start.target[..2].fill_with(|| draws.uniform(-side, side));
    }
}
