//! A checked choice of an agent as typed settings.

use super::combine::Combine;
use super::policy::{Deterministic, LogStd, Policy, TanhGaussian};
use super::schedule::Schedule;
use super::temperature::{Temperature, TemperatureLoss};
use crate::spec::{Choice, Value};

/// An integer that the catalogue keeps from 0 up.
pub fn count(choice: &Choice, name: &str) -> usize {
    usize::try_from(choice.integer(name)).expect("checked against the catalogue")
}

/// The schedule of an agent.
pub fn schedule(choice: &Choice) -> Schedule {
    Schedule {
        learning_starts: count(choice, "learning_starts") as u64,
        train_frequency: count(choice, "train_frequency") as u64,
        updates_per_training: count(choice, "updates_per_step") as u64,
    }
}

/// In which order an update takes its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// jaxrl's; the actor sees the new critics, the targets do not wait for it.
    CriticTargetActor,
    /// `CleanRL`'s and Yarats'.
    CriticActorTarget,
    /// `SimBa`'s: the actor before the critics.
    ActorCriticTarget,
}

/// Noise on actions of a deterministic policy, in the agent's scale.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// Standard deviation in training.
    pub exploration: f64,
    /// Standard deviation on target actions, and where it is cut off.
    pub target: (f64, f64),
}

/// Of an actor with critics.
#[derive(Clone, Debug, PartialEq)]
pub struct ActorCriticSettings {
    pub discount: f32,
    pub batch_size: usize,
    pub capacity: usize,
    pub schedule: Schedule,
    pub critics: usize,
    pub target: Combine,
    /// What the actor maximises.
    pub objective: Combine,
    pub tau: f64,
    /// Updates between two of the targets.
    pub target_every: u64,
    /// Updates between two rounds of the actor.
    pub policy_every: u64,
    /// Updates of the actor in each round.
    pub policy_updates: u64,
    pub order: Order,
    pub policy: Policy,
    pub noise: Noise,
    /// Whether the temperature is updated on draws of its own.
    pub fresh_entropy: bool,
    /// Whether the actor has a target too.
    pub actor_target: bool,
    /// Decisions before which all networks start anew.
    pub resets: Vec<u64>,
}

impl ActorCriticSettings {
    /// From a checked choice.
    pub fn new(choice: &Choice) -> Self {
        let deterministic = choice.name != "sac";
        let number = |name: &str| choice.optional_number(name).unwrap_or(0.0);
        let word = |name: &str, default: &'static str| match choice.get(name) {
            Some(Value::Text(word)) => word.clone(),
            _ => default.to_owned(),
        };
        let policy = if deterministic {
            Policy::Deterministic(Deterministic)
        } else {
            let log_std = if choice.text("log_std") == "clip" { LogStd::Clip } else { LogStd::Squash };
            let range = (choice.number("log_std_min"), choice.number("log_std_max"));
            Policy::TanhGaussian(TanhGaussian { log_std, range })
        };
        Self {
            discount: choice.number("discount") as f32,
            batch_size: count(choice, "batch_size"),
            capacity: count(choice, "buffer"),
            schedule: schedule(choice),
            critics: count(choice, "critics"),
            target: Combine::named(choice.text("target")),
            objective: Combine::named(choice.text("objective")),
            tau: choice.number("tau"),
            target_every: count(choice, "target_every") as u64,
            policy_every: count(choice, "policy_every") as u64,
            policy_updates: count(choice, "policy_updates") as u64,
            order: match word("order", "critic-actor-target").as_str() {
                "critic-target-actor" => Order::CriticTargetActor,
                "actor-critic-target" => Order::ActorCriticTarget,
                _ => Order::CriticActorTarget,
            },
            policy,
            noise: Noise {
                exploration: number("exploration_noise"),
                target: (number("target_noise"), number("target_noise_clip")),
            },
            fresh_entropy: word("temperature_draws", "actor") == "fresh",
            actor_target: deterministic,
            resets: choice.integers("resets").iter().map(|&at| at.unsigned_abs()).collect(),
        }
    }
}

/// The temperature of SAC for so many actions; none for a deterministic policy.
pub fn temperature(choice: &Choice, actions: usize) -> Temperature {
    if choice.name != "sac" || choice.text("temperature") == "none" {
        return Temperature::fixed(0.0);
    }
    let initial = choice.number("initial_temperature");
    if choice.text("temperature") == "fixed" {
        return Temperature::fixed(initial);
    }
    let target = choice
        .optional_number("target_entropy")
        .unwrap_or_else(|| choice.number("target_entropy_per_action") * actions as f64);
    let loss =
        if choice.text("temperature_loss") == "log" { TemperatureLoss::Log } else { TemperatureLoss::Exp };
    Temperature::learned(initial, choice.number("temperature_learning_rate"), target, loss)
}
