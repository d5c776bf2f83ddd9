//! The presets of agents: published codes' values, one file each under `presets/`.

use crate::spec::Preset;

const DQN: &[&str] = &["dqn", "double-dqn"];

/// Every preset. A new one is a file and a line here, and a word in its agent's entry.
pub const PRESETS: &[Preset] = &[
    Preset { agents: &["sac"], name: "jaxrl", toml: include_str!("presets/sac-jaxrl.toml") },
    Preset { agents: &["sac"], name: "cleanrl", toml: include_str!("presets/sac-cleanrl.toml") },
    Preset { agents: &["sac"], name: "yarats", toml: include_str!("presets/sac-yarats.toml") },
    Preset { agents: &["sac"], name: "simba-sac", toml: include_str!("presets/sac-simba-sac.toml") },
    Preset { agents: &["td3"], name: "fujimoto", toml: include_str!("presets/td3-fujimoto.toml") },
    Preset { agents: &["ddpg"], name: "cleanrl", toml: include_str!("presets/ddpg-cleanrl.toml") },
    Preset { agents: DQN, name: "cleanrl", toml: include_str!("presets/dqn-cleanrl.toml") },
    Preset { agents: DQN, name: "rl-zoo", toml: include_str!("presets/dqn-rl-zoo.toml") },
];
