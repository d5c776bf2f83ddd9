//! A quantity over tasks in bounded space.

/// Most points that a series keeps: more than a plot is wide in marks.
const MOST: usize = 200;

/// Means over as many neighbouring tasks as it takes to stay within 200 points.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// (sum, count) of each bucket of tasks.
    buckets: Vec<(f64, u32)>,
    /// log2 of the tasks in a bucket.
    doublings: u32,
}

impl Series {
    /// Adds the value of a task; values that are not finite leave a gap.
    pub fn add(&mut self, task: usize, value: f64) {
        while task >> self.doublings >= MOST {
            self.doublings += 1;
            let pairs = self.buckets.chunks(2);
            self.buckets = pairs.map(|p| p.iter().fold((0.0, 0), |a, b| (a.0 + b.0, a.1 + b.1))).collect();
        }
        let bucket = task >> self.doublings;
        if self.buckets.len() <= bucket {
            self.buckets.resize(bucket + 1, (0.0, 0));
        }
        if value.is_finite() {
            self.buckets[bucket].0 += value;
            self.buckets[bucket].1 += 1;
        }
    }

    /// (middle of the bucket's tasks, mean) of every bucket with a value.
    pub fn points(&self) -> impl Iterator<Item = (f64, f64)> {
        let width = f64::from(1_u32 << self.doublings);
        self.buckets
            .iter()
            .enumerate()
            .filter(|(_, (_, count))| *count > 0)
            .map(move |(i, (sum, count))| (i as f64 * width + 0.5 * (width - 1.0), sum / f64::from(*count)))
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
    fn long_streams_are_thinned_and_keep_their_mean() {
        let mut series = Series::default();
        (0..1000).for_each(|task| series.add(task, task as f64));
        let points: Vec<_> = series.points().collect();
        assert_eq!(points.len(), 125);
        assert!(points.iter().all(|(x, y)| x == y), "{points:?}");
        let mut short = Series::default();
        [1.0, f64::NAN, 3.0].into_iter().enumerate().for_each(|(task, value)| short.add(task, value));
        assert_eq!(short.points().collect::<Vec<_>>(), [(0.0, 1.0), (2.0, 3.0)]);
        assert_eq!(short.last(), Some(3.0));
    }
}
