//! The order in which the examples of one task are served.

use crate::random::Stream;
use crate::spec::{Length, Order, Plan};

/// The batches of one task, by step.
///
/// An epoch serves every example once. Its last batch holds what is left and may be smaller, as with
/// `PyTorch`'s `DataLoader` at its default `drop_last=False`. (The public code of L2 Init, arXiv
/// 2308.11958, never serves the last batch of an epoch: 74 of 75 at 1200 examples and batch 16. Here
/// it is served, so 30,000 steps are exactly 400 epochs.) With `stream.drop_last` a short last batch is left
/// out, and every step has as many examples; an epoch of less than a batch is served whole even so.
///
/// The order of an epoch follows from the seed, the task and the epoch alone, so a step can be entered
/// without replaying those before it.
#[derive(Clone, Debug)]
pub struct Batches {
    seed: u64,
    task: usize,
    examples: usize,
    batch_size: usize,
    order: Order,
    steps: usize,
    steps_per_epoch: usize,
    /// The epoch whose order is in `current`.
    epoch: Option<usize>,
    current: Vec<u32>,
}

impl Batches {
    /// The batches of task number `task`, which has `examples` training examples.
    ///
    /// # Panics
    /// If there is no example, or the plan's batch size is 0.
    #[must_use]
    pub fn new(plan: &Plan, examples: usize, task: usize) -> Self {
        let (batch_size, order) = (plan.stream().batch_size, plan.stream().order);
        assert!(examples > 0 && batch_size > 0, "a task has examples and a checked plan has a batch size");
        let steps_per_epoch = if plan.stream().drop_last {
            (examples / batch_size).max(1)
        } else {
            examples.div_ceil(batch_size)
        };
        let steps = match plan.stream().length {
            Length::Steps(steps) => steps,
            Length::Epochs(epochs) => epochs * steps_per_epoch,
        };
        Self {
            seed: plan.seed,
            task,
            examples,
            batch_size,
            order,
            steps,
            steps_per_epoch,
            epoch: None,
            current: Vec::new(),
        }
    }

    /// Steps of the task, over all its epochs.
    #[must_use]
    pub fn steps(&self) -> usize {
        self.steps
    }

    /// Steps of a pass over the examples.
    #[must_use]
    pub fn steps_per_epoch(&self) -> usize {
        self.steps_per_epoch
    }

    /// Positions of the examples of step number `step` (from 0, below `steps()`), in the order served.
    pub fn batch(&mut self, step: usize) -> &[u32] {
        debug_assert!(step < self.steps, "step {step} of {}", self.steps);
        let start = step % self.steps_per_epoch() * self.batch_size;
        let end = (start + self.batch_size).min(self.examples);
        &self.epoch_order(step / self.steps_per_epoch())[start..end]
    }

    /// Positions of all examples in the order in which epoch number `epoch` serves them.
    pub fn epoch_order(&mut self, epoch: usize) -> &[u32] {
        if self.epoch != Some(epoch) {
            if self.current.is_empty() || self.order == Order::Reshuffled {
                self.current.clear();
                self.current.extend(0..self.examples as u32);
            }
            if self.order == Order::Reshuffled {
                Stream::new(self.seed, "batches", stream_index(self.task, epoch)).shuffle(&mut self.current);
            }
            self.epoch = Some(epoch);
        }
        &self.current
    }
}

/// A generator's number for every (task, epoch) or (task, step): tasks in the high half.
#[must_use]
pub fn stream_index(task: usize, part: usize) -> u64 {
    let half = |n: usize| u64::from(u32::try_from(n).expect("fewer than 2^32 tasks, epochs and steps"));
    half(task) << 32 | half(part)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::fixture;

    fn batches(examples: usize, batch_size: usize, length: Length, order: Order) -> Batches {
        task_batches(examples, batch_size, length, order, 0, 0)
    }

    fn task_batches(
        examples: usize,
        batch_size: usize,
        length: Length,
        order: Order,
        seed: u64,
        task: usize,
    ) -> Batches {
        let mut plan = fixture::plan("shuffled-labels");
        plan.seed = seed;
        plan.stream_mut().batch_size = batch_size;
        plan.stream_mut().length = length;
        plan.stream_mut().order = order;
        Batches::new(&plan, examples, task)
    }

    #[test]
    fn a_short_last_batch_can_be_left_out() {
        let of = |examples| {
            let mut plan = fixture::plan("shuffled-labels");
            let stream = plan.stream_mut();
            (stream.batch_size, stream.length, stream.drop_last) = (4, Length::Epochs(3), true);
            let mut batches = Batches::new(&plan, examples, 0);
            (0..batches.steps()).map(|step| batches.batch(step).to_vec()).collect::<Vec<_>>()
        };
        let ten = of(10);
        assert_eq!(ten.iter().map(Vec::len).collect::<Vec<_>>(), [4; 6]);
        // Which two of ten are left out changes with the order.
        let served = |epoch: usize| {
            ten[2 * epoch..][..2].concat().into_iter().collect::<std::collections::BTreeSet<_>>()
        };
        assert_eq!((served(0).len(), served(1).len()), (8, 8));
        assert!(served(0) != served(1) || served(1) != served(2));
        assert_eq!(of(3).iter().map(Vec::len).collect::<Vec<_>>(), [3; 3]);
    }

    #[test]
    fn every_epoch_serves_every_example_once_and_its_last_batch_may_be_partial() {
        let mut b = batches(10, 4, Length::Epochs(3), Order::Reshuffled);
        assert_eq!((b.steps(), b.steps_per_epoch()), (9, 3));
        let mut orders = Vec::new();
        for epoch in 0..3 {
            let sizes: Vec<usize> = (0..3).map(|i| b.batch(epoch * 3 + i).len()).collect();
            assert_eq!(sizes, [4, 4, 2]);
            let served: Vec<u32> = (0..3).flat_map(|i| b.batch(epoch * 3 + i).to_vec()).collect();
            let mut sorted = served.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..10).collect::<Vec<u32>>());
            orders.push(served);
        }
        assert!(orders[0] != orders[1] && orders[1] != orders[2] && orders[0] != orders[2], "{orders:?}");
    }

    #[test]
    fn a_batch_that_divides_the_set_leaves_no_partial_one() {
        // L2 Init's protocol: 1200 examples, batch 16, 30,000 steps are 400 whole epochs of 75.
        let mut b = batches(1200, 16, Length::Steps(30_000), Order::Reshuffled);
        assert_eq!((b.steps(), b.steps_per_epoch()), (30_000, 75));
        assert_eq!(b.batch(74).len(), 16, "the last batch of the epoch is served, and whole");
        assert_eq!(b.batch(29_999).len(), 16);
    }

    #[test]
    fn steps_may_end_within_an_epoch_and_a_batch_may_exceed_the_set() {
        assert_eq!(batches(10, 4, Length::Steps(4), Order::Fixed).steps(), 4);
        let mut b = batches(10, 64, Length::Epochs(2), Order::Reshuffled);
        assert_eq!((b.steps(), b.batch(1).len()), (2, 10));
    }

    #[test]
    fn a_fixed_order_is_the_sets_own_in_every_epoch() {
        let mut b = batches(10, 4, Length::Epochs(2), Order::Fixed);
        for epoch in 0..2 {
            assert_eq!(b.batch(epoch * 3), [0, 1, 2, 3]);
            assert_eq!(b.batch(epoch * 3 + 2), [8, 9]);
        }
    }

    #[test]
    fn entering_at_any_step_gives_the_same_batches_as_walking_there() {
        let fresh = || batches(10, 4, Length::Epochs(5), Order::Reshuffled);
        let mut walked = fresh();
        let all: Vec<Vec<u32>> = (0..walked.steps()).map(|s| walked.batch(s).to_vec()).collect();
        for step in (0..all.len()).rev() {
            assert_eq!(fresh().batch(step), all[step], "step {step} from cold");
            assert_eq!(walked.batch(step), all[step], "step {step} backwards");
        }
    }

    #[test]
    fn tasks_epochs_and_seeds_have_their_own_orders() {
        let order = |seed, task, epoch| {
            let mut b = task_batches(100, 4, Length::Epochs(5), Order::Reshuffled, seed, task);
            b.epoch_order(epoch).to_vec()
        };
        let orders = [order(0, 0, 0), order(1, 0, 0), order(0, 1, 0), order(0, 0, 1), order(0, 1, 1)];
        for (i, a) in orders.iter().enumerate() {
            assert!(orders[i + 1..].iter().all(|b| a != b), "order {i} is repeated");
        }
        assert_eq!(orders[0], order(0, 0, 0));
        // The generators of tasks and batches are apart, though both are numbered from 0.
        assert_ne!(orders[0], Stream::new(0, "tasks", 0).permutation(100));
    }

    #[test]
    fn every_example_comes_first_equally_often() {
        let mut b = batches(10, 4, Length::Epochs(20_000), Order::Reshuffled);
        let mut counts = [0u32; 10];
        (0..20_000).for_each(|epoch| counts[b.epoch_order(epoch)[0] as usize] += 1);
        // Binomial(20000, 1/10): mean 2000, standard deviation 42; five of them either way.
        assert!(counts.iter().all(|c| (1_790..=2_210).contains(c)), "{counts:?}");
    }
}
