//! The keys that belong to sections rather than to what these choose, with their ranges and meanings:
//! `list`, the reference and the reader go by them.

use super::{Augmentation, ExamplesFrom, Head, Kind, Order, Parameter, Scaling, TransitionForm};

/// Far above any use, and so low that tasks × steps × examples cannot overflow.
const MOST: i64 = 1_000_000_000;
const MOST_TASKS: i64 = 1_000_000;

/// The words of a spec and what they stand for.
pub(super) const SCALINGS: [(&str, Scaling); 3] =
    [("unit", Scaling::Unit), ("symmetric", Scaling::Symmetric), ("standardize", Scaling::Standardize)];
pub(super) const TAKEN: [(&str, ExamplesFrom); 2] =
    [("seed", ExamplesFrom::Seed), ("first", ExamplesFrom::First)];
pub(super) const AUGMENTATIONS: [(&str, Augmentation); 2] =
    [("none", Augmentation::None), ("crop-flip", Augmentation::CropFlip)];
pub(super) const HEADS: [(&str, Head); 3] =
    [("single", Head::Single), ("masked", Head::Masked), ("multi", Head::Multi)];
pub(super) const TRANSITIONS: [(&str, TransitionForm); 3] = [
    ("mixture", TransitionForm::Mixture),
    ("labels", TransitionForm::Labels),
    ("inputs", TransitionForm::Inputs),
];
pub(super) const ORDERS: [(&str, Order); 2] = [("reshuffled", Order::Reshuffled), ("fixed", Order::Fixed)];

const fn key(name: &'static str, summary: &'static str, kind: Kind) -> Parameter {
    Parameter { name, summary, kind }
}

const fn count(name: &'static str, summary: &'static str, default: Option<i64>, max: i64) -> Parameter {
    key(name, summary, Kind::Integer { default, min: 1, max })
}

const fn one_of(
    name: &'static str,
    summary: &'static str,
    default: &'static str,
    one_of: &'static [&'static str],
) -> Parameter {
    key(name, summary, Kind::Text { default: Some(default), one_of })
}

/// The first parts of pairs.
const fn words<T: Copy, const N: usize>(pairs: &[(&'static str, T); N]) -> [&'static str; N] {
    let mut words = [""; N];
    let mut i = 0;
    while i < N {
        words[i] = pairs[i].0;
        i += 1;
    }
    words
}

const SCALING_WORDS: [&str; 3] = words(&SCALINGS);
const TAKEN_WORDS: [&str; 2] = words(&TAKEN);
const AUGMENTATION_WORDS: [&str; 2] = words(&AUGMENTATIONS);
const HEAD_WORDS: [&str; 3] = words(&HEADS);
const ORDER_WORDS: [&str; 2] = words(&ORDERS);
const TRANSITION_WORDS: [&str; 3] = words(&TRANSITIONS);

/// `[data]`
pub const DATA: &[Parameter] = &[
    key("dataset", "which images", Kind::Name { of: "datasets" }),
    one_of(
        "scaling",
        "x/255 | (x/255 - 0.5)/0.5 | (x/255 - mean)/std by channel",
        "symmetric",
        &SCALING_WORDS,
    ),
    one_of(
        "augmentation",
        "crop-flip: a crop of the image padded by 4 pixels of 0, flipped with probability 1/2",
        "none",
        &AUGMENTATION_WORDS,
    ),
];

/// `[stream]` of supervised tasks, beside the family's own.
pub const STREAM: &[Parameter] = &[
    key("family", "what changes from task to task", Kind::Name { of: "families" }),
    count("tasks", "number of tasks", None, MOST_TASKS),
    count("examples", "training examples taken of the set (absent: all)", None, MOST),
    one_of("examples_from", "a draw by the run's seed | the first of the set", "seed", &TAKEN_WORDS),
    count("steps", "optimiser steps a task; this or epochs", None, MOST),
    count("epochs", "passes over a task's training examples; this or steps", None, MOST),
    count("batch_size", "examples a step", None, MOST),
    key(
        "drop_last",
        "leave out an epoch's last batch where it is short; an epoch of less than a batch is served whole",
        Kind::Flag { default: false },
    ),
    one_of("order", "a new order every epoch | the same one", "reshuffled", &ORDER_WORDS),
    one_of("head", "logits that count: all | the task's classes | a head per task", "single", &HEAD_WORDS),
    key(
        "transition",
        "what goes over gradually from the task before: whole examples | labels | inputs (absent: nothing)",
        Kind::Text { default: None, one_of: &TRANSITION_WORDS },
    ),
    count("transition_steps", "steps that the transition takes", None, MOST),
    count(
        "scaling_shock",
        "of so many epochs the last has its inputs scaled by 1.5, 0.5, 0.25, 2 in turn",
        None,
        MOST,
    ),
];

/// `[environment]`
pub const ENVIRONMENT: &[Parameter] = &[
    key("name", "which environment", Kind::Name { of: "environments" }),
    count("action_repeat", "environment steps for which an action is held", Some(1), 1000),
    key(
        "python",
        "interpreter of python: environments (absent: PLASTICITY_PYTHON, or python3); no other run by it",
        Kind::Path,
    ),
];

/// `[stream]` of an environment, beside what the change has of its own.
pub const CONTROL_STREAM: &[Parameter] = &[
    key("family", "how the environment changes from task to task", Kind::Name { of: "changes" }),
    count("tasks", "number of tasks", Some(1), MOST_TASKS),
    count("steps", "environment steps a task", None, MOST),
];

/// `[evaluation]`
pub const EVALUATION: &[Parameter] = &[
    count("every", "environment steps between two evaluations", Some(5000), MOST),
    key(
        "episodes",
        "episodes of an evaluation; 0 for none",
        Kind::Integer { default: Some(10), min: 0, max: 10_000 },
    ),
];

/// `[probes]`
pub const PROBES: &[Parameter] = &[
    key("names", "which probes (absent: the standard set)", Kind::Names { of: "probes" }),
    count("samples", "examples of the probe set", Some(2000), MOST),
    key(
        "plasticity_gap",
        "train a fresh network beside this one on every task",
        Kind::Flag { default: false },
    ),
    key(
        "retention",
        "after every task, test on all tasks so far (the accuracy matrix), where tasks share their classes; others \
         are in any case",
        Kind::Flag { default: false },
    ),
];

/// Keys of `[stream]` that belong to no family.
pub(super) fn is_stream_key(key: &str) -> bool {
    STREAM.iter().any(|parameter| parameter.name == key)
}

/// All sections with keys of their own: header and keys.
pub const SECTIONS: &[(&str, &[Parameter])] = &[
    ("data", DATA),
    ("stream", STREAM),
    ("environment", ENVIRONMENT),
    ("stream (control)", CONTROL_STREAM),
    ("evaluation", EVALUATION),
    ("probes", PROBES),
];
