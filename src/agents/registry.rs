//! The agents that a spec can name.

use super::actor_critic::{self, ActorCritic};
use super::dqn::{self, Dqn};
use super::networks::Make;
use super::{Agent, AgentError};
use crate::environments::{ActionSpace, Spaces};
use crate::spec::{Choice, Entry};

/// A registered agent.
struct Registered {
    entry: Entry,
    build: fn(Make) -> Result<Box<dyn Agent>, AgentError>,
    /// Whether its actions are discrete.
    discrete: bool,
}

/// Every agent. A new one is a line here.
const REGISTRY: &[Registered] = &[
    Registered { entry: actor_critic::SAC, build: with_actor, discrete: false },
    Registered { entry: actor_critic::TD3, build: with_actor, discrete: false },
    Registered { entry: actor_critic::DDPG, build: with_actor, discrete: false },
    Registered { entry: dqn::DQN, build: with_values, discrete: true },
    Registered { entry: dqn::DOUBLE_DQN, build: with_values, discrete: true },
];

fn with_actor(make: Make) -> Result<Box<dyn Agent>, AgentError> {
    Ok(Box::new(ActorCritic::new(make)?))
}

fn with_values(make: Make) -> Result<Box<dyn Agent>, AgentError> {
    Ok(Box::new(Dqn::new(make)?))
}

fn known(name: &str) -> &'static Registered {
    REGISTRY.iter().find(|r| r.entry.name == name).unwrap_or_else(|| panic!("no agent is named {name}"))
}

/// Catalogue section `agents`.
#[must_use]
pub fn entries() -> Vec<Entry> {
    REGISTRY.iter().map(|r| r.entry).collect()
}

/// An untrained agent.
///
/// # Errors
/// If it cannot act in this space, or a network cannot be built.
///
/// # Panics
/// If the choice is not one of [`entries`].
pub fn build(make: Make) -> Result<Box<dyn Agent>, AgentError> {
    check(&make.agent, &make.spaces).map_err(AgentError::Settings)?;
    (known(&make.agent.name).build)(make)
}

/// Whether the agent has critics beside its actor.
///
/// # Panics
/// As [`build`].
pub fn has_critics(agent: &Choice) -> bool {
    !known(&agent.name).discrete
}

/// Whether the agent can act in an environment of these spaces. The error is a sentence.
///
/// # Errors
/// If it cannot.
///
/// # Panics
/// As [`build`].
pub fn check(agent: &Choice, spaces: &Spaces) -> Result<(), String> {
    let registered = known(&agent.name);
    let discrete = matches!(spaces.action, ActionSpace::Discrete(_));
    if registered.discrete == discrete {
        return Ok(());
    }
    let those = |discrete: bool| -> String {
        let names = REGISTRY.iter().filter(|r| r.discrete == discrete).map(|r| r.entry.name);
        names.collect::<Vec<_>>().join(", ")
    };
    let (has, takes) = if discrete { ("one of a few", "numbers") } else { ("numbers", "one of a few") };
    Err(format!(
        "agent.name = \"{}\" chooses {takes} and this environment's actions are {has}: take one of {}",
        agent.name,
        those(discrete)
    ))
}
