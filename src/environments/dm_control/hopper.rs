//! One leg with a foot: stand, hop.

use std::sync::Arc;

use super::super::Registered;
use super::super::mechanism::{Passed, Setup, Start, Task};
use super::super::planar::{Dynamics, Model};
use super::tolerance::{Tolerance, small_control};
use super::{LIMIT, MOST, RETURNS, SOURCE};
use crate::random::Stream;
use crate::spec::Entry;

pub const REGISTERED: &[Registered] = &[
    Registered {
        entry: Entry {
            name: "hopper-stand",
            summary: "one leg with a foot: stand, with little control",
            source: SOURCE,
            parameters: &[],
        },
        build: |changes| SETUP.build(changes),
    },
    Registered {
        entry: Entry {
            name: "hopper-hop",
            summary: "one leg with a foot: hop at 2 m/s or more",
            source: SOURCE,
            parameters: &[],
        },
        build: |changes| {
            Setup {
                name: "hopper-hop",
                random_return: Some(0.027),
                task: |model| hopper(model, true),
                ..SETUP
            }
            .build(changes)
        },
    },
];

const SETUP: Setup = Setup {
    name: "hopper-stand",
    model: include_str!("../models/hopper.toml"),
    prepare: |_| {},
    substeps: 4,
    observation: 15,
    target: &[],
    limit: LIMIT,
    returns: RETURNS,
    max_reward: MOST,
    random_return: Some(1.487),
    task: |model| hopper(model, false),
};

/// Height of the torso above the foot.
const STANDING: Tolerance = Tolerance::within(0.6, 2.0);
const HOPPING: Tolerance = Tolerance::linear(2.0, 1.0, 0.5);

fn hopper(model: &Model, hop: bool) -> Arc<dyn Task> {
    let body = |name| model.body(name).expect("a body of the hopper");
    let touch = ["touch_toe", "touch_heel"].map(|name| model.site(name).expect("a site of the hopper"));
    Arc::new(Hopper { hop, torso: body("torso"), foot: body("foot"), touch })
}

struct Hopper {
    hop: bool,
    torso: usize,
    foot: usize,
    touch: [usize; 2],
}

impl Task for Hopper {
    fn observe(&self, world: &dyn Dynamics, _: &[f64], observation: &mut [f64]) {
        observation[..6].copy_from_slice(&world.qpos()[1..]);
        observation[6..13].copy_from_slice(world.qvel());
        for (place, site) in observation[13..].iter_mut().zip(self.touch) {
            *place = libm::log1p(world.sensors().touch[site]);
        }
    }

    fn reward(&self, passed: &Passed<'_>) -> f64 {
        let world = passed.world;
        let standing = STANDING.of(world.com(self.torso)[1] - world.com(self.foot)[1]);
        if self.hop {
            standing * HOPPING.of(world.com_velocity()[0])
        } else {
            standing * small_control(passed.action)
        }
    }

    fn start(&self, start: &mut Start<'_>, draws: &mut Stream) {
        start.random_joints(draws);
        start.set();
    }
}
