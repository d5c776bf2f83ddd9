//! Both float types as vectors of whatever width the processor has: the few operations that the
//! passes are written in. The compiler vectorises simple loops by itself, but not ones that carry ten
//! sums along, so those are spelled out.

use pulp::Simd;

use super::real::Real;

/// Elements that go through together, as one or more vectors: a multiple of every vector's width.
pub const LANES: usize = 16;

/// A float type with its vectors.
pub trait Lane: Real {
    /// As many values as a vector holds.
    type Vector<S: Simd>: Copy;

    /// Values in a vector.
    fn width<S: Simd>() -> usize {
        size_of::<Self::Vector<S>>() / size_of::<Self>()
    }
    /// Values as vectors; what does not fill one at the end is left out, which chunks of [`LANES`] never have.
    fn vectors<S: Simd>(values: &[Self]) -> &[Self::Vector<S>];
    /// The same to write to.
    fn vectors_mut<S: Simd>(values: &mut [Self]) -> &mut [Self::Vector<S>];
    /// x in every place.
    fn splat<S: Simd>(simd: S, x: Self) -> Self::Vector<S>;
    /// x + y
    fn plus<S: Simd>(simd: S, x: Self::Vector<S>, y: Self::Vector<S>) -> Self::Vector<S>;
    /// x - y
    fn minus<S: Simd>(simd: S, x: Self::Vector<S>, y: Self::Vector<S>) -> Self::Vector<S>;
    /// x·y
    fn times<S: Simd>(simd: S, x: Self::Vector<S>, y: Self::Vector<S>) -> Self::Vector<S>;
    /// x/y
    fn over<S: Simd>(simd: S, x: Self::Vector<S>, y: Self::Vector<S>) -> Self::Vector<S>;
    /// x·y + z in one rounding.
    fn fused<S: Simd>(simd: S, x: Self::Vector<S>, y: Self::Vector<S>, z: Self::Vector<S>)
    -> Self::Vector<S>;
    /// |x|
    fn magnitude<S: Simd>(simd: S, x: Self::Vector<S>) -> Self::Vector<S>;
    /// `yes` where x < y, else (and for NaN) `no`.
    fn where_less<S: Simd>(
        simd: S,
        x: Self::Vector<S>,
        y: Self::Vector<S>,
        yes: Self::Vector<S>,
        no: Self::Vector<S>,
    ) -> Self::Vector<S>;
    /// Whether x ≤ y in every place; NaN is not.
    fn all_at_most<S: Simd>(simd: S, x: Self::Vector<S>, y: Self::Vector<S>) -> bool;
    /// The transpose of a square.
    #[inline(always)]
    fn transposed(rows: [[Self; 8]; 8]) -> [[Self; 8]; 8] {
        transposed_one_by_one(rows)
    }
}

#[inline(always)]
fn transposed_one_by_one<T: Real>(rows: [[T; 8]; 8]) -> [[T; 8]; 8] {
    let mut columns = [[T::ZERO; 8]; 8];
    for (r, row) in rows.iter().enumerate() {
        for (column, &x) in columns.iter_mut().zip(row) {
            column[r] = x;
        }
    }
    columns
}

/// [`Lane::transposed`] by AVX2, which the compiler does not find by itself.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn transposed_by_avx(simd: pulp::x86::V3, [a, b, c, d, e, f, g, h]: [[f32; 8]; 8]) -> [[f32; 8]; 8] {
    /// Of four rows, columns i and i + 4 side by side.
    #[inline(always)]
    fn four(simd: pulp::x86::V3, p: [f32; 8], q: [f32; 8], r: [f32; 8], s: [f32; 8]) -> [[f32; 8]; 4] {
        let (p, q, r, s) = (pulp::cast(p), pulp::cast(q), pulp::cast(r), pulp::cast(s));
        let (pq, rs) = (simd.avx._mm256_unpacklo_ps(p, q), simd.avx._mm256_unpacklo_ps(r, s));
        let (pq_on, rs_on) = (simd.avx._mm256_unpackhi_ps(p, q), simd.avx._mm256_unpackhi_ps(r, s));
        [
            pulp::cast(simd.avx._mm256_shuffle_ps::<0x44>(pq, rs)),
            pulp::cast(simd.avx._mm256_shuffle_ps::<0xee>(pq, rs)),
            pulp::cast(simd.avx._mm256_shuffle_ps::<0x44>(pq_on, rs_on)),
            pulp::cast(simd.avx._mm256_shuffle_ps::<0xee>(pq_on, rs_on)),
        ]
    }
    let (above, below) = (four(simd, a, b, c, d), four(simd, e, f, g, h));
    let mut columns = [[0.0; 8]; 8];
    for i in 0..4 {
        let (above, below) = (pulp::cast(above[i]), pulp::cast(below[i]));
        columns[i] = pulp::cast(simd.avx._mm256_permute2f128_ps::<0x20>(above, below));
        columns[i + 4] = pulp::cast(simd.avx._mm256_permute2f128_ps::<0x31>(above, below));
    }
    columns
}

macro_rules! lane {
    (
        $t:ident, $vector:ident, $split:ident, $split_mut:ident, $splat:ident, $add:ident, $sub:ident,
        $mul:ident, $div:ident, $fma:ident, $abs:ident, $less:ident, $at_most:ident, $select:ident,
        $not:ident, $first:ident $(, $transposed:item)?
    ) => {
        impl Lane for $t {
            type Vector<S: Simd> = S::$vector;

            #[inline(always)]
            fn vectors<S: Simd>(values: &[Self]) -> &[Self::Vector<S>] {
                S::$split(values).0
            }
            #[inline(always)]
            fn vectors_mut<S: Simd>(values: &mut [Self]) -> &mut [Self::Vector<S>] {
                S::$split_mut(values).0
            }
            #[inline(always)]
            fn splat<S: Simd>(simd: S, x: Self) -> Self::Vector<S> {
                simd.$splat(x)
            }
            #[inline(always)]
            fn plus<S: Simd>(simd: S, x: Self::Vector<S>, y: Self::Vector<S>) -> Self::Vector<S> {
                simd.$add(x, y)
            }
            #[inline(always)]
            fn minus<S: Simd>(simd: S, x: Self::Vector<S>, y: Self::Vector<S>) -> Self::Vector<S> {
                simd.$sub(x, y)
            }
            #[inline(always)]
            fn times<S: Simd>(simd: S, x: Self::Vector<S>, y: Self::Vector<S>) -> Self::Vector<S> {
                simd.$mul(x, y)
            }
            #[inline(always)]
            fn over<S: Simd>(simd: S, x: Self::Vector<S>, y: Self::Vector<S>) -> Self::Vector<S> {
                simd.$div(x, y)
            }
            #[inline(always)]
            fn fused<S: Simd>(
                simd: S,
                x: Self::Vector<S>,
                y: Self::Vector<S>,
                z: Self::Vector<S>,
            ) -> Self::Vector<S> {
                simd.$fma(x, y, z)
            }
            #[inline(always)]
            fn magnitude<S: Simd>(simd: S, x: Self::Vector<S>) -> Self::Vector<S> {
                simd.$abs(x)
            }
            #[inline(always)]
            fn where_less<S: Simd>(
                simd: S,
                x: Self::Vector<S>,
                y: Self::Vector<S>,
                yes: Self::Vector<S>,
                no: Self::Vector<S>,
            ) -> Self::Vector<S> {
                simd.$select(simd.$less(x, y), yes, no)
            }
            #[inline(always)]
            fn all_at_most<S: Simd>(simd: S, x: Self::Vector<S>, y: Self::Vector<S>) -> bool {
                simd.$first(simd.$not(simd.$at_most(x, y))) >= Self::width::<S>()
            }
            $($transposed)?
        }
    };
}

lane!(
    f32,
    f32s,
    as_simd_f32s,
    as_mut_simd_f32s,
    splat_f32s,
    add_f32s,
    sub_f32s,
    mul_f32s,
    div_f32s,
    mul_add_f32s,
    abs_f32s,
    less_than_f32s,
    less_than_or_equal_f32s,
    select_f32s,
    not_m32s,
    first_true_m32s,
    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    fn transposed(rows: [[f32; 8]; 8]) -> [[f32; 8]; 8] {
        match pulp::x86::V3::try_new() {
            Some(simd) => transposed_by_avx(simd, rows),
            None => transposed_one_by_one(rows),
        }
    }
);
lane!(
    f64,
    f64s,
    as_simd_f64s,
    as_mut_simd_f64s,
    splat_f64s,
    add_f64s,
    sub_f64s,
    mul_f64s,
    div_f64s,
    mul_add_f64s,
    abs_f64s,
    less_than_f64s,
    less_than_or_equal_f64s,
    select_f64s,
    not_m64s,
    first_true_m64s
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_square_is_turned_in_both_types() {
        let rows: [[f32; 8]; 8] = std::array::from_fn(|r| std::array::from_fn(|c| (8 * r + c) as f32));
        let columns = f32::transposed(rows);
        let wide = f64::transposed(rows.map(|row| row.map(f64::from)));
        for (r, c) in (0..8).flat_map(|r| (0..8).map(move |c| (r, c))) {
            assert!(columns[c][r] == rows[r][c] && wide[c][r] == f64::from(rows[r][c]), "{r} {c}");
        }
    }
}
