//! The linear system whose values are known exactly: two masses on springs with quadratic cost, under a linear
//! policy. V(s) = c − sᵀPs, where P solves a discrete Lyapunov equation (here by iteration, in
//! `tests/reference/lqr.py` by scipy). A trained critic, and the probes of bias, are held against it.

use super::{choice, entries, make};
use crate::agents::actor_critic::ActorCritic;
use crate::agents::{AgentError, Batch, Beliefs, Buffer, Decisions, Look};
use crate::environments::{Action, build};
use crate::kernels::inplace::update;
use crate::nn::Role;
use crate::probes::value::{Replay, Rollout, Scene, ValueMeasurement, Visited, measure};
use crate::random::Stream;
use crate::spec::Value;

const NAME: &str = "lqr-lqr_2_1";
const GAMMA: f64 = 0.9;
/// Gain of the reference.
const GAIN: [f64; 4] = [0.04, -0.02, -0.05, 0.03];

/// s' = As + Bu
struct System {
    a: [[f64; 4]; 4],
    b: [f64; 4],
}

impl System {
    /// Of the environment itself: a linear map is known from what it makes of unit vectors.
    fn measured() -> Self {
        let mut world = build(NAME).unwrap();
        let mut draws = Stream::new(0, "test", 0);
        let mut after = |state: [f64; 4], u: f64| {
            world.physics().unwrap().set(&state[..2], &state[2..], &[]).unwrap();
            world.step(Action::Continuous(&[u]), &mut draws).unwrap();
            let mut seen = [0.0; 4];
            world.observe(&mut seen);
            seen
        };
        let mut a = [[0.0; 4]; 4];
        for column in 0..4 {
            let mut unit = [0.0; 4];
            unit[column] = 1.0;
            let image = after(unit, 0.0);
            (0..4).for_each(|row| a[row][column] = image[row]);
        }
        Self { a, b: after([0.0; 4], 1.0) }
    }

    fn next(&self, s: &[f64], u: f64) -> [f64; 4] {
        std::array::from_fn(|i| dot(&self.a[i], s) + self.b[i] * u)
    }
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

/// Reward of a step that led to `next` by `u`.
fn reward(next: &[f64], u: f64) -> f64 {
    1.0 - 0.5 * dot(&next[..2], &next[..2]) - 0.05 * u * u
}

/// The exact values of u = ks + σε with the entropy of ε at a temperature.
struct Exact {
    system: System,
    gain: [f64; 4],
    sigma: f64,
    alpha: f64,
    p: [[f64; 4]; 4],
    constant: f64,
}

impl Exact {
    fn new(gain: [f64; 4], sigma: f64, alpha: f64) -> Self {
        let system = System::measured();
        let closed: [[f64; 4]; 4] =
            std::array::from_fn(|i| std::array::from_fn(|j| system.a[i][j] + system.b[i] * gain[j]));
        let mut p = [[0.0; 4]; 4];
        // P ← Aᵀ(C/2 + γP)A + 0.05 kᵀk, A of the closed loop, C of the positions.
        for _ in 0..2000 {
            let inner: [[f64; 4]; 4] = std::array::from_fn(|i| {
                std::array::from_fn(|j| GAMMA * p[i][j] + if i == j && i < 2 { 0.5 } else { 0.0 })
            });
            let entry = |i: usize, j: usize| {
                let pairs = (0..4).flat_map(|k| (0..4).map(move |l| (k, l)));
                pairs.map(|(k, l)| closed[k][i] * inner[k][l] * closed[l][j]).sum::<f64>()
                    + 0.05 * gain[i] * gain[j]
            };
            p = std::array::from_fn(|i| std::array::from_fn(|j| entry(i, j)));
        }
        let b = &system.b;
        let pushed: f64 = (0..4).map(|i| b[i] * dot(&p[i], b)).sum();
        let noise = sigma * sigma * (0.5 * dot(&b[..2], &b[..2]) + 0.05 + GAMMA * pushed);
        let entropy = if sigma > 0.0 {
            0.5 * (2.0 * std::f64::consts::PI * std::f64::consts::E * sigma * sigma).ln()
        } else {
            0.0
        };
        let constant = (1.0 - noise + alpha * entropy) / (1.0 - GAMMA);
        Self { system, gain, sigma, alpha, p, constant }
    }

    fn value(&self, s: &[f64]) -> f64 {
        self.constant - (0..4).map(|i| s[i] * dot(&self.p[i], s)).sum::<f64>()
    }

    fn q(&self, s: &[f64], u: f64) -> f64 {
        let next = self.system.next(s, u);
        reward(&next, u) + GAMMA * self.value(&next)
    }
}

fn wide(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&x| f64::from(x)).collect()
}

/// Believes the truth with one critic and 3 more with the other.
struct Knowing {
    exact: Exact,
    buffer: Buffer,
}

impl Beliefs for Knowing {
    fn critics(&self) -> usize {
        2
    }
    fn q(&self, states: &[f32], actions: &[f32]) -> Result<Vec<Vec<f32>>, AgentError> {
        let q = |more: f64| {
            let rows = states.chunks_exact(4).zip(actions);
            rows.map(|(s, &u)| (self.exact.q(&wide(s), f64::from(u)) + more) as f32).collect()
        };
        Ok(vec![q(0.0), q(3.0)])
    }
    fn policy(&self, states: &[f32], draws: Option<&mut Stream>) -> Result<Decisions, AgentError> {
        let mut means: Vec<f64> = states.chunks_exact(4).map(|s| dot(&self.exact.gain, &wide(s))).collect();
        let sigma = self.exact.sigma;
        let mut log_probs = vec![0.0; means.len()];
        if let Some(draws) = draws.filter(|_| sigma > 0.0) {
            for (mean, log_prob) in means.iter_mut().zip(&mut log_probs) {
                let e = draws.normal();
                *mean += sigma * e;
                *log_prob = -0.5 * e * e - sigma.ln() - 0.5 * (2.0 * std::f64::consts::PI).ln();
            }
        }
        Ok(Decisions { actions: means.iter().map(|&u| u as f32).collect(), log_probs })
    }
    fn action_gradient(&self, _: &[f32]) -> Result<Option<f64>, AgentError> {
        Ok(None)
    }
    fn temperature(&self) -> f64 {
        self.exact.alpha
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

/// What the value probes say of an agent that believes the truth.
fn measured(exact: Exact, episodes: usize) -> Vec<ValueMeasurement> {
    let agent = Knowing { exact, buffer: Buffer::new(4, 1, 2) };
    let mut world = build(NAME).unwrap();
    let mut draws = Stream::new(11, "test", 0);
    let rollout = Rollout::new(&agent, &*world, episodes, &mut draws).unwrap().unwrap();
    let mut visited = Visited::new(1000);
    for _ in 0..64 {
        world.reset(&mut draws).unwrap();
        for _ in 0..20 {
            world.step(Action::Continuous(&[draws.uniform(-1.0, 1.0)]), &mut draws.clone()).unwrap();
        }
        visited.pass(&*world);
    }
    let replay = Replay::new(&agent, &*world, &visited, &mut draws).unwrap();
    let (agent, environment, rollout, replay) = (&agent, &*world, &rollout, replay.as_ref());
    measure(&mut Scene { agent, environment, rollout, replay, draws: &mut draws }).unwrap()
}

fn value(measured: &[ValueMeasurement], of: &str, probe: &str) -> f64 {
    let found = measured.iter().find(|m| m.of == of && m.probe == probe);
    found.unwrap_or_else(|| panic!("{of} {probe}: {measured:?}")).value
}

/// The environment's matrices are those of the formulas, and P is scipy's.
#[test]
fn values_are_those_of_scipys_lyapunov_solver() {
    let exact = Exact::new(GAIN, 0.0, 0.0);
    let found = [exact.system.a.concat(), exact.system.b.to_vec(), exact.p.concat()];
    let lines = include_str!("../../../tests/reference/lqr.csv").lines().skip(1);
    for (line, found) in lines.zip(found) {
        let expected: Vec<f64> =
            line.split_once(',').unwrap().1.split(' ').map(|x| x.parse().unwrap()).collect();
        assert_eq!(expected.len(), found.len());
        for (expected, found) in expected.iter().zip(&found) {
            assert!((found - expected).abs() < 1e-12 * (1.0 + expected.abs()), "{line}: {found}");
        }
    }
}

/// Without noise a return is its value, to the rounding of f32.
#[test]
fn the_bias_of_the_truth_is_nothing() {
    let measured = measured(Exact::new([0.5, -0.3, 0.0, 0.0], 0.0, 0.0), 2);
    for (of, more) in [("critic1", 0.0), ("critic2", 3.0), ("min", 0.0), ("mean", 1.5)] {
        for probe in ["q_bias", "q_bias_hard"] {
            assert!((value(&measured, of, probe) - more).abs() < 1e-4, "{of} {probe}");
        }
        assert!(value(&measured, of, "q_bias_std") < 1e-4);
        // Here what weighs less than a thousandth is left out: at most 0.001 of a value of 10.
        for probe in ["q_bias_replay", "q_bias_replay_hard"] {
            assert!((value(&measured, of, probe) - more).abs() < 0.01, "{of} {probe}");
        }
    }
}

/// With noise, its entropy is part of the soft return and not of the hard one: αH·γ/(1 − γ) between them. A
/// return that counted one entropy too many or too few would be off by αH = −0.47.
#[test]
fn entropy_counts_from_the_second_step_on() {
    let (sigma, alpha) = (0.05f64, 0.3);
    let exact = Exact::new([0.5, -0.3, 0.0, 0.0], sigma, alpha);
    let entropy = 0.5 * (2.0 * std::f64::consts::PI * std::f64::consts::E * sigma * sigma).ln();
    let apart = alpha * entropy * GAMMA / (1.0 - GAMMA);
    let measured = measured(exact, 40);
    let near = |of, probe, expected: f64, within: f64| {
        let found = value(&measured, of, probe);
        assert!((found - expected).abs() < within, "{of} {probe}: {found} and not {expected}");
    };
    near("critic1", "q_bias", 0.0, 0.1);
    near("critic2", "q_bias", 3.0, 0.1);
    // Q holds the entropies that the hard return does not.
    near("critic1", "q_bias_hard", apart, 0.02);
    near("critic1", "q_bias_replay", 0.0, 0.25);
    near("critic1", "q_bias_replay_hard", apart, 0.03);
    // What true critics promise of another action is what it earns.
    let promised = value(&measured, "mean", "q_gap_replay");
    assert!(promised > 1e-3, "{promised}");
    near("mean", "q_gap_true", promised, 0.2 * promised);
}

/// Temporal differences on any states and actions lead a critic to the policy's exact Q.
#[test]
fn a_trained_critic_is_the_exact_one() {
    let world = build(NAME).unwrap();
    let given = [("discount", Value::Number(GAMMA)), ("tau", Value::Number(0.02))];
    let mut made = make(choice(&entries(), "ddpg", &given), "swish", &*world, 2);
    // A linear actor that stands still.
    made.actor.network = choice(&crate::nn::entries(), "mlp", &[("hidden", Value::Integers(vec![]))]);
    made.actor.optimizer.parameters.insert("learning_rate".to_owned(), Value::Number(0.0));
    made.critic.network = choice(&crate::nn::entries(), "mlp", &[("hidden", Value::Integers(vec![64, 64]))]);
    made.critic.optimizer.parameters.insert("learning_rate".to_owned(), Value::Number(1e-3));
    let mut agent = ActorCritic::new(made).unwrap();
    for parameter in agent.looks()[0].network.parameters() {
        update(&parameter.values, |values| match parameter.role {
            Role::Weight => values.iter_mut().zip(GAIN).for_each(|(w, k)| *w = k as f32),
            _ => values.fill(0.0),
        })
        .unwrap();
    }
    agent.copy_to_targets();
    let exact = Exact::new(GAIN, 0.0, 0.0);
    let mut draws = Stream::new(5, "test", 0);
    let batch = |rows: usize, draws: &mut Stream| {
        let mut batch = Batch { rows, continues: vec![1.0; rows], ..Batch::default() };
        for _ in 0..rows {
            let s: [f64; 4] = std::array::from_fn(|i| draws.normal() * if i < 2 { 0.7 } else { 1.5 });
            let u = draws.uniform(-1.0, 1.0);
            let next = exact.system.next(&s, u);
            batch.observations.extend(s.map(|x| x as f32));
            batch.actions.push(u as f32);
            batch.rewards.push(reward(&next, u) as f32);
            batch.next_observations.extend(next.map(|x| x as f32));
        }
        batch
    };
    let error = |agent: &ActorCritic, draws: &mut Stream| {
        let fresh = batch(1000, draws);
        let q = agent.q(&fresh.observations, &fresh.actions).unwrap().remove(0);
        let truth: Vec<f64> = (0..1000)
            .map(|row| exact.q(&wide(&fresh.observations[4 * row..][..4]), f64::from(fresh.actions[row])))
            .collect();
        let mean = truth.iter().sum::<f64>() / 1000.0;
        let spread = truth.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
        let apart = q.iter().zip(&truth).map(|(&q, x)| (f64::from(q) - x).powi(2)).sum::<f64>();
        (apart / spread).sqrt()
    };
    let before = error(&agent, &mut draws);
    for _ in 0..3000 {
        agent.update_on(&batch(128, &mut draws)).unwrap();
    }
    let after = error(&agent, &mut draws);
    println!("error over spread: {before:.3} at the start, {after:.4} after 3000 updates");
    assert!(before > 0.9 && after < 0.1, "{before} {after}");
}
