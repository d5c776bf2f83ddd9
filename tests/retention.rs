//! What retention rests on: heads that other tasks leave alone, and batches that earlier tasks' examples
//! join.

mod common;

use std::sync::Arc;

use candle_core::DType;
use plasticity_bench::data::{self, Silent};
use plasticity_bench::nn::{Parameter, Replayed, Role, batch, training_batch};
use plasticity_bench::optimizers::{self, Optimizer};
use plasticity_bench::random::Stream;
use plasticity_bench::spec::{Choice, Head, Plan, Value};
use plasticity_bench::tasks::{self, Answers, Batches, TaskStream};
use plasticity_bench::train::Learner;

/// Five tasks of two classes on generated digits, learned by optimiser number `optimizer`.
fn setting(head: Head, family: &str, optimizer: usize) -> (Plan, Box<dyn TaskStream>) {
    let mut plan = common::plan(common::activation("relu"));
    let entries = tasks::entries();
    plan.stream_mut().family = common::defaults(entries.iter().find(|e| e.name == family).unwrap());
    let of_stream = plan.stream_mut();
    (of_stream.tasks, of_stream.head) = (5, head);
    plan.optimizer = common::defaults(&optimizers::entries()[optimizer]);
    plan.optimizer.parameters.insert("weight_decay".into(), Value::Number(0.1));
    if optimizer == 2 {
        plan.optimizer.parameters.insert("momentum".into(), Value::Number(0.9));
    }
    let digits = data::load("generated-digits", None, &mut Silent).unwrap();
    let stream = tasks::stream(&plan, Arc::new(digits)).unwrap();
    (plan, stream)
}

fn learner(plan: &Plan, stream: &dyn TaskStream) -> Learner {
    Learner::new(plan, stream, &mut Stream::new(plan.seed, "init", 0)).unwrap()
}

/// Weight and bias of every class of the head, with the moments: class by class.
fn rows(learner: &Learner) -> Vec<Vec<f32>> {
    let parameters = learner.trained().network().parameters();
    let first = learner.trained().network().layers().last().unwrap().weight;
    let classes = parameters[first + 1].to_vec().unwrap().len();
    let mut rows = vec![Vec::new(); classes];
    for number in [first, first + 1] {
        let state = &learner.trained().optimizer().states()[number];
        for values in [&parameters[number].to_vec().unwrap(), &state.first, &state.second] {
            let width = values.len() / classes;
            for (row, values) in rows.iter_mut().zip(values.chunks(width.max(1))) {
                row.extend(values);
            }
        }
    }
    rows
}

/// Steps through some batches of a task.
fn train(plan: &Plan, stream: &dyn TaskStream, learner: &mut Learner, task: usize, steps: usize) {
    learner.start_task(task).unwrap();
    let examples = stream.task(task).train;
    let mut batches = Batches::new(plan, examples.len(), task);
    for step in 0..steps {
        let (inputs, targets) = batch(&examples, batches.batch(step)).unwrap();
        learner.step(&inputs, &targets).unwrap();
    }
}

#[test]
fn a_head_of_its_own_stays_as_it_is_while_other_tasks_are_learned() {
    for (family, number) in
        [("split-classes", 0), ("split-classes", 1), ("split-classes", 2), ("remapped-classes", 0)]
    {
        let (plan, stream) = setting(Head::Multi, family, number);
        let mut learner = learner(&plan, &*stream);
        for task in [0, 1, 0] {
            let before = rows(&learner);
            train(&plan, &*stream, &mut learner, task, 20);
            let own = stream.task_classes(task).unwrap();
            for (class, (before, after)) in before.iter().zip(rows(&learner)).enumerate() {
                let moved = *before != after;
                assert_eq!(
                    moved,
                    own.contains(&(class as u32)),
                    "{family} {number}: class {class} in task {task}"
                );
            }
        }
    }
    // One head that is masked is one parameter: its momentum moves all of it, as it does in PyTorch.
    let (plan, stream) = setting(Head::Masked, "split-classes", 0);
    let mut learner = learner(&plan, &*stream);
    train(&plan, &*stream, &mut learner, 0, 20);
    let before = rows(&learner);
    train(&plan, &*stream, &mut learner, 1, 20);
    assert!(before.iter().zip(rows(&learner)).all(|(before, after)| *before != after));
}

/// `tests/reference/heads.py`: two heads as parameters of their own, used in turn and together.
#[test]
fn rows_of_a_head_are_stepped_as_pytorchs_separate_parameters() {
    let used: [&[u32]; 6] = [&[0, 1], &[0, 1], &[2, 3], &[0, 1, 2, 3], &[2, 3], &[0, 1]];
    let reference = include_str!("reference/heads.csv");
    let mut lines = reference.lines().filter(|line| !line.starts_with(['#', 'o']));
    for entry in optimizers::entries() {
        let mut choice = common::defaults(&entry);
        choice.parameters.insert("learning_rate".into(), Value::Number(1e-2));
        choice.parameters.insert("weight_decay".into(), Value::Number(0.1));
        choice.parameters.insert("momentum".into(), Value::Number(0.9));
        choice.parameters.insert("adam_learning_rate".into(), Value::Number(2e-2));
        let start: Vec<f64> = (0..12).map(|i| f64::from(i) * 0.1 - 0.5).collect();
        let head = [Parameter::new("head".into(), Role::Weight, &start, &[4, 3], DType::F32).unwrap()];
        let mut optimizer = Optimizer::new(&choice, &head);
        optimizer.separate_rows(&[0], &head);
        for (step, used) in used.iter().enumerate() {
            // What is written for rows that are not used is never looked at.
            head[0].gradient.reset();
            for (i, g) in head[0].gradient.lock().write::<f32>().unwrap().0.iter_mut().enumerate() {
                *g = ((i + 3 * step) as f64).sin() as f32;
            }
            optimizer.step_rows(&head, |_| true, || Some(used.to_vec())).unwrap();
            let cells: Vec<&str> = lines.next().unwrap().split(',').collect();
            assert_eq!(cells[..2], [entry.name, &step.to_string()]);
            for (ours, torch) in head[0].to_vec().unwrap().iter().zip(&cells[2..]) {
                let torch: f32 = torch.parse().unwrap();
                assert!((ours - torch).abs() < 1e-6, "{} step {step}: {ours} against {torch}", entry.name);
            }
        }
    }
    assert!(lines.next().is_none());
}

/// A head that is used for the first time is one whose optimiser has no history: Adam's first step is of
/// length lr whatever the gradient, since its corrections divide by 1 - β at step 1 alone.
#[test]
fn a_heads_steps_are_counted_from_its_first_use() {
    let (mut plan, stream) = setting(Head::Multi, "split-classes", 0);
    plan.optimizer.parameters.insert("weight_decay".into(), Value::Number(0.0));
    let mut learner = learner(&plan, &*stream);
    train(&plan, &*stream, &mut learner, 0, 300);
    let bias = |learner: &Learner| {
        let head = learner.trained().network().layers().last().unwrap().weight;
        learner.trained().network().parameters()[head + 1].to_vec().unwrap()
    };
    let before = bias(&learner);
    train(&plan, &*stream, &mut learner, 1, 1);
    let after = bias(&learner);
    for &class in stream.task_classes(1).unwrap().iter() {
        let moved = (after[class as usize] - before[class as usize]).abs();
        assert!((moved - 1e-3).abs() < 1e-6, "{moved}");
    }
}

#[test]
fn rehearsed_rows_are_learned_from_but_not_counted() {
    for head in [Head::Single, Head::Masked, Head::Multi] {
        let (plan, stream) = setting(head, "split-classes", 0);
        let (old, new) = (Arc::new(stream.task(0).train), stream.task(1).train);
        let replayed: Vec<Replayed> =
            [3, 5].map(|position| Replayed { examples: Arc::clone(&old), position }).into();
        let own = (&new, &[0, 1, 2, 7][..]);
        let (inputs, targets) = training_batch(own, &replayed, None).unwrap();
        assert_eq!(inputs.dims(), [6, new.inputs.features()]);
        assert_eq!(targets.labels[4..], [old.labels[3], old.labels[5]]);
        if head != Head::Single {
            let among = targets.among.as_ref().unwrap();
            assert_eq!(among[4], stream.task_classes(0).unwrap());
            assert_eq!(Answers::Among(Arc::clone(&among[0])), new.answers);
        }
        let (alone, alone_targets) = batch(own.0, own.1).unwrap();
        let (mut extended, mut plain) = (learner(&plan, &*stream), learner(&plan, &*stream));
        let counted = extended.step_counting(&inputs, &targets, 4).unwrap();
        let expected = plain.step(&alone, &alone_targets).unwrap();
        assert_eq!(counted.correct, expected.correct);
        assert!((counted.loss - expected.loss).abs() < 1e-6);
        assert_ne!(rows(&extended), rows(&plain), "the two rows changed what was learned");
        // Heads that a replayed row used have moved too.
        let start = rows(&learner(&plan, &*stream));
        let class = old.labels[3] as usize;
        assert_ne!(start[class], rows(&extended)[class]);
        assert!(head != Head::Multi || start[class] == rows(&plain)[class]);
    }
}

/// A buffer that holds everything keeps an old task's accuracy that fine-tuning loses.
#[test]
fn replay_retains_what_fine_tuning_forgets() {
    let after = |method: Choice| {
        let (mut plan, stream) = setting(Head::Single, "split-classes", 0);
        plan.methods = vec![method];
        plan.optimizer.parameters.insert("weight_decay".into(), Value::Number(0.0));
        let mut learner = learner(&plan, &*stream);
        for task in 0..2 {
            learner.start_task(task).unwrap();
            let examples = stream.task(task).train;
            let mut batches = Batches::new(&plan, examples.len(), task);
            for step in 0..300 {
                let own = (&examples, &batches.batch(step % batches.steps()).to_vec()[..]);
                let replayed = learner.replayed(&plan, &*stream, step);
                assert_eq!(replayed.is_empty(), plan.methods[0].name == "none" || task == 0);
                let (inputs, targets) = training_batch(own, &replayed, None).unwrap();
                learner.step_counting(&inputs, &targets, own.1.len()).unwrap();
            }
            learner.end_task(&plan, &examples).unwrap();
        }
        plasticity_bench::train::evaluate(learner.view(), &stream.task(0).train).unwrap().accuracy
    };
    let entries = plasticity_bench::methods::entries();
    let choice = |name| common::defaults(entries.iter().find(|e| e.name == name).unwrap());
    let (forgotten, retained) = (after(choice("none")), after(choice("replay")));
    assert!(forgotten < 0.1 && retained > 0.9, "{forgotten} {retained}");
}
