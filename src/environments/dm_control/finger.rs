//! A finger beside a free spinner: spin it, or turn it to a place.

use std::f64::consts::PI;
use std::sync::Arc;

use super::super::Registered;
use super::super::mechanism::{Passed, Setup, Start, Task};
use super::super::planar::{Dynamics, Model};
use super::{LIMIT, MOST, RETURNS, SOURCE};
use crate::random::Stream;
use crate::spec::Entry;

pub const REGISTERED: &[Registered] = &[
    Registered {
        entry: entry("finger-spin", "a finger beside a spinner; 1 while it spins at 15 rad/s or more"),
        build: |changes| {
            Setup {
                name: "finger-spin",
                random_return: Some(0.5333),
                prepare: |model| {
                    let hinge = model.joint("hinge").expect("the spinner has a hinge");
                    model.joints[hinge].damping = 0.03;
                },
                observation: 9,
                // Not used, but part of the model.
                target: &[0.0, 0.0, 0.4, 0.03],
                task: |model| finger(model, Goal::Spin),
                ..SETUP
            }
            .build(changes)
        },
    },
    Registered {
        entry: entry("finger-turn_easy", "a finger turns a spinner's tip into a large disc; 1 inside"),
        build: |changes| SETUP.build(changes),
    },
    Registered {
        entry: entry("finger-turn_hard", "a finger turns a spinner's tip into a small disc; 1 inside"),
        build: |changes| {
            Setup {
                name: "finger-turn_hard",
                random_return: Some(61.07),
                target: &[0.0, 0.0, 0.4, 0.03],
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
    name: "finger-turn_easy",
    model: include_str!("../models/finger.toml"),
    prepare: |model| {
        let hinge = model.joint("hinge").expect("the spinner has a hinge");
        model.joints[hinge].damping = 0.5;
    },
    substeps: 2,
    observation: 12,
    // x, y, z, radius.
    target: &[0.0, 0.0, 0.4, 0.07],
    limit: LIMIT,
    returns: RETURNS,
    max_reward: MOST,
    random_return: Some(144.9),
    task: |model| finger(model, Goal::Turn),
};

/// In rad/s.
const SPIN: f64 = 15.0;
/// Distance of the target from the hinge.
const TARGET_RADIUS: f64 = 0.13;
/// Most draws of a start without contact.
const MOST_DRAWS: usize = 1000;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Goal {
    Spin,
    Turn,
}

fn finger(model: &Model, goal: Goal) -> Arc<dyn Task> {
    let site = |name| model.site(name).expect("a site of the finger");
    Arc::new(Finger {
        goal,
        spinner: model.body("spinner").expect("there is a spinner"),
        tip: site("tip"),
        touch: [site("touchtop"), site("touchbottom")],
    })
}

struct Finger {
    goal: Goal,
    spinner: usize,
    tip: usize,
    touch: [usize; 2],
}

impl Finger {
    /// The spinner's tip and the target, both from the hinge.
    fn places(&self, world: &dyn Dynamics, target: &[f64]) -> [[f64; 2]; 2] {
        let [x, z] = world.pose(self.spinner).origin;
        let tip = world.site(self.tip);
        [[tip[0] - x, tip[1] - z], [target[0] - x, target[2] - z]]
    }

    /// From the tip to the edge of the target; negative inside.
    fn distance([tip, goal]: [[f64; 2]; 2], target: &[f64]) -> f64 {
        libm::hypot(goal[0] - tip[0], goal[1] - tip[1]) - target[3]
    }
}

impl Task for Finger {
    fn observe(&self, world: &dyn Dynamics, target: &[f64], observation: &mut [f64]) {
        let [tip, goal] = self.places(world, target);
        observation[..2].copy_from_slice(&world.qpos()[..2]);
        observation[2..4].copy_from_slice(&tip);
        observation[4..7].copy_from_slice(world.qvel());
        for (place, site) in observation[7..9].iter_mut().zip(self.touch) {
            *place = libm::log1p(world.sensors().touch[site]);
        }
        if self.goal == Goal::Turn {
            observation[9..11].copy_from_slice(&goal);
            observation[11] = Self::distance([tip, goal], target);
        }
    }

    fn reward(&self, passed: &Passed<'_>) -> f64 {
        let reached = match self.goal {
            Goal::Spin => passed.world.qvel()[2] <= -SPIN,
            Goal::Turn => Self::distance(self.places(passed.world, passed.target), passed.target) <= 0.0,
        };
        f64::from(u8::from(reached))
    }

    fn start(&self, start: &mut Start<'_>, draws: &mut Stream) {
        if self.goal == Goal::Turn {
            let angle = draws.uniform(-PI, PI);
            let [x, z] = start.world.pose(self.spinner).origin;
            start.target[0] = x + TARGET_RADIUS * libm::sin(angle);
            start.target[2] = z + TARGET_RADIUS * libm::cos(angle);
        }
        for _ in 0..MOST_DRAWS {
            start.random_joints(draws);
            start.set();
            if start.world.contacts() == 0 {
                break;
            }
        }
    }
}
