//! Quantile critics and their truncated mixture, as TQC has them (Kuznetsov et al. 2020, arXiv 2005.04269).
//!
//! Each of N critics says M atoms θ₁ … `θ_M` of the distribution of the return, at the fractions
//! τₘ = (2m − 1)/2M. Targets are the atoms of all critics together without the d·N largest; every critic is
//! fitted to them by quantile regression with Huber's function (κ = 1):
//! mean over m and targets y of |τₘ − 1{y < θₘ}| · `H₁`(y − θₘ).

/// The smallest atoms of a mixture: those of all critics, sorted, without the `dropped` largest a critic.
///
/// # Panics
/// If nothing would be left.
pub fn truncated(critics: &[Vec<f64>], dropped: usize) -> Vec<f64> {
    let mut atoms = critics.concat();
    atoms.sort_by(f64::total_cmp);
    let kept = atoms.len().checked_sub(dropped * critics.len()).filter(|kept| *kept > 0);
    atoms.truncate(kept.expect("fewer atoms are dropped than there are"));
    atoms
}

/// Loss of a critic's atoms against targets, and its derivative by each atom into `gradient`.
pub fn huber(atoms: &[f64], targets: &[f64], gradient: &mut [f64]) -> f64 {
    let pairs = (atoms.len() * targets.len()) as f64;
    let mut loss = 0.0;
    for (m, (atom, slope)) in atoms.iter().zip(gradient).enumerate() {
        let fraction = (m as f64 + 0.5) / atoms.len() as f64;
        *slope = 0.0;
        for target in targets {
            let apart = target - atom;
            let weight = if apart < 0.0 { 1.0 - fraction } else { fraction };
            let near = apart.clamp(-1.0, 1.0);
            loss += weight * near * (apart - near / 2.0);
            *slope -= weight * near;
        }
        *slope /= pairs;
    }
    loss / pairs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_atoms_of_all_critics_together_are_dropped() {
        let critics = [vec![3.0, 1.0, 9.0], vec![2.0, 8.0, 7.0]];
        assert_eq!(truncated(&critics, 0), [1.0, 2.0, 3.0, 7.0, 8.0, 9.0]);
        // Not the largest of each, which would leave 3 and drop 7.
        assert_eq!(truncated(&critics, 1), [1.0, 2.0, 3.0, 7.0]);
        assert_eq!(truncated(&critics, 2), [1.0, 2.0]);
    }

    /// Two atoms at τ = ¼ and ¾, two targets, by hand: for θ₁ = 0 the differences 0.5 and 3 cost
    /// ¼ (0.125 + 2.5), for θ₂ = 2 those of −1.5 and 1 cost ¼ · 1 + ¾ · 0.5.
    #[test]
    fn the_loss_is_the_one_by_hand() {
        let mut gradient = [0.0; 2];
        let loss = huber(&[0.0, 2.0], &[0.5, 3.0], &mut gradient);
        assert!((loss - (0.25 * 2.625 + 0.25 + 0.375) / 4.0).abs() < 1e-15, "{loss}");
        let expected = [-0.25 * 1.5 / 4.0, (0.25 - 0.75) / 4.0];
        assert!(gradient.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{gradient:?}");
    }

    /// Values of PyTorch's autograd (`tests/reference/quantiles.py`).
    #[test]
    fn loss_and_gradient_are_pytorchs() {
        let text = include_str!("../../tests/reference/quantiles.csv");
        let mut rows = 0;
        for row in text.lines().skip(1) {
            let cells: Vec<&str> = row.split(',').collect();
            let numbers = |cell: &str| cell.split(' ').map(|x| x.parse().unwrap()).collect::<Vec<f64>>();
            let number = |i: usize| cells[i].parse::<f64>().unwrap();
            let critics: Vec<Vec<f64>> = cells[0].split('/').map(numbers).collect();
            let kept = truncated(&critics, cells[1].parse().unwrap());
            let targets: Vec<f64> = kept.iter().map(|z| number(2) + number(3) * z).collect();
            let mut gradient = vec![0.0; critics[0].len()];
            let loss = huber(&critics[0], &targets, &mut gradient);
            assert!((loss - number(4)).abs() < 1e-13 * (1.0 + loss), "{loss} {}", number(4));
            for (ours, theirs) in gradient.iter().zip(numbers(cells[5])) {
                assert!((ours - theirs).abs() < 1e-14, "{ours} {theirs}");
            }
            rows += 1;
        }
        assert_eq!(rows, 6);
    }

    #[test]
    fn the_gradient_is_that_of_the_loss() {
        let (atoms, targets) = ([-1.3, 0.2, 0.9, 4.0], [-2.0, 0.1, 0.55, 1.7, 6.0]);
        let mut gradient = [0.0; 4];
        huber(&atoms, &targets, &mut gradient);
        for (i, slope) in gradient.iter().enumerate() {
            let at = |by: f64| {
                let mut moved = atoms;
                moved[i] += by;
                huber(&moved, &targets, &mut [0.0; 4])
            };
            let central = (at(1e-6) - at(-1e-6)) / 2e-6;
            assert!((slope - central).abs() < 1e-8, "{i}: {slope} {central}");
        }
    }

    /// With targets far wider than κ the atoms of the least loss are near the targets' quantiles.
    #[test]
    fn the_least_loss_is_at_the_quantiles() {
        let targets: Vec<f64> = (0..2001).map(|i| f64::from(i) * 0.1).collect();
        let mut atoms = [100.0; 4];
        let mut gradient = [0.0; 4];
        for _ in 0..4000 {
            huber(&atoms, &targets, &mut gradient);
            for (atom, slope) in atoms.iter_mut().zip(gradient) {
                *atom -= 40.0 * slope;
            }
        }
        for (atom, expected) in atoms.iter().zip([25.0, 75.0, 125.0, 175.0]) {
            assert!((atom - expected).abs() < 0.5, "{atoms:?}");
        }
    }
}
