//! Muon's step on one hidden matrix (Jordan et al. 2024, <https://kellerjordan.github.io/posts/muon>;
//! torch.optim.Muon): the momentum's nearest matrix with singular values near 1, by Newton-Schulz iterations.
//!
//! b ← μb + (1 - μ)g; u = b, or (1 - μ)g + μb with Nesterov's form; X = u/(‖u‖_F + 1e-7), and k times
//! X ← aX + (bA + cA²)X with A = `XXᵀ` over the shorter side; w ← (1 - lr·λ)w - lr·√max(1, rows/columns)·X.
//! A convolution's filters are (outputs, inputs · area). The published code multiplies in bfloat16, this in f32.

use super::matmul::{times, times_transposed, transposed_times};

/// Coefficients of the quintic, tuned for a steep slope at 0: singular values end within 0.7 to 1.2 or so.
const QUINTIC: (f32, f32, f32) = (3.4445, -4.7750, 2.0315);

/// Muon's numbers.
#[derive(Clone, Copy, Debug)]
pub struct Muon {
    /// Step size: about the spectral norm of a step.
    pub learning_rate: f64,
    /// μ
    pub momentum: f64,
    /// Nesterov's form.
    pub nesterov: bool,
    /// Newton-Schulz iterations.
    pub iterations: usize,
    /// λ, decoupled.
    pub weight_decay: f64,
}

impl Muon {
    /// One step on a matrix `w` of so many `rows` with gradient `g` and momentum buffer `b`, which starts at 0.
    pub fn step(&self, w: &mut [f32], g: &[f32], b: &mut [f32], rows: usize) {
        let (momentum, rest) = (self.momentum as f32, (1.0 - self.momentum) as f32);
        let ahead = |b: f32, g: f32| if self.nesterov { rest.mul_add(g, momentum * b) } else { b };
        let direction: Vec<f32> = (b.iter_mut().zip(g))
            .map(|(b, &g)| {
                *b = rest.mul_add(g, momentum * *b);
                ahead(*b, g)
            })
            .collect();
        let direction = orthogonalized(&direction, rows, self.iterations);
        let columns = w.len() / rows;
        let scale = (rows as f64 / columns as f64).max(1.0).sqrt();
        let (rate, shrink) =
            ((self.learning_rate * scale) as f32, (1.0 - self.learning_rate * self.weight_decay) as f32);
        w.iter_mut().zip(direction).for_each(|(w, x)| *w = (-rate).mul_add(x, *w * shrink));
    }
}

/// The matrix with its singular values brought near 1; zeros stay.
fn orthogonalized(matrix: &[f32], rows: usize, iterations: usize) -> Vec<f32> {
    let columns = matrix.len() / rows;
    let norm = matrix.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt() as f32 + 1e-7;
    let mut x: Vec<f32> = matrix.iter().map(|x| x / norm).collect();
    let side = rows.min(columns);
    let (mut gram, mut square) = (vec![0.0f32; side * side], vec![0.0f32; side * side]);
    let mut product = vec![0.0f32; x.len()];
    let (a, b, c) = QUINTIC;
    for _ in 0..iterations {
        // (bA + cA²)X with A = XXᵀ is X(bA + cA²) with A = XᵀX.
        if rows <= columns {
            times_transposed(&x, &x, &mut gram, (rows, rows, columns), false);
        } else {
            transposed_times(&x, &x, &mut gram, (columns, columns, rows), false);
        }
        times(&gram, &gram, &mut square, (side, side, side), false);
        square.iter_mut().zip(&gram).for_each(|(s, g)| *s = c.mul_add(*s, b * g));
        if rows <= columns {
            times(&square, &x, &mut product, (rows, columns, rows), false);
        } else {
            times(&x, &square, &mut product, (rows, columns, columns), false);
        }
        x.iter_mut().zip(&product).for_each(|(x, p)| *x = a.mul_add(*x, *p));
    }
    x
}
