//! The backward pass of a normalisation and its activation.

use candle_core::Result;

use super::channels::Line;
use super::{Norm, Saved, Scheme};
use crate::kernels::element::{Gradients, Saved as SavedElements, flush};
use crate::kernels::fused_activation::kernel;
use crate::kernels::gradient::Gradient;
use crate::kernels::real::Real;
use crate::kernels::scratch::Scratch;
use crate::kernels::storage::Slices;

/// ∂x, and the gradient of the residual where there was one; [`Scratch`] both.
pub struct Back<T> {
    /// By x.
    pub dx: Vec<T>,
    /// By the residual.
    pub residual: Option<Vec<T>>,
}

impl Norm {
    /// The gradients, from that of y in `dy`, a [`Scratch`] buffer that is used up. Where the pass
    /// `trains`, those of scale, shift and coefficients are added to their places.
    pub fn backward<T: Slices + Scratch>(
        &self,
        x: &[T],
        residual: Option<&[T]>,
        y: &[T],
        dy: Vec<T>,
        saved: Saved<T>,
        trains: bool,
    ) -> Result<Back<T>> {
        let channels = saved.channels;
        let (mut dz, mut sums) = (dy, Sums::new(&saved));
        match &self.activation {
            None => saved.blocks(x.len(), |line, at| sums.add(&line, &x[at.clone()], &dz[at])),
            Some(activation) if kernel::<T>(activation).local() => {
                let (mut z, mut d) = (T::take(saved.block()), T::take(saved.block()));
                let kernel = kernel::<T>(activation);
                saved.blocks(x.len(), |line, at| {
                    let (z, d) = (&mut z[..at.len()], &mut d[..at.len()]);
                    line.apply(&x[at.clone()], residual.map(|r| &r[at.clone()]), z);
                    let saved = SavedElements { z, y: &y[at.clone()], extra: &[] };
                    let gradients = Gradients { dz: d, d_coefficients: &mut [] };
                    kernel.backward(&[], channels, saved, &dz[at.clone()], gradients);
                    flush(d);
                    dz[at.clone()].copy_from_slice(d);
                    sums.add(&line, &x[at], d);
                });
                T::put(z);
                T::put(d);
            }
            Some(activation) => {
                let dy = std::mem::replace(&mut dz, T::take(x.len()));
                let elements = SavedElements { z: &saved.z, y, extra: &saved.extra };
                activation.with_gradient(trains, |c, d_coefficients| {
                    let gradients = Gradients { dz: &mut dz, d_coefficients };
                    kernel::<T>(activation).backward(c, channels, elements, &dy, gradients);
                })?;
                flush(&mut dz);
                T::put(dy);
                saved.blocks(x.len(), |line, at| sums.add(&line, &x[at.clone()], &dz[at]));
            }
        }
        if trains {
            self.add_gradients::<T>(&sums, &saved)?;
        }
        let (by_z, by_x, rest) = self.pull_back::<T>(&sums, &saved, x.len())?;
        let result = if residual.is_some() {
            let mut dx = T::take(x.len());
            if matches!(self.scheme, Scheme::None) {
                dx.copy_from_slice(&dz);
            } else {
                saved.blocks(x.len(), |line, at| {
                    let through = line.with(&by_z, &by_x, &rest);
                    through.pull_back(&x[at.clone()], &dz[at.clone()], &mut dx[at]);
                });
            }
            Back { dx, residual: Some(dz) }
        } else {
            if !matches!(self.scheme, Scheme::None) {
                saved.blocks(x.len(), |line, at| {
                    line.with(&by_z, &by_x, &rest).pull_back_in_place(&x[at.clone()], &mut dz[at]);
                });
            }
            Back { dx: dz, residual: None }
        };
        saved.put();
        Ok(result)
    }

    fn add_gradients<T: Slices>(&self, sums: &Sums<T>, saved: &Saved<T>) -> Result<()> {
        let channels = saved.channels;
        let add = |gradient: &Gradient, terms: &mut dyn Iterator<Item = f64>| -> Result<()> {
            let mut whole = vec![0.0; channels];
            terms.enumerate().for_each(|(i, term)| whole[i % channels] += term);
            let mut gradient = gradient.lock();
            let to = gradient.accumulate::<T>()?;
            to.iter_mut().zip(whole).for_each(|(to, d)| *to += T::of(d));
            Ok(())
        };
        add(&self.shift.1, &mut sums.plain.iter().copied())?;
        match &self.scale {
            None => Ok(()),
            Some((_, gradient)) => {
                add(gradient, &mut sums.moment.iter().zip(&saved.inverse).map(|(s, i)| s * i))
            }
        }
    }

    /// ∂x = p·∂z + q·(x - μ) + r: p, q and r, (segments × channels).
    fn pull_back<T: Slices>(
        &self,
        sums: &Sums<T>,
        saved: &Saved<T>,
        len: usize,
    ) -> Result<(Vec<T>, Vec<T>, Vec<T>)> {
        let channels = saved.channels;
        let scale = self.scale::<T>(channels)?;
        let together = match &self.scheme {
            Scheme::Group { groups } => channels / groups,
            _ => 1,
        };
        let n = (len / channels / saved.segments() * together) as f64;
        let of = |i: usize| scale[i % channels];
        let (mut p, mut q, mut r) = (Vec::new(), Vec::new(), Vec::new());
        for group in 0..saved.mean.len() / together {
            let here = group * together..(group + 1) * together;
            let plain: f64 = here.clone().map(|i| of(i) * sums.plain[i]).sum();
            let moment: f64 = here.clone().map(|i| of(i) * sums.moment[i]).sum();
            for i in here {
                let inverse = saved.inverse[i];
                // Running statistics are constants to x.
                let (moment, plain) = if saved.own { (moment, plain) } else { (0.0, 0.0) };
                p.push(T::of(of(i) * inverse));
                q.push(T::of(-inverse * inverse * inverse * moment / n));
                r.push(T::of(-inverse * plain / n));
            }
        }
        Ok((p, q, r))
    }
}

/// Σ ∂z and Σ ∂z·(x - μ), (segments × channels).
struct Sums<T> {
    plain: Vec<f64>,
    moment: Vec<f64>,
    block: (Vec<T>, Vec<T>),
}

impl<T: Slices> Sums<T> {
    fn new(saved: &Saved<T>) -> Self {
        let zeros = || vec![<T as Real>::ZERO; saved.channels];
        let len = saved.mean.len();
        Self { plain: vec![0.0; len], moment: vec![0.0; len], block: (zeros(), zeros()) }
    }

    fn add(&mut self, line: &Line<'_, T>, x: &[T], dz: &[T]) {
        let (plain, moment) = &mut self.block;
        line.sums(x, dz, plain, moment);
        let at = line.segment * plain.len();
        for c in 0..plain.len() {
            self.plain[at + c] += plain[c].wide();
            self.moment[at + c] += moment[c].wide();
        }
    }
}
