//! Both ways of a convolution against each other, and their rounding errors in f32.

use super::filters::{FilterGradient, Filters};
use super::geometry::Geometry;
use super::products;
use crate::kernels::lanes::Lane;
use crate::kernels::matmul::Element;
use crate::kernels::real::Real;
use crate::kernels::scratch::Scratch;

/// Images (batch, height, width, channels), outputs and padding, filters of 3 × 3 and stride 1.
type Sizes = ((usize, usize, usize, usize), usize, usize);

/// By Winograd's transforms: whole tiles and parts, each padding, one image, tiles of more than one block, panels that
/// are not full, matrices that are made block by block.
const TRANSFORMED: [Sizes; 9] = [
    ((2, 8, 8, 16), 16, 1),
    ((1, 4, 4, 32), 64, 1),
    ((3, 7, 5, 16), 48, 1),
    ((2, 9, 11, 32), 16, 0),
    ((2, 6, 3, 16), 32, 2),
    ((5, 3, 3, 80), 96, 1),
    ((9, 16, 17, 16), 16, 1),
    ((2, 5, 6, 144), 160, 1),
    ((140, 3, 4, 144), 128, 1),
];

/// By patches, since the channels or outputs are not whole vectors, or most of a tile would lie outside.
const BY_PATCHES: [Sizes; 5] = [
    ((2, 8, 8, 3), 16, 1),
    ((1, 7, 9, 20), 16, 1),
    ((3, 5, 5, 16), 17, 0),
    ((3, 2, 2, 32), 16, 1),
    ((4, 1, 1, 16), 16, 1),
];

struct Case<T> {
    g: Geometry,
    x: Vec<T>,
    w: Vec<T>,
    dz: Vec<T>,
}

impl<T: Element + Lane + Scratch> Case<T> {
    fn new((dims, outputs, padding): Sizes) -> Self {
        let g = Geometry::new(dims, (outputs, dims.3, 3, 3), 1, padding).unwrap();
        let numbers = |count, seed| -> Vec<T> {
            crate::kernels::numbers(count, seed).into_iter().map(|x| T::of(f64::from(x))).collect()
        };
        let x = numbers(g.batch * g.image(), 1);
        let (w, dz) = (numbers(outputs * g.patch(), 2), numbers(g.batch * g.positions() * outputs, 3));
        Self { g, x, w, dz }
    }

    /// z, ∂x and ∂w the way that the layer goes, added to ones where `add`.
    fn made(&self, add: bool) -> [Vec<T>; 3] {
        let Self { g, x, w, dz } = self;
        let start = if add { <T as Real>::ONE } else { T::of(f64::NAN) };
        let [mut z, mut dx, mut dw] = [dz.len(), x.len(), w.len()].map(|len| vec![start; len]);
        let filters = Filters::new(w, g);
        filters.forward(x, w, g, &mut z, add);
        filters.inputs(dz, w, g, &mut dx, add);
        filters.put();
        let mut gradient = FilterGradient::new(&mut dw, add, g);
        // In two parts, as blocks of images come.
        let images = g.batch.div_ceil(2);
        gradient.add(&x[..images * g.image()], &dz[..images * g.positions() * g.outputs], g);
        if images < g.batch {
            gradient.add(&x[images * g.image()..], &dz[images * g.positions() * g.outputs..], g);
        }
        gradient.finish(g);
        [z, dx, dw]
    }

    /// The same by patches.
    fn by_patches(&self) -> [Vec<T>; 3] {
        let Self { g, x, w, dz } = self;
        let mut rows = vec![<T as Real>::ZERO; w.len()];
        let [mut z, mut dx, mut dw] = [dz.len(), x.len(), w.len()].map(|len| vec![<T as Real>::ZERO; len]);
        products::channels_last(w, g, &mut rows);
        products::forward(x, &rows, g, &mut z, false);
        products::inputs(dz, &rows, g, &mut dx);
        rows.fill(<T as Real>::ZERO);
        products::filters(x, dz, g, &mut rows);
        products::channels_first(&rows, g, &mut dw, false);
        [z, dx, dw]
    }
}

/// Largest difference over the root of the mean square.
fn error<T: Real>(ours: &[T], exact: &[f64]) -> f64 {
    let scale = (exact.iter().map(|x| x * x).sum::<f64>() / exact.len() as f64).sqrt();
    assert!(scale > 0.01 && ours.len() == exact.len());
    let off = ours.iter().zip(exact).map(|(a, b)| (a.wide() - b).abs());
    // NaN is larger than anything.
    off.fold(0.0, |most, x| if x <= most { most } else { x }) / scale
}

#[test]
fn transforms_give_what_patches_give() {
    for sizes in TRANSFORMED {
        let case = Case::<f64>::new(sizes);
        let exact = case.by_patches();
        for add in [false, true] {
            for ((name, ours), exact) in ["z", "∂x", "∂w"].into_iter().zip(case.made(add)).zip(&exact) {
                let ours: Vec<f64> = ours.iter().map(|x| if add { x - 1.0 } else { *x }).collect();
                let error = error(&ours, exact);
                assert!(error < 1e-12, "{sizes:?} {name} {add}: {error:e}");
            }
        }
    }
}

/// The bounds stand in docs/performance.md.
#[test]
fn rounding_errors_in_f32_are_small_either_way() {
    for sizes in TRANSFORMED.into_iter().chain(BY_PATCHES) {
        let (case, exact) = (Case::<f32>::new(sizes), Case::<f64>::new(sizes).by_patches());
        assert_eq!(case.g.winograd(), TRANSFORMED.contains(&sizes), "{sizes:?}");
        let bound = if case.g.winograd() { 3e-5 } else { 1e-5 };
        for ((name, ours), exact) in ["z", "∂x", "∂w"].into_iter().zip(case.made(false)).zip(&exact) {
            let error = error(&ours, exact);
            assert!(error < bound, "{sizes:?} {name}: {error:e}");
        }
    }
}

/// To the bit: the accuracy of a network does not depend on how many images are evaluated at a time.
#[test]
fn an_image_has_the_same_outputs_alone_and_among_others() {
    for sizes in TRANSFORMED {
        let case = Case::<f32>::new(sizes);
        let [together, ..] = case.made(false);
        let g = Geometry { batch: 1, ..case.g };
        for (x, together) in case.x.chunks(g.image()).zip(together.chunks(g.positions() * g.outputs)) {
            let mut alone = vec![f32::NAN; together.len()];
            Filters::new(&case.w, &g).forward(x, &case.w, &g, &mut alone, false);
            let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            assert!(bits(&alone) == bits(together), "{sizes:?}");
        }
    }
}
