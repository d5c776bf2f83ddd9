//! An agent's run from start to end: rows, resumption, divergence.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::*;
use crate::agents::tests::probe_worlds::{Asks, ProbeWorld};
use crate::agents::tests::{choice, make, quick, text};
use crate::environments::Environment;
use crate::record::read;
use crate::spec::{Choice, ControlPlan, CriticPlan, ProbesPlan, Value, Work};
use crate::train::TrainError;
use crate::train::checkpoint::{Keep, Policy};
use crate::train::control::run_control;
use crate::train::signals::{Outcome, Signals};

/// Two tasks of 150 steps in the world that asks for both, an evaluation every 50.
fn plan(agent: Choice, activation: &str, discrete: bool) -> Plan {
    let make = make(agent, activation, &ProbeWorld::new(Asks::Both, discrete), 3);
    let control = ControlPlan {
        environment: "probe".to_owned(),
        python: None,
        action_repeat: 1,
        change: Choice { name: "single".to_owned(), parameters: [].into() },
        tasks: 2,
        steps: 150,
        agent: make.agent,
        critic: CriticPlan::default(),
        evaluate_every: 50,
        evaluation_episodes: 2,
    };
    Plan {
        name: "control".to_owned(),
        source: String::new(),
        work: Work::Control(control),
        network: make.actor.network,
        activation: make.actor.activation,
        optimizer: make.actor.optimizer,
        methods: vec![choice(&crate::methods::entries(), "l2-init", &[])],
        probes: ProbesPlan {
            names: vec!["srank".to_owned()],
            samples: 40,
            plasticity_gap: false,
            retention: false,
        },
        seed: 3,
    }
}

/// Raises the interrupt after so many decisions.
struct Interrupting<'a> {
    inner: ControlRecording<'a>,
    left: usize,
    flag: Arc<AtomicBool>,
}

impl Stateful for Interrupting<'_> {
    fn save(&self, state: &mut StateDict) {
        self.inner.save(state);
    }
    fn load(&mut self, state: &StateDict) -> Result<(), StateError> {
        self.inner.load(state)
    }
}

impl ControlObserver for Interrupting<'_> {
    fn rows(&mut self) -> &mut dyn Rows {
        self.inner.rows()
    }
    fn deciding(&mut self, deciding: &Deciding<'_>) -> anyhow::Result<()> {
        self.inner.deciding(deciding)
    }
    fn stepped(&mut self, decided: &Decided<'_>) -> anyhow::Result<()> {
        self.left = self.left.saturating_sub(1);
        self.flag.fetch_or(self.left == 0, Ordering::Relaxed);
        self.inner.stepped(decided)
    }
    fn task_started(&mut self, task: usize, agent: &dyn Beliefs) -> anyhow::Result<()> {
        self.inner.task_started(task, agent)
    }
    fn episode(&mut self, task: usize, passed: usize, episode: &Episode) -> anyhow::Result<()> {
        self.inner.episode(task, passed, episode)
    }
    fn evaluated(
        &mut self,
        moment: &Evaluated<'_>,
        agent: &dyn Beliefs,
        environment: &dyn Environment,
    ) -> anyhow::Result<()> {
        self.inner.evaluated(moment, agent, environment)
    }
    fn task_ended(&mut self, result: &ControlResult, agent: &dyn Beliefs) -> anyhow::Result<()> {
        self.inner.task_ended(result, agent)
    }
    fn diverged(&mut self, result: &ControlResult) -> anyhow::Result<()> {
        self.inner.diverged(result)
    }
}

/// Runs the plan in `folder` for at most so many decisions.
fn run(plan: &Plan, folder: &Path, decisions: usize) -> Outcome {
    let discrete = plan.control().unwrap().agent.name.ends_with("dqn");
    let worlds =
        |_| Ok::<_, TrainError>(Box::new(ProbeWorld::new(Asks::Both, discrete)) as Box<dyn Environment>);
    let flag = Arc::new(AtomicBool::new(false));
    let recording = ControlRecording::new(plan, folder);
    let mut observer = Interrupting { inner: recording, left: decisions, flag: Arc::clone(&flag) };
    let policy = Policy { keep: Keep::Last, every: Duration::from_hours(1) };
    run_control(plan, &worlds, folder, policy, &mut observer, &Signals::new(flag, |_| {})).unwrap()
}

const FILES: [&str; 4] = ["tasks.csv", "episodes.csv", "evaluations.csv", "probes.csv"];

fn files(folder: &Path) -> Vec<String> {
    FILES.iter().map(|file| fs::read_to_string(folder.join(file)).unwrap()).collect()
}

#[test]
fn an_interrupted_run_ends_in_the_undisturbed_bytes() {
    for (name, activation, more) in [
        ("sac", "rational", vec![("temperature", text("learned"))]),
        ("td3", "relu", vec![]),
        ("double-dqn", "randomized-smooth-leaky", vec![]),
    ] {
        let plan = plan(quick(name, &more), activation, name == "double-dqn");
        let place = tempfile::tempdir().unwrap();
        let (straight, often) = (place.path().join("a/run"), place.path().join("b/run"));
        assert_eq!(run(&plan, &straight, usize::MAX), Outcome::Done);
        let mut interrupts = 0;
        // Within the warm-up, after it, and on both sides of the edge between the tasks.
        for decisions in [30, 90, 29, 2, 1, 77] {
            interrupts += usize::from(run(&plan, &often, decisions) == Outcome::Interrupted);
        }
        assert_eq!((interrupts, run(&plan, &often, usize::MAX)), (6, Outcome::Done));
        assert_eq!(files(&straight), files(&often), "{name}");
    }
}

#[test]
fn rows_say_what_was_done() {
    let plan = plan(quick("sac", &[]), "relu", false);
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("run");
    run(&plan, &folder, usize::MAX);
    let tasks = read::<TaskRow>(&folder).unwrap();
    assert_eq!(tasks.len(), 2);
    assert_eq!((tasks[0].environment_steps, tasks[0].episodes), (Some(150), Some(150)));
    // The warm-up takes 100 decisions.
    assert_eq!(tasks.iter().map(|task| task.updates).collect::<Vec<_>>(), [Some(50), Some(150)]);
    assert_eq!(tasks[0].environment.as_deref(), Some("probe"));
    assert!(tasks[1].online_return > tasks[0].online_return);
    let episodes = read::<EpisodeRow>(&folder).unwrap();
    assert_eq!(episodes.len(), 300);
    assert_eq!((episodes[299].environment_step, episodes[299].length), (300, 1));
    let mean = episodes[150..].iter().map(|episode| episode.r#return).sum::<f64>() / 150.0;
    assert!((mean - tasks[1].online_return.unwrap()).abs() < 1e-12);
    let evaluations = read::<EvaluationRow>(&folder).unwrap();
    assert_eq!(evaluations.len(), 6);
    assert_eq!(tasks[1].evaluation_return, Some(evaluations[5].return_mean));
    // Returns lie in [−1, 1].
    let last = &evaluations[5];
    assert_eq!(last.normalized_return, Some((last.return_mean - -1.0) / 2.0));
    let bias = last.q_mean.unwrap() - last.monte_carlo_return.unwrap();
    assert!((last.q_bias.unwrap() - bias).abs() < 1e-6, "{last:?}");
    let probes = read::<ProbeRow>(&folder).unwrap();
    for layer in ["actor.layers.0", "critic1.layers.1", "critic2.layers.0", "target1.layers.0"] {
        assert!(probes.iter().any(|row| row.layer == layer && row.probe == "srank"), "{layer}");
    }
    for (layer, probe) in [
        ("critic1", "q_bias"),
        ("min", "q_bias_hard"),
        ("mean", "q_gap"),
        ("critic2", "q_bias_replay"),
        ("mean", "q_bias_replay_hard_normalized"),
        ("mean", "q_gap_true"),
        ("critic1", "q_churn"),
        ("policy", "policy_churn"),
        ("critic2", "q_change_signed"),
    ] {
        assert!(probes.iter().any(|row| row.layer == layer && row.probe == probe), "{layer} {probe}");
    }
}

/// An evaluation and its probes leave no trace in the run itself.
#[test]
fn a_run_has_the_same_episodes_however_often_it_is_looked_at() {
    let place = tempfile::tempdir().unwrap();
    let episodes = |name: &str, change: &dyn Fn(&mut Plan)| {
        let mut plan = plan(quick("sac", &[]), "rational", false);
        change(&mut plan);
        let folder = place.path().join(name).join("run");
        run(&plan, &folder, usize::MAX);
        fs::read_to_string(folder.join("episodes.csv")).unwrap()
    };
    let often = episodes("often", &|_| {});
    let never = episodes("never", &|plan| {
        plan.probes.names.clear();
        let Work::Control(control) = &mut plan.work else { panic!("made so") };
        control.evaluation_episodes = 0;
    });
    assert_eq!(often, never);
}

/// A learning rate that throws Q out of the possible ends the run as a result, rows and all.
#[test]
fn a_diverged_run_is_a_result() {
    let mut plan = plan(quick("sac", &[]), "identity", false);
    plan.optimizer.parameters.insert("learning_rate".to_owned(), Value::Number(1e5));
    let place = tempfile::tempdir().unwrap();
    let folder = place.path().join("run");
    let outcome = run(&plan, &folder, usize::MAX);
    assert!(matches!(outcome, Outcome::Diverged { task: 0, step: 100..150 }), "{outcome:?}");
    let tasks = read::<TaskRow>(&folder).unwrap();
    assert_eq!((tasks.len(), tasks[0].status), (1, Status::Diverged));
    assert!(!read::<EpisodeRow>(&folder).unwrap().is_empty());
}
