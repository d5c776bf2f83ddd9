//! Control steps a second of environments under random actions, with observation and reward, on one core.
//!
//! cargo bench --bench environments                       # all
//! cargo bench --bench environments -- walker-walk        # some
//!
//! `--serve NAME` is one side of `peers/environments.py`, which measures MuJoCo's own loop in turns with it.

mod support;

use plasticity_bench::environments::{self, Action, ActionSpace, Environment};
use plasticity_bench::random::Stream;
use support::clock;
use support::serve::{Contender, serve};
use support::table::Table;

/// Control steps of a round.
const STEPS: usize = 1000;
const ROUNDS: usize = 7;

/// An environment under random actions, reset where an episode ends.
struct Rollout {
    environment: Box<dyn Environment>,
    draws: Stream,
    actions: Vec<Vec<f64>>,
    observation: Vec<f64>,
    taken: usize,
}

impl Rollout {
    /// `None` if it has no continuous actions.
    fn new(name: &str) -> Option<Self> {
        let mut environment = environments::build(name).unwrap_or_else(|error| panic!("{error}"));
        let mut draws = Stream::new(0, "bench", 0);
        let ActionSpace::Continuous(bounds) = environment.spaces().action.clone() else { return None };
        let bound = |x: f64| x.clamp(-1e3, 1e3);
        let mut action =
            || bounds.iter().map(|&(low, high)| draws.uniform(bound(low), bound(high))).collect();
        let actions = (0..STEPS).map(|_| action()).collect();
        environment.reset(&mut draws).expect("a start");
        let observation = vec![0.0; environment.spaces().features()];
        Some(Self { environment, draws, actions, observation, taken: 0 })
    }
}

impl Contender for Rollout {
    fn step(&mut self) -> f64 {
        let action = &self.actions[self.taken % STEPS];
        self.taken += 1;
        let step = self.environment.step(Action::Continuous(action), &mut self.draws).expect("a step");
        self.environment.observe(&mut self.observation);
        if step.ended() {
            self.environment.reset(&mut self.draws).expect("a start");
        }
        step.reward
    }

    fn microseconds(&mut self, steps: usize) -> f64 {
        let mut sum = 0.0;
        let seconds = clock::seconds(|| sum = (0..steps).map(|_| self.step()).sum());
        assert!(sum.is_finite());
        seconds / steps as f64 * 1e6
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    if let [flag, name] = &arguments[..]
        && flag == "--serve"
    {
        return serve(|| Rollout::new(name).expect("an environment with continuous actions"));
    }
    let title = format!("Control steps under random actions, {}", clock::name());
    let mut table = Table::new(&title, &["environment", "µs per step", "steps per second"]);
    for entry in environments::entries() {
        if !arguments.is_empty() && !arguments.iter().any(|name| name == entry.name) {
            continue;
        }
        let Some(mut rollout) = Rollout::new(entry.name) else { continue };
        rollout.microseconds(STEPS / 10);
        let times: Vec<f64> = (0..ROUNDS).map(|_| rollout.microseconds(STEPS)).collect();
        let middle = clock::median(&times);
        table.row(vec![entry.name.into(), format!("{middle:.2}"), format!("{:.0}", 1e6 / middle)]);
    }
    table.print();
}
