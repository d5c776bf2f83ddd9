//! Statistics over many blocks and far from 0, and the backward pass against finite differences in f64.

use std::sync::Arc;

use candle_core::{DType, Device, Tensor};

use super::channels::{Moments, rows_at_a_time};
use super::*;
use crate::kernels::pass::Pass;
use crate::random::Stream;

/// Mean and variance (divided by n) by their definition, in f64 and two passes.
fn plain(x: &[f32], channels: usize, channel: usize) -> (f64, f64) {
    let column = || x.iter().skip(channel).step_by(channels).map(|&x| f64::from(x));
    let n = (x.len() / channels) as f64;
    let mean = column().sum::<f64>() / n;
    (mean, column().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n)
}

#[test]
fn statistics_hold_over_many_blocks_and_far_from_0() {
    let channels = 5;
    let rows = 3 * rows_at_a_time(channels) + 7;
    for offset in [0.0, 1000.0, -30_000.0] {
        let mut stream = Stream::new(1, "test", 0);
        let x: Vec<f32> = (0..rows * channels)
            .map(|i| (offset + (1.0 + (i % channels) as f64) * stream.normal()) as f32)
            .collect();
        let moments = Moments::of(&x, channels);
        for channel in 0..channels {
            let (mean, variance) = plain(&x, channels, channel);
            let ours = moments.squares[channel] / rows as f64;
            assert!((moments.mean[channel] - mean).abs() < 1e-6 * (1.0 + offset.abs()), "{offset}");
            // A block's mean is rounded to f32's precision at the offset, and enters the variance squared.
            let most = 2e-5 + (1e-6 * offset).powi(2);
            assert!((ours / variance - 1.0).abs() < most, "{offset}: {ours} for {variance}");
        }
    }
}

struct Case {
    norm: Norm,
    x: Vec<f64>,
    residual: Option<Vec<f64>>,
    dy: Vec<f64>,
}

const IMAGES: usize = 4;
const CHANNELS: usize = 4;

impl Case {
    /// More rows than a block has, of a batch and of an image.
    fn new(scheme: Scheme, residual: bool) -> Self {
        let len = IMAGES * (rows_at_a_time(CHANNELS) + 9) * CHANNELS;
        let mut stream = Stream::new(2, "test", 0);
        let mut normals =
            |len: usize, mean: f64| -> Vec<f64> { (0..len).map(|_| mean + stream.normal()).collect() };
        let place = |values: Vec<f64>| {
            let gradient = Arc::new(Gradient::new(values.len(), DType::F64).unwrap());
            (Tensor::new(values, &Device::Cpu).unwrap(), gradient)
        };
        let norm = Norm {
            scale: (!matches!(scheme, Scheme::None)).then(|| place(normals(CHANNELS, 1.0))),
            shift: place(normals(CHANNELS, 0.0)),
            scheme,
            activation: None,
        };
        let (x, dy) = (normals(len, 3.0), normals(len, 0.0));
        Self { norm, x, residual: residual.then(|| normals(len, 0.0)), dy }
    }

    fn loss(&self) -> f64 {
        let (y, _) = self.forward();
        y.iter().zip(&self.dy).map(|(y, d)| y * d).sum()
    }

    fn forward(&self) -> (Vec<f64>, Saved<f64>) {
        let mut y = vec![0.0; self.x.len()];
        let saved = Pass::train(Stream::new(0, "activation", 0)).with_mode(|mode| {
            self.norm.forward(&self.x, (IMAGES, CHANNELS), self.residual.as_deref(), mode, &mut y)
        });
        (y, saved.unwrap())
    }

    fn difference(&mut self, pick: impl Fn(&mut Self) -> &mut f64) -> f64 {
        let h = 1e-5;
        *pick(self) += h;
        let up = self.loss();
        *pick(self) -= 2.0 * h;
        let down = self.loss();
        *pick(self) += h;
        (up - down) / (2.0 * h)
    }
}

fn close(what: &str, ours: f64, theirs: f64) {
    assert!((ours - theirs).abs() < 1e-7 + 1e-6 * theirs.abs(), "{what}: {ours} against {theirs}");
}

#[test]
fn gradients_are_finite_differences_in_every_scheme() {
    let running = |start: f32| Arc::new(std::sync::Mutex::new(vec![start; CHANNELS]));
    let schemes = [
        ("batch", Scheme::Batch { mean: running(0.0), variance: running(1.0) }),
        ("group", Scheme::Group { groups: 2 }),
        ("none", Scheme::None),
    ];
    for ((name, scheme), residual) in schemes.into_iter().flat_map(|s| [(s.clone(), false), (s, true)]) {
        let mut case = Case::new(scheme, residual);
        let (y, saved) = case.forward();
        let residuals = case.residual.clone();
        let back =
            case.norm.backward(&case.x, residuals.as_deref(), &y, case.dy.clone(), saved, true).unwrap();
        for at in (0..case.x.len()).step_by(151) {
            let theirs = case.difference(|case| &mut case.x[at]);
            close(&format!("{name} x[{at}]"), back.dx[at], theirs);
            if residual {
                close(&format!("{name} residual[{at}]"), back.residual.as_ref().unwrap()[at], case.dy[at]);
            }
        }
        let places = [Some(case.norm.shift.clone()), case.norm.scale.clone()];
        for (which, (values, gradient)) in places.into_iter().flatten().enumerate() {
            let ours = gradient.lock().read::<f64>().unwrap().unwrap().to_vec();
            let start = values.to_vec1::<f64>().unwrap();
            for (at, &ours) in ours.iter().enumerate() {
                let loss = |by: f64| {
                    let mut moved = start.clone();
                    moved[at] += by;
                    let tensor = Tensor::new(moved, &Device::Cpu).unwrap();
                    let mut norm = case.norm.clone();
                    if which == 0 {
                        norm.shift.0 = tensor;
                    } else {
                        norm.scale.as_mut().unwrap().0 = tensor;
                    }
                    Case { norm, x: case.x.clone(), residual: case.residual.clone(), dy: case.dy.clone() }
                        .loss()
                };
                close(&format!("{name} parameter {which}[{at}]"), ours, (loss(1e-5) - loss(-1e-5)) / 2e-5);
            }
        }
    }
}
