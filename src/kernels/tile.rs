//! What the products on processors with AVX2 are made of: tiles of six rows by a panel's vectors, whose sums stay in
//! registers. [`pack`] serves wider vectors too.

use pulp::Simd;

use super::lanes::Lane;

/// Rows of a tile: with two vectors each, the sums fill 12 of the 16 registers.
pub const HEIGHT: usize = 6;
/// Vectors of a tile's row, but where fewer are left.
pub const WIDE: usize = 2;
/// Products that one turn of the inner loop takes.
pub const TURNS: usize = 4;
/// Products that go into a sum before it is added to what it is a part of.
pub const DEPTH: usize = 512;

/// A row of a panel, or of a tile's sums.
pub type Wide<T, S, const W: usize = WIDE> = [<T as Lane>::Vector<S>; W];

/// A matrix as part of a larger one, or its transpose.
#[derive(Clone, Copy)]
pub struct Matrix<'a, T> {
    /// From its first number on.
    pub values: &'a [T],
    /// Numbers from one row to the next.
    pub step: usize,
    /// Whether its transpose is meant.
    pub turned: bool,
}

impl<'a, T> Matrix<'a, T> {
    /// Row by row.
    pub const fn of(values: &'a [T], step: usize) -> Self {
        Self { values, step, turned: false }
    }

    /// Its transpose.
    pub const fn turn(self) -> Self {
        Self { turned: !self.turned, ..self }
    }
}

/// Adds what the next number of every row makes with a row of the panel.
#[inline(always)]
pub fn add<T: Lane, S: Simd, const W: usize>(
    simd: S,
    sums: &mut [Wide<T, S, W>; HEIGHT],
    x: &[T; HEIGHT],
    panel: &Wide<T, S, W>,
) {
    for i in 0..HEIGHT {
        let x = T::splat(simd, x[i]);
        for j in 0..W {
            sums[i][j] = T::fused(simd, x, panel[j], sums[i][j]);
        }
    }
}

/// The sums of a tile: of six rows with a panel.
#[inline(always)]
pub fn summed<T: Lane, S: Simd, const W: usize>(
    simd: S,
    rows: [&[T]; HEIGHT],
    panel: &[Wide<T, S, W>],
) -> [Wide<T, S, W>; HEIGHT] {
    let mut sums = [[T::splat(simd, T::ZERO); W]; HEIGHT];
    // Spelled out, since an array that is gathered by a closure costs the sums their registers.
    let [r0, r1, r2, r3, r4, r5] = rows;
    let ((x0, y0), (x1, y1), (x2, y2)) =
        (r0.as_chunks::<TURNS>(), r1.as_chunks::<TURNS>(), r2.as_chunks::<TURNS>());
    let ((x3, y3), (x4, y4), (x5, y5)) =
        (r3.as_chunks::<TURNS>(), r4.as_chunks::<TURNS>(), r5.as_chunks::<TURNS>());
    let (w, w_rest) = panel.as_chunks::<TURNS>();
    for ((((((w, x0), x1), x2), x3), x4), x5) in w.iter().zip(x0).zip(x1).zip(x2).zip(x3).zip(x4).zip(x5) {
        for t in 0..TURNS {
            add(simd, &mut sums, &[x0[t], x1[t], x2[t], x3[t], x4[t], x5[t]], &w[t]);
        }
    }
    for ((((((w, y0), y1), y2), y3), y4), y5) in w_rest.iter().zip(y0).zip(y1).zip(y2).zip(y3).zip(y4).zip(y5)
    {
        add(simd, &mut sums, &[*y0, *y1, *y2, *y3, *y4, *y5], w);
    }
    sums
}

/// Columns of w close together: (depth × width), from row `from` and column `first` on, with zeros beyond the last of
/// w's `n` columns.
#[inline(always)]
pub fn pack<T: Lane>(
    w: Matrix<'_, T>,
    n: usize,
    (from, first): (usize, usize),
    panel: &mut [T],
    width: usize,
) {
    /// Rows and columns that are turned at a time.
    const SIDE: usize = 8;
    let (columns, step) = (width.min(n - first), w.step);
    if columns < width {
        panel.fill(T::ZERO);
    }
    if !w.turned {
        for (to, row) in panel.chunks_exact_mut(width).zip(w.values[from * step..].chunks(step)) {
            // A copy whose length the compiler knows is no call.
            if columns == width {
                to.copy_from_slice(&row[first..][..width]);
            } else {
                to[..columns].copy_from_slice(&row[first..][..columns]);
            }
        }
        return;
    }
    let depth = panel.len() / width;
    let whole = if columns == width && width.is_multiple_of(SIDE) { depth / SIDE * SIDE } else { 0 };
    for column in (0..columns).step_by(SIDE).take_while(|_| whole > 0) {
        for row in (0..whole).step_by(SIDE) {
            let mut square = [[T::ZERO; SIDE]; SIDE];
            for (c, square) in square.iter_mut().enumerate() {
                square.copy_from_slice(&w.values[(first + column + c) * step + from + row..][..SIDE]);
            }
            let turned = T::transposed(square);
            for (r, turned) in turned.iter().enumerate() {
                panel[(row + r) * width + column..][..SIDE].copy_from_slice(turned);
            }
        }
    }
    for column in 0..columns {
        let of = &w.values[(first + column) * step + from..];
        for row in whole..depth {
            panel[row * width + column] = of[row];
        }
    }
}
