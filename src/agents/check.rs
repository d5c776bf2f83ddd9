//! Whether the agent of a plan can do what it is asked, found out before anything runs.

use super::cost::spaces;
use super::registry::{check, has_critics};
use super::settings::count;
use crate::spec::{CriticPlan, Plan};

/// The error is a sentence.
///
/// # Errors
/// If the agent cannot take the environment's actions, its buffer is smaller than its batch, its warm-up is
/// no shorter than the run, or a task does not divide into decisions.
pub fn check_plan(plan: &Plan) -> Result<(), String> {
    let Some(control) = plan.control() else { return Ok(()) };
    let agent = &control.agent;
    // Of a change between environments the first one is asked; it finds out itself whether all are alike.
    if let Some(spaces) = spaces(control) {
        check(agent, &spaces)?;
    }
    if !has_critics(agent) && control.critic != CriticPlan::default() {
        return Err(format!(
            "[critic] has no effect beside agent.name = \"{}\", whose one network is [network]: leave it out",
            agent.name
        ));
    }
    let (batch, buffer) = (count(agent, "batch_size"), count(agent, "buffer"));
    if buffer <= batch {
        return Err(format!(
            "agent.buffer = {buffer} does not hold a batch of agent.batch_size = {batch} transitions: take at \
             least {}",
            batch + 1
        ));
    }
    let repeat = control.action_repeat;
    for (key, steps) in [("stream.steps", control.steps), ("evaluation.every", control.evaluate_every)] {
        if !steps.is_multiple_of(repeat) {
            return Err(format!(
                "{key} = {steps} is no multiple of environment.action_repeat = {repeat}, for which an action \
                 is held: take {}",
                steps.div_ceil(repeat) * repeat
            ));
        }
    }
    let (starts, decisions) = (count(agent, "learning_starts"), control.tasks * control.steps / repeat);
    if starts >= decisions {
        return Err(format!(
            "agent.learning_starts = {starts} is no less than the {decisions} decisions of the whole run, which \
             would end before it learned anything: lower it, or make the run longer"
        ));
    }
    Ok(())
}
