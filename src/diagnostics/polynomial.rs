//! Least-squares polynomials.

/// The polynomial of this degree that is nearest to `values` at `points`, evaluated at `at`.
///
/// By polynomials that are orthogonal on the points (Forsythe 1957, doi 10.1137/0105007): powers of s up to
/// the ninth, at ±6, would leave few of an f64's digits.
///
/// # Panics
/// If there are not more points than the degree.
pub fn fit(points: &[f64], values: &[f64], degree: usize, at: &[f64]) -> Vec<f64> {
    assert!(points.len() > degree && points.len() == values.len(), "more points than the degree");
    let (mut now, mut before) = (vec![1.0; points.len()], vec![0.0; points.len()]);
    let (mut now_at, mut before_at) = (vec![1.0; at.len()], vec![0.0; at.len()]);
    let mut fitted = vec![0.0; at.len()];
    let mut norm_before = 1.0;
    for _ in 0..=degree {
        let norm = dot(&now, &now);
        let coefficient = dot(&now, values) / norm;
        for (sum, p) in fitted.iter_mut().zip(&now_at) {
            *sum += coefficient * p;
        }
        let shift = now.iter().zip(points).map(|(p, s)| s * p * p).sum::<f64>() / norm;
        let back = norm / norm_before;
        norm_before = norm;
        for (now, before, places) in [(&mut now, &mut before, points), (&mut now_at, &mut before_at, at)] {
            for ((now, before), s) in now.iter_mut().zip(before.iter_mut()).zip(places) {
                let next = (s - shift) * *now - back * *before;
                (*before, *now) = (*now, next);
            }
        }
    }
    fitted
}

fn dot(x: &[f64], y: &[f64]) -> f64 {
    x.iter().zip(y).map(|(x, y)| x * y).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_polynomial_is_its_own_fit_and_a_line_is_the_known_one() {
        let points: Vec<f64> = (-6..=6).map(f64::from).collect();
        let cubic = |s: f64| 2.0 - s + 0.5 * s * s * s;
        let values: Vec<f64> = points.iter().map(|&s| cubic(s)).collect();
        for (s, y) in [2.5, -7.0].iter().zip(fit(&points, &values, 5, &[2.5, -7.0])) {
            assert!((y - cubic(*s)).abs() < 1e-10, "{y}");
        }
        // The line through (0, 0), (1, 1), (2, 1), (3, 3): slope 0.9, intercept -0.1.
        let line = fit(&[0.0, 1.0, 2.0, 3.0], &[0.0, 1.0, 1.0, 3.0], 1, &[0.0, 1.0]);
        assert!((line[0] + 0.1).abs() < 1e-12 && (line[1] - 0.8).abs() < 1e-12, "{line:?}");
    }
}
