//! Partial reset: before every task but the first, either the activations' coefficients start anew or everything
//! else does, and the optimiser forgets what it knew of that part. A control, ours: a full reset in two halves, which
//! says in which of them a network with trained activations loses its plasticity.

use candle_core::Result;

use super::hooks::{At, Method};
use super::registered::{Build, Registered};
use super::reset;
use crate::kernels::inplace::update;
use crate::nn::{Network, Role, activation};
use crate::spec::{Choice, Entry, Kind, Parameter, Plan};

const PARTS: &[&str] = &["coefficients", "weights"];

/// What the registry has of it.
pub(super) const METHOD: Registered = Registered {
    entry: ENTRY,
    build: Build::Weights(build),
    check,
    excludes: &[
        ("full-reset", "a full reset resets both parts"),
        ("optimizer-reset", "a partial reset resets the optimiser of its part"),
    ],
};

const ENTRY: Entry = Entry {
    name: "partial-reset",
    summary: "before every task but the first, the activations' coefficients or all the rest start anew, moments too",
    source: "the suite's own, a control",
    parameters: &[Parameter {
        name: "part",
        summary: "coefficients: back to their start; weights: drawn anew, with biases, norms and running statistics",
        kind: Kind::Text { default: Some("coefficients"), one_of: PARTS },
    }],
};

struct PartialReset {
    coefficients: bool,
}

#[allow(clippy::unnecessary_wraps, reason = "the form that every method has")]
fn build(choice: &Choice, _: &dyn Network) -> Result<Box<dyn Method>> {
    Ok(Box::new(PartialReset { coefficients: choice.text("part") == PARTS[0] }))
}

/// Without trained coefficients there are not two parts.
fn check(plan: &Plan, _: &Choice) -> std::result::Result<(), String> {
    let critic = plan.control().and_then(|control| control.critic.activation.as_ref());
    let fixed =
        |choice: &&Choice| activation::build(choice, 1).is_ok_and(|built| built.coefficients.is_none());
    match [Some(&plan.activation), critic].into_iter().flatten().find(fixed) {
        None => Ok(()),
        Some(choice) => Err(format!(
            "method \"partial-reset\" tells coefficients from weights, and {} has no coefficients: take an activation \
             that is trained, or \"full-reset\"",
            choice.name
        )),
    }
}

impl Method for PartialReset {
    fn start_task(&mut self, at: &mut At<'_>) -> Result<()> {
        if at.task == 0 {
            return Ok(());
        }
        let ours = |role: Role| matches!(role, Role::Coefficients(_)) == self.coefficients;
        let fresh = reset::fresh(at.network, &mut at.streams.of_task("fresh-init"));
        for (number, (parameter, start)) in at.network.parameters().iter().zip(fresh).enumerate() {
            if ours(parameter.role) {
                update(&parameter.values, |values| values.copy_from_slice(&start))?;
                at.optimizer.states_mut()[number].reset();
            }
        }
        if !self.coefficients {
            reset::statistics(at.network);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::spec::Value;

    use super::super::fixture;
    use super::*;

    const REST: &str =
        "network = { kind = 'mlp', hidden = [3] }\nactivation = 'rational'\noptimizer = 'adam'\n";

    /// What one part keeps to the bit, the other one loses; together they are the full reset.
    #[test]
    fn each_part_starts_anew_and_leaves_the_other_as_it_is() {
        for (part, coefficients) in [("coefficients", true), ("weights", false)] {
            let (network, mut optimizer) = fixture::network(REST, (1, 2, 2), 5);
            let start = fixture::network(REST, (1, 2, 2), 5).0;
            let (whole, mut of_whole) = fixture::network(REST, (1, 2, 2), 5);
            fixture::method("full-reset", &[], &*whole)
                .start_task(&mut fixture::at(&*whole, &mut of_whole, 2, 0))
                .unwrap();
            for (number, parameter) in network.parameters().iter().enumerate() {
                update(&parameter.values, |v| v.iter_mut().for_each(|v| *v += 1.0)).unwrap();
                optimizer.states_mut()[number].first.fill(1.0);
                optimizer.states_mut()[number].steps.fill(9);
            }
            let mut method =
                fixture::method_of("partial-reset", &[("part", Value::Text(part.into()))], &*network);
            let trained: Vec<_> = network.parameters().iter().map(|p| p.to_vec().unwrap()).collect();
            method.start_task(&mut fixture::at(&*network, &mut optimizer, 0, 0)).unwrap();
            let now: Vec<_> = network.parameters().iter().map(|p| p.to_vec().unwrap()).collect();
            assert_eq!(now, trained, "nothing happens before the first task");
            method.start_task(&mut fixture::at(&*network, &mut optimizer, 2, 0)).unwrap();
            for (number, parameter) in network.parameters().iter().enumerate() {
                let (ours, state) = (parameter.to_vec().unwrap(), &optimizer.states()[number]);
                if matches!(parameter.role, Role::Coefficients(_)) == coefficients {
                    assert_eq!(
                        ours,
                        whole.parameters()[number].to_vec().unwrap(),
                        "{part}: {}",
                        parameter.name
                    );
                    assert!(state.first.iter().all(|m| *m == 0.0) && state.steps.iter().all(|s| *s == 0));
                } else {
                    assert_eq!(ours, trained[number], "{part}: {}", parameter.name);
                    assert_ne!(ours, start.parameters()[number].to_vec().unwrap());
                    assert!(state.first.iter().all(|m| *m == 1.0) && state.steps.iter().all(|s| *s == 9));
                }
            }
        }
    }
}
