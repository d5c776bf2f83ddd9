//! Numbers that a count changes less and less until they settle: corrections of running means for their start.

/// f(0), f(1), … up to the value that they settle on, each computed once: a power costs more than most of what is done
/// with it.
#[derive(Clone, Debug)]
pub struct Settling<T> {
    settled: T,
    /// From 0 on, as far as they have been asked for or change.
    known: Vec<T>,
}

impl<T: Copy + PartialEq> Settling<T> {
    /// As many as are kept.
    const KEPT: usize = 1 << 20;

    /// None is known yet. Once a number is `settled`, so are all after it.
    #[must_use]
    pub fn on(settled: T) -> Self {
        Self { settled, known: Vec::new() }
    }

    /// Number `count`, by `f`, which is the same function in every call.
    pub fn at(&mut self, count: u64, f: impl Fn(u64) -> T) -> T {
        while (self.known.len() as u64) <= count
            && self.known.len() < Self::KEPT
            && self.known.last() != Some(&self.settled)
        {
            self.known.push(f(self.known.len() as u64));
        }
        match self.known.get(usize::try_from(count).unwrap_or(usize::MAX)) {
            Some(&known) => known,
            None if self.known.last() == Some(&self.settled) => self.settled,
            None => f(count),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// Known ones, those beyond what is kept, and where they have settled; in any order.
    #[test]
    fn numbers_are_those_of_the_function() {
        for decay in [0.0, 0.9, 0.99, 0.999_999] {
            let f = |count: u64| 1.0 - libm::pow(decay, count as f64);
            let mut numbers = Settling::on(1.0);
            for count in [3_000, 0, 1, 2, 50, 40_000, 1 << 20, 1_500_000, 7] {
                assert_eq!(numbers.at(count, f), f(count), "{decay}, {count}");
            }
        }
    }

    #[test]
    fn each_is_computed_once() {
        let calls = Cell::new(0);
        let f = |count: u64| {
            calls.set(calls.get() + 1);
            count.min(10)
        };
        let mut numbers = Settling::on(10);
        let all: Vec<u64> = [4, 4, 20, 3, 1 << 40].into_iter().map(|count| numbers.at(count, f)).collect();
        assert_eq!(all, [4, 4, 10, 3, 10]);
        assert_eq!(calls.get(), 11);
    }
}
