//! What an agent's run costs, from its plan alone: estimates are asked for before anything is built.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::buffer::Buffer;
use super::settings::{count, schedule};
use crate::environments::{self, ActionSpace, Named, Spaces};
use crate::nn;
use crate::spec::{ControlPlan, Plan};

/// Bytes of a run's programs outside: the environment in which it trains and that of its evaluations, each an
/// interpreter with its packages (`dm_control` takes 170 MiB).
const PROGRAMS: f64 = 2.0 * 200.0 * 1024.0 * 1024.0;

/// Whether the plan's first environment is of a program outside.
fn outside(control: &ControlPlan) -> bool {
    control.environment.starts_with(environments::python::PREFIX)
}

/// The spaces of the plan's first environment; `None` for those of other programs, which are not started for
/// this, and where there is no such environment.
pub(super) fn spaces(control: &ControlPlan) -> Option<Spaces> {
    if outside(control) {
        None
    } else {
        Some(environments::build(&control.environment).ok()?.spaces().clone())
    }
}

/// Likewise, and programs outside are asked: each is started once for it, however many runs it has. `None` also
/// where one does not come up, which its run will say.
fn asked(control: &ControlPlan) -> Option<Spaces> {
    static SAID: Mutex<BTreeMap<Named, Option<Spaces>>> = Mutex::new(BTreeMap::new());
    if !outside(control) {
        return spaces(control);
    }
    let named = Named::new(&control.environment, control.python.as_deref());
    let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
    let ask = || Some(named.build().ok()?.spaces().clone());
    said.entry(named.clone()).or_insert_with(ask).clone()
}

/// Width of an action as the buffer holds it.
fn width(spaces: &Spaces) -> usize {
    match &spaces.action {
        ActionSpace::Continuous(bounds) => bounds.len(),
        ActionSpace::Discrete(_) => 1,
    }
}

fn decisions(control: &ControlPlan) -> usize {
    control.tasks * control.steps / control.action_repeat
}

/// Bytes of the replay buffer as full as it gets, of the copy of it that a checkpoint makes, and of one more
/// that a resumed run reads beside it; and the programs outside, if its environment is one.
#[must_use]
pub fn memory(control: &ControlPlan) -> Option<f64> {
    let spaces = asked(control)?;
    // At most every second row is an episode's end.
    let rows = count(&control.agent, "buffer").min(2 * decisions(control) + 1);
    let (features, actions) = (spaces.features(), width(&spaces));
    // DQN keeps pictures as bytes.
    let bytes = match (&spaces.action, spaces.image()) {
        (ActionSpace::Discrete(_), Some(_)) => Buffer::bytes_of_pictures(features, actions, rows),
        _ => Buffer::bytes(features, actions, rows),
    };
    let programs = if outside(control) { PROGRAMS } else { 0.0 };
    Some(3.0 * bytes as f64 + programs)
}

/// Multiply-adds of all the run's updates: of an actor's network an evaluation and a training pass (three
/// times as much), of each critic's one as a target, one in training, one that the actor is led through.
#[must_use]
pub fn multiply_adds(plan: &Plan) -> Option<f64> {
    let control = plan.control()?;
    let spaces = spaces(control)?;
    let forward = |plan: &Plan, inputs: usize, outputs: usize| {
        let layers = nn::work(plan, (1, 1, inputs), outputs)?;
        Some(layers.iter().map(|layer| layer.multiply_adds).sum::<f64>())
    };
    let agent = &control.agent;
    let (updates, batch) = (schedule(agent).total(decisions(control) as u64), count(agent, "batch_size"));
    let each = match spaces.action {
        ActionSpace::Discrete(actions) => 5.0 * forward(plan, spaces.features(), actions)?,
        ActionSpace::Continuous(_) => {
            let network = control.critic.network.clone().unwrap_or_else(|| plan.network.clone());
            let critic = forward(&Plan { network, ..plan.clone() }, spaces.features() + width(&spaces), 1)?;
            let actor = forward(plan, spaces.features(), 2 * width(&spaces))?;
            4.0 * actor + 6.0 * count(agent, "critics") as f64 * critic
        }
    };
    Some(updates as f64 * batch as f64 * each)
}

#[cfg(test)]
mod tests {
    use crate::catalogue::catalogue;
    use crate::spec::Spec;

    use super::*;

    /// SAC with two critics of 256 and 256 on cheetah, by hand: actor 17·256 + 256² + 256·12, critic 23·256 +
    /// 256² + 256.
    #[test]
    fn an_update_costs_its_passes() {
        let text = "name = 'x'\nenvironment = { name = 'cheetah-run' }\nagent = 'sac'\nactivation = 'relu'\n\
                    stream = { family = 'single', tasks = 1, steps = 10001 }\n";
        let plans = Spec::parse(text, "x.toml", &[], &catalogue()).unwrap().plans(None).unwrap();
        let expected = 256.0 * (4.0 * 72_960.0 + 12.0 * 71_680.0);
        assert_eq!(multiply_adds(&plans[0]), Some(expected));
        let rows = 20_003.0;
        assert_eq!(memory(plans[0].control().unwrap()), Some(3.0 * rows * 97.0));
    }

    /// A program whose observations are DQN's frames of Atari, and which writes down that it was asked.
    #[cfg(unix)]
    #[test]
    fn a_program_outside_is_asked_once_and_its_pictures_are_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let python = environments::python::fake::interpreter(folder.path(), &[4, 84, 84], 6, 1);
        let python = python.display();
        let text = format!(
            "name = 'x'\nenvironment = {{ name = 'python:ALE/Pong-v5', python = '{python}' }}\nagent = 'dqn'\n\
             activation = 'relu'\nnetwork = {{ kind = 'nature-cnn' }}\n\
             stream = {{ family = 'single', tasks = 1, steps = 2000000 }}\n[grid]\nseeds = '0..2'\n\
             'agent.buffer' = [100000]\n"
        );
        let plans = Spec::parse(&text, "x.toml", &[], &catalogue()).unwrap().plans(None).unwrap();
        for plan in &plans {
            let row = 4.0 * 84.0 * 84.0 + 4.0 + 4.0 + 1.0;
            assert_eq!(memory(plan.control().unwrap()), Some(3.0 * 100_000.0 * row + PROGRAMS));
            // How long its steps take is not asked.
            assert_eq!(multiply_adds(plan), None);
        }
        assert_eq!(std::fs::read_to_string(folder.path().join("asked")).unwrap(), "ALE/Pong-v5\n");
    }
}
