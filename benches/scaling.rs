//! How training scales: worker threads, batch, width, and memory by concurrent runs.
//!
//! cargo bench --bench scaling [-- --only threads,batch,width,memory --activation rational --csv DIR]

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use support::clock::{self, median};
use support::problem::Problem;
use support::serve::Contender;
use support::table::Table;
use support::trainer::{Case, Trainer};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const ROUNDS: usize = 3;

#[derive(Parser)]
struct Arguments {
    /// Which tables.
    #[arg(long, value_delimiter = ',', default_values = ["memory", "threads", "batch", "width"])]
    only: Vec<String>,
    /// Activation, constraint after a plus sign.
    #[arg(long, default_value = "relu")]
    activation: String,
    /// Worker threads; 1, 2, 4, … up to the machine's if absent.
    #[arg(long, value_delimiter = ',')]
    threads: Vec<usize>,
    /// Seconds per measurement of throughput.
    #[arg(long, default_value_t = 1.0)]
    seconds: f64,
    /// Folder for one CSV file per table.
    #[arg(long)]
    csv: Option<PathBuf>,
    /// cargo passes it to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    plasticity_bench::cli::settle();
    let arguments = Arguments::parse();
    let problem = Problem::drawn();
    for name in &arguments.only {
        let table = match name.as_str() {
            // Before the others, which leave memory with the allocator.
            "memory" => memory(&problem, &arguments.activation),
            "threads" => threads(&problem, &arguments),
            "batch" => batches(&problem, &arguments.activation),
            "width" => widths(&problem, &arguments.activation),
            other => {
                eprintln!("--only: no table is named {other}: take memory, threads, batch, width.");
                std::process::exit(2);
            }
        };
        table.print();
        table.write(arguments.csv.as_deref(), name);
    }
}

fn case(activation: &str, width: i64, batch: usize) -> Case {
    Case { activation: activation.into(), hidden: vec![width, width], batch }
}

/// Steps per second of all threads together, each with a network of its own.
fn threads(problem: &Problem, arguments: &Arguments) -> Table {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let mut counts = arguments.threads.clone();
    if counts.is_empty() {
        counts.extend((0..).map(|i| 1 << i).take_while(|&n| n < cores).chain([cores]));
    }
    let cases = [case(&arguments.activation, 100, 16), case(&arguments.activation, 256, 64)];
    let title = format!("Steps per second by worker threads, {} ({cores} cores)", arguments.activation);
    let mut table = Table::new(&title, &["threads", "100-100 b16", "× one", "256-256 b64", "× one"]);
    let seconds = Duration::from_secs_f64(arguments.seconds);
    let mut rates = vec![[const { Vec::new() }; 2]; counts.len()];
    for _ in 0..ROUNDS {
        for (rates, &count) in rates.iter_mut().zip(&counts) {
            for (rates, case) in rates.iter_mut().zip(&cases) {
                rates.push(throughput(problem, case, count, seconds));
            }
        }
    }
    for (&count, row) in counts.iter().zip(&rates) {
        let mut cells = vec![count.to_string()];
        for (index, own) in row.iter().enumerate() {
            let ratios: Vec<f64> = own.iter().zip(&rates[0][index]).map(|(a, b)| a / b).collect();
            cells.extend([format!("{:.0}", median(own)), format!("{:.2}", median(&ratios))]);
        }
        table.row(cells);
    }
    table
}

fn throughput(problem: &Problem, case: &Case, count: usize, duration: Duration) -> f64 {
    let (start, stop) = (Barrier::new(count + 1), AtomicBool::new(false));
    thread::scope(|scope| {
        let workers: Vec<_> = (0..count)
            .map(|_| {
                scope.spawn(|| {
                    let mut trainer = Trainer::new(problem, case);
                    (0..20).for_each(|_| _ = trainer.step());
                    start.wait();
                    let (mut steps, started) = (0usize, Instant::now());
                    while !stop.load(Ordering::Relaxed) {
                        trainer.step();
                        steps += 1;
                    }
                    steps as f64 / started.elapsed().as_secs_f64()
                })
            })
            .collect();
        start.wait();
        thread::sleep(duration);
        stop.store(true, Ordering::Relaxed);
        workers.into_iter().map(|worker| worker.join().expect("a worker")).sum()
    })
}

fn batches(problem: &Problem, activation: &str) -> Table {
    let cases: Vec<Case> = [1, 4, 16, 64, 256].iter().map(|&b| case(activation, 256, b)).collect();
    let title = format!("A step of 784-256-256-10 by batch, {activation} ({})", clock::name());
    step_times(problem, &title, "batch", &cases, |case| case.batch.to_string())
}

fn widths(problem: &Problem, activation: &str) -> Table {
    let cases: Vec<Case> = [32, 64, 128, 256, 512, 1024].iter().map(|&w| case(activation, w, 16)).collect();
    let title = format!("A step of 784-w-w-10 at batch 16 by width, {activation} ({})", clock::name());
    step_times(problem, &title, "width", &cases, |case| case.hidden[0].to_string())
}

/// One row per case: time of a step, of an example, and the arithmetic that this comes to.
fn step_times(
    problem: &Problem,
    title: &str,
    what: &str,
    cases: &[Case],
    name: fn(&Case) -> String,
) -> Table {
    let mut trainers: Vec<Trainer> = cases.iter().map(|case| Trainer::new(problem, case)).collect();
    let mut times = vec![Vec::new(); cases.len()];
    for _ in 0..ROUNDS {
        for ((case, trainer), times) in cases.iter().zip(&mut trainers).zip(&mut times) {
            // Some tenths of a second.
            let steps = (1.5e10 / case.flop()).clamp(10.0, 20_000.0) as usize;
            times.push(trainer.microseconds(steps));
        }
    }
    let mut table = Table::new(title, &[what, "µs per step", "µs per example", "GFLOP/s"]);
    for (case, times) in cases.iter().zip(&times) {
        let us = median(times);
        let per_example = us / case.batch as f64;
        let rate = case.flop() / us * 1e-3;
        table.row(vec![name(case), format!("{us:.1}"), format!("{per_example:.2}"), format!("{rate:.1}")]);
    }
    table
}

/// Resident memory by networks alive at once, each after some steps. Grows only, so that what the
/// allocator keeps of an earlier row is in use in the next one.
fn memory(problem: &Problem, activation: &str) -> Table {
    let title = format!("Memory by concurrent runs of 784-100-100-10 with Adam, {activation}");
    let mut table = Table::new(&title, &["runs", "resident MB", "MB above none", "MB per run"]);
    let mut trainers = Vec::new();
    // The shared images are copied on first use.
    Trainer::new(problem, &case(activation, 100, 16)).step();
    let Some(without) = resident() else {
        println!("\nMemory skipped: /proc/self/status has no VmRSS on this system.");
        return table;
    };
    for runs in [0, 1, 2, 4, 8, 16] {
        while trainers.len() < runs {
            let mut trainer = Trainer::new(problem, &case(activation, 100, 16));
            (0..50).for_each(|_| _ = trainer.step());
            trainers.push(trainer);
        }
        let now = resident().unwrap_or(without);
        let per_run = if runs == 0 { String::new() } else { format!("{:.2}", (now - without) / runs as f64) };
        table.row(vec![runs.to_string(), format!("{now:.1}"), format!("{:.1}", now - without), per_run]);
    }
    table
}

/// `VmRSS` in megabytes.
fn resident() -> Option<f64> {
    let status = fs::read_to_string(Path::new("/proc/self/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kibibytes * 1024.0 * 1e-6)
}
