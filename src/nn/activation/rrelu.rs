//! rrelu(x) = x for x ≥ 0, r·x elsewhere, r ~ U(low, high) for each element in training and their mean in
//! evaluation (Xu et al. 2015, arXiv 1505.00853; `torch.nn.RReLU`, defaults 1/8 and 1/3).

use std::sync::Arc;

use super::Activation;
use super::slopes::{self, Slopes};
use crate::kernels::element::{ElementKernel, Gradients, Mode, Saved, vectorized};
use crate::kernels::real::Real;
use crate::spec::{Choice, Entry};

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "rrelu",
    summary: "x for x >= 0, r·x elsewhere, r ~ U(low, high) per element in training, the mean in evaluation",
    source: "Xu et al. 2015, arXiv 1505.00853",
    parameters: &[slopes::LOW, slopes::HIGH],
};

struct Rrelu(Slopes);

impl<T: Real> ElementKernel<T> for Rrelu {
    fn forward(&self, _: &[T], _: usize, z: &[T], y: &mut [T], extra: &mut Vec<T>, mode: &mut Mode<'_>) {
        self.0.draw(z.len(), extra, mode);
        vectorized(
            #[inline(always)]
            || {
                for ((y, &x), &r) in y.iter_mut().zip(z).zip(&*extra) {
                    let leak = r * x;
                    *y = if x < T::ZERO { leak } else { x };
                }
            },
        );
    }

    fn backward(&self, _: &[T], _: usize, saved: Saved<'_, T>, dy: &[T], gradients: Gradients<'_, T>) {
        vectorized(
            #[inline(always)]
            || {
                let elements = gradients.dz.iter_mut().zip(saved.z).zip(saved.extra).zip(dy);
                for (((dz, &x), &r), &dy) in elements {
                    *dz = dy * (if x < T::ZERO { r } else { T::ONE });
                }
            },
        );
    }

    fn saves_elements(&self) -> bool {
        true
    }
}

/// Builds it.
pub fn build(choice: &Choice, _: usize) -> Result<Activation, String> {
    Ok(Activation { kernel: Arc::new(Rrelu(Slopes::chosen(choice)?)), expansion: 1, coefficients: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;
    use crate::spec::Value;

    #[test]
    fn slopes_are_drawn_in_training_and_are_the_mean_in_evaluation() {
        let numbers = [("low", 0.1), ("high", 0.3)].map(|(key, x)| (key.to_string(), Value::Number(x)));
        let choice = Choice { name: "rrelu".into(), parameters: numbers.into() };
        let rrelu = Rrelu(Slopes::chosen(&choice).unwrap());
        let z = vec![-1.0f64; 4000];
        let (mut y, mut extra) = (vec![0.0; z.len()], Vec::new());
        rrelu.forward(&[], 1, &z, &mut y, &mut extra, &mut Mode::Evaluate);
        assert!(y.iter().all(|y| (y + 0.2).abs() < 1e-15));
        extra.clear();
        rrelu.forward(&[], 1, &z, &mut y, &mut extra, &mut Mode::Train(&mut Stream::new(0, "activation", 0)));
        assert!(y.iter().all(|y| (-0.3..=-0.1).contains(y)));
        let mean = y.iter().sum::<f64>() / y.len() as f64;
        let variance = y.iter().map(|y| (y - mean) * (y - mean)).sum::<f64>() / y.len() as f64;
        // U(0.1, 0.3): mean 0.2, variance 0.2²/12.
        assert!((mean + 0.2).abs() < 3e-3 && (variance * 300.0 - 1.0).abs() < 0.1, "{mean} {variance}");
    }
}
