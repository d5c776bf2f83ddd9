//! The dialogue that `peers/run.py` has with every contender: a line `time STEPS` or `trace STEPS`
//! comes in, a line of JSON goes out. Each answer begins at the start values and the first batch.

use std::io::{BufRead, Write, stdin, stdout};

/// What answers.
pub trait Contender {
    /// One step; its loss before the update.
    fn step(&mut self) -> f64;
    /// Microseconds per step over so many steps.
    fn microseconds(&mut self, steps: usize) -> f64;
}

/// Answers until the input ends, each time with a new contender.
pub fn serve<C: Contender>(make: impl Fn() -> C) {
    println!(
        r#"{{"ready": "plasticity-bench {} ({})"}}"#,
        env!("CARGO_PKG_VERSION"),
        plasticity_bench::kernels::name()
    );
    for line in stdin().lock().lines() {
        let line = line.expect("the dialogue is text");
        let (command, steps) = line.split_once(' ').expect("a command and a number");
        let steps: usize = steps.parse().expect("a number of steps");
        let mut contender = make();
        match command {
            "trace" => {
                let losses: Vec<f64> = (0..steps).map(|_| contender.step()).collect();
                println!(r#"{{"losses": {losses:?}}}"#);
            }
            _ => println!(r#"{{"us_per_step": {}}}"#, contender.microseconds(steps)),
        }
        stdout().flush().expect("the other side listens");
    }
}
