//! A cart on a rail with one to three poles: swing them up, or keep them up.

use std::f64::consts::PI;
use std::sync::Arc;

use super::super::Registered;
use super::super::mechanism::{Passed, Setup, Start, Task};
use super::super::planar::Dynamics;
use super::tolerance::{Tolerance, small_control};
use super::{LIMIT, MOST, RETURNS, SOURCE};
use crate::random::Stream;
use crate::spec::Entry;

pub const REGISTERED: &[Registered] = &[
    Registered {
        entry: entry("cartpole-balance", "keep a pole up on a cart, near the middle, with little control"),
        build: |changes| SETUP.build(changes),
    },
    Registered {
        entry: entry("cartpole-balance_sparse", "keep a pole up on a cart; 1 if upright near the middle"),
        build: |changes| {
            let task = |_: &_| cartpole(false, true);
            Setup { name: "cartpole-balance_sparse", random_return: Some(47.37), task, ..SETUP }
                .build(changes)
        },
    },
    Registered {
        entry: entry("cartpole-swingup", "swing a pole up on a cart and keep it there"),
        build: |changes| {
            Setup {
                name: "cartpole-swingup",
                random_return: Some(25.25),
                task: |_| cartpole(true, false),
                ..SETUP
            }
            .build(changes)
        },
    },
    Registered {
        entry: entry("cartpole-swingup_sparse", "swing a pole up on a cart; 1 if upright near the middle"),
        build: |changes| {
            let task = |_: &_| cartpole(true, true);
            Setup { name: "cartpole-swingup_sparse", random_return: Some(0.0), task, ..SETUP }.build(changes)
        },
    },
    Registered {
        entry: entry("cartpole-two_poles", "swing two poles, one on the other, up on a cart"),
        build: |changes| {
            Setup {
                name: "cartpole-two_poles",
                random_return: Some(17.8),
                model: include_str!("../models/cartpole_two_poles.toml"),
                observation: 8,
                task: |_| cartpole(true, false),
                ..SETUP
            }
            .build(changes)
        },
    },
    Registered {
        entry: entry("cartpole-three_poles", "swing three poles, one on the other, up on a cart"),
        build: |changes| {
            Setup {
                name: "cartpole-three_poles",
                random_return: Some(12.35),
                model: include_str!("../models/cartpole_three_poles.toml"),
                observation: 11,
                task: |_| cartpole(true, false),
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
    name: "cartpole-balance",
    model: include_str!("../models/cartpole.toml"),
    prepare: |_| {},
    substeps: 1,
    observation: 5,
    target: &[],
    limit: LIMIT,
    returns: RETURNS,
    max_reward: MOST,
    random_return: Some(358.7),
    task: |_| cartpole(false, false),
};

fn cartpole(swing_up: bool, sparse: bool) -> Arc<dyn Task> {
    Arc::new(Cartpole { swing_up, sparse })
}

struct Cartpole {
    swing_up: bool,
    sparse: bool,
}

impl Task for Cartpole {
    fn observe(&self, world: &dyn Dynamics, _: &[f64], observation: &mut [f64]) {
        let poles = world.qpos().len() - 1;
        let (positions, velocities) = observation.split_at_mut(1 + 2 * poles);
        positions[0] = world.qpos()[0];
        for (pole, place) in positions[1..].chunks_exact_mut(2).enumerate() {
            let pose = world.pose(1 + pole);
            place.copy_from_slice(&[pose.cos, -pose.sin]);
        }
        velocities.copy_from_slice(world.qvel());
    }

    fn reward(&self, passed: &Passed<'_>) -> f64 {
        let world = passed.world;
        let poles = world.qpos().len() - 1;
        let cart = world.qpos()[0];
        let cosines = (1..=poles).map(|pole| world.pose(pole).cos);
        if self.sparse {
            let upright = Tolerance::within(0.995, 1.0);
            return Tolerance::within(-0.25, 0.25).of(cart) * cosines.map(|c| upright.of(c)).product::<f64>();
        }
        let upright = cosines.map(|c| f64::midpoint(c, 1.0)).sum::<f64>() / poles as f64;
        let centred = f64::midpoint(1.0, Tolerance::gaussian(0.0, 0.0, 2.0).of(cart));
        let still = Tolerance::gaussian(0.0, 0.0, 5.0);
        let slowest = world.qvel()[1..].iter().map(|&v| still.of(v)).fold(1.0, f64::min);
        upright * small_control(passed.action) * f64::midpoint(1.0, slowest) * centred
    }

    fn start(&self, start: &mut Start<'_>, draws: &mut Stream) {
        if self.swing_up {
            start.qpos[0] = 0.01 * draws.normal();
            start.qpos[1] = PI + 0.01 * draws.normal();
            start.qpos[2..].fill_with(|| 0.1 * draws.normal());
        } else {
            start.qpos[0] = draws.uniform(-0.1, 0.1);
            start.qpos[1..].fill_with(|| draws.uniform(-0.034, 0.034));
        }
        start.qvel.fill_with(|| 0.01 * draws.normal());
        start.set();
    }
}
