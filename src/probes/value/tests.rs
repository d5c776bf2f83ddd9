//! Probes on an agent whose beliefs and whose world are written down here.

use super::following::{follow, horizon, worlds};
use super::*;
use crate::agents::{Batch, Buffer, Decisions, Look, Transition};
use crate::environments::{Action, ActionSpace, Spaces, Step};
use crate::state::{StateDict, StateError, Stateful, Values};

const GAMMA: f64 = 0.9;

/// Reward 1 a step; the observation counts them. Ends after so many, terminated or cut off.
#[derive(Clone)]
struct Chain {
    spaces: Spaces,
    length: usize,
    terminates: bool,
    passed: usize,
}

impl Chain {
    fn new(length: usize, terminates: bool) -> Self {
        let spaces = Spaces {
            observation: vec![1],
            action: ActionSpace::Continuous(vec![(-1.0, 1.0)]),
            returns: None,
            max_reward: Some(1.0),
            step_limit: None,
            random_return: None,
        };
        Self { spaces, length, terminates, passed: 0 }
    }
}

impl Stateful for Chain {
    fn save(&self, state: &mut StateDict) {
        state.insert("passed", Values::U64(vec![self.passed as u64]));
    }
    fn load(&mut self, state: &StateDict) -> Result<(), StateError> {
        self.passed = state.u64("passed")? as usize;
        Ok(())
    }
}

impl Environment for Chain {
    fn spaces(&self) -> &Spaces {
        &self.spaces
    }
    fn reset(&mut self, _: &mut Stream) -> Result<(), EnvironmentError> {
        self.passed = 0;
        Ok(())
    }
    fn step(&mut self, _: Action<'_>, _: &mut Stream) -> Result<Step, EnvironmentError> {
        self.passed += 1;
        let ends = self.passed == self.length;
        let (terminated, truncated) = (ends && self.terminates, ends && !self.terminates);
        Ok(Step { reward: 1.0, terminated, truncated, success: None })
    }
    fn observe(&self, observation: &mut [f64]) {
        observation[0] = self.passed as f64;
    }
    fn duplicate(&self) -> Option<Box<dyn Environment>> {
        Some(Box::new(self.clone()))
    }
}

/// Two critics: 2 − (a − 0.3)² and 8 more; always a = 0 with log π = −1.2, α = 0.5.
struct Believer {
    buffer: Buffer,
}

impl Beliefs for Believer {
    fn critics(&self) -> usize {
        2
    }
    fn q(&self, _: &[f32], actions: &[f32]) -> Result<Vec<Vec<f32>>, AgentError> {
        let q = |plus: f32| actions.iter().map(|a| plus - (a - 0.3).powi(2)).collect();
        Ok(vec![q(2.0), q(10.0)])
    }
    fn policy(&self, states: &[f32], _: Option<&mut Stream>) -> Result<Decisions, AgentError> {
        Ok(Decisions { actions: vec![0.0; states.len()], log_probs: vec![-1.2; states.len()] })
    }
    fn action_gradient(&self, _: &[f32]) -> Result<Option<f64>, AgentError> {
        Ok(Some(0.6))
    }
    fn temperature(&self) -> f64 {
        0.5
    }
    fn discount(&self) -> f64 {
        GAMMA
    }
    fn discrete(&self) -> Option<usize> {
        None
    }
    fn buffer(&self) -> &Buffer {
        &self.buffer
    }
    fn looks(&self) -> Vec<Look<'_>> {
        Vec::new()
    }
}

fn believer() -> Believer {
    let mut buffer = Buffer::new(1, 1, 100);
    for step in 0..10 {
        buffer.push(&Transition {
            observation: &[f64::from(step)],
            action: &[0.3],
            reward: 3.0,
            next_observation: &[f64::from(step) + 1.0],
            terminated: true,
            truncated: false,
        });
    }
    Believer { buffer }
}

fn rollout(world: &Chain, episodes: usize) -> Rollout {
    Rollout::new(&believer(), world, episodes, &mut Stream::new(0, "test", 0)).unwrap().unwrap()
}

/// After three steps of reward 1 an episode terminates: 1 + 0.9 + 0.81, 1.9, 1. A later step's entropy of 1.2
/// nats is worth 0.6.
#[test]
fn returns_count_rewards_and_entropies_of_later_steps() {
    let rollout = rollout(&Chain::new(3, true), 2);
    assert_eq!(rollout.pairs, 6);
    for (found, expected) in rollout.hard.iter().zip([2.71, 1.9, 1.0, 2.71, 1.9, 1.0]) {
        assert!((found - expected).abs() < 1e-12, "{:?}", rollout.hard);
    }
    for (found, expected) in rollout.soft.iter().zip([2.71 + 0.9 * 0.6 + 0.81 * 0.6, 1.9 + 0.54, 1.0]) {
        assert!((found - expected).abs() < 1e-12, "{:?}", rollout.soft);
    }
    assert_eq!(rollout.states[..3], [0.0, 1.0, 2.0]);
    assert_eq!(rollout.next_states[..2], [1.0, 2.0]);
    assert_eq!(rollout.continues[..3], [true, true, false]);
}

/// Of an episode that was cut off only the first 35 in a hundred steps are taken, at most 350: what is missing
/// of theirs weighs γ^650.
#[test]
fn steps_before_a_time_limit_are_left_out() {
    assert_eq!(rollout(&Chain::new(1000, false), 3).pairs, 1050);
    let rollout = rollout(&Chain::new(200, false), 1);
    assert_eq!(rollout.pairs, 70);
    // γ^130 is 1e-6.
    assert!(rollout.hard.iter().all(|g| (g - 10.0).abs() < 1e-4));
}

#[test]
fn measurements_of_known_beliefs() {
    let (agent, world) = (believer(), Chain::new(3, true));
    let rollout = rollout(&world, 1);
    let mut draws = Stream::new(0, "test", 1);
    let mut visited = Visited::new(100);
    let mut past = Chain::new(3, true);
    for passed in 0..3 {
        past.passed = passed;
        visited.pass(&past);
    }
    let replay = Replay::new(&agent, &world, &visited, &mut Stream::new(0, "test", 2)).unwrap();
    let measured = measure(&mut Scene {
        agent: &agent,
        environment: &world,
        rollout: &rollout,
        replay: replay.as_ref(),
        draws: &mut draws,
    })
    .unwrap();
    let value = |of: &str, probe: &str| {
        let found = measured.iter().find(|m| m.of == of && m.probe == probe);
        found.unwrap_or_else(|| panic!("{of} {probe}: {measured:?}")).value
    };
    // Q is 1.91 and 9.91; the hard returns have the mean 1.87, all below 10.
    let (hard, soft) = (5.61 / 3.0, (2.71 + 1.026 + 2.44 + 1.0) / 3.0);
    for (of, q) in [("critic1", 1.91), ("critic2", 9.91), ("min", 1.91), ("mean", 5.91)] {
        assert!((value(of, "q_mean") - q).abs() < 1e-6);
        assert!((value(of, "q_bias") - (q - soft)).abs() < 1e-6, "{of}");
        assert!((value(of, "q_bias_hard") - (q - hard)).abs() < 1e-6, "{of}");
        assert!((value(of, "q_bias_normalized") - (q - soft) / 10.0).abs() < 1e-6, "{of}");
    }
    assert_eq!(
        over_critics(&measured, "q_mean"),
        Some(f64::midpoint(value("critic1", "q_mean"), value("critic2", "q_mean")))
    );
    // The most that can be earned is (1 + 0.9·0.5·ln 2)/(1 − 0.9) = 13.1.
    assert_eq!((value("critic1", "q_impossible"), value("critic2", "q_impossible")), (0.0, 0.0));
    // The best action is 0.3, worth 0.09 more than 0; of 64 uniform ones the best comes near it.
    let gap = value("mean", "q_gap");
    assert!((0.08..=0.09).contains(&gap), "{gap}");
    // In the buffer all episodes end at once with reward 3: errors −1 and 7 of Q 2 and 10.
    assert!((value("critics", "td_error_replay") - 5.0).abs() < 1e-6);
    // On the rollout y = 1 + 0.9·(1.91 + 0.6) = 3.259 twice and 1 once.
    let squares: f64 = [1.91, 9.91].iter().map(|q: &f64| 2.0 * (q - 3.259).powi(2) + (q - 1.0).powi(2)).sum();
    assert!((value("critics", "td_error_heldout") - (squares / 6.0).sqrt()).abs() < 1e-6);
    assert_eq!(value("mean", "action_gradient_norm"), 0.6);
    // From the states 0, 1, 2 three, two and one steps are left: the same returns as above.
    for (of, q) in [("critic1", 1.91), ("critic2", 9.91), ("min", 1.91), ("mean", 5.91)] {
        assert!((value(of, "q_mean_replay") - q).abs() < 1e-6);
        assert!((value(of, "q_bias_replay") - (q - soft)).abs() < 1e-6, "{of}");
        assert!((value(of, "q_bias_replay_normalized") - (q - soft) / 10.0).abs() < 1e-6, "{of}");
        assert!((value(of, "q_bias_replay_hard") - (q - hard)).abs() < 1e-6, "{of}");
        assert!((value(of, "q_bias_replay_hard_normalized") - (q - hard) / 10.0).abs() < 1e-6, "{of}");
        assert!((value(of, "q_bias_hard_normalized") - (q - hard) / 10.0).abs() < 1e-6, "{of}");
    }
    // The critics promise more for another action; the world pays every one the same.
    assert!((0.08..=0.09).contains(&value("mean", "q_gap_replay")));
    assert_eq!(value("mean", "q_gap_true"), 0.0);
}

#[test]
fn a_q_above_all_that_can_be_earned_is_impossible() {
    let mut world = Chain::new(3, true);
    let rollout = rollout(&world, 1);
    // Largest reward 0.5: (0.5 + 0.31)/(0.1) = 8.1, below the second critic's 9.91.
    world.spaces.max_reward = Some(0.5);
    assert_eq!(impossible(&believer(), &rollout, world.spaces()).unwrap(), Some(vec![0.0, 1.0]));
    world.spaces.max_reward = None;
    assert_eq!(impossible(&believer(), &rollout, world.spaces()).unwrap(), None);
}

#[test]
fn what_follows_is_discounted_until_it_weighs_a_thousandth() {
    let (agent, world) = (believer(), Chain::new(1000, false));
    let state = StateDict::of(&world);
    let draws = || Stream::new(0, "test", 0);
    let returns = |count: usize| {
        let worlds = worlds(&world, &vec![&state; count]).unwrap().unwrap();
        follow(&agent, worlds, &vec![0.0; count], &mut draws()).unwrap().unwrap()
    };
    let (one, three) = (returns(1), returns(3));
    // γ = 0.9: 66 steps until γ^n < 0.001. Entropies of 0.6 from the second step on.
    assert_eq!((horizon(GAMMA), horizon(0.99), horizon(0.0), horizon(0.999_999)), (66, 688, 1, 1000));
    let hard: f64 = (0..66).map(|t| GAMMA.powi(t)).sum();
    let soft = hard + 0.6 * (1..=66).map(|t| GAMMA.powi(t)).sum::<f64>();
    assert!(
        (one.hard[0] - hard).abs() < 1e-12 && (one.soft[0] - soft).abs() < 1e-12,
        "{one:?} {hard} {soft}"
    );
    assert_eq!(three.hard, [one.hard[0]; 3]);
}

/// Roll-outs from the past go on beyond the limit that cut the episode off.
#[test]
fn a_time_limit_does_not_end_what_is_followed() {
    for name in ["pendulum-swingup", "CartPole-v1"] {
        let world = crate::environments::build(name).unwrap();
        let limit = world.spaces().step_limit.unwrap() as u64;
        let mut late = StateDict::of(&*world);
        late.insert_u64("steps", limit - 1);
        let mut copy = worlds(&*world, &[&late]).unwrap().unwrap().remove(0);
        let mut draws = Stream::new(0, "test", 0);
        let action = if name == "CartPole-v1" { Action::Discrete(0) } else { Action::Continuous(&[0.0]) };
        for _ in 0..3 {
            assert!(!copy.step(action, &mut draws).unwrap().ended(), "{name}");
        }
    }
}

/// A believer that has changed its mind by known amounts.
#[test]
fn churn_is_how_far_outputs_moved() {
    struct Moved(Believer, f32);
    impl Beliefs for Moved {
        fn critics(&self) -> usize {
            2
        }
        fn q(&self, states: &[f32], actions: &[f32]) -> Result<Vec<Vec<f32>>, AgentError> {
            let mut q = self.0.q(states, actions)?;
            // One critic goes up everywhere, the other up and down in turns.
            q[0].iter_mut().for_each(|q| *q += self.1);
            q[1].iter_mut().enumerate().for_each(|(i, q)| *q += if i % 2 == 0 { self.1 } else { -self.1 });
            Ok(q)
        }
        fn policy(&self, states: &[f32], draws: Option<&mut Stream>) -> Result<Decisions, AgentError> {
            let mut decisions = self.0.policy(states, draws)?;
            decisions.actions.iter_mut().for_each(|a| *a += self.1);
            Ok(decisions)
        }
        fn action_gradient(&self, states: &[f32]) -> Result<Option<f64>, AgentError> {
            self.0.action_gradient(states)
        }
        fn temperature(&self) -> f64 {
            self.0.temperature()
        }
        fn discount(&self) -> f64 {
            GAMMA
        }
        fn discrete(&self) -> Option<usize> {
            None
        }
        fn buffer(&self) -> &Buffer {
            self.0.buffer()
        }
        fn looks(&self) -> Vec<Look<'_>> {
            Vec::new()
        }
    }
    let batch = Batch { rows: 4, observations: vec![0.0; 4], actions: vec![0.3; 4], ..Batch::default() };
    let before = Reference::new(&Moved(believer(), 0.0), &batch).unwrap();
    let mut again = Reference::default();
    again.load(&StateDict::of(&before)).unwrap();
    assert_eq!(again, before);
    for (over, names) in [
        (Over::Update, ["q_churn", "q_churn_signed", "policy_churn"]),
        (Over::Task, ["q_change", "q_change_signed", "policy_change"]),
    ] {
        let rows = again.changes(&Moved(believer(), 0.5), over).unwrap();
        let found: Vec<_> = rows.iter().map(|row| (row.of.as_str(), row.probe, row.value)).collect();
        let expected = [
            ("critic1", names[0], 0.5),
            ("critic1", names[1], 0.5),
            ("critic2", names[0], 0.5),
            ("critic2", names[1], 0.0),
            ("policy", names[2], 0.25),
        ];
        assert_eq!(found, expected);
        assert!(rows.iter().all(|row| row.samples == 4));
    }
}
