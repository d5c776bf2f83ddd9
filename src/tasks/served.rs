//! What a step's batch is served with beside the task's own examples: a gradual transition from the task before,
//! and scaling shocks. Everything follows from the seed and the numbers of task and step.
//!
//! **Transition** (2602.09234 finds that loss of plasticity depends on how abrupt a change is; forms ours): in
//! step s (from 0) of the first N of every task but the first, the task before has the share
//! w = 1 - (s + 1)/(N + 1) of the batch:
//!
//! - `mixture`: each row is, with probability w, an example of the task before, drawn uniformly;
//! - `labels`: each row has, with probability w, the label that the task before gives its image;
//! - `inputs`: each row is w·(what the task before shows) + (1 - w)·(what this one shows).
//!
//! **Scaling shock** (Lillo & Cheney 2025, arXiv 2509.22562): of every `scaling_shock` epochs the last has its
//! inputs multiplied by 1.5, 0.5, 0.25 and 2 in turn. Epochs are counted through all tasks. Evaluation is not
//! shocked.

use candle_core::{Result, Tensor};

use super::{Batches, Examples, Relation, TaskStream, stream_index};
use crate::kernels::loss::Targets;
use crate::random::Stream;
use crate::spec::{Augmentation, Head, Plan, Transition, TransitionForm};

/// The factors of a scaling shock, in turn.
const FACTORS: [f32; 4] = [1.5, 0.5, 0.25, 2.0];

/// How the batches of one task differ from its own examples.
pub struct Served {
    seed: u64,
    task: usize,
    /// The form, its steps, and the examples of the task before.
    before: Option<(Transition, Examples)>,
    /// Epochs from one shock to the next, steps of an epoch, and epochs before this task.
    shock: Option<[usize; 3]>,
}

impl Served {
    /// Of task number `task`, whose batches these are.
    #[must_use]
    pub fn new(plan: &Plan, stream: &dyn TaskStream, task: usize, batches: &Batches) -> Self {
        let transition = plan.stream().transition.filter(|_| task > 0);
        let before = transition.map(|transition| (transition, stream.task(task - 1).train));
        let shock = plan.stream().scaling_shock.map(|every| {
            let each = batches.steps_per_epoch();
            [every, each, task * batches.steps().div_ceil(each)]
        });
        Self { seed: plan.seed, task, before, shock }
    }

    /// What step number `step` multiplies inputs by.
    fn factor(&self, step: usize) -> f32 {
        let Some([every, each, earlier]) = self.shock else { return 1.0 };
        let epoch = earlier + step / each;
        if (epoch + 1).is_multiple_of(every) { FACTORS[epoch / every % FACTORS.len()] } else { 1.0 }
    }

    /// The share of the task before in step number `step`.
    fn share(transition: Transition, step: usize) -> f64 {
        (1.0 - (step + 1) as f64 / (transition.steps + 1) as f64).max(0.0)
    }

    /// The batch of step number `step` as it is served. Its first rows are the task's examples at `positions`;
    /// rows behind them, of methods that replay, stay as they are.
    ///
    /// # Errors
    /// If candle refuses an operation.
    pub fn batch(
        &self,
        step: usize,
        positions: &[u32],
        (inputs, mut targets): (Tensor, Targets),
    ) -> Result<(Tensor, Targets)> {
        let before = self
            .before
            .as_ref()
            .map(|(transition, examples)| (transition.form, Self::share(*transition, step), examples));
        let (before, factor) = (before.filter(|(_, share, _)| *share > 0.0), self.factor(step));
        if before.is_none() && factor.to_bits() == 1.0f32.to_bits() {
            return Ok((inputs, targets));
        }
        let (shape, device) = (inputs.shape().clone(), inputs.device().clone());
        let mut values: Vec<f32> = inputs.flatten_all()?.to_vec1()?;
        let features = shape.dims2()?.1;
        if let Some((form, share, examples)) = before {
            let mut draws = Stream::new(self.seed, "transition", stream_index(self.task, step));
            let mut labels = targets.labels.to_vec();
            let mut among = targets.among.as_ref().map(|among| among.to_vec());
            let mut row = Vec::with_capacity(features);
            for (at, &position) in positions.iter().enumerate() {
                let own = &mut values[at * features..][..features];
                row.clear();
                match form {
                    TransitionForm::Inputs => {
                        examples.inputs.append(position, &mut row);
                        let share = share as f32;
                        own.iter_mut().zip(&row).for_each(|(x, b)| *x = share * b + (1.0 - share) * *x);
                    }
                    TransitionForm::Mixture | TransitionForm::Labels if draws.unit() >= share => {}
                    TransitionForm::Labels => labels[at] = examples.labels[position as usize],
                    TransitionForm::Mixture => {
                        let other = draws.below(examples.len() as u64) as u32;
                        examples.inputs.append(other, &mut row);
                        own.copy_from_slice(&row);
                        labels[at] = examples.labels[other as usize];
                        if let (Some(among), Some(own)) = (&mut among, examples.answers.at(other)) {
                            among[at] = own.clone();
                        }
                    }
                }
            }
            targets = Targets { labels: labels.into(), among: among.map(Into::into) };
        }
        values[..positions.len() * features].iter_mut().for_each(|x| *x *= factor);
        Ok((Tensor::from_vec(values, shape, &device)?, targets))
    }
}

/// Whether the plan's transition has a meaning for its family. The error is a sentence.
pub(super) fn check(plan: &Plan, relation: Relation) -> std::result::Result<(), String> {
    let stream = plan.stream();
    let Some(Transition { form, .. }) = stream.transition else { return Ok(()) };
    let family = &stream.family.name;
    if form == TransitionForm::Labels && relation != Relation::OtherLabels {
        return Err(format!(
            "transition = \"labels\" needs tasks that give the same images other labels, which {family} does not: \
             take \"mixture\""
        ));
    }
    if form == TransitionForm::Labels && stream.head == Head::Multi {
        return Err("transition = \"labels\" has no meaning with head = \"multi\", where the labels of two tasks are \
                    outputs of different heads: take \"mixture\""
            .into());
    }
    if form == TransitionForm::Inputs && relation != Relation::MovedPixels {
        return Err(format!(
            "transition = \"inputs\" needs tasks that show the same images in another way, which {family} does not: \
             take \"mixture\"{}",
            if relation == Relation::OtherLabels { " or \"labels\"" } else { "" }
        ));
    }
    if form == TransitionForm::Mixture && plan.data().augmentation != Augmentation::None {
        return Err(
            "transition = \"mixture\" does not augment the rows of the task before: leave data.augmentation \
                    out"
            .into(),
        );
    }
    if plan.method("joint").is_some() {
        return Err(
            "method \"joint\" trains on all tasks so far, from which there is nothing to go over: leave \
                    stream.transition out"
                .into(),
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn;
    use crate::tasks::fixture;

    fn plan(family: &str, form: TransitionForm) -> Plan {
        let mut plan = fixture::plan(family);
        plan.stream_mut().transition = Some(Transition { form, steps: 9 });
        plan
    }

    struct Case {
        served: Served,
        here: Examples,
        before: Examples,
        positions: Vec<u32>,
    }

    impl Case {
        fn new(plan: &Plan, task: usize) -> Self {
            let stream = crate::tasks::stream(plan, std::sync::Arc::new(fixture::mnist_like())).unwrap();
            let here = stream.task(task).train;
            let batches = Batches::new(plan, here.len(), task);
            let served = Served::new(plan, &*stream, task, &batches);
            let positions = (0..200).collect();
            Self { served, here, before: stream.task(task - task.min(1)).train, positions }
        }

        fn at(&self, step: usize) -> (Vec<f32>, Vec<u32>) {
            let own = nn::batch(&self.here, &self.positions).unwrap();
            let (inputs, targets) = self.served.batch(step, &self.positions, own).unwrap();
            (inputs.flatten_all().unwrap().to_vec1().unwrap(), targets.labels.to_vec())
        }
    }

    #[test]
    fn labels_go_over_in_equal_steps_and_the_images_stay() {
        let case = Case::new(&plan("shuffled-labels", TransitionForm::Labels), 3);
        let (here, before) = (&case.here.labels, &case.before.labels);
        let differ: Vec<usize> = (0..200).filter(|&i| here[i] != before[i]).collect();
        for step in 0..9 {
            let (inputs, labels) = case.at(step);
            assert_eq!(inputs, fixture::rows(&case.here.inputs));
            assert!((0..200).all(|i| labels[i] == here[i] || labels[i] == before[i]));
            let old = differ.iter().filter(|&&i| labels[i] == before[i]).count() as f64 / differ.len() as f64;
            // Of about 180 rows; deviation at most 0.038.
            assert!((old - (1.0 - (step + 1) as f64 / 10.0)).abs() < 0.15, "step {step}: {old}");
        }
        assert_eq!(case.at(9).1[..], here[..], "after it only this task is left");
        assert_eq!(case.at(2), case.at(2), "from seed, task and step alone");
        let first = Case::new(&plan("shuffled-labels", TransitionForm::Labels), 0);
        assert_eq!(first.at(0).1[..], first.here.labels[..], "the first task has none before it");
    }

    #[test]
    fn inputs_go_over_along_a_line_and_the_labels_stay() {
        let case = Case::new(&plan("permuted-pixels", TransitionForm::Inputs), 2);
        let (here, before) = (fixture::rows(&case.here.inputs), fixture::rows(&case.before.inputs));
        let (inputs, labels) = case.at(2);
        assert_eq!(labels[..], case.here.labels[..]);
        for ((x, h), b) in inputs.iter().zip(&here).zip(&before) {
            assert!((x - (0.7 * b + 0.3 * h)).abs() < 1e-6, "{x} {h} {b}");
        }
        assert_eq!(case.at(9).0, here);
    }

    #[test]
    fn whole_examples_of_the_task_before_are_mixed_in() {
        let mut plan = plan("permuted-pixels", TransitionForm::Mixture);
        plan.stream_mut().scaling_shock = None;
        let case = Case::new(&plan, 2);
        let (here, before) = (fixture::rows(&case.here.inputs), fixture::rows(&case.before.inputs));
        let (inputs, labels) = case.at(4);
        let mut old = 0;
        for (i, row) in inputs.chunks(42).enumerate() {
            if *row == here[i * 42..][..42] {
                assert_eq!(labels[i], case.here.labels[i]);
                continue;
            }
            let other = before.chunks(42).position(|other| other == row).expect("a row of the task before");
            assert_eq!(labels[i], case.before.labels[other]);
            old += 1;
        }
        // Binomial(200, 1/2): deviation 7.
        assert!((72..=128).contains(&old), "{old}");
    }

    #[test]
    fn every_tenth_epoch_is_scaled_by_the_next_factor_over_tasks() {
        let mut plan = fixture::plan("shuffled-labels");
        // 200 examples in batches of 16: 13 steps an epoch, 4 epochs a task.
        plan.stream_mut().scaling_shock = Some(3);
        plan.stream_mut().length = crate::spec::Length::Epochs(4);
        let mut factors = Vec::new();
        for task in 0..6 {
            let case = Case::new(&plan, task);
            let plain = fixture::rows(&case.here.inputs);
            for epoch in 0..4 {
                let (inputs, labels) = case.at(epoch * 13 + 12);
                assert_eq!(labels[..], case.here.labels[..]);
                let factor = case.served.factor(epoch * 13);
                assert!(inputs.iter().zip(&plain).all(|(x, p)| *x == p * factor));
                factors.push(factor);
            }
        }
        let mut expected = vec![1.0f32; 24];
        for (number, factor) in [1.5, 0.5, 0.25, 2.0, 1.5, 0.5, 0.25, 2.0].into_iter().enumerate() {
            expected[3 * number + 2] = factor;
        }
        assert_eq!(factors, expected);
    }

    #[test]
    fn what_has_no_meaning_is_refused_in_words() {
        let error = |family, form, relation| check(&plan(family, form), relation).unwrap_err();
        let labels = error("permuted-pixels", TransitionForm::Labels, Relation::MovedPixels);
        assert!(labels.contains("same images other labels"), "{labels}");
        let inputs = error("remapped-classes", TransitionForm::Inputs, Relation::OtherLabels);
        assert!(inputs.ends_with("\"mixture\" or \"labels\""), "{inputs}");
        let mut heads = plan("shuffled-labels", TransitionForm::Labels);
        heads.stream_mut().head = Head::Multi;
        assert!(check(&heads, Relation::OtherLabels).unwrap_err().contains("different heads"));
        assert_eq!(check(&plan("split-classes", TransitionForm::Mixture), Relation::OwnClasses), Ok(()));
    }
}
