//! Every method: its entry, how it is built, what it goes with, and what it costs.

use super::data::{joint, replay};
use super::registered::{Build, Registered, anywhere};
use super::{
    a_gem, continual_backprop, distillation, ewc, fire, full_reset, hare_and_tortoise, l1_init, l2, l2_init,
    l2_previous, optimizer_reset, parseval, partial_reset, plasticity_injection, redo,
    selective_weight_reinitialization, self_normalized_resets, shrink_and_perturb, spectral, upgd,
    weight_clipping, weight_projection,
};
use crate::spec::{Choice, Entry, Plan};

/// The plain optimiser.
const NONE: Registered = Registered {
    entry: Entry { name: "none", summary: "the optimiser alone", source: "", parameters: &[] },
    build: Build::Nothing,
    check: anywhere,
    excludes: &[],
};

/// Every method. A new one is a file and a line here.
const REGISTRY: &[Registered] = &[
    NONE,
    l2::METHOD,
    l2_init::METHOD,
    l1_init::METHOD,
    shrink_and_perturb::METHOD,
    weight_clipping::METHOD,
    weight_projection::METHOD,
    spectral::METHOD,
    parseval::METHOD,
    fire::METHOD,
    redo::METHOD,
    continual_backprop::METHOD,
    self_normalized_resets::METHOD,
    selective_weight_reinitialization::METHOD,
    upgd::METHOD,
    hare_and_tortoise::METHOD,
    plasticity_injection::METHOD,
    optimizer_reset::METHOD,
    full_reset::METHOD,
    partial_reset::METHOD,
    l2_previous::METHOD,
    ewc::METHOD,
    distillation::METHOD,
    a_gem::METHOD,
    replay::METHOD,
    joint::METHOD,
];

/// The method of this name.
///
/// # Panics
/// If there is none: a plan holds checked names alone.
pub(super) fn find(name: &str) -> &'static Registered {
    REGISTRY.iter().find(|r| r.entry.name == name).unwrap_or_else(|| panic!("no method is named {name}"))
}

/// Catalogue section `methods`.
#[must_use]
pub fn entries() -> Vec<Entry> {
    REGISTRY.iter().map(|r| r.entry).collect()
}

/// Whether the plan's methods go with each other and with the rest of it.
///
/// # Errors
/// A sentence that names the cure.
pub fn check(plan: &Plan) -> std::result::Result<(), String> {
    check_list(plan, &plan.methods)?;
    let critics = plan.control().and_then(|control| control.critic.methods.as_ref());
    critics.map_or(Ok(()), |methods| check_list(plan, methods))
}

/// [`check`] for the methods of one network.
fn check_list(plan: &Plan, chosen: &[Choice]) -> std::result::Result<(), String> {
    for (number, choice) in chosen.iter().enumerate() {
        let (name, registered) = (choice.name.as_str(), find(&choice.name));
        if chosen[..number].iter().any(|earlier| earlier.name == name) {
            return Err(format!("the method \"{name}\" is named twice: keep one of the two"));
        }
        if name == NONE.entry.name && chosen.len() > 1 {
            return Err("the method \"none\" does not go with others: leave it out".into());
        }
        for (other, why) in registered.excludes {
            if chosen.iter().any(|choice| choice.name == *other) {
                return Err(format!(
                    "the methods \"{name}\" and \"{other}\" cannot be combined ({why}): keep one of the two"
                ));
            }
        }
        if registered.needs_examples() && !plan.is_supervised() {
            return Err(format!(
                "the method \"{name}\" works on a task's examples, and agents and diagnostics have none: take another"
            ));
        }
        (registered.check)(plan, choice)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::catalogue::catalogue;
    use crate::spec::Spec;

    fn check(methods: &[&str]) -> Result<(), String> {
        let choices: Vec<String> =
            methods.iter().map(|name| format!("[[method]]\nname = '{name}'\n")).collect();
        let choices = choices.concat();
        let text = format!(
            "name = 'x'\ndata = {{ dataset = 'generated-digits' }}\nnetwork = 'mlp'\noptimizer = 'adam'\n\
             activation = 'relu'\n\
             stream = {{ family = 'split-classes', tasks = 5, steps = 1, batch_size = 1, head = 'multi' }}\n{choices}"
        );
        Spec::parse(&text, "x.toml", &[], &catalogue()).map(|_| ()).map_err(|error| error.to_string())
    }

    #[test]
    fn methods_compose_unless_a_sentence_says_why_not() {
        assert_eq!(check(&["ewc", "l2-init", "replay"]), Ok(()));
        assert!(check(&["l2-init", "l2-init"]).unwrap_err().contains("keep one"));
        for pair in [["joint", "replay"], ["replay", "joint"]] {
            let error = check(&pair).unwrap_err();
            assert!(error.contains("cannot be combined (joint training has"), "{error}");
        }
    }
}
