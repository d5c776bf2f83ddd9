//! A series over tasks in bounded space.

/// Most points that a series keeps: more than a plot is wide in marks.
const MOST: usize = 200;

/// Stands for no value; what is added is finite.
const GAP: f64 = f64::INFINITY;

/// Means over as many neighbouring tasks as it takes to stay within 200 points. A report over ten thousand
/// runs holds a million of these.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Downsampled {
    /// Of each bucket of tasks.
    sums: Vec<f64>,
    /// Values in each sum. Empty as long as no bucket has more than one: then the sum is the value, or
    /// [`GAP`].
    counts: Vec<u32>,
    /// log2 of the tasks in a bucket.
    doublings: u32,
}

impl Downsampled {
    /// Adds the value of a task; values that are not finite leave a gap.
    pub fn add(&mut self, task: usize, value: f64) {
        while task >> self.doublings >= MOST {
            self.count();
            self.doublings += 1;
            self.sums = self.sums.chunks(2).map(|pair| pair.iter().sum()).collect();
            self.counts = self.counts.chunks(2).map(|pair| pair.iter().sum()).collect();
        }
        let bucket = task >> self.doublings;
        if self.sums.len() <= bucket {
            let counted = !self.counts.is_empty();
            self.sums.resize(bucket + 1, if counted { 0.0 } else { GAP });
            self.counts.resize(if counted { bucket + 1 } else { 0 }, 0);
        }
        if !value.is_finite() {
            return;
        }
        if self.counts.is_empty() && self.sums[bucket] == GAP {
            self.sums[bucket] = value;
            return;
        }
        self.count();
        self.sums[bucket] += value;
        self.counts[bucket] += 1;
    }

    /// Begins to count the values of each bucket.
    fn count(&mut self) {
        if self.counts.is_empty() {
            self.counts = self.sums.iter().map(|&sum| u32::from(sum != GAP)).collect();
            self.sums.iter_mut().filter(|sum| **sum == GAP).for_each(|sum| *sum = 0.0);
        }
    }

    /// Gives back the room for more: nothing will be added.
    pub(super) fn end(&mut self) {
        self.sums.shrink_to_fit();
        self.counts.shrink_to_fit();
    }

    /// (middle of the bucket's tasks, mean) of every bucket with a value.
    pub fn points(&self) -> impl Iterator<Item = (f64, f64)> {
        let width = libm::exp2(f64::from(self.doublings));
        self.sums.iter().enumerate().filter_map(move |(i, &sum)| {
            let count = self.counts.get(i).copied().unwrap_or(u32::from(sum != GAP));
            (count > 0).then(|| (i as f64 * width + 0.5 * (width - 1.0), sum / f64::from(count)))
        })
    }

    /// The last point's value.
    #[must_use]
    pub fn last(&self) -> Option<f64> {
        self.points().last().map(|(_, value)| value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_streams_are_downsampled_and_keep_their_mean() {
        let mut series = Downsampled::default();
        (0..1000).for_each(|task| series.add(task, task as f64));
        let points: Vec<_> = series.points().collect();
        assert_eq!(points.len(), 125);
        assert!(points.iter().all(|(x, y)| x == y), "{points:?}");
        let mut short = Downsampled::default();
        [1.0, f64::NAN, 3.0].into_iter().enumerate().for_each(|(task, value)| short.add(task, value));
        assert_eq!(short.points().collect::<Vec<_>>(), [(0.0, 1.0), (2.0, 3.0)]);
        assert_eq!(short.last(), Some(3.0));
        short.add(2, 5.0);
        short.add(2, f64::NAN);
        short.end();
        assert_eq!(short.points().collect::<Vec<_>>(), [(0.0, 1.0), (2.0, 4.0)], "two values of a task");
        short.add(3, 7.0);
        assert_eq!(short.points().collect::<Vec<_>>(), [(0.0, 1.0), (2.0, 4.0), (3.0, 7.0)]);
    }

    /// From a damaged file: the numbers are nonsense, and that is all.
    #[test]
    fn a_task_of_any_number_is_a_point() {
        let mut series = Downsampled::default();
        for (task, value) in [(3, 1.0), (usize::MAX, 2.0), (0, 3.0)] {
            series.add(task, value);
        }
        let points: Vec<_> = series.points().collect();
        assert_eq!(points.iter().map(|(_, y)| *y).collect::<Vec<_>>(), [2.0, 2.0], "{points:?}");
    }
}
