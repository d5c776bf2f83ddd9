//! Time of one training step with each method beside the step without, in microseconds: MLP 784-256-256-10 of
//! relus, Adam (SGD where a method asks for it), in interleaved rounds.
//!
//! cargo bench --bench methods
//! cargo bench --bench methods -- l2-init redo --batch 64
//!
//! Methods have their defaults; steps are those within a task. What happens at a task's edge is not timed.

mod support;

use clap::Parser;
use plasticity_bench::methods;
use support::clock::{self, least, median};
use support::problem::Problem;
use support::serve::Contender;
use support::table::Table;
use support::trainer::{Case, Trainer};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What is timed alone where no method is named: everything else works on weights at every step.
const ON_DATA: [&str; 2] = ["joint", "replay"];

#[derive(Parser)]
struct Arguments {
    /// Methods; all that work on weights if absent.
    methods: Vec<String>,
    /// Examples per step.
    #[arg(long, default_value_t = 16)]
    batch: usize,
    /// Hidden widths.
    #[arg(long, value_delimiter = ',', default_values_t = [256, 256])]
    hidden: Vec<i64>,
    /// Rounds; the medians of their ratios are printed.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Steps per method and round.
    #[arg(long, default_value_t = 2000)]
    steps: usize,
    /// cargo passes it to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    plasticity_bench::cli::settle();
    let arguments = Arguments::parse();
    let entries = methods::entries();
    let known: Vec<&str> = entries.iter().map(|entry| entry.name).collect();
    if let Some(unknown) = arguments.methods.iter().find(|name| !known.contains(&name.as_str())) {
        eprintln!("no method is named {unknown}: take some of {}", known.join(", "));
        return;
    }
    let chosen = |name: &&str| match &arguments.methods[..] {
        [] => *name != "none" && !ON_DATA.contains(name),
        names => names.iter().any(|chosen| chosen == name),
    };
    // A method's step is held against that of its own optimiser.
    let optimizer = |method: &str| if method == "upgd" { "sgd" } else { "adam" };
    let mut cases: Vec<(&str, &str)> = vec![("none", "adam")];
    for name in known.iter().filter(|name| chosen(name)) {
        cases.push((name, optimizer(name)));
        if optimizer(name) == "sgd" {
            cases.insert(1, ("none", "sgd"));
        }
    }
    let problem = Problem::drawn();
    let case = Case { activation: "relu".into(), hidden: arguments.hidden.clone(), batch: arguments.batch };
    let with = |(method, optimizer): &(&str, &str)| Trainer::with(&problem, &case, optimizer, method);
    let mut trainers: Vec<Trainer> = cases.iter().map(with).collect();
    let mut times = vec![Vec::new(); cases.len()];
    for _ in 0..arguments.rounds {
        for (trainer, times) in trainers.iter_mut().zip(&mut times) {
            times.push(trainer.microseconds(arguments.steps));
        }
    }
    let title = format!("One training step of {} ({})", case.label(), clock::name());
    let mut table = Table::new(&title, &["method", "median µs", "least µs", "÷ none"]);
    for ((method, optimizer), own) in cases.iter().zip(&times) {
        let none = cases.iter().position(|other| *other == ("none", *optimizer)).expect("it is listed");
        let ratios: Vec<f64> = own.iter().zip(&times[none]).map(|(a, b)| a / b).collect();
        let label =
            if *optimizer == "adam" { (*method).to_owned() } else { format!("{method} ({optimizer})") };
        let figures = [median(own), least(own)].map(|time| format!("{time:.1}"));
        let [middle, low] = figures;
        table.row(vec![label, middle, low, format!("{:.2}", median(&ratios))]);
    }
    table.print();
}
