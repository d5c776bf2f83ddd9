//! The dialogue that `peers/run.py` has with every contender: a line `time STEPS` or `trace STEPS`
//! comes in, a line of JSON goes out. Each answer begins at the start values and the first batch.

use std::io::{BufRead, Write, stdin, stdout};

use super::problem::Problem;
use super::trainer::{Case, Trainer};

/// Answers until the input ends.
pub fn serve(problem: &Problem, case: &Case) {
    println!(
        r#"{{"ready": "plasticity-bench {} ({})"}}"#,
        env!("CARGO_PKG_VERSION"),
        plasticity_bench::kernels::name()
    );
    for line in stdin().lock().lines() {
        let line = line.expect("the dialogue is text");
        let (command, steps) = line.split_once(' ').expect("a command and a number");
        let steps: usize = steps.parse().expect("a number of steps");
        let mut trainer = Trainer::new(problem, case);
        match command {
            "trace" => {
                let losses: Vec<f64> = (0..steps).map(|_| trainer.step()).collect();
                println!(r#"{{"losses": {losses:?}}}"#);
            }
            _ => println!(r#"{{"us_per_step": {}}}"#, trainer.microseconds(steps)),
        }
        stdout().flush().expect("the other side listens");
    }
}
