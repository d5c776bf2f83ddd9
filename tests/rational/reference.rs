//! Values and gradients against `PyTorch`'s autograd (`tests/reference/rational_torch.py`).

use plasticity_bench::kernels::element::Mode;

use crate::choices::{constraint, rational as choice};
use crate::layers;

#[test]
fn values_and_gradients_agree_with_autograd() {
    let mut rows = 0;
    let text = include_str!("../reference/rational_torch.csv");
    for line in text.lines().filter(|line| !line.starts_with('#')).skip(1) {
        let cells: Vec<&str> = line.split(',').collect();
        let degrees = [cells[1].parse().unwrap(), cells[2].parse().unwrap()];
        let numbers: Vec<f64> = cells[3].split(' ').map(|x| x.parse().unwrap()).collect();
        let (activation, coefficients) =
            layers::build(&choice(cells[0], degrees, constraint("none", &[])), 1);
        let (theta, rest) = numbers.split_at(coefficients.names.len());
        let (y, dz, gradient) = layers::both(&activation, theta, 1, &[rest[0]], &[1.0], &mut Mode::Evaluate);
        let own: Vec<f64> = y.into_iter().chain(dz).chain(gradient).collect();
        assert_eq!(own.len(), rest.len() - 1);
        for (own, theirs) in own.iter().zip(&rest[1..]) {
            // P and Q may cancel: a thousandth of a millionth of the row's scale, or of the number.
            assert!((own - theirs).abs() <= 1e-10 * theirs.abs().max(1e-2), "{line}\n{own} {theirs}");
        }
        rows += 1;
    }
    assert_eq!(rows, 120);
}
