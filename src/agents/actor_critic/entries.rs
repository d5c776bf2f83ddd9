//! What a spec can set for the agents with an actor. The defaults are those of each agent's first preset.

use crate::agents::combine::Combine;
use crate::spec::{Entry, Kind, Parameter};

const fn number(name: &'static str, summary: &'static str, default: f64, min: f64, max: f64) -> Parameter {
    Parameter { name, summary, kind: Kind::Number { default: Some(default), min, max } }
}

const fn count(name: &'static str, summary: &'static str, default: i64, min: i64) -> Parameter {
    Parameter { name, summary, kind: Kind::Integer { default: Some(default), min, max: 1_000_000_000 } }
}

const fn word(
    name: &'static str,
    summary: &'static str,
    default: &'static str,
    one_of: &'static [&'static str],
) -> Parameter {
    Parameter { name, summary, kind: Kind::Text { default: Some(default), one_of } }
}

pub const DISCOUNT: Parameter = number("discount", "γ, a decision", 0.99, 0.0, 0.999_999_999);
pub const TRAIN_FREQUENCY: Parameter = count("train_frequency", "decisions between two trainings", 1, 1);
const TAU: Parameter =
    number("tau", "share of the critic in its target at each target update", 0.005, 0.0, 1.0);
const EXPLORATION: Parameter =
    number("exploration_noise", "standard deviation of the noise on actions in training", 0.1, 0.0, 10.0);
pub const RESETS: Parameter = Parameter {
    name: "resets",
    summary: "decisions after which networks, optimisers and temperature start anew; the buffer stays",
    kind: Kind::Integers { default: &[], min: 1, max: 1_000_000_000, lengths: (0, 256) },
};

pub const fn batch_size(default: i64) -> Parameter {
    count("batch_size", "transitions in an update", default, 1)
}

pub const fn buffer(default: i64) -> Parameter {
    count("buffer", "rows of the replay buffer: a transition takes one, an episode's end another", default, 2)
}

pub const fn learning_starts(default: i64) -> Parameter {
    count("learning_starts", "decisions, drawn uniformly, before the first update", default, 0)
}

pub const fn updates_per_step(default: i64) -> Parameter {
    count("updates_per_step", "updates in a training", default, 1)
}

pub const fn preset(default: &'static str, one_of: &'static [&'static str]) -> Parameter {
    word("preset", "published code whose values stand wherever the spec says nothing", default, one_of)
}

const fn critics(default: i64) -> Parameter {
    Parameter {
        name: "critics",
        summary: "number of critics",
        kind: Kind::Integer { default: Some(default), min: 1, max: 100 },
    }
}

const fn target(default: &'static str) -> Parameter {
    word("target", "what the target critics' values become in the critics' target", default, Combine::WORDS)
}

const fn objective(default: &'static str) -> Parameter {
    word("objective", "what the critics' values become in the actor's objective", default, Combine::WORDS)
}

const fn target_every(default: i64) -> Parameter {
    count("target_every", "updates between two of the targets", default, 1)
}

const fn policy_every(default: i64) -> Parameter {
    count("policy_every", "updates between two rounds of the actor", default, 1)
}

const fn policy_updates(default: i64) -> Parameter {
    count("policy_updates", "updates of the actor in a round", default, 1)
}

/// Where published codes differ in what all agents with an actor have.
struct Defaults {
    preset: Parameter,
    learning_starts: i64,
    critics: i64,
    /// Of target critics, and of critics in the actor's objective.
    combine: (&'static str, &'static str),
    /// Of targets and of the actor.
    every: i64,
}

/// Settings that all agents with an actor have.
const fn shared(defaults: &Defaults) -> [Parameter; 14] {
    [
        defaults.preset,
        DISCOUNT,
        batch_size(256),
        buffer(1_000_000),
        learning_starts(defaults.learning_starts),
        TRAIN_FREQUENCY,
        updates_per_step(1),
        critics(defaults.critics),
        target(defaults.combine.0),
        objective(defaults.combine.1),
        TAU,
        target_every(defaults.every),
        policy_every(defaults.every),
        policy_updates(1),
    ]
}

/// Those, then an agent's own.
const fn with<const N: usize, const ALL: usize>(
    shared: &[Parameter; 14],
    own: &[Parameter; N],
) -> [Parameter; ALL] {
    let mut all = [shared[0]; ALL];
    let mut i = 0;
    while i < ALL {
        all[i] = if i < shared.len() { shared[i] } else { own[i - shared.len()] };
        i += 1;
    }
    all
}

const SAC_DEFAULTS: Defaults = Defaults {
    preset: preset("jaxrl", &["jaxrl", "cleanrl", "yarats", "simba-sac"]),
    learning_starts: 10_000,
    critics: 2,
    combine: ("min", "min"),
    every: 1,
};

const TD3_DEFAULTS: Defaults = Defaults {
    preset: preset("fujimoto", &["fujimoto"]),
    learning_starts: 25_000,
    critics: 2,
    combine: ("min", "single"),
    every: 2,
};

const DDPG_DEFAULTS: Defaults = Defaults {
    preset: preset("cleanrl", &["cleanrl"]),
    critics: 1,
    combine: ("single", "single"),
    ..TD3_DEFAULTS
};

/// Catalogue entry.
pub const SAC: Entry = Entry {
    name: "sac",
    summary: "soft actor-critic: tanh-Gaussian policy, entropy beside reward",
    source: "Haarnoja et al. 2018, arXiv 1812.05905",
    parameters: &SAC_PARAMETERS,
};

const SAC_PARAMETERS: [Parameter; 26] = with(
    &shared(&SAC_DEFAULTS),
    &[
        word(
            "order",
            "of an update's parts; the temperature follows the actor",
            "critic-target-actor",
            &["critic-target-actor", "critic-actor-target", "actor-critic-target"],
        ),
        word(
            "log_std",
            "how the output stays in its range: cut off, or by a tanh",
            "clip",
            &["clip", "squash"],
        ),
        number("log_std_min", "least log σ", -10.0, -100.0, 10.0),
        number("log_std_max", "largest log σ", 2.0, -100.0, 10.0),
        word(
            "temperature",
            "weight of entropy: learned, fixed at its initial value, or none at all",
            "learned",
            &["learned", "fixed", "none"],
        ),
        number("initial_temperature", "α at the start", 1.0, 1e-9, 1e6),
        number("temperature_learning_rate", "of Adam on log α", 3e-4, 0.0, 1e6),
        word("temperature_loss", "α·(entropy − target), or log α·(…)", "exp", &["exp", "log"]),
        word(
            "temperature_draws",
            "entropy measured on the actor's own draws, or on fresh ones after its step",
            "actor",
            &["actor", "fresh"],
        ),
        number(
            "target_entropy_per_action",
            "target entropy in nats, a dimension of the action",
            -0.5,
            -1e3,
            1e3,
        ),
        Parameter {
            name: "target_entropy",
            summary: "target entropy in nats, in place of the one by dimensions",
            kind: Kind::Number { default: None, min: -1e6, max: 1e6 },
        },
        RESETS,
    ],
);

/// Catalogue entry.
pub const TD3: Entry = Entry {
    name: "td3",
    summary: "twin delayed deterministic policy gradient: no entropy, noise on target actions",
    source: "Fujimoto et al. 2018, arXiv 1802.09477",
    parameters: &TD3_PARAMETERS,
};

const TD3_PARAMETERS: [Parameter; 18] = with(
    &shared(&TD3_DEFAULTS),
    &[
        EXPLORATION,
        number("target_noise", "standard deviation of the noise on target actions", 0.2, 0.0, 10.0),
        number("target_noise_clip", "where that noise is cut off", 0.5, 0.0, 10.0),
        RESETS,
    ],
);

/// Catalogue entry.
pub const DDPG: Entry = Entry {
    name: "ddpg",
    summary: "deep deterministic policy gradient: one critic, deterministic actor",
    source: "Lillicrap et al. 2016, arXiv 1509.02971",
    parameters: &DDPG_PARAMETERS,
};

const DDPG_PARAMETERS: [Parameter; 16] = with(&shared(&DDPG_DEFAULTS), &[EXPLORATION, RESETS]);
