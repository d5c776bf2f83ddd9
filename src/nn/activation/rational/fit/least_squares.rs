//! Linear least squares by Householder reflections, for the few columns that a rational has.

use crate::nn::dot::dot;

/// A matrix stored by columns.
#[derive(Clone, Debug)]
pub(super) struct Matrix {
    pub(super) rows: usize,
    pub(super) values: Vec<f64>,
}

impl Matrix {
    pub(super) fn zeros(rows: usize, columns: usize) -> Self {
        Self { rows, values: vec![0.0; rows * columns] }
    }

    pub(super) fn count(&self) -> usize {
        self.values.len() / self.rows
    }

    pub(super) fn column(&self, index: usize) -> &[f64] {
        &self.values[index * self.rows..(index + 1) * self.rows]
    }

    pub(super) fn column_mut(&mut self, index: usize) -> &mut [f64] {
        &mut self.values[index * self.rows..(index + 1) * self.rows]
    }

    /// Turns this matrix into R (above the diagonal) and `rhs` into Qᵀ·rhs.
    pub(super) fn triangularize(&mut self, rhs: &mut [f64]) {
        let rows = self.rows;
        for j in 0..self.count().min(rows) {
            let (done, rest) = self.values.split_at_mut((j + 1) * rows);
            let column = &mut done[j * rows..];
            let norm = dot(&column[j..], &column[j..]).sqrt();
            if norm == 0.0 {
                continue;
            }
            let diagonal = if column[j] > 0.0 { -norm } else { norm };
            column[j] -= diagonal;
            let reflector = &column[j..];
            let scale = 2.0 / dot(reflector, reflector);
            for other in rest.chunks_exact_mut(rows).chain(std::iter::once(&mut *rhs)) {
                let factor = scale * dot(reflector, &other[j..]);
                other[j..].iter_mut().zip(reflector).for_each(|(x, v)| *x -= factor * v);
            }
            column[j] = diagonal;
            column[j + 1..].fill(0.0);
        }
    }

    /// Solves R·x = rhs for the triangle that [`Matrix::triangularize`] left; a column that depends on
    /// those before it gets 0.
    pub(super) fn back_substitute(&self, rhs: &[f64]) -> Vec<f64> {
        let columns = self.count();
        let largest = (0..columns).map(|j| self.column(j)[j].abs()).fold(0.0, f64::max);
        let mut x = vec![0.0; columns];
        for j in (0..columns).rev() {
            let diagonal = self.column(j)[j];
            if diagonal.abs() > 1e-14 * largest {
                let known: f64 = (j + 1..columns).map(|k| self.column(k)[j] * x[k]).sum();
                x[j] = (rhs[j] - known) / diagonal;
            }
        }
        x
    }

    /// The x that minimises |A·x - rhs|, with columns scaled to equal length first.
    pub(super) fn solve(mut self, mut rhs: Vec<f64>) -> Vec<f64> {
        let scales: Vec<f64> = (0..self.count())
            .map(|j| {
                let norm = dot(self.column(j), self.column(j)).sqrt();
                if norm > 0.0 { 1.0 / norm } else { 1.0 }
            })
            .collect();
        for (j, scale) in scales.iter().enumerate() {
            self.column_mut(j).iter_mut().for_each(|x| *x *= scale);
        }
        self.triangularize(&mut rhs);
        let mut x = self.back_substitute(&rhs);
        x.iter_mut().zip(&scales).for_each(|(x, scale)| *x *= scale);
        x
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn solves_a_small_overdetermined_system() {
        // A line through (0, 1), (1, 3), (2, 4), (3, 4): intercept 1.5, slope 1 (normal equations by hand).
        let matrix = Matrix { rows: 4, values: vec![1.0, 1.0, 1.0, 1.0, 0.0, 1.0, 2.0, 3.0] };
        let x = matrix.solve(vec![1.0, 3.0, 4.0, 4.0]);
        assert!((x[0] - 1.5).abs() < 1e-14 && (x[1] - 1.0).abs() < 1e-14, "{x:?}");
    }
}
