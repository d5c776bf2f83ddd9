//! Shares of a grid: `--shard I/N` among machines, and the same cut to foresee N workers.

use std::fmt;
use std::str::FromStr;

/// One of `count` disjoint shares of a grid, counted from 1: 1/4, 2/4, 3/4 and 4/4 are the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    index: usize,
    count: usize,
}

impl Shard {
    /// Share number `index` (from 1) of `count`.
    pub fn new(index: usize, count: usize) -> Result<Self, String> {
        if (1..=count).contains(&index) {
            Ok(Self { index, count })
        } else {
            Err(format!(
                "there is no shard {index}/{count}: expected I/N with I from 1 to N, as in 1/4 … 4/4"
            ))
        }
    }

    /// Its number, from 1.
    #[must_use]
    pub fn index(self) -> usize {
        self.index
    }

    /// Positions of this share's runs, in the order of the grid.
    #[must_use]
    pub fn positions(self, weights: &[f64]) -> Vec<usize> {
        cut(weights, self.count).swap_remove(self.index - 1)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        let (index, count) = numbers
            .ok_or_else(|| format!("{text:?} is not a shard: expected I/N with I from 1 to N, as in 2/4"))?;
        Self::new(index, count)
    }
}

/// Positions of `weights`, the heaviest first; equal ones in their own order.
#[must_use]
pub fn heaviest_first(weights: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..weights.len()).collect();
    order.sort_by(|&a, &b| weights[b].total_cmp(&weights[a]));
    order
}

/// Cuts the positions of `weights` into `count` shares of about equal weight: the heaviest first, each
/// to the share that is lightest so far (Graham 1969, at most 4/3 of the best possible heaviest share).
/// Equal weights are dealt like cards. A function of its arguments alone, so all machines agree.
#[must_use]
pub fn cut(weights: &[f64], count: usize) -> Vec<Vec<usize>> {
    let count = count.max(1);
    let (mut loads, mut shares) = (vec![0.0; count], vec![Vec::new(); count]);
    for position in heaviest_first(weights) {
        let lightest = (1..count).fold(0, |best, next| if loads[next] < loads[best] { next } else { best });
        loads[lightest] += weights[position];
        shares[lightest].push(position);
    }
    for share in &mut shares {
        share.sort_unstable();
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_is_read_strictly() {
        assert_eq!("2/4".parse(), Shard::new(2, 4));
        for text in ["0/4", "5/4", "1/0", "2", "a/b", "1/2/3", "-1/2", ""] {
            let problem = text.parse::<Shard>().unwrap_err();
            assert!(problem.contains("expected I/N"), "{text}: {problem}");
        }
    }

    #[test]
    fn equal_weights_are_dealt_like_cards() {
        assert_eq!(cut(&[1.0; 7], 3), [vec![0, 3, 6], vec![1, 4], vec![2, 5]]);
        assert_eq!(Shard::new(2, 3).unwrap().positions(&[1.0; 7]), [1, 4]);
    }

    #[test]
    fn one_heavy_run_stands_alone() {
        assert_eq!(cut(&[1.0, 1.0, 9.0, 1.0], 2), [vec![2], vec![0, 1, 3]]);
    }

    proptest! {
        #[test]
        fn shares_are_disjoint_complete_and_balanced(
            weights in prop::collection::vec(0.1_f64..100.0, 0..60),
            count in 1_usize..9,
        ) {
            let shares = cut(&weights, count);
            let mut all = shares.concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..weights.len()).collect::<Vec<_>>());
            let loads: Vec<f64> = shares.iter().map(|s| s.iter().map(|&i| weights[i]).sum()).collect();
            let heaviest = weights.iter().copied().fold(0.0, f64::max);
            let spread = loads.iter().copied().fold(0.0, f64::max)
                - loads.iter().copied().fold(f64::INFINITY, f64::min);
            prop_assert!(spread <= heaviest + 1e-9, "{:?}", loads);
        }

        #[test]
        fn equal_weights_differ_by_one_run_at_most(runs in 0_usize..60, count in 1_usize..9) {
            let sizes: Vec<usize> = cut(&vec![3.7; runs], count).iter().map(Vec::len).collect();
            let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
            prop_assert!(most - least <= 1, "{:?}", sizes);
        }
    }
}
