//! Time of one training step of an MLP 784-…-10 with Adam, in microseconds: activations × batches, in
//! interleaved rounds.
//!
//! cargo bench --bench step -- relu rational rational+tail-slope --batch 16,64 --hidden 256,256
//! cargo bench --bench step -- --all --batch 16        every activation and constraint, against relu
//! cargo bench --bench step -- relu --json             a line of JSON per case

mod support;

use std::path::PathBuf;

use clap::Parser;
use support::clock::{self, least, median};
use support::names;
use support::problem::Problem;
use support::serve::{Contender, serve};
use support::table::Table;
use support::trainer::{Case, Trainer};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[allow(clippy::struct_excessive_bools, reason = "switches of a command line")]
struct Arguments {
    /// Activations, constraints after a plus sign.
    #[arg(default_values = ["relu", "rational"])]
    activations: Vec<String>,
    /// Every registered activation and constraint.
    #[arg(long)]
    all: bool,
    /// Examples per step.
    #[arg(long, value_delimiter = ',', default_values_t = [16, 64])]
    batch: Vec<usize>,
    /// Hidden widths.
    #[arg(long, value_delimiter = ',', default_values_t = [256, 256])]
    hidden: Vec<i64>,
    /// Rounds; their median is printed.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Examples per case and round; the number of steps follows from it.
    #[arg(long, default_value_t = 32_000)]
    examples: usize,
    /// A line of JSON per case in place of the table.
    #[arg(long)]
    json: bool,
    /// Data and start values, a safetensors file as peers/run.py writes it; drawn if absent.
    #[arg(long)]
    problem: Option<PathBuf>,
    /// Answer peers/run.py on the first activation and batch.
    #[arg(long)]
    serve: bool,
    /// cargo passes it to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    plasticity_bench::cli::settle();
    let mut arguments = Arguments::parse();
    if arguments.all {
        arguments.activations = names::all();
    }
    let activations = names::known(arguments.activations);
    let hidden = arguments.hidden;
    let cases: Vec<Case> = activations
        .iter()
        .flat_map(|activation| arguments.batch.iter().map(move |&batch| (activation.clone(), batch)))
        .map(|(activation, batch)| Case { activation, hidden: hidden.clone(), batch })
        .collect();
    let Some(first) = cases.first() else { return };
    let problem =
        arguments.problem.map_or_else(Problem::drawn, |path| Problem::read(&path).expect("a problem"));
    if arguments.serve {
        return serve(|| Trainer::new(&problem, first));
    }
    let mut trainers: Vec<Trainer> = cases.iter().map(|case| Trainer::new(&problem, case)).collect();
    let mut times = vec![Vec::new(); cases.len()];
    for _ in 0..arguments.rounds {
        for ((case, trainer), times) in cases.iter().zip(&mut trainers).zip(&mut times) {
            times.push(trainer.microseconds((arguments.examples / case.batch).max(10)));
        }
    }
    if arguments.json {
        for (case, times) in cases.iter().zip(&times) {
            let Case { activation, hidden, batch } = case;
            let (middle, least) = (median(times), least(times));
            println!(
                r#"{{"activation": "{activation}", "hidden": {hidden:?}, "batch": {batch}, "us_per_step": {middle}, "least": {least}}}"#
            );
        }
    } else {
        table(&cases, &times).print();
    }
}

/// One row per case; against relu of the same batch, by the median of the rounds' ratios.
fn table(cases: &[Case], times: &[Vec<f64>]) -> Table {
    let title = format!("One training step ({})", clock::name());
    let mut table = Table::new(&title, &["network", "median µs", "least µs", "÷ relu"]);
    for (case, own) in cases.iter().zip(times) {
        let relu = cases.iter().position(|c| c.activation == "relu" && c.batch == case.batch);
        let ratio = relu.map_or(String::new(), |relu| {
            let ratios: Vec<f64> = own.iter().zip(&times[relu]).map(|(a, b)| a / b).collect();
            format!("{:.2}", median(&ratios))
        });
        table.row(vec![case.label(), format!("{:.1}", median(own)), format!("{:.1}", least(own)), ratio]);
    }
    table
}
