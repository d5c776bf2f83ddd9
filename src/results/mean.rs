//! A mean whose values come one by one.

/// Sum and number of the values so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mean {
    sum: f64,
    count: usize,
}

impl Mean {
    /// Adds a value; one that does not apply counts for nothing.
    pub fn add(&mut self, value: Option<f64>) {
        if let Some(value) = value {
            self.sum += value;
            self.count += 1;
        }
    }

    /// `None` of nothing.
    #[must_use]
    pub fn value(self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }

    /// The mean of all values; `None` where there are none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<f64> {
        let mut mean = Self::default();
        values.into_iter().for_each(|value| mean.add(Some(value)));
        mean.value()
    }
}
