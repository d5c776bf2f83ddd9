//! Whole runs on generated digits: the same bytes whatever the number of jobs, probed or not, in one go
//! or interrupted; a network that diverges is a row and not an end.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use plasticity_bench::data::{self, DataSet, Silent};
use plasticity_bench::nn::activation::registry;
use plasticity_bench::probes;
use plasticity_bench::runner::{Options, Recording, Summary, Trainer, run_all};
use plasticity_bench::spec::{Length, Plan, Value};
use plasticity_bench::train::checkpoint::Keep;
use plasticity_bench::train::control::{Control, Outcome};

fn digits() -> DataSet {
    data::load("generated-digits", None, &mut Silent).unwrap()
}

fn trainer(keep: Keep) -> Trainer {
    Trainer::new([digits()], keep, true)
}

/// One plan an activation, with probes and the paired fresh network.
fn plans() -> Vec<Plan> {
    let mut plans: Vec<Plan> =
        registry().iter().map(|r| common::plan(common::activation(r.entry.name))).collect();
    for plan in &mut plans {
        plan.probes.names = probes::STANDARD.iter().map(|&name| name.to_owned()).collect();
        plan.probes.plasticity_gap = true;
    }
    plans
}

fn run(plans: &[Plan], out: &Path, jobs: usize) -> Summary {
    let options = Options { jobs, quiet: true, ..Options::new(out) };
    run_all(plans, &trainer(Keep::Last), &options).unwrap()
}

/// Every CSV file below `dir` by its path there, without the timing columns.
fn rows(dir: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "csv") {
                let text = fs::read_to_string(&path).unwrap();
                let name = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
                files.insert(name.clone(), if name.ends_with("tasks.csv") { untimed(&text) } else { text });
            }
        }
    }
    files
}

/// Without `seconds` and `steps_per_second`, the last two columns.
fn untimed(text: &str) -> String {
    let cut = |line: &str| line.rsplitn(3, ',').nth(2).unwrap().to_owned() + "\n";
    text.lines().map(cut).collect()
}

#[test]
fn one_job_or_two_and_a_second_time_give_the_same_bytes() {
    let out = [(); 3].map(|()| tempfile::tempdir().unwrap());
    for (out, jobs) in out.iter().zip([1, 2, 2]) {
        let summary = run(&plans(), out.path(), jobs);
        assert_eq!((summary.done, summary.failed), (plans().len(), 0), "{:?}", summary.failures);
    }
    let [one, two, again] = out.each_ref().map(|out| rows(out.path()));
    let tasks = one.iter().find(|(name, _)| name.ends_with("tasks.csv")).unwrap().1;
    assert_eq!(tasks.lines().count(), 3, "{tasks}");
    assert!(one.keys().any(|name| name.ends_with("probes.csv")));
    assert_eq!(one, two);
    assert_eq!(two, again);
}

#[test]
fn probes_and_the_fresh_network_leave_the_training_as_it_is() {
    let out = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let mut bare = plans();
    for plan in &mut bare {
        (plan.probes.names, plan.probes.plasticity_gap) = (Vec::new(), false);
    }
    run(&plans(), out[0].path(), 2);
    run(&bare, out[1].path(), 2);
    // The folders differ, since the plans do; steps.csv holds every loss, after the run's own name.
    let losses = |out: &Path| {
        let mut all: Vec<String> = rows(out)
            .into_iter()
            .filter(|(name, _)| name.ends_with("steps.csv"))
            .map(|(_, text)| {
                text.lines().map(|line| line.split_once(',').unwrap().1.to_owned() + "\n").collect()
            })
            .collect();
        all.sort();
        all
    };
    let (probed, unprobed) = (losses(out[0].path()), losses(out[1].path()));
    assert_eq!(probed.len(), plans().len());
    assert!(probed.iter().all(|text| text.lines().count() == 121));
    assert_eq!(probed, unprobed);
}

/// One run in `dir`, from whatever is there.
fn train_in(dir: &Path, plan: &Plan, data: &Arc<DataSet>, keep: Keep, control: &Control) -> Outcome {
    fs::create_dir_all(dir).unwrap();
    let mut recording = Recording::new(plan, dir, true);
    plasticity_bench::train::run(plan, Arc::clone(data), dir, keep, &mut recording, control).unwrap()
}

/// Raises the interrupt at the given report and lets the run end; then goes on from what is on disk.
#[test]
fn an_interrupted_run_goes_on_to_the_same_bytes() {
    for (number, mut plan) in plans().into_iter().enumerate() {
        plan.stream.tasks = 3;
        let (whole, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let data = Arc::new(digits());
        let go =
            |dir: &Path, control: &Control| train_in(&dir.join("run"), &plan, &data, Keep::Last, control);
        assert_eq!(go(whole.path(), &Control::deaf()), Outcome::Done);
        // Interrupted at the end of the first or of the second task.
        let (flag, ends) = (Arc::new(AtomicBool::new(false)), AtomicUsize::new(number % 2));
        let raise = Arc::clone(&flag);
        let control = Control::new(flag, move |progress| {
            if progress.task_ended && ends.fetch_sub(1, Ordering::Relaxed) == 0 {
                raise.store(true, Ordering::Relaxed);
            }
        });
        assert_eq!(go(broken.path(), &control), Outcome::Interrupted);
        assert_ne!(rows(whole.path()), rows(broken.path()));
        // A torn row, as a kill leaves it, is cut off.
        let torn = broken.path().join("run/steps.csv");
        fs::write(&torn, fs::read_to_string(&torn).unwrap() + "run,2,1").unwrap();
        assert_eq!(go(broken.path(), &Control::deaf()), Outcome::Done);
        assert_eq!(rows(whole.path()), rows(broken.path()), "{}", plan.activation.name);
    }
}

#[test]
fn a_network_that_diverges_is_a_row_and_the_others_finish() {
    let out = tempfile::tempdir().unwrap();
    let mut wild = common::plan(common::activation("identity"));
    wild.optimizer = common::defaults(&plasticity_bench::train::optimizer::entries()[2]);
    wild.optimizer.parameters.insert("learning_rate".into(), Value::Number(1e6));
    let tame = common::plan(common::activation("relu"));
    let summary = run(&[wild, tame], out.path(), 2);
    assert_eq!((summary.diverged, summary.done, summary.failed), (1, 1, 0), "{:?}", summary.failures);
    let tasks = fs::read_to_string(summary.runs[0].dir.join("tasks.csv")).unwrap();
    let row = tasks.lines().nth(1).unwrap();
    assert!(tasks.lines().count() == 2 && row.contains(",0,diverged,"), "{tasks}");
    let status = fs::read_to_string(summary.runs[0].dir.join("run.toml")).unwrap();
    assert!(status.contains("status = \"diverged\"") && status.contains("task 0 at step"), "{status}");
}

#[test]
fn a_damaged_checkpoint_is_passed_over_for_the_one_before() {
    let mut plan = common::plan(common::activation("tanh"));
    (plan.stream.tasks, plan.stream.length) = (3, Length::Steps(10));
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [whole, damaged] = folders.each_ref().map(|folder| folder.path().join("run"));
    let data = Arc::new(digits());
    let go = |dir: &Path| train_in(dir, &plan, &data, Keep::All, &Control::deaf());
    go(&whole);
    go(&damaged);
    let newest = damaged.join("checkpoints/task-0003.safetensors");
    let mut bytes = fs::read(&newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&newest, bytes).unwrap();
    fs::remove_file(damaged.join("checkpoints/task-0002.toml")).unwrap();
    assert_eq!(go(&damaged), Outcome::Done);
    assert_eq!(rows(&whole), rows(&damaged));
    let file = |dir: &Path| fs::read(dir.join("checkpoints/task-0003.safetensors")).unwrap();
    assert_eq!(file(&whole), file(&damaged));
}
