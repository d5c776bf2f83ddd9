//! The figures of a run that tables and plots name, with their definitions.
//!
//! A new figure is computed in [`crate::results`] under its name and has its line here: heading, direction,
//! what a run that diverged counts as, and the definition that every table and page shows.

use crate::environments;
use crate::results::{Cell, Results, Run};
use crate::spec::{Plan, Work};

/// Which of two values of a metric is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// The higher one.
    Higher,
    /// The lower one.
    Lower,
    /// The one nearer to 0.
    NearerZero,
}

/// What a metric is called and how it is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// Key in CSV and in [`crate::results::Run::metrics`].
    pub name: &'static str,
    /// Heading.
    pub title: &'static str,
    /// Which of two values is better.
    pub better: Better,
    /// The worst value that a run can have. A run that diverged counts as one of it wherever variants are
    /// ranked; an infinite one ranks its variant last.
    pub worst: f64,
    /// What it is, in a sentence without its end.
    pub definition: &'static str,
}

impl Metric {
    /// `value` on a scale on which more is better.
    #[must_use]
    pub fn signed(&self, value: f64) -> f64 {
        match self.better {
            Better::Higher => value,
            Better::Lower => -value,
            Better::NearerZero => -value.abs(),
        }
    }
}

const fn up(name: &'static str, title: &'static str, worst: f64, definition: &'static str) -> Metric {
    Metric { name, title, better: Better::Higher, worst, definition }
}

const fn down(name: &'static str, title: &'static str, worst: f64, definition: &'static str) -> Metric {
    Metric { name, title, better: Better::Lower, worst, definition }
}

const fn near(name: &'static str, title: &'static str, definition: &'static str) -> Metric {
    Metric { name, title, better: Better::NearerZero, worst: f64::INFINITY, definition }
}

/// All of them, in the order of the tables. A column is shown where some run has the figure.
pub const METRICS: &[Metric] = &[
    up(
        "normalized_return",
        "normalised return",
        0.0,
        "mean over tasks of the return of the task's last evaluation, on the scale on which the least \
         possible return is 0 and the largest 1",
    ),
    up(
        "floor_normalized_return",
        "return above random",
        0.0,
        "mean over tasks of the return of the task's last evaluation, on the scale on which that of uniformly drawn \
         actions is 0 and the largest possible one 1",
    ),
    up(
        "evaluation_return",
        "evaluation return",
        f64::NEG_INFINITY,
        "mean over tasks of the return of the task's last evaluation: deterministic policy, episodes of its \
         own",
    ),
    up(
        "mean_evaluation_return",
        "return over training",
        f64::NEG_INFINITY,
        "mean return of all evaluations of the run: the area under its learning curve",
    ),
    up(
        "online_return",
        "training return",
        f64::NEG_INFINITY,
        "mean over tasks of the mean return of the episodes that ended in training, exploration included",
    ),
    up(
        "total_online_accuracy",
        "online accuracy",
        0.0,
        "mean over the scored tasks of the task's online accuracy, which is the mean over its steps of the \
         batch accuracy before the step's update",
    ),
    up("first_task_accuracy", "first task", 0.0, "online accuracy of the first scored task"),
    up("last_task_accuracy", "last task", 0.0, "online accuracy of the last scored task"),
    up(
        "task_end_accuracy",
        "at task end",
        0.0,
        "mean over the scored tasks of the accuracy on the task's training examples after its last step, in \
         evaluation mode",
    ),
    down(
        "plasticity_gap",
        "plasticity gap",
        1.0,
        "mean over the scored tasks of the online accuracy of a freshly initialised network on the same \
         batches, less that of the run",
    ),
    down(
        "loss_gap",
        "gap in final loss",
        f64::INFINITY,
        "mean over the scored tasks of the run's loss on the task's training examples after its last step, \
         less that of a freshly initialised network after the same batches",
    ),
    up(
        "test_accuracy",
        "test accuracy",
        0.0,
        "mean over the scored tasks of the accuracy on the task's test set after its last step",
    ),
    up(
        "last_test_accuracy",
        "last test accuracy",
        0.0,
        "accuracy on the last scored task's test set after its last step",
    ),
    up(
        "average_accuracy",
        "average accuracy",
        0.0,
        "mean over the tasks of the accuracy on their test sets after the last task, by the run's own head",
    ),
    down(
        "forgetting",
        "forgetting",
        1.0,
        "mean over the tasks but the last of the best accuracy on the task's test set at the end of an \
         earlier task, less that after the last task, by the run's own head",
    ),
    up(
        "backward_transfer",
        "backward transfer",
        -1.0,
        "mean over the tasks but the last of the accuracy on the task's test set after the last task, less \
         that after the task itself, by the run's own head",
    ),
    up(
        "one_step_backward_transfer",
        "one-step backward transfer",
        -1.0,
        "the same after the next task alone, less that after the task itself, by the run's own head",
    ),
    up(
        "class_incremental_accuracy",
        "class-incremental accuracy",
        0.0,
        "average accuracy where the answer is taken among the classes of all tasks so far",
    ),
    down(
        "class_incremental_forgetting",
        "class-incremental forgetting",
        1.0,
        "forgetting where the answer is taken among the classes of all tasks so far",
    ),
    up(
        "class_incremental_backward_transfer",
        "class-incremental backward transfer",
        -1.0,
        "backward transfer where the answer is taken among the classes of all tasks so far",
    ),
    up(
        "class_incremental_one_step_backward_transfer",
        "class-incremental one-step backward transfer",
        -1.0,
        "one-step backward transfer where the answer is taken among the classes of all tasks so far",
    ),
    up(
        "task_incremental_accuracy",
        "task-incremental accuracy",
        0.0,
        "average accuracy where the answer is taken among the evaluated task's own classes",
    ),
    down(
        "task_incremental_forgetting",
        "task-incremental forgetting",
        1.0,
        "forgetting where the answer is taken among the evaluated task's own classes",
    ),
    up(
        "task_incremental_backward_transfer",
        "task-incremental backward transfer",
        -1.0,
        "backward transfer where the answer is taken among the evaluated task's own classes",
    ),
    up(
        "task_incremental_one_step_backward_transfer",
        "task-incremental one-step backward transfer",
        -1.0,
        "one-step backward transfer where the answer is taken among the evaluated task's own classes",
    ),
    near(
        "q_bias",
        "Q bias",
        "mean over tasks, at the task's last evaluation, of Q less the discounted return that \
         followed, divided by the larger of that return's size and 10: above 0, values are overestimated",
    ),
    down(
        "q_impossible",
        "impossible Q",
        1.0,
        "mean over tasks, at the task's last evaluation, of the share of Q values above what any policy can \
         earn",
    ),
    near(
        "overestimation",
        "overestimation",
        "mean over states of the largest of ten fitted values less the true value, which is the same for all \
         ten actions",
    ),
    down(
        "fit_error",
        "fit error",
        f64::INFINITY,
        "root of the mean square of fitted less true value at the fitted points",
    ),
    near(
        "bias_policy",
        "bias at the policy",
        "Q less the true value of the policy, at the action that the policy takes: where Q is largest",
    ),
    near("bias_mean", "mean bias", "mean over uniform actions of Q less the true value of the policy"),
    down(
        "bias_variance",
        "variance of the bias",
        f64::INFINITY,
        "variance over uniform actions of Q less the true value of the policy",
    ),
    down("policy_error", "policy error", 2.0, "distance of the policy's action from the best one"),
    up("policy_value", "policy value", f64::NEG_INFINITY, "true value of the policy"),
];

/// The metrics that a benchmark can be headed by, those of agents and diagnostics first. The first that some run has is
/// the benchmark's: it follows from what the runs do.
const HEADLINES: [&str; 5] =
    ["normalized_return", "evaluation_return", "overestimation", "bias_policy", "total_online_accuracy"];

/// The metric of this name.
#[must_use]
pub fn named(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}

/// What a benchmark's variants are ranked by.
///
/// # Panics
/// Never: the headlines are metrics.
#[must_use]
pub fn headline(results: &Results, benchmark: usize) -> &'static Metric {
    let has =
        |name: &&str| results.of(benchmark).flat_map(Cell::done).any(|run| run.metrics.contains_key(name));
    let name = HEADLINES.into_iter().find(has).unwrap_or_else(|| {
        let mut runs = results.of(benchmark).flat_map(|cell| cell.runs.values());
        runs.next().map_or(HEADLINES[HEADLINES.len() - 1], |run| expected(&run.plan))
    });
    named(name).expect("a headline is one of the metrics")
}

/// What a run is ranked by, and its value: of the headlines the first that it has.
#[must_use]
pub fn headline_of(run: &Run) -> Option<(&'static Metric, f64)> {
    HEADLINES.into_iter().find_map(|name| Some((named(name)?, *run.metrics.get(name)?)))
}

/// What runs of a plan are ranked by where none of them has finished: those that diverged count as its worst
/// value.
fn expected(plan: &Plan) -> &'static str {
    let Work::Control(control) = &plan.work else { return "total_online_accuracy" };
    // A program outside is not started for this.
    let outside = control.environment.starts_with(environments::python::PREFIX);
    let known = |name: &str| environments::build(name).is_ok_and(|world| world.spaces().returns.is_some());
    if !outside && known(&control.environment) { "normalized_return" } else { "evaluation_return" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_every_metric_is_defined() {
        for (index, metric) in METRICS.iter().enumerate() {
            assert!(METRICS[..index].iter().all(|m| m.name != metric.name && m.title != metric.title));
            assert!(metric.definition.len() > 20 && !metric.definition.ends_with('.'), "{}", metric.name);
            assert!(metric.signed(metric.worst) <= 0.0, "{}", metric.name);
        }
        assert!(HEADLINES.iter().all(|name| named(name).is_some()));
    }
}
