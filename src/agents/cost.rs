//! What an agent's run costs, from its plan alone: estimates are asked for before anything is built.

use super::buffer::Buffer;
use super::settings::{count, schedule};
use crate::environments::{self, ActionSpace, Spaces};
use crate::nn;
use crate::spec::{ControlPlan, Plan};

/// The spaces of the plan's first environment; `None` for those of other programs, which are not started for
/// this, and where there is no such environment.
pub(super) fn spaces(control: &ControlPlan) -> Option<Spaces> {
    let name = &control.environment;
    let outside = name.starts_with(environments::python::PREFIX);
    if outside { None } else { Some(environments::build(name).ok()?.spaces().clone()) }
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
/// that a resumed run reads beside it.
#[must_use]
pub fn memory(control: &ControlPlan) -> Option<f64> {
    let spaces = spaces(control)?;
    // At most every second row is an episode's end.
    let rows = count(&control.agent, "buffer").min(2 * decisions(control) + 1);
    Some(3.0 * Buffer::bytes(spaces.features(), width(&spaces), rows) as f64)
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
}
