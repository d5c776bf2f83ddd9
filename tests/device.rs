//! Runs whose steps are taken by a GPU's kernels, through the real runner: the kernels run on the processor here.
//! `cargo test --release --features cuda-emulator --test device`
#![cfg(all(feature = "cuda-emulator", unix))]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use plasticity_bench::catalogue::catalogue;
use plasticity_bench::data::{self, Silent};
use plasticity_bench::device::{Devices, fit};
use plasticity_bench::random::Stream;
use plasticity_bench::record::{CoefficientRow, Row, RunStatus, Status, StepRow, TaskRow, TimeRow, read};
use plasticity_bench::runner::{Options, Summary, Trainer, run_all};
use plasticity_bench::spec::{Length, Plan, Spec, Value};
use plasticity_bench::train::checkpoint::Keep;
use plasticity_bench::train::{Places, Processor};
use safetensors::SafeTensors;

const PROGRAM: &str = env!("CARGO_BIN_EXE_plasticity-bench");

/// Two tasks with a short last batch in every epoch, a paired fresh network, and traced steps.
const SPEC: &str = "\
name = 'tiny'
data = { dataset = 'generated-digits', scaling = 'unit' }
stream = { family = 'shuffled-labels', tasks = 2, examples = 44, steps = 60, batch_size = 8 }
network = { kind = 'mlp', hidden = [14, 10] }
probes = { names = ['srank', 'update_norm'], samples = 16, plasticity_gap = true }
";

fn plans(rest: &str) -> Vec<Plan> {
    let text = format!("{SPEC}{rest}\n");
    Spec::parse(&text, "tiny.toml", &[], &catalogue()).unwrap().plans(None).unwrap()
}

fn run(plans: &[Plan], out: &Path, jobs: usize, on_device: bool) -> Summary {
    run_at(if on_device { Box::new(Devices::emulator()) } else { Box::new(Processor) }, plans, out, jobs)
}

fn run_at(places: Box<dyn Places>, plans: &[Plan], out: &Path, jobs: usize) -> Summary {
    let digits = data::load("generated-digits", None, &mut Silent).unwrap();
    let trainer = Trainer::new([digits], Keep::Last, true).on(places);
    let options = Options { jobs, quiet: true, ..Options::new(out) };
    run_all(plans, &trainer, &options).unwrap()
}

/// Every CSV file below a run's folder but the times, and the newest checkpoint's numbers.
fn results(run: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for folder in [run.to_owned(), run.join("checkpoints")] {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_kept = path.extension().is_some_and(|end| end == "csv" || end == "safetensors");
            if is_kept && !path.ends_with(TimeRow::FILE) {
                files
                    .insert(path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    // Which one is kept beside the last is a matter of time.
    let newest =
        files.keys().filter(|name| name.starts_with("task-")).max().expect("a checkpoint")[..9].to_owned();
    files.retain(|name, _| !name.starts_with("task-") || name.starts_with(&newest));
    files
}

/// Fails with the first file and line that differ.
fn same(ours: &BTreeMap<String, Vec<u8>>, theirs: &BTreeMap<String, Vec<u8>>, what: &str) {
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>(), "{what}");
    for (name, bytes) in ours {
        let [a, b] = [bytes, &theirs[name]].map(|bytes| String::from_utf8_lossy(bytes));
        let differs = a.lines().zip(b.lines()).find(|(a, b)| a != b);
        assert!(*bytes == theirs[name], "{what}, {name}: {differs:?}");
    }
}

/// Of each run of a spec, in the order of the grid.
fn all(summary: &Summary) -> Vec<BTreeMap<String, Vec<u8>>> {
    summary.runs.iter().map(|run| results(&run.dir)).collect()
}

/// At a small learning rate both stay together: other last bits, the same arithmetic.
#[test]
fn a_device_learns_what_the_processor_learns() {
    let adam = "optimizer = { name = 'adam', learning_rate = 1e-4 }";
    let rational =
        |more: &str| format!("{adam}\nactivation = {{ name = 'rational', start = 'swish', {more} }}");
    let perturbed = |more: &str| {
        format!(
            "{adam}\nactivation = 'tanh'\nmethod = {{ name = 'shrink-and-perturb', every = 'step', {more} }}"
        )
    };
    let cases = [
        ("relu", format!("{adam}\nactivation = 'relu'")),
        (
            "softplus and adamw",
            "activation = 'softplus'\noptimizer = { name = 'adamw', learning_rate = 1e-4 }".into(),
        ),
        (
            "swish, sgd and l2-init",
            "activation = 'swish'\nmethod = 'l2-init'\n\
             optimizer = { name = 'sgd', learning_rate = 1e-2, momentum = 0.9, weight_decay = 1e-2 }"
                .into(),
        ),
        ("shrink-and-perturb", format!("{adam}\nactivation = 'tanh'\nmethod = 'shrink-and-perturb'")),
        ("no constraint", rational("learning_rate = 1e-3, weight_decay = 0.1")),
        ("version B", rational("version = 'B', constraint = { name = 'tail-slope', bound = 1.0 }")),
        ("projected", rational("constraint = { name = 'projected-tail-slope', bound = 0.05 }")),
        ("version C", rational("version = 'C', constraint = 'output-bound'")),
        ("version D", rational("version = 'D', constraint = { name = 'coefficient-box', bound = 0.001 }")),
        ("version A", rational("degrees = [4, 4], constraint = 'proper-degree'")),
        ("frozen", rational("constraint = 'frozen'")),
        ("lipschitz", rational("constraint = { name = 'lipschitz', bound = 0.5 }")),
        (
            "version B, lipschitz and sgd",
            "activation = { name = 'rational', version = 'B', start = 'swish', \
             constraint = { name = 'lipschitz', bound = 0.3, range = 2.0 } }\n\
             optimizer = { name = 'sgd', learning_rate = 1e-2, momentum = 0.9 }"
                .into(),
        ),
        ("version C, unit-gain", rational("version = 'C', constraint = 'unit-gain'")),
        ("version D, unit-gain", rational("version = 'D', constraint = 'unit-gain'")),
        ("perturbed by normal numbers", perturbed("shrink = 0.999, noise = 1e-3")),
        ("perturbed by fresh parameters", perturbed("shrink = 0.999, noise = 1e-2, noise_from = 'init'")),
        ("perturbed by the start", perturbed("shrink = 0.99, form = 'convex', noise_from = 'start'")),
        ("freeze-after", rational("constraint = { name = 'freeze-after', tasks = 1 }")),
    ];
    // The longest test of this file: by two at a time.
    let (first, second) = cases.split_at(cases.len() / 2);
    std::thread::scope(|scope| {
        for half in [first, second] {
            scope.spawn(move || half.iter().for_each(|(what, rest)| learns_the_same(what, rest)));
        }
    });
}

/// Runs what the spec's `rest` says in both places; `what` names it in a failure.
fn learns_the_same(what: &str, rest: &str) {
    let plans = plans(rest);
    let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let [cpu, device] = [(0, false), (1, true)].map(|(at, on_device)| {
        let summary = run(&plans, folders[at].path(), 1, on_device);
        assert_eq!(summary.done, 1, "{what}: {:?}", summary.failures);
        summary.runs[0].dir.clone()
    });
    let [ours, theirs] = [&device, &cpu].map(|dir| read::<StepRow>(dir).unwrap());
    assert_eq!(ours.len(), 120);
    let mut differ = false;
    for (ours, theirs) in ours.iter().zip(&theirs) {
        let (a, b) = (ours.loss, theirs.loss);
        assert!((a - b).abs() < 2e-4 * b, "{what}, task {} step {}: {a} {b}", ours.task, ours.step);
        differ |= a.to_bits() != b.to_bits();
    }
    assert!(differ, "{what}: the device was not asked");
    let [ours, theirs] = [&device, &cpu].map(|dir| read::<CoefficientRow>(dir).unwrap_or_default());
    assert_eq!(ours.len(), theirs.len());
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert!((ours.value - theirs.value).abs() < 1e-6, "{what}: {ours:?} {theirs:?}");
    }
    let [ours, theirs] = [&device, &cpu].map(|dir| read::<TaskRow>(dir).unwrap());
    for (ours, theirs) in ours.iter().zip(&theirs) {
        let (a, b) = (ours.fresh_online_accuracy.unwrap(), theirs.fresh_online_accuracy.unwrap());
        assert!((a - b).abs() < 0.02, "{what}: {a} {b}");
    }
    let status = RunStatus::read(&device).unwrap().unwrap();
    assert_eq!((status.device.as_str(), status.threads), ("emulator", 1));
    assert!(status.kernels.starts_with("cuda-"), "{}", status.kernels);
}

/// Without anything left of them, weights and biases are what was drawn last: the processor's numbers to the bit.
#[test]
fn a_device_draws_what_the_processor_draws() {
    for from in ["normal", "init"] {
        let plans = plans(&format!(
            "optimizer = 'adam'\nactivation = 'relu'\n\
             method = {{ name = 'shrink-and-perturb', every = 'step', shrink = 0.0, noise = 0.01, noise_from = '{from}' }}"
        ));
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let [cpu, device] = [(0, false), (1, true)].map(|(at, on_device)| {
            let summary = run(&plans, folders[at].path(), 1, on_device);
            assert_eq!(summary.done, 1, "{from}: {:?}", summary.failures);
            let files = results(&summary.runs[0].dir);
            files.into_iter().filter(|(name, _)| name.ends_with("safetensors")).collect::<Vec<_>>()
        });
        let (mut weights, mut others) = (0, 0);
        for ((name, ours), (_, theirs)) in device.iter().zip(&cpu) {
            let [ours, theirs] = [ours, theirs].map(|bytes| SafeTensors::deserialize(bytes).unwrap());
            for tensor in theirs.names() {
                let same = ours.tensor(tensor).unwrap().data() == theirs.tensor(tensor).unwrap().data();
                if tensor.starts_with("layers.") {
                    assert!(same, "{from}, {name}, {tensor}");
                    weights += 1;
                } else {
                    others += usize::from(!same);
                }
            }
        }
        assert!(weights == 6 && others > 0, "{from}: {weights} {others}");
    }
}

#[test]
fn a_run_is_the_same_alone_and_among_others_though_one_diverges_and_one_fails() {
    let rest = "optimizer = 'adam'\nmethod = { name = 'shrink-and-perturb', every = 'step', shrink = 0.999 }\n\
                [grid]\nseeds = '0..6'\n\
                activation = [{ name = 'rational', constraint = 'lipschitz' }, 'relu', 'tanh']";
    let (mut plans, out) = (plans(rest), [(); 4].map(|()| tempfile::tempdir().unwrap()));
    plans.truncate(17);
    for plan in &mut plans {
        plan.stream_mut().length = Length::Steps(24);
    }
    let alone = run(&plans[..1], out[0].path(), 1, true);
    let three = run(&plans[..3], out[1].path(), 3, true);
    let seventeen = run(&plans, out[2].path(), 17, true);
    assert_eq!([alone.done, three.done, seventeen.done], [1, 3, 17], "{:?}", seventeen.failures);
    let seventeen = all(&seventeen);
    same(&all(&alone)[0], &seventeen[0], "alone");
    for (at, ours) in all(&three).iter().enumerate() {
        same(ours, &seventeen[at], &format!("run {at} among 3"));
    }
    assert_ne!(seventeen[0]["tasks.csv"], seventeen[1]["tasks.csv"]);

    // The second has a learning rate that throws it out, the third a folder in the place of its rows.
    let mut plans = plans[..4].to_vec();
    plans[1].optimizer.parameters.insert("learning_rate".into(), Value::Number(1e30));
    let options = Options { jobs: 4, quiet: true, ..Options::new(out[3].path()) };
    let broken = plasticity_bench::runner::select(&plans, &options).unwrap()[2].dir.clone();
    fs::create_dir_all(broken.join("steps.csv/x")).unwrap();
    let mixed = run(&plans, out[3].path(), 4, true);
    assert_eq!((mixed.done, mixed.diverged, mixed.failed), (2, 1, 1), "{:?}", mixed.failures);
    for at in [0, 3] {
        same(&results(&mixed.runs[at].dir), &seventeen[at], &format!("run {at} beside trouble"));
    }
}

/// A fault of the card is all runs' affair: each fails with the reason, and goes on at the next start to the bytes of
/// an undisturbed one.
#[test]
fn runs_go_on_after_a_fault_of_the_device() {
    let rest = "optimizer = 'adam'\nactivation = 'relu'\n[grid]\nseeds = '0..3'";
    let (plans, out) = (plans(rest), [(); 2].map(|()| tempfile::tempdir().unwrap()));
    let whole = run(&plans, out[0].path(), 3, true);
    // Ten launches a step, of three runs and their fresh networks.
    let faulty = Devices::emulator_with(&["-DEMULATED_FAULT=900"]);
    let broken = run_at(Box::new(faulty), &plans, out[1].path(), 3);
    assert_eq!((broken.failed, broken.done), (3, 0), "{:?}", broken.failures);
    for one in &broken.runs {
        let status = RunStatus::read(&one.dir).unwrap().unwrap();
        assert_eq!(status.status, Status::Failed);
        assert!(status.error.unwrap().contains("a fault was asked for"));
    }
    let after = run(&plans, out[1].path(), 3, true);
    assert_eq!(after.done, 3, "{:?}", after.failures);
    for (ours, theirs) in all(&after).iter().zip(&all(&whole)) {
        same(ours, theirs, "after a fault");
    }
}

/// One that diverges within a task ends where the processor's does, with rows up to there.
#[test]
fn divergence_is_a_result() {
    let rest = "activation = 'identity'\noptimizer = { name = 'sgd', learning_rate = 1e6 }";
    let (plans, out) = (plans(rest), [(); 2].map(|()| tempfile::tempdir().unwrap()));
    let [ours, theirs] = [(0, true), (1, false)].map(|(at, on_device)| {
        let summary = run(&plans, out[at].path(), 1, on_device);
        assert_eq!(summary.diverged, 1, "{:?}", summary.failures);
        let dir = &summary.runs[0].dir;
        (read::<StepRow>(dir).unwrap().len(), read::<TaskRow>(dir).unwrap().len())
    });
    assert_eq!(ours, theirs);
}

fn program(folder: &Path, out: &str, more: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command.current_dir(folder).args(["run", "spec.toml", "--log-steps", "--quiet", "--out", out]).args(more);
    command.env("PLASTICITY_BENCH_EMULATOR", folder).stdin(Stdio::null());
    command
}

fn folder_with(rest: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("spec.toml"), format!("{SPEC}{rest}\n")).unwrap();
    folder
}

fn runs(out: &Path) -> BTreeMap<PathBuf, BTreeMap<String, Vec<u8>>> {
    let folders = fs::read_dir(out.join("tiny")).unwrap().map(|entry| entry.unwrap().path());
    let folders = folders.filter(|path| path.join("run.toml").is_file());
    folders.map(|run| (run.strip_prefix(out).unwrap().to_owned(), results(&run))).collect()
}

#[test]
fn kills_at_random_moments_lose_nothing() {
    // Longer tasks, so that most kills come within one.
    let rest = "optimizer = 'adam'\nactivation = { name = 'rational', version = 'D', constraint = 'unit-gain' }\n\
         method = { name = 'shrink-and-perturb', every = 'step', noise_from = 'init' }\n[grid]\nseeds = '0..3'";
    let folder = folder_with(rest);
    let spec = fs::read_to_string(folder.path().join("spec.toml")).unwrap();
    fs::write(folder.path().join("spec.toml"), spec.replace("steps = 60", "steps = 240")).unwrap();
    let at = folder.path();
    let device = ["--device", "emulator", "--jobs", "3"];
    let Output { status, stderr, .. } = program(at, "whole", &device).output().unwrap();
    assert!(status.success(), "{}", String::from_utf8_lossy(&stderr));
    let (mut moments, mut kills) = (Stream::new(2, "test", 0), 0);
    for _ in 0..12 {
        let mut child = program(at, "killed", &device).args(["--checkpoint-every", "0.01"]).spawn().unwrap();
        sleep(Duration::from_secs_f64(moments.uniform(0.02, 0.6)));
        child.kill().unwrap();
        kills += usize::from(!child.wait().unwrap().success());
    }
    assert!(kills > 3, "{kills}");
    assert!(program(at, "killed", &device).status().unwrap().success());
    assert!(runs(&at.join("killed")) == runs(&at.join("whole")), "after {kills} kills");
}

#[test]
fn a_run_goes_on_only_where_it_began() {
    let folder = folder_with("optimizer = 'adam'\nactivation = 'relu'");
    let at = folder.path();
    let stderr = |more: &[&str]| {
        let output = program(at, "out", more).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(stderr(&[]).0, Some(0));
    // As if it had been killed after its first task.
    let run = at.join("out").join(runs(&at.join("out")).into_keys().next().unwrap()).join("run.toml");
    let text = fs::read_to_string(&run).unwrap();
    fs::write(&run, text.replace("status = \"done\"", "status = \"running\"")).unwrap();
    let (code, said) = stderr(&["--device", "emulator"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("began with --device cpu") && said.contains("--fresh"), "{said}");
    assert_eq!(stderr(&["--device", "emulator", "--fresh"]).0, Some(0));
    assert!(fs::read_to_string(&run).unwrap().contains("device = \"emulator\""));
}

#[test]
fn what_a_device_does_not_take_is_refused_by_name() {
    let mlp = "optimizer = 'adam'\nactivation = 'relu'\n";
    let spec = |text: &str| {
        let plans = Spec::parse(text, "x.toml", &[], &catalogue()).unwrap_or_else(|e| panic!("{text}: {e}"));
        fit(&plans.plans(None).unwrap()[0]).unwrap_err()
    };
    let with = |from: &str, to: &str| {
        let text = format!("{SPEC}{mlp}");
        assert!(text.contains(from), "{from}");
        spec(&text.replace(from, to))
    };
    let stream = |more: &str| with("batch_size = 8", &format!("batch_size = 8, {more}"));
    let activation = |text: &str| with("activation = 'relu'", &format!("activation = {text}"));
    let rational = |more: &str| activation(&format!("{{ name = 'rational', {more} }}"));
    for (said, name) in [
        (with("kind = 'mlp', hidden = [14, 10]", "kind = 'cnn'"), "the network \"cnn\""),
        (with("hidden = [14, 10]", "hidden = [14, 10], norm = 'layer'"), "network.norm"),
        (stream("scaling_shock = 3"), "stream.scaling_shock"),
        (stream("transition = 'labels', transition_steps = 4"), "stream.transition"),
        (with("batch_size = 8", "batch_size = 1025"), "more than 1024 examples"),
        (activation("'prelu'"), "the activation \"prelu\""),
        (rational("sharing = 'unit'"), "activation.sharing = \"unit\""),
        (with("'adam'", "'rmsprop'"), "the optimizer \"rmsprop\""),
        (with("'adam'", "{ name = 'adam', max_grad_norm = 1.0 }"), "optimizer.max_grad_norm"),
        (with("'relu'", "'relu'\nmethod = 'ewc'"), "the method \"ewc\""),
        (
            with(
                "hidden = [14, 10] }",
                "hidden = [14, 10], initialization = 'orthogonal' }\nmethod = { name = 'shrink-and-perturb', every = 'step', noise_from = 'init' }",
            ),
            "under initialization = \"orthogonal\"",
        ),
    ] {
        assert!(said.contains(name), "{name}: {said}");
    }
    let folder = folder_with("optimizer = 'muon'\nactivation = 'relu'");
    let output = program(folder.path(), "out", &["--device", "emulator"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(
        String::from_utf8(output.stderr).unwrap(),
        "error: --device emulator does not take the optimizer \"muon\" (adam, adamw and sgd alone): take --device cpu\n"
    );
    assert!(!folder.path().join("out").exists(), "something ran");
}

/// Every entry of the catalogue is taken or refused as the table of docs/gpus.md says.
#[test]
fn the_documented_entries_are_those_that_are_taken() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/gpus.md")).unwrap();
    // The words of what is taken and of what is refused, whatever stands around them.
    let row = |name: &str| {
        let line = page.lines().find(|line| line.starts_with(&format!("| {name} |"))).unwrap();
        let words = |column: usize| -> Vec<String> {
            let column = line.split('|').nth(column).unwrap();
            let words = column.split(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
            words.map(str::to_owned).collect()
        };
        [words(2), words(3)]
    };
    let base = format!("{SPEC}optimizer = 'adam'\nactivation = 'relu'\n");
    let with = |section: &str, name: &str| match section {
        "activations" => base.replace("'relu'", &format!("'{name}'")),
        "optimizers" => base.replace("'adam'", &format!("'{name}'")),
        "networks" => base.replace("kind = 'mlp', hidden = [14, 10]", &format!("kind = '{name}'")),
        "methods" => format!("{base}method = '{name}'\n"),
        _ => base.replace(
            "'relu'",
            // Degrees that every constraint goes with.
            &format!(
                "{{ name = 'rational', degrees = {}, constraint = '{name}' }}",
                if name == "proper-degree" { "[4, 4]" } else { "[5, 4]" }
            ),
        ),
    };
    let catalogue = catalogue();
    let mut seen = 0;
    for section in ["activations", "constraints", "optimizers", "methods", "networks"] {
        let [taken, refused] = row(if section == "optimizers" { "optimisers" } else { section });
        let has = |words: &[String], name: &str| words.iter().any(|word| word == name);
        let (_, entries) = catalogue.sections.iter().find(|(name, _)| *name == section).unwrap();
        for entry in entries {
            let spec = Spec::parse(&with(section, entry.name), "x.toml", &[], &catalogue);
            // What cannot stand with the rest of this spec is refused before a device is asked.
            let is_taken = spec.is_ok_and(|spec| spec.plans(None).is_ok_and(|plans| fit(&plans[0]).is_ok()));
            let name = if entry.name == "rational" { "rationals" } else { entry.name };
            assert_eq!(is_taken, has(&taken, name), "{section}: {name}");
            let is_refused = has(&refused, name) || (section == "methods" && has(&refused, "others"));
            assert!(is_taken || is_refused, "{section}: {name}");
            seen += usize::from(is_taken);
        }
    }
    assert!(seen > 28, "{seen}");
}
