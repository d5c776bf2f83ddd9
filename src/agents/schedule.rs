//! When an agent learns: the number of updates is a formula of the number of decisions.

/// updates = `updates_per_training` · (⌊decisions / `train_frequency`⌋ − ⌊`learning_starts` / `train_frequency`⌋),
/// 0 up to `learning_starts`. There is no burst of updates where the warm-up ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Decisions before the first update: the warm-up.
    pub learning_starts: u64,
    /// Decisions between two trainings.
    pub train_frequency: u64,
    /// Updates in each.
    pub updates_per_training: u64,
}

impl Schedule {
    /// Updates due after decision number `decisions` (counted from 1).
    #[must_use]
    pub fn due(&self, decisions: u64) -> u64 {
        let trains = decisions > self.learning_starts && decisions.is_multiple_of(self.train_frequency);
        if trains { self.updates_per_training } else { 0 }
    }

    /// Updates after so many decisions.
    #[must_use]
    pub fn total(&self, decisions: u64) -> u64 {
        let trainings = |decisions: u64| decisions / self.train_frequency;
        let after = decisions.max(self.learning_starts);
        self.updates_per_training * (trainings(after) - trainings(self.learning_starts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_formula_counts_what_is_due() {
        for (learning_starts, train_frequency, updates_per_training) in
            [(5000, 1, 1), (0, 1, 2), (100, 10, 1), (1003, 256, 128), (7, 3, 5)]
        {
            let schedule = Schedule { learning_starts, train_frequency, updates_per_training };
            let mut made = 0;
            for decisions in 1..=6000 {
                made += schedule.due(decisions);
                assert_eq!(made, schedule.total(decisions), "{schedule:?} after {decisions}");
            }
        }
        let every = Schedule { learning_starts: 5000, train_frequency: 1, updates_per_training: 2 };
        assert_eq!([5000, 5001, 15_000].map(|n| every.total(n)), [0, 2, 20_000]);
    }
}
