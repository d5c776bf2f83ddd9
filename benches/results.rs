//! Result folders by the thousand: how long `status`, `run` over finished runs and `report` take on them, and
//! the most memory that each holds.
//!
//! `cargo bench --bench results -- 10000` writes 10,000 runs of 50 tasks (5 GB: 10 variants, the standard
//! probes, coefficients of the rationals) into a temporary folder (`TMPDIR`) and measures the program on them.
//! Without a number, or as a test, it is a hundred.
//!
//! `cargo bench --bench results -- 10000 sweep` writes that many variants of three seeds each instead, with
//! nothing but their tasks: what an equal-budget sweep leaves.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use plasticity_bench::catalogue::catalogue;
use plasticity_bench::record::{
    CoefficientRow, Phase, ProbeRow, RUN_FILE, Row, RunStatus, Status, TaskRow, TimeRow,
};
use plasticity_bench::spec::{Plan, Spec};

const PROGRAM: &str = env!("CARGO_BIN_EXE_plasticity-bench");
const TASKS: usize = 50;
const VARIANTS: usize = 10;
/// What the standard set writes.
const PROBES: [&str; 20] = [
    "srank",
    "effective_rank",
    "numerical_rank",
    "feature_rank",
    "stable_rank",
    "participation_ratio",
    "dead_units",
    "dormant_units_0.025",
    "dormant_units_0.1",
    "constant_units_0.025",
    "constant_units_0.1",
    "saturated_units",
    "output_scale_rms",
    "output_scale_max_abs",
    "output_scale_tail_slope",
    "output_scale_steepest",
    "output_scale_least_denominator",
    "weight_norm",
    "gradient_norm",
    "update_norm",
];
/// Its place in the template.
const RUN: &str = "RUN-RUN-RUN";

fn spec(seeds: usize) -> String {
    format!(
        "name = \"many\"\n\
         data = {{ dataset = \"generated-digits\", scaling = \"unit\" }}\n\
         stream = {{ family = \"shuffled-labels\", tasks = {TASKS}, examples = 64, steps = 100, batch_size = 16 }}\n\
         network = {{ kind = \"mlp\", hidden = [100, 100] }}\n\
         optimizer = \"adam\"\n\
         [grid]\n\
         seeds = \"0..{seeds}\"\n\
         activation = [\"relu\", \"tanh\", \"swish\", \"rational\", {{ name = \"rational\", constraint = \"tail-slope\" }}]\n\
         \"optimizer.learning_rate\" = [1e-3, 1e-4]\n"
    )
}

/// As many variants as learning rates.
fn sweep(variants: usize) -> String {
    let rates: Vec<String> = (1..=variants).map(|i| format!("{:e}", 1e-6 * i as f64)).collect();
    let head = spec(3);
    let head = &head[..head.find("activation = [").expect("the grid")];
    format!("{head}\"optimizer.learning_rate\" = [{}]\n", rates.join(", "))
}

/// The text of one kind of file of a run.
fn text<R: Row>(rows: impl Iterator<Item = R>) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    rows.for_each(|row| writer.serialize(row).expect("a row"));
    String::from_utf8(writer.into_inner().expect("memory")).expect("text")
}

/// A number in [0, 1) that looks measured.
fn noise(of: usize) -> f64 {
    (of.wrapping_mul(2_654_435_761) % 1_000_003) as f64 / 1_000_003.0
}

fn tasks(plan: &Plan, run: &str, number: usize) -> String {
    text((0..TASKS).map(|task| TaskRow {
        run: run.to_owned(),
        benchmark: plan.name.clone(),
        dataset: plan.data().dataset.clone(),
        family: plan.stream().family.name.clone(),
        network: "mlp hidden=100-100".to_owned(),
        activation: plan.activation.name.clone(),
        method: "none".to_owned(),
        optimizer: "adam".to_owned(),
        learning_rate: plan.optimizer.number("learning_rate"),
        seed: plan.seed,
        task,
        status: Status::Done,
        steps: Some(100),
        examples: Some(64),
        online_accuracy: Some(noise(number * TASKS + task)),
        online_loss: Some(noise(number + task)),
        train_accuracy: Some(noise(number * 7 + task)),
        train_loss: Some(noise(number * 3 + task)),
        scored: Some(true),
        ..TaskRow::default()
    }))
}

fn times(run: &str) -> String {
    let row = |task| TimeRow { run: run.to_owned(), task, seconds: 0.25, steps_per_second: 400.0 };
    text((0..TASKS).map(row))
}

fn phases() -> impl Iterator<Item = (usize, Phase, String)> {
    let layers = |task, phase| ["layers.0", "layers.1"].map(|layer| (task, phase, layer.to_owned()));
    (0..TASKS).flat_map(move |task| [Phase::Start, Phase::End].into_iter().flat_map(move |p| layers(task, p)))
}

fn probes() -> String {
    text(phases().flat_map(|(task, phase, layer)| {
        PROBES.into_iter().enumerate().map(move |(number, probe)| ProbeRow {
            run: RUN.to_owned(),
            task,
            phase,
            layer: layer.clone(),
            units: Some(100),
            samples: Some(2000),
            probe: probe.to_owned(),
            value: Some(noise(task * 20 + number)),
        })
    }))
}

fn coefficients() -> String {
    let names = (0..6).map(|i| format!("a{i}")).chain((1..5).map(|i| format!("b{i}")));
    let names: Vec<String> = names.collect();
    text(phases().flat_map(|(task, phase, layer)| {
        names.clone().into_iter().map(move |coefficient| CoefficientRow {
            run: RUN.to_owned(),
            task,
            phase,
            layer: layer.clone(),
            set: 0,
            value: noise(task + coefficient.len()),
            coefficient,
        })
    }))
}

/// Writes the runs of `plans` below `out`, all of them done.
fn write(out: &Path, plans: &[Plan], measured: bool) {
    let (probes, coefficients) = (probes(), coefficients());
    let begun = RunStatus::begin("", "cpu", 1, "none").end(Status::Done, 12.5, None);
    let status = tempfile::tempdir().expect("a temporary folder");
    begun.write(status.path(), "").expect("a status");
    let status = fs::read_to_string(status.path().join(RUN_FILE)).expect("it was written");
    for (number, plan) in plans.iter().enumerate() {
        let run = plan.slug();
        let dir = out.join(&plan.name).join(&run);
        fs::create_dir_all(&dir).expect("a run's folder");
        let put = |name: &str, text: &str| fs::write(dir.join(name), text).expect("room on the disk");
        put(RUN_FILE, &format!("{}\n{status}", plan.to_toml()));
        put(TaskRow::FILE, &tasks(plan, &run, number));
        put(TimeRow::FILE, &times(&run));
        if !measured {
            continue;
        }
        put(ProbeRow::FILE, &probes.replace(RUN, &run));
        if plan.activation.name == "rational" {
            put(CoefficientRow::FILE, &coefficients.replace(RUN, &run));
        }
    }
}

/// Most memory that the process has held so far, in MiB; what Linux alone tells.
fn peak(child: &Child) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? / 1024)
}

fn measure(folder: &Path, arguments: &[&str]) {
    let begun = Instant::now();
    let mut command = Command::new(PROGRAM);
    command.current_dir(folder).args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().expect("the program starts");
    let mut most = None;
    let status = loop {
        most = peak(&child).max(most);
        match child.try_wait().expect("the program ends") {
            Some(status) => break status,
            None => sleep(Duration::from_millis(2)),
        }
    };
    let seconds = begun.elapsed().as_secs_f64();
    let memory = most.map_or("unknown memory".to_owned(), |most| format!("{most} MiB"));
    println!("{:<24} {seconds:8.2} s   {memory}", arguments[..2].join(" "));
    assert!(status.success(), "{arguments:?}: {status}");
}

fn main() {
    let runs = std::env::args().skip(1).find_map(|argument| argument.parse().ok()).unwrap_or(100_usize);
    let swept = std::env::args().any(|argument| argument == "sweep");
    let folder = tempfile::tempdir().expect("a temporary folder");
    let text = if swept { sweep(runs) } else { spec(runs.div_ceil(VARIANTS)) };
    fs::write(folder.path().join("spec.toml"), &text).expect("room on the disk");
    let spec = Spec::parse(&text, "spec.toml", &[], &catalogue()).expect("the spec above");
    let plans = spec.plans(None).expect("seeds");
    let begun = Instant::now();
    write(&folder.path().join("results"), &plans, !swept);
    println!("{} runs of {TASKS} tasks, written in {:.1} s", plans.len(), begun.elapsed().as_secs_f64());
    measure(folder.path(), &["status", "results"]);
    measure(folder.path(), &["run", "spec.toml", "--jobs", "2"]);
    measure(folder.path(), &["report", "results", "--out", "report"]);
}
