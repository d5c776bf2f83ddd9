//! The kernels' arithmetic in plain Rust, one network at a time: every sum in the order that kernels.cu states. What
//! the kernels give has to equal it to the bit.

mod draws;
mod functions;
mod gain;
mod rational;
mod scalar;

use self::draws::Draws;
use self::functions::{exp, flushed, wide_ln};
use self::rational::Curve;
use crate::engine::Values;
use crate::layout::{MAX_P, Rule, SUMS, Step, THREADS, TILE, Taken};
use crate::shape::{Activation, Constraint, Perturb, Settings, Shape};

/// Below this an output or a gradient is 0.
const NEGLIGIBLE: f32 = 1e-18;
/// Terms that the kernels have in shared memory at a time: sums end with zeros up to a multiple of it.
const DEPTH: usize = 32;
/// Groups of rows in a block.
const GROUPS: usize = THREADS / TILE;

/// A network in training.
#[derive(Clone, Debug)]
pub struct Network {
    /// What its kernels would be compiled for.
    pub shape: Shape,
    /// Its settings.
    pub settings: Settings,
    /// Its numbers.
    pub values: Values,
    /// The first parameters.
    pub start: Vec<f32>,
}

/// Σ of a chain, and the zeros that follow where the terms do not fill a tile.
fn chain(terms: usize, term: impl Fn(usize) -> (f32, f32)) -> f32 {
    let sum = (0..terms).fold(0.0f32, |sum, at| {
        let (a, b) = term(at);
        a.mul_add(b, sum)
    });
    if terms.is_multiple_of(DEPTH) { sum } else { 0.0f32.mul_add(0.0, sum) }
}

impl Network {
    /// One step on a batch: rows of inputs, their labels, version D's factors (hidden layers, `MAX_P`), and the key of
    /// the step's generator. A loss that is not finite changes nothing.
    pub fn step(
        &mut self,
        step: &Step,
        inputs: &[&[f32]],
        labels: &[u32],
        noise: &[f32],
        key: &[u32],
    ) -> Taken {
        let (places, _) = self.shape.parameters();
        let (rows, hidden) = (step.rows as usize, self.shape.hidden());
        let sizes = self.shape.sizes.clone();
        let curves: Vec<Option<Curve>> = (0..hidden)
            .map(|layer| {
                let noise = noise.get(layer * MAX_P..).unwrap_or_default();
                let set = &self.values.p[places[layer].2?..];
                let effective = Curve::effective(self.shape.activation, self.settings.constraint, set, noise);
                let gain = gain::of(&effective, &self.settings);
                Some(effective.drawn(gain))
            })
            .collect();
        // What each layer reads, and what its activation was given.
        let mut reads: Vec<Vec<f32>> = vec![inputs[..rows].concat()];
        let mut before: Vec<Vec<f32>> = Vec::new();
        for layer in 0..=hidden {
            let (from, to) = (sizes[layer], sizes[layer + 1]);
            let (weight, bias, _) = places[layer];
            let p = &self.values.p;
            let z: Vec<f32> = (0..rows * to)
                .map(|at| {
                    let (x, w) = (&reads[layer][at / to * from..], &p[weight + at % to * from..]);
                    chain(from, |i| (x[i], w[i])) + p[bias + at % to]
                })
                .collect();
            if layer < hidden {
                let y =
                    z.iter().map(|&z| flushed(self.value(curves[layer].as_ref(), z), NEGLIGIBLE)).collect();
                reads.push(y);
            }
            before.push(z);
        }
        let (taken, mut dz) = head(&before[hidden], labels, rows, sizes[hidden + 1]);
        if !taken.loss.is_finite() {
            return taken;
        }
        let mut sums = vec![Vec::new(); hidden];
        for layer in (0..=hidden).rev() {
            let (from, to) = (sizes[layer], sizes[layer + 1]);
            let (weight, bias, _) = places[layer];
            let mut next = Vec::new();
            if layer > 0 {
                let p = &self.values.p;
                let dy: Vec<f32> = (0..rows * from)
                    .map(|at| {
                        let d = &dz[at / from * to..];
                        flushed(chain(to, |o| (d[o], p[weight + o * from + at % from])), NEGLIGIBLE)
                    })
                    .collect();
                let (z, y) = (&before[layer - 1], &reads[layer]);
                (next, sums[layer - 1]) = self.backward(curves[layer - 1].as_ref(), z, y, &dy, rows, from);
            }
            for o in 0..to {
                for i in 0..from {
                    let terms = (0..rows).map(|r| (dz[r * to + o], reads[layer][r * from + i]));
                    let gradient = terms.fold(0.0f32, |sum, (d, x)| d.mul_add(x, sum));
                    self.parameter(&step.weights, weight + o * from + i, gradient);
                }
                let gradient = (0..rows).fold(0.0f32, |sum, r| sum + dz[r * to + o]);
                self.parameter(&step.weights, bias + o, gradient);
            }
            dz = next;
        }
        for (layer, (curve, by)) in curves.iter().zip(&sums).enumerate() {
            if let (Some(curve), Some(set)) = (curve, places[layer].2) {
                let noise = noise.get(layer * MAX_P..).unwrap_or_default();
                let raw = &self.values.p[set..];
                let gradient = curve.raise(self.settings.constraint, raw, noise, by);
                self.coefficients(step, layer, set, &gradient);
            }
        }
        self.perturb(key);
        taken
    }

    /// shrink·θ + noise·ε
    fn perturb(&mut self, key: &[u32]) {
        if self.shape.perturb == Perturb::No {
            return;
        }
        let mut draws = self.shape.perturb.draws().then(|| Draws::new(key));
        let mut normals = Vec::new().into_iter();
        let (shrink, noise) = (self.settings.shrink, self.settings.noise);
        for (layer, (weight, bias, _)) in self.shape.parameters().0.into_iter().enumerate() {
            let (from, to) = (self.shape.sizes[layer], self.shape.sizes[layer + 1]);
            for (first, count, side) in [(weight, from * to, 0), (bias, to, 1)] {
                for at in first..first + count {
                    let added = match (self.shape.perturb, &mut draws) {
                        (Perturb::Normal, Some(draws)) => normals.next().unwrap_or_else(|| {
                            normals = draws.normals().into_iter();
                            normals.next().expect("a block has some")
                        }),
                        (Perturb::Fresh, Some(draws)) => {
                            let width = self.settings.widths[layer][side];
                            draws.uniform(-width, width) as f32
                        }
                        _ => self.start[at],
                    };
                    self.values.p[at] = shrink.mul_add(self.values.p[at], noise * added);
                }
            }
        }
    }

    fn coefficients(&mut self, step: &Step, layer: usize, set: usize, gradient: &[f64]) {
        for (i, &g) in gradient.iter().enumerate() {
            if step.trained != 0 {
                self.parameter(&step.coefficients, set + i, g as f32);
            }
            if self.settings.constraint == Constraint::CoefficientBox {
                let [least, most] = &self.settings.boxes[layer];
                let value = &mut self.values.p[set + i];
                if *value < least[i] {
                    *value = least[i];
                } else if *value > most[i] {
                    *value = most[i];
                }
            }
        }
        if let (Constraint::ProjectedTailSlope { bound, epsilon }, Some((_, m, _))) =
            (self.settings.constraint, self.shape.activation.rational())
        {
            let values = &mut self.values.p[set..set + gradient.len()];
            let last = f64::from(values[gradient.len() - 1]);
            let most = (bound * (last.abs() + epsilon)) as f32;
            // As the kernel has it, to which NaN is neither above nor below.
            if values[m] > most {
                values[m] = most;
            } else if values[m] < -most {
                values[m] = -most;
            }
        }
    }

    fn value(&self, curve: Option<&Curve>, z: f32) -> f32 {
        match curve {
            Some(curve) => curve.value(self.settings.constraint, z),
            None => scalar::value(self.shape.activation, self.settings.activation, z),
        }
    }

    /// dz of a layer, and the sums of its coefficients as the kernel adds them: a thread its rows, a block its
    /// threads in eight runs of neighbours and then those, the layer its blocks.
    fn backward(
        &self,
        curve: Option<&Curve>,
        z: &[f32],
        y: &[f32],
        dy: &[f32],
        rows: usize,
        units: usize,
    ) -> (Vec<f32>, Vec<f64>) {
        let Some(curve) = curve else {
            let slope = |at: usize| {
                dy[at] * scalar::slope(self.shape.activation, self.settings.activation, z[at], y[at])
            };
            return ((0..z.len()).map(|at| flushed(slope(at), NEGLIGIBLE)).collect(), Vec::new());
        };
        let pass = self.shape.batch.min(64).next_multiple_of(GROUPS);
        let run = pass / GROUPS;
        let mut dz = vec![0f32; z.len()];
        let mut total = vec![0f64; SUMS];
        for tile in 0..units.div_ceil(TILE) {
            let mut threads = vec![vec![0f64; SUMS]; THREADS];
            for (thread, by) in threads.iter_mut().enumerate() {
                let (unit, group) = (tile * TILE + thread % TILE, thread / TILE);
                let its = (0..rows).filter(|row| row % pass / run == group && unit < units);
                for at in its.map(|row| row * units + unit) {
                    let slope = curve.slope(self.settings.constraint, z[at], y[at], dy[at], by);
                    dz[at] = flushed(slope, NEGLIGIBLE);
                }
            }
            for (i, total) in total.iter_mut().enumerate() {
                let runs = threads.chunks_exact(THREADS / 8);
                let runs = runs.map(|run| run.iter().fold(0.0, |sum, by| sum + by[i]));
                *total += runs.fold(0.0, |sum, run| sum + run);
            }
        }
        (dz, total)
    }

    fn parameter(&mut self, rule: &Rule, at: usize, gradient: f32) {
        let p = self.values.p[at];
        let mut g = gradient;
        if self.shape.l2_init {
            g += self.settings.penalty * (p - self.start[at]);
        }
        let (normal, m) = (f32::MIN_POSITIVE, self.values.m[at]);
        if self.shape.sgd {
            let d = rule.coupled.mul_add(p, flushed(g, normal));
            let b = flushed(rule.beta1.mul_add(m, d), normal);
            let direction = if rule.shrink > 0.0 { rule.beta1.mul_add(b, d) } else { b };
            self.values.m[at] = b;
            self.values.p[at] = flushed((-rule.step_size).mul_add(direction, p), normal);
            return;
        }
        let w = p * rule.shrink;
        let d = rule.coupled.mul_add(w, g);
        let first = rule.rest1.mul_add(d, rule.beta1 * m);
        let root = flushed(d, rule.least_root);
        let second = (rule.rest2 * root).mul_add(root, rule.beta2 * self.values.v[at]);
        let second = flushed(second, normal.min(rule.least));
        let length = second.sqrt().mul_add(rule.inverse_root, rule.epsilon);
        let value = w - rule.step_size * first / length;
        let rests = first.abs() < rule.least && value.abs() <= w.abs();
        (self.values.m[at], self.values.v[at]) = (if rests { 0.0 } else { first }, second);
        self.values.p[at] = flushed(if rests { w } else { value }, normal);
    }
}

/// Loss, correct rows, and the gradient by the logits.
fn head(logits: &[f32], labels: &[u32], rows: usize, classes: usize) -> (Taken, Vec<f32>) {
    let scale = (1.0 / rows as f64) as f32;
    let (mut total, mut correct, mut dz) = (0.0f64, 0, Vec::new());
    for (z, &label) in logits.chunks_exact(classes).zip(labels) {
        let best = (0..classes).fold(0, |best, k| if z[k] > z[best] { k } else { best });
        let powers: Vec<f32> = z.iter().map(|z_k| exp(z_k - z[best])).collect();
        let sum = powers.iter().fold(0.0f32, |sum, power| sum + power);
        dz.extend(powers.iter().enumerate().map(|(k, power)| {
            let share = power / sum;
            flushed((if k == label as usize { share - 1.0 } else { share }) * scale, NEGLIGIBLE)
        }));
        let loss = wide_ln(f64::from(sum)) + f64::from(z[best] - z[label as usize]);
        correct += u32::from(best == label as usize && !loss.is_nan());
        total += loss;
    }
    (Taken { loss: (total / rows as f64) as f32, correct }, dz)
}

impl Activation {
    /// Version and degrees of a rational.
    pub(crate) fn rational(self) -> Option<(u8, usize, usize)> {
        match self {
            Self::Rational { version, p, q } => Some((version, usize::from(p), usize::from(q))),
            _ => None,
        }
    }
}
