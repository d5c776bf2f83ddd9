//! The figures of a run that tables and plots name.

/// What a metric is called and how it is read.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Metric {
    /// Key in CSV and in [`crate::results::Run::metrics`].
    pub name: &'static str,
    /// Heading.
    pub title: &'static str,
    /// Whether more is better; the others are better the lower they are.
    pub higher_is_better: bool,
}

const fn up(name: &'static str, title: &'static str) -> Metric {
    Metric { name, title, higher_is_better: true }
}

const fn down(name: &'static str, title: &'static str) -> Metric {
    Metric { name, title, higher_is_better: false }
}

/// The headline: online accuracy, mean over tasks.
pub const HEADLINE: Metric = up("total_online_accuracy", "online accuracy");

/// All of them, in the order of the tables. A column is shown where some run has the figure.
pub const METRICS: [Metric; 12] = [
    HEADLINE,
    up("first_task_accuracy", "first task"),
    up("last_task_accuracy", "last task"),
    up("task_end_accuracy", "at task end"),
    down("plasticity_gap", "plasticity gap"),
    up("test_accuracy", "test accuracy"),
    up("last_test_accuracy", "last test accuracy"),
    up("average_accuracy", "average accuracy"),
    down("forgetting", "forgetting"),
    up("backward_transfer", "backward transfer"),
    up("average_accuracy_within", "average accuracy within tasks"),
    down("forgetting_within", "forgetting within tasks"),
];
