//! Whole runs on generated digits: the same bytes whatever the number of jobs, probed or not, in one go
//! or interrupted; a network that diverges is a row and not an end.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use plasticity_bench::data::{self, DataSet, Silent};
use plasticity_bench::measure::Recording;
use plasticity_bench::nn::activation::registry;
use plasticity_bench::probes;
use plasticity_bench::record::{RetentionRow, Row, TaskRow, TimeRow, read};
use plasticity_bench::runner::{Options, Summary, Trainer, run_all};
use plasticity_bench::spec::{Augmentation, Choice, DataPlan, Entry, Head, Length, Plan, Scaling, Value};
use plasticity_bench::tasks::TaskStream;
use plasticity_bench::train::checkpoint::{Keep, Policy};
use plasticity_bench::train::signals::{Outcome, Signals};
use plasticity_bench::train::{Edge, Observer, Rows, StepTrace, TaskResult, View};

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

/// Every CSV file below `dir` by its path there, but for the times.
fn rows(dir: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "csv") && !path.ends_with(TimeRow::FILE) {
                let name = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    files
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

#[test]
fn probes_of_whole_networks_leave_the_training_as_it_is_and_come_again_after_a_stop() {
    let data = Arc::new(digits());
    for activation in ["aid", "mixture"] {
        let mut plan = common::plan(common::activation(activation));
        (plan.probes.samples, plan.stream_mut().examples) = (20, Some(50));
        plan.probes.names = probes::entries().iter().map(|entry| entry.name.to_owned()).collect();
        let mut bare = plan.clone();
        bare.probes.names.clear();
        let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let [whole, broken, unprobed] = folders.each_ref().map(|folder| folder.path().join("run"));
        train_in(&whole, &plan, &data, Keep::Last, &Signals::none());
        train_in(&unprobed, &bare, &data, Keep::None, &Signals::none());
        assert_eq!(rows(&whole)["steps.csv"], rows(&unprobed)["steps.csv"], "{activation}");
        assert_eq!(rows(&whole)["tasks.csv"], rows(&unprobed)["tasks.csv"], "{activation}");
        for steps in [1, 5] {
            assert_eq!(attempt(&broken, &plan, &data, Keep::Last, steps), (Outcome::Interrupted, vec![]));
        }
        assert_eq!(attempt(&broken, &plan, &data, Keep::Last, usize::MAX).0, Outcome::Done);
        assert!(rows(&whole) == rows(&broken), "{activation}");
        let measured = &rows(&whole)["probes.csv"];
        for probe in
            ["curvature", "hessian_rank_0.1", "ntk_rank", "refit_plasticity", "preactivation_overlap"]
        {
            assert!(measured.contains(&format!(",{probe},")), "{activation}: no {probe}\n{measured}");
        }
    }
}

#[test]
fn every_family_has_a_plasticity_gap_with_and_without_a_head_a_task() {
    let data = Arc::new(digits());
    // Of digits: `permuted-alphabet` is for text.
    for entry in plasticity_bench::tasks::entries().into_iter().filter(|e| e.name != "permuted-alphabet") {
        for head in [Head::Single, Head::Multi] {
            if head == Head::Multi && entry.name == "incremental-classes" {
                continue; // Its tasks share their classes, and heads of their own are refused.
            }
            let mut plan = common::plan(common::activation("relu"));
            plan.probes.plasticity_gap = true;
            let stream = plan.stream_mut();
            (stream.family, stream.tasks, stream.head) = (common::defaults(&entry), 2, head);
            (stream.examples, stream.length) = (Some(300), Length::Steps(6));
            let folder = tempfile::tempdir().unwrap();
            let run = folder.path().join("run");
            assert_eq!(train_in(&run, &plan, &data, Keep::None, &Signals::none()), Outcome::Done);
            let tasks = read::<TaskRow>(&run).unwrap();
            assert_eq!(tasks.len(), 2, "{}", entry.name);
            for row in tasks {
                let fresh = row.fresh_online_accuracy.unwrap();
                assert_eq!(row.plasticity_gap, Some(fresh - row.online_accuracy.unwrap()), "{}", entry.name);
                assert!(row.loss_gap.is_some_and(f64::is_finite), "{}", entry.name);
            }
        }
    }
}

/// One run in `dir`, from whatever is there.
fn train_in(
    dir: &Path,
    plan: &Plan,
    data: &Arc<DataSet>,
    keep: impl Into<Policy>,
    control: &Signals,
) -> Outcome {
    fs::create_dir_all(dir).unwrap();
    let mut recording = Recording::new(plan, dir, true);
    plasticity_bench::train::run(plan, Arc::clone(data), dir, keep, &mut recording, control).unwrap()
}

/// Tasks that share their classes have an accuracy matrix where it is asked for, by the run's own head alone, and
/// its diagonal is the test accuracy at each task's end.
#[test]
fn an_accuracy_matrix_can_be_asked_for() {
    let [mut asked, plain] = [(); 2].map(|()| common::plan(common::activation("relu")));
    asked.probes.retention = true;
    for (plan, retention) in [(asked, true), (plain, false)] {
        let mut plan = plan;
        plan.stream_mut().family = Choice { name: "permuted-pixels".into(), parameters: BTreeMap::new() };
        plan.stream_mut().tasks = 3;
        let out = tempfile::tempdir().unwrap();
        run(std::slice::from_ref(&plan), out.path(), 1);
        let folder = out.path().join("test").join(plan.slug());
        assert_eq!(folder.join(RetentionRow::FILE).exists(), retention);
        if !retention {
            continue;
        }
        let matrix: Vec<RetentionRow> = read(&folder).unwrap();
        let places: Vec<_> = matrix.iter().map(|row| (row.trained_through, row.evaluated)).collect();
        assert_eq!(places, [(0, 0), (1, 0), (1, 1), (2, 0), (2, 1), (2, 2)]);
        let tasks: Vec<TaskRow> = read(&folder).unwrap();
        for row in &matrix {
            assert_eq!((row.class_incremental_accuracy, row.task_incremental_accuracy), (None, None));
            if row.trained_through == row.evaluated {
                assert_eq!(Some(row.accuracy), tasks[row.evaluated].test_accuracy);
            }
        }
        let mut others = matrix.iter().filter(|row| row.trained_through > row.evaluated);
        assert!(others.all(|row| row.accuracy < 1.0 && row.loss > 0.0));
    }
}

/// Raises the interrupt at the given report and lets the run end; then goes on from what is on disk.
#[test]
fn an_interrupted_run_goes_on_to_the_same_bytes() {
    for (number, mut plan) in plans().into_iter().enumerate() {
        plan.stream_mut().tasks = 3;
        let (whole, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let data = Arc::new(digits());
        let go =
            |dir: &Path, control: &Signals| train_in(&dir.join("run"), &plan, &data, Keep::Last, control);
        assert_eq!(go(whole.path(), &Signals::none()), Outcome::Done);
        // Interrupted at the end of the first or of the second task.
        let (flag, ends) = (Arc::new(AtomicBool::new(false)), AtomicUsize::new(number % 2));
        let raise = Arc::clone(&flag);
        let control = Signals::new(flag, move |progress| {
            if progress.task_ended && ends.fetch_sub(1, Ordering::Relaxed) == 0 {
                raise.store(true, Ordering::Relaxed);
            }
        });
        assert_eq!(go(broken.path(), &control), Outcome::Interrupted);
        assert_ne!(rows(whole.path()), rows(broken.path()));
        // A torn row, as a kill leaves it, is cut off.
        let torn = broken.path().join("run/steps.csv");
        fs::write(&torn, fs::read_to_string(&torn).unwrap() + "run,2,1").unwrap();
        assert_eq!(go(broken.path(), &Signals::none()), Outcome::Done);
        assert_eq!(rows(whole.path()), rows(broken.path()), "{}", plan.activation.name);
    }
}

#[test]
fn a_network_that_diverges_is_a_row_and_the_others_finish() {
    let out = tempfile::tempdir().unwrap();
    let mut wild = common::plan(common::activation("identity"));
    wild.optimizer = common::defaults(&plasticity_bench::optimizers::entries()[2]);
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
    let stream = plan.stream_mut();
    (stream.tasks, stream.length) = (3, Length::Steps(10));
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [whole, damaged] = folders.each_ref().map(|folder| folder.path().join("run"));
    let data = Arc::new(digits());
    let go = |dir: &Path| train_in(dir, &plan, &data, Keep::All, &Signals::none());
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

/// A recording that raises the interrupt after so many steps more.
struct Stopper {
    recording: Recording<'static>,
    steps_left: usize,
    flag: Arc<AtomicBool>,
}

impl Observer for Stopper {
    fn rows(&mut self) -> &mut dyn Rows {
        self.recording.rows()
    }

    fn traces_steps(&self) -> bool {
        self.recording.traces_steps()
    }

    fn task_started(
        &mut self,
        task: usize,
        stream: &dyn TaskStream,
        network: View<'_>,
    ) -> anyhow::Result<()> {
        self.recording.task_started(task, stream, network)
    }

    fn stepped(&mut self, task: usize, step: usize, loss: f64, accuracy: f64) -> anyhow::Result<()> {
        self.steps_left -= 1;
        if self.steps_left == 0 {
            self.flag.store(true, Ordering::Relaxed);
        }
        self.recording.stepped(task, step, loss, accuracy)
    }

    fn traced(
        &mut self,
        task: usize,
        edge: Edge,
        network: View<'_>,
        trace: &StepTrace,
    ) -> anyhow::Result<()> {
        self.recording.traced(task, edge, network, trace)
    }

    fn task_ended(
        &mut self,
        result: &TaskResult,
        stream: &dyn TaskStream,
        network: View<'_>,
    ) -> anyhow::Result<()> {
        self.recording.task_ended(result, stream, network)
    }

    fn diverged(&mut self, result: &TaskResult) -> anyhow::Result<()> {
        self.recording.diverged(result)
    }
}

/// One attempt at the run in `dir` that is interrupted after `steps` of its steps; what it noted too.
fn attempt(
    dir: &Path,
    plan: &Plan,
    data: &Arc<DataSet>,
    policy: impl Into<Policy>,
    steps: usize,
) -> (Outcome, Vec<String>) {
    fs::create_dir_all(dir).unwrap();
    let flag = Arc::new(AtomicBool::new(false));
    let notes = Arc::new(Mutex::new(Vec::new()));
    let paper = Arc::clone(&notes);
    let control = Signals::new(Arc::clone(&flag), |_| {})
        .noting(move |note| paper.lock().unwrap().push(note.to_owned()));
    let mut stopper = Stopper { recording: Recording::new(plan, dir, true), steps_left: steps, flag };
    let outcome =
        plasticity_bench::train::run(plan, Arc::clone(data), dir, policy, &mut stopper, &control).unwrap();
    let notes = notes.lock().unwrap().clone();
    (outcome, notes)
}

fn checkpoint_files(dir: &Path) -> Vec<String> {
    let files = fs::read_dir(dir.join("checkpoints")).unwrap();
    let mut names: Vec<String> = files.map(|f| f.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_run_interrupted_at_any_step_goes_on_to_the_same_bytes() {
    let data = Arc::new(digits());
    let mut plans = plans();
    for method in &plasticity_bench::methods::entries()[1..] {
        let mut with_method = plans[0].clone();
        with_method.methods = vec![common::defaults(method)];
        plans.push(with_method);
    }
    for (number, mut plan) in plans.into_iter().enumerate() {
        let stream = plan.stream_mut();
        (stream.tasks, stream.length) = (3, Length::Steps(40));
        plan.optimizer = common::defaults(&plasticity_bench::optimizers::entries()[number % 3]);
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let [whole, broken] = folders.each_ref().map(|folder| folder.path().join("run"));
        assert_eq!(train_in(&whole, &plan, &data, Keep::Last, &Signals::none()), Outcome::Done);
        // 1 stops after the first step of all, 40 and 80 after the last of a task, before its end.
        let stops = [1, 16 + number % 5, 40 - 17 - number % 5, 7, 33, 11];
        for steps in stops {
            assert_eq!(attempt(&broken, &plan, &data, Keep::Last, steps), (Outcome::Interrupted, vec![]));
            // A torn row, as a kill leaves it, is cut off.
            let torn = broken.join("steps.csv");
            fs::write(&torn, fs::read_to_string(&torn).unwrap() + "run,2,1").unwrap();
        }
        assert_eq!(attempt(&broken, &plan, &data, Keep::Last, usize::MAX).0, Outcome::Done);
        assert!(rows(&whole) == rows(&broken), "{} {}", plan.activation.name, plan.optimizer.name);
        for kind in ["safetensors", "state.safetensors"] {
            let last = |dir: &Path| fs::read(dir.join("checkpoints/task-0003").with_extension(kind)).unwrap();
            assert!(last(&whole) == last(&broken), "{} {kind}", plan.activation.name);
        }
    }
}

/// Convolutions on split classes with augmented images, every method and a head a task: in one go, once
/// more unprobed, and interrupted again and again.
#[test]
fn augmented_images_and_methods_for_retention_survive_an_interrupt() {
    let data = Arc::new(data::load("generated-textures", None, &mut Silent).unwrap());
    let families = plasticity_bench::tasks::entries();
    let networks = plasticity_bench::nn::entries();
    let methods = plasticity_bench::methods::entries();
    let of =
        |entries: &[Entry], name: &str| common::defaults(entries.iter().find(|e| e.name == name).unwrap());
    for (number, (method, head)) in
        [("none", Head::Multi), ("replay", Head::Multi), ("ewc", Head::Masked), ("joint", Head::Single)]
            .into_iter()
            .enumerate()
    {
        let mut plan = common::plan(common::activation("rational"));
        *plan.data_mut() = DataPlan {
            dataset: "generated-textures".into(),
            scaling: Scaling::Standardize,
            augmentation: Augmentation::CropFlip,
        };
        plan.stream_mut().family = of(&families, "split-classes");
        plan.stream_mut().family.parameters.insert("examples_per_class".into(), Value::Integer(2));
        let stream = plan.stream_mut();
        (stream.tasks, stream.examples, stream.length) = (4, None, Length::Epochs(2));
        plan.stream_mut().head = head;
        plan.network = of(&networks, "cnn");
        for (key, widths) in [("channels", vec![4, 4]), ("hidden", vec![16])] {
            plan.network.parameters.insert(key.into(), Value::Integers(widths));
        }
        plan.methods = vec![of(&methods, method)];
        plan.probes.plasticity_gap = true;
        let folders = [(); 3].map(|()| tempfile::tempdir().unwrap());
        let [whole, probed, broken] = folders.each_ref().map(|folder| folder.path().join("run"));
        assert_eq!(train_in(&whole, &plan, &data, Keep::Last, &Signals::none()), Outcome::Done);
        // 50 examples are 4 steps an epoch.
        for steps in [1, 4 + number, 3, 2] {
            assert_eq!(attempt(&broken, &plan, &data, Keep::Last, steps), (Outcome::Interrupted, vec![]));
        }
        assert_eq!(attempt(&broken, &plan, &data, Keep::Last, usize::MAX).0, Outcome::Done);
        assert!(rows(&whole) == rows(&broken), "{method}");
        assert_eq!(rows(&whole)["retention.csv"].lines().count(), 11);
        if number == 0 {
            let mut with_probes = plan.clone();
            with_probes.probes.names = probes::STANDARD.iter().map(|&name| name.to_owned()).collect();
            train_in(&probed, &with_probes, &data, Keep::None, &Signals::none());
            assert_eq!(rows(&whole)["steps.csv"], rows(&probed)["steps.csv"]);
            plan.data_mut().augmentation = Augmentation::None;
            let plain = tempfile::tempdir().unwrap();
            let plain = plain.path().join("run");
            train_in(&plain, &plan, &data, Keep::None, &Signals::none());
            assert_ne!(rows(&whole)["steps.csv"], rows(&plain)["steps.csv"]);
        }
    }
}

#[test]
fn checkpoints_within_a_task_are_written_by_the_clock_and_a_damaged_one_is_noted() {
    let data = Arc::new(digits());
    let mut plan = common::plan(common::activation("rational"));
    plan.probes.plasticity_gap = true;
    let stream = plan.stream_mut();
    (stream.tasks, stream.length) = (1, Length::Steps(20));
    let folder = tempfile::tempdir().unwrap();
    let (whole, broken) = (folder.path().join("whole/run"), folder.path().join("broken/run"));
    train_in(&whole, &plan, &data, Keep::Last, &Signals::none());
    // Each step is longer than that, so one is due after each.
    let often = Policy { keep: Keep::Last, every: Duration::from_nanos(1) };
    assert_eq!(attempt(&broken, &plan, &data, often, 12), (Outcome::Interrupted, vec![]));
    let kinds = ["fresh.safetensors", "fresh.state.safetensors", "safetensors", "state.safetensors", "toml"];
    let expected: Vec<String> = [11, 12]
        .iter()
        .flat_map(|step| kinds.map(|kind| format!("task-0000-step-{step:08}.{kind}")))
        .collect();
    assert_eq!(checkpoint_files(&broken), expected);
    for (stop, damaged) in [(14, &kinds[..]), (19, &kinds[1..2])] {
        // Of one attempt every file in turn is damaged in its middle: the one before serves each time.
        let copy = folder.path().join(format!("{stop}/run"));
        for kind in damaged {
            let _ = fs::remove_dir_all(&copy);
            assert_eq!(attempt(&copy, &plan, &data, often, stop).0, Outcome::Interrupted);
            let path = copy.join(format!("checkpoints/task-0000-step-{stop:08}.{kind}"));
            let mut bytes = fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(&path, bytes).unwrap();
            let (outcome, notes) = attempt(&copy, &plan, &data, Keep::Last, usize::MAX);
            assert_eq!(outcome, Outcome::Done);
            let note = format!("the checkpoint task-0000-step-{stop:08} is damaged and was passed over");
            assert_eq!(notes, [note], "{kind}");
            assert_eq!(rows(&whole), rows(&copy), "{kind}");
        }
    }
}

#[test]
fn lost_rows_are_made_again_from_the_checkpoint_before_and_clocks_decide_nothing() {
    let data = Arc::new(digits());
    let mut plan = common::plan(common::activation("tanh"));
    let stream = plan.stream_mut();
    (stream.tasks, stream.length) = (1, Length::Steps(30));
    let folder = tempfile::tempdir().unwrap();
    let (whole, broken) = (folder.path().join("whole/run"), folder.path().join("broken/run"));
    train_in(&whole, &plan, &data, Keep::Last, &Signals::none());
    let often = Policy { keep: Keep::Last, every: Duration::from_nanos(1) };
    attempt(&broken, &plan, &data, often, 15);
    // The tail that only the newer checkpoint counts on is gone, within a row.
    let steps = fs::read_to_string(broken.join("steps.csv")).unwrap();
    assert_eq!(steps.lines().count(), 16);
    fs::write(broken.join("steps.csv"), &steps[..steps.len() - 5]).unwrap();
    // And the clock had been set back in between: the newest files look the oldest.
    for name in checkpoint_files(&broken) {
        let file = fs::OpenOptions::new().write(true).open(broken.join("checkpoints").join(&name)).unwrap();
        let age = if name.contains("00000015") { 1_000_000_000 } else { 10 };
        file.set_modified(std::time::SystemTime::now() - Duration::from_secs(age)).unwrap();
    }
    let (outcome, notes) = attempt(&broken, &plan, &data, Keep::Last, usize::MAX);
    assert_eq!(outcome, Outcome::Done);
    assert_eq!(
        notes,
        [
            "the checkpoint task-0000-step-00000015 was passed over: rows that it relies on are gone or changed"
        ]
    );
    assert_eq!(rows(&whole), rows(&broken));

    // With rows gone from before every checkpoint, nothing is touched and the cure is named.
    let lost = folder.path().join("lost/run");
    attempt(&lost, &plan, &data, often, 15);
    fs::write(lost.join("steps.csv"), &steps[..60]).unwrap();
    let (files, before) = (checkpoint_files(&lost), rows(&lost));
    let mut recording = Recording::new(&plan, &lost, true);
    let refused = plasticity_bench::train::run(&plan, data, &lost, often, &mut recording, &Signals::none())
        .unwrap_err();
    assert!(refused.to_string().contains("--fresh"), "{refused}");
    assert_eq!((files, before), (checkpoint_files(&lost), rows(&lost)));
}

/// The fresh network learns its first task: what a method does between tasks, or a constraint after some,
/// is none of its business.
#[test]
fn the_fresh_network_is_in_its_first_task() {
    let fresh = |change: fn(&mut Plan)| -> Vec<String> {
        let out = tempfile::tempdir().unwrap();
        let mut plan = common::plan(common::activation("rational"));
        plan.probes.plasticity_gap = true;
        change(&mut plan);
        let summary = run(&[plan], out.path(), 1);
        let rows = read::<TaskRow>(&summary.runs[0].dir).unwrap();
        rows.iter().map(|row| format!("{:?} {:?}", row.fresh_online_accuracy, row.online_accuracy)).collect()
    };
    let first =
        |rows: &[String]| rows.iter().map(|r| r.split(") ").next().unwrap().to_owned()).collect::<Vec<_>>();
    let plain = fresh(|_| {});
    let shrunk = fresh(|plan| {
        let entries = plasticity_bench::methods::entries();
        let entry = entries.iter().find(|e| e.name == "shrink-and-perturb").unwrap();
        plan.methods = vec![common::defaults(entry)];
        plan.methods[0].parameters.insert("shrink".into(), Value::Number(0.1));
    });
    let freeze = |plan: &mut Plan| {
        let entries = plasticity_bench::nn::activation::rational::constraints();
        let entry = entries.iter().find(|e| e.name == "freeze-after").unwrap();
        plan.activation.parameters.insert("constraint".into(), Value::Choice(common::defaults(entry)));
        plan.activation.parameters.insert("learning_rate".into(), Value::Number(0.1));
    };
    let quick = |plan: &mut Plan| {
        plan.activation.parameters.insert("learning_rate".into(), Value::Number(0.1));
    };
    assert_eq!(first(&plain), first(&shrunk));
    assert_ne!(plain[1], shrunk[1], "the method did nothing");
    let (frozen, trained) = (fresh(freeze), fresh(quick));
    assert_eq!(first(&frozen), first(&trained));
    assert_ne!(frozen[1], trained[1], "the constraint did nothing");
}
