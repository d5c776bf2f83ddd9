//! Updates a second of SAC: observation 17, actions 6, hidden layers 256 and 256, batch 256, as in cheetah.
//! One transition is stored and one update made a step, sampling included; activations in interleaved rounds.
//!
//! cargo bench --bench sac -- relu rational

mod support;

use clap::Parser;
use plasticity_bench::agents::{Agent, Make, NetworkChoice, Transition, build, entries};
use plasticity_bench::environments::{ActionSpace, Spaces};
use plasticity_bench::random::Stream;
use plasticity_bench::spec::Value;
use plasticity_bench::{nn, optimizers};
use support::clock::{self, least, median};
use support::names;
use support::serve::{Contender, serve};
use support::table::Table;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const FEATURES: usize = 17;
const ACTIONS: usize = 6;
/// Transitions in the buffer before the first update.
const FILLED: i64 = 10_000;

#[derive(Parser)]
struct Arguments {
    /// Activations of actor and critics, constraints after a plus sign.
    #[arg(default_values = ["relu", "rational"])]
    activations: Vec<String>,
    /// Transitions in an update.
    #[arg(long, default_value_t = 256)]
    batch: i64,
    /// Rounds; their median is printed.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Updates per round.
    #[arg(long, default_value_t = 200)]
    steps: usize,
    /// Answers `peers/sac.py` for the first activation instead of measuring.
    #[arg(long)]
    serve: bool,
    /// cargo passes it to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

/// An agent past its warm-up, and the transitions that it sees.
struct Learner {
    agent: Box<dyn Agent>,
    draws: Stream,
}

impl Learner {
    fn new(activation: &str, batch: i64) -> Self {
        let entry = |entries: Vec<_>, name: &str| {
            let found: Option<plasticity_bench::spec::Entry> =
                entries.into_iter().find(|entry: &plasticity_bench::spec::Entry| entry.name == name);
            support::common::defaults(&found.expect("registered"))
        };
        let mut network = entry(nn::entries(), "mlp");
        network.parameters.insert("hidden".into(), Value::Integers(vec![256, 256]));
        let mut optimizer = entry(optimizers::entries(), "adam");
        optimizer.parameters.insert("learning_rate".into(), Value::Number(3e-4));
        let activation = names::choice(activation).expect("names are checked before");
        let network = NetworkChoice { network, activation, optimizer, methods: Vec::new() };
        let mut agent = entry(entries(), "sac");
        agent.parameters.insert("batch_size".into(), Value::Integer(batch));
        agent.parameters.insert("learning_starts".into(), Value::Integer(FILLED));
        let spaces = Spaces {
            observation: vec![FEATURES],
            action: ActionSpace::Continuous(vec![(-1.0, 1.0); ACTIONS]),
            returns: None,
            max_reward: Some(1.0),
            step_limit: Some(1000),
            random_return: None,
        };
        let make = Make { agent, actor: network.clone(), critic: network, spaces, seed: 0 };
        let mut learner = Self { agent: build(make).expect("an agent"), draws: Stream::new(0, "bench", 0) };
        (0..FILLED).for_each(|_| learner.observe());
        learner
    }

    /// A transition of random numbers.
    fn observe(&mut self) {
        let mut normals = |n: usize| -> Vec<f64> { (0..n).map(|_| self.draws.normal()).collect() };
        let (observation, next, action) = (normals(FEATURES), normals(FEATURES), normals(ACTIONS));
        let action: Vec<f32> = action.iter().map(|a| a.tanh() as f32).collect();
        self.agent.observe(&Transition {
            observation: &observation,
            action: &action,
            reward: self.draws.unit(),
            next_observation: &next,
            terminated: false,
            truncated: true,
        });
    }
}

impl Contender for Learner {
    fn step(&mut self) -> f64 {
        self.observe();
        self.agent.learn().expect("an update").expect("one is due").critic
    }

    fn microseconds(&mut self, steps: usize) -> f64 {
        (0..steps / 10).for_each(|_| _ = self.step());
        clock::seconds(|| (0..steps).for_each(|_| _ = self.step())) * 1e6 / steps as f64
    }
}

fn main() {
    plasticity_bench::cli::settle();
    let arguments = Arguments::parse();
    let activations = names::known(arguments.activations.clone());
    let Some(first) = activations.first() else { return };
    if arguments.serve {
        return serve(|| Learner::new(first, arguments.batch));
    }
    let mut learners: Vec<Learner> = activations.iter().map(|a| Learner::new(a, arguments.batch)).collect();
    let mut times = vec![Vec::new(); learners.len()];
    for _ in 0..arguments.rounds {
        for (learner, times) in learners.iter_mut().zip(&mut times) {
            times.push(learner.microseconds(arguments.steps));
        }
    }
    let title = format!("One update of SAC, batch {} ({})", arguments.batch, clock::name());
    let mut table = Table::new(&title, &["activation", "median ms", "least ms", "updates a second"]);
    for (name, times) in activations.iter().zip(&times) {
        let (middle, best) = (median(times), least(times));
        let cells =
            [format!("{:.2}", middle / 1e3), format!("{:.2}", best / 1e3), format!("{:.0}", 1e6 / middle)];
        table.row([vec![name.clone()], cells.to_vec()].concat());
    }
    table.print();
}
