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
}

macro_rules! lane {
    (
        $t:ident, $vector:ident, $split:ident, $split_mut:ident, $splat:ident, $add:ident, $sub:ident,
        $mul:ident, $div:ident, $fma:ident, $abs:ident, $less:ident, $at_most:ident, $select:ident,
        $not:ident, $first:ident
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
    first_true_m32s
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
