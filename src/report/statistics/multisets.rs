//! The resamples of a bootstrap as multisets: 50,000 resamples of three values are ten different ones, each
//! drawn so many times. A figure is then computed once for each, with the same result to the bit.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::interval::Interval;
use super::resampling::Bootstrap;

/// Multisets are worth the bookkeeping where there are at most this many times fewer of them than resamples.
const FEWER: usize = 4;

/// The different resamples of strata of given sizes.
#[derive(Debug)]
pub struct Multisets {
    /// How often each value is drawn, stratum after stratum.
    pub counts: Vec<Vec<u32>>,
    /// How many of the resamples these are.
    pub times: Vec<u32>,
}

type Known = Mutex<BTreeMap<(Bootstrap, Vec<usize>), Arc<Multisets>>>;

/// Those of strata of these sizes; `None` where they would be too many.
pub fn multisets(bootstrap: Bootstrap, sizes: &[usize]) -> Option<Arc<Multisets>> {
    static KNOWN: OnceLock<Known> = OnceLock::new();
    if different(sizes) > bootstrap.resamples / FEWER {
        return None;
    }
    let key = (bootstrap, sizes.to_vec());
    let mut known = KNOWN.get_or_init(Known::default).lock().unwrap_or_else(PoisonError::into_inner);
    Some(Arc::clone(known.entry(key).or_insert_with(|| Arc::new(draw(bootstrap, sizes)))))
}

/// How many different multisets can be drawn: n of n values are one of C(2n-1, n).
fn different(sizes: &[usize]) -> usize {
    sizes.iter().fold(1_usize, |all, &n| {
        let mut ways = 1_usize;
        for i in 1..n {
            // C(n+i, i) from C(n+i-1, i-1): the division is exact.
            ways = ways.saturating_mul(n + i) / i;
        }
        all.saturating_mul(ways)
    })
}

fn draw(bootstrap: Bootstrap, sizes: &[usize]) -> Multisets {
    let mut drawn: BTreeMap<Vec<u32>, u32> = BTreeMap::new();
    let mut stream = bootstrap.stream();
    let mut counts = vec![0; sizes.iter().sum()];
    for _ in 0..bootstrap.resamples {
        counts.fill(0);
        let mut begin = 0;
        for &n in sizes {
            (0..n).for_each(|_| counts[begin + stream.below(n as u64) as usize] += 1);
            begin += n;
        }
        match drawn.get_mut(&counts) {
            Some(times) => *times += 1,
            None => drop(drawn.insert(counts.clone(), 1)),
        }
    }
    let (counts, times) = drawn.into_iter().unzip();
    Multisets { counts, times }
}

/// The 95 % percentile interval around `value` of figures that were each drawn so many times.
pub fn weighted_interval(value: f64, drawn: &mut [(f64, u32)]) -> Interval {
    drawn.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    let total: usize = drawn.iter().map(|(_, times)| *times as usize).sum();
    let at = |rank: usize| {
        let mut passed = 0;
        let mut found = value;
        for (figure, times) in drawn.iter() {
            passed += *times as usize;
            found = *figure;
            if passed > rank {
                break;
            }
        }
        found
    };
    let percentile = |share: f64| {
        let rank = share * total.saturating_sub(1) as f64;
        let below = rank.floor() as usize;
        let (low, high) = (at(below), at(below + 1));
        low + (high - low) * (rank - below as f64)
    };
    Interval { value, low: percentile(0.025), high: percentile(0.975) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn multisets_are_counted_by_the_formula_and_add_up() {
        assert_eq!([1, 2, 3, 5, 7].map(|n| different(&[n])), [1, 3, 10, 126, 1716]);
        assert_eq!(different(&[3, 3]), 100);
        let three = multisets(Bootstrap::TABLES, &[3]).unwrap();
        assert_eq!((three.counts.len(), three.times.iter().sum::<u32>()), (10, 50_000));
        assert!(three.counts.iter().all(|counts| counts.iter().sum::<u32>() == 3));
        assert!(multisets(Bootstrap::TABLES, &[30]).is_none());
    }
}
