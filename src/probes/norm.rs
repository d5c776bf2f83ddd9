//! The Frobenius norm that the weight, gradient and update probes share.

/// √Σ x², in f64: f32 would overflow on weights of 2e19; `None` for nothing.
pub(super) fn frobenius(values: &[f32]) -> Option<f64> {
    let square = values.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>();
    (!values.is_empty()).then(|| square.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_norms() {
        assert_eq!(frobenius(&[3.0, -4.0, 12.0]), Some(13.0));
        assert_eq!(frobenius(&[]), None);
        let large = frobenius(&[3e38, 3e38]).unwrap();
        assert!((large / f64::from(3e38f32) - 2f64.sqrt()).abs() < 1e-6, "{large}");
    }
}
