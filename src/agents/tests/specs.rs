//! Specs of agents that cannot be run, and the sentences that say so before anything is.

use crate::catalogue::catalogue;
use crate::spec::Spec;

const SPEC: &str = "\
name = \"x\"
environment = { name = \"cheetah-run\" }
stream = { family = \"single\", steps = 20000 }
agent = { name = \"sac\", preset = \"jaxrl\" }
activation = \"relu\"
network = { kind = \"mlp\" }
optimizer = \"adam\"
";

fn error(change: (&str, &str), more: &str) -> String {
    assert!(SPEC.contains(change.0), "{change:?}");
    let text = SPEC.replace(change.0, change.1) + more;
    match Spec::parse(&text, "x.toml", &[], &catalogue()) {
        Ok(_) => panic!("this was taken:\n{text}"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn the_spec_itself_is_sound() {
    Spec::parse(SPEC, "x.toml", &[], &catalogue()).unwrap();
}

#[test]
fn agents_that_cannot_take_the_actions() {
    assert_eq!(
        error(("cheetah-run", "CartPole-v1"), ""),
        "x.toml:4: agent.name = \"sac\" chooses numbers and this environment's actions are one of a few: take one \
         of dqn, double-dqn."
    );
    assert_eq!(
        error(("{ name = \"sac\", preset = \"jaxrl\" }", "\"dqn\""), ""),
        "x.toml:4: agent.name = \"dqn\" chooses one of a few and this environment's actions are numbers: take one \
         of sac, td3, ddpg."
    );
}

#[test]
fn a_buffer_without_room_for_a_batch() {
    assert_eq!(
        error(("preset = \"jaxrl\"", "buffer = 256"), ""),
        "x.toml:4: agent.buffer = 256 does not hold a batch of agent.batch_size = 256 transitions: take at least \
         257."
    );
}

#[test]
fn a_warm_up_that_is_no_shorter_than_the_run() {
    let sentence = |starts: &str| error(("preset = \"jaxrl\"", starts), "");
    assert_eq!(
        sentence("learning_starts = 20000"),
        "x.toml:4: agent.learning_starts = 20000 is no less than the 20000 decisions of the whole run, which would \
         end before it learned anything: lower it, or make the run longer."
    );
    // Held for two steps each, there are half as many decisions.
    let halved = ("\"cheetah-run\" }", "\"cheetah-run\", action_repeat = 2 }");
    assert!(error(halved, "").contains("agent.learning_starts = 10000 is no less than the 10000 decisions"));
}

#[test]
fn settings_of_another_kind_of_agent() {
    let dqn = |more: &str| format!("{{ name = \"dqn\"{more} }}");
    let change = |to: &str| {
        let text =
            SPEC.replace("cheetah-run", "CartPole-v1").replace("{ name = \"sac\", preset = \"jaxrl\" }", to);
        Spec::parse(&text, "x.toml", &[], &catalogue()).map(|_| ()).map_err(|error| error.to_string())
    };
    change(&dqn("")).unwrap();
    for key in ["critics = 2", "target_entropy = -1.0", "exploration_noise = 0.1"] {
        let found = change(&dqn(&format!(", {key}"))).unwrap_err();
        let name = key.split(' ').next().unwrap();
        assert!(found.starts_with(&format!("x.toml:4: the agent `dqn` takes no key `{name}`")), "{found}");
    }
    let found = error(("preset = \"jaxrl\"", "epsilon_start = 0.5"), "");
    assert!(found.starts_with("x.toml:4: the agent `sac` takes no key `epsilon_start`"), "{found}");
    let text = SPEC
        .replace("cheetah-run", "CartPole-v1")
        .replace("{ name = \"sac\", preset = \"jaxrl\" }", "\"dqn\"")
        + "critic = { activation = \"tanh\" }\n";
    let found = Spec::parse(&text, "x.toml", &[], &catalogue()).err().unwrap().to_string();
    assert_eq!(
        found,
        "x.toml:4: [critic] has no effect beside agent.name = \"dqn\", whose one network is [network]: leave it out."
    );
}

#[test]
fn a_preset_that_there_is_not() {
    let found = error(("\"jaxrl\"", "\"jaxlr\""), "");
    assert!(found.starts_with("x.toml:4: ") && found.contains("jaxlr"), "{found}");
    assert!(
        found.contains("did you mean `jaxrl`?") && found.contains("jaxrl, cleanrl, yarats, simba-sac"),
        "{found}"
    );
    // One of another agent is none of this one.
    let found = error(("\"jaxrl\"", "\"fujimoto\""), "");
    assert!(found.contains("fujimoto") && found.contains("yarats"), "{found}");
}

#[test]
fn steps_that_do_not_divide_into_decisions() {
    let change = ("\"cheetah-run\" }", "\"cheetah-run\", action_repeat = 3 }");
    assert_eq!(
        error(change, ""),
        "x.toml:4: stream.steps = 20000 is no multiple of environment.action_repeat = 3, for which an action is \
         held: take 20001."
    );
}
