//! Small symmetric positive definite systems.
//!
//! A matrix is its lower triangle, row by row; nothing above the diagonal is read. It is eliminated from
//! the last row to the first: rows stand in the order of the tree of bodies, so what is zero because two
//! joints are on different branches stays zero.

/// Lower triangle of a symmetric matrix.
pub type Matrix<const N: usize> = [[f64; N]; N];

/// The factors of M = Lᵀ D L: the rows of D L below the diagonal of `factor`, and 1/D in `inverse`.
#[derive(Clone, Debug)]
pub struct Factored<const N: usize> {
    factor: Matrix<N>,
    inverse: [f64; N],
}

impl<const N: usize> Factored<N> {
    /// Room for a factorisation.
    pub fn new() -> Self {
        Self { factor: [[0.0; N]; N], inverse: [0.0; N] }
    }

    /// Takes the matrix in, to be changed before [`Factored::factor`].
    #[inline(always)]
    pub fn load(&mut self, matrix: &Matrix<N>) -> &mut Matrix<N> {
        self.factor = *matrix;
        &mut self.factor
    }

    /// Factors what was loaded.
    #[inline(always)]
    pub fn factor(&mut self) {
        for j in (0..N).rev() {
            let row = self.factor[j];
            let inverse = 1.0 / row[j];
            self.inverse[j] = inverse;
            for i in 0..j {
                let share = row[i] * inverse;
                if share != 0.0 {
                    for (entry, value) in self.factor[i][..=i].iter_mut().zip(&row[..=i]) {
                        *entry -= share * value;
                    }
                }
            }
        }
    }

    /// Solves in place for the factored matrix.
    #[inline(always)]
    pub fn solve(&self, x: &mut [f64; N]) {
        for j in (0..N).rev() {
            let share = x[j] * self.inverse[j];
            for i in 0..j {
                x[i] -= self.factor[j][i] * share;
            }
        }
        for j in 0..N {
            let mut sum = x[j];
            for i in 0..j {
                sum -= self.factor[j][i] * x[i];
            }
            x[j] = sum * self.inverse[j];
        }
    }
}

/// M x.
#[inline(always)]
pub fn product<const N: usize>(matrix: &Matrix<N>, x: &[f64; N]) -> [f64; N] {
    let mut y = [0.0; N];
    for i in 0..N {
        let mut sum = matrix[i][i] * x[i];
        for k in 0..i {
            sum += matrix[i][k] * x[k];
            y[k] += matrix[i][k] * x[i];
        }
        y[i] += sum;
    }
    y
}

/// x · y.
#[inline(always)]
pub fn dot<const N: usize>(x: &[f64; N], y: &[f64; N]) -> f64 {
    let mut sum = 0.0;
    for i in 0..N {
        sum += x[i] * y[i];
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_solution_solves() {
        let matrix = [[4.0, 0.0, 0.0], [1.0, 3.0, 0.0], [-0.5, 0.0, 2.0]];
        let mut factored = Factored::new();
        factored.load(&matrix)[0][0] += 1.0;
        factored.factor();
        let mut x = [1.0, -2.0, 3.0];
        factored.solve(&mut x);
        let mut changed = matrix;
        changed[0][0] += 1.0;
        for (product, wanted) in product(&changed, &x).into_iter().zip([1.0, -2.0, 3.0]) {
            assert!((product - wanted).abs() < 1e-14);
        }
    }
}
