//! Mean softmax cross-entropy over a batch, with the number of correct predictions on the way.

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::{CpuStorage, CustomOp1, DType, Layout, Result, Shape, Tensor, bail};

use super::element::{flush, vectorized};
use super::real::Real;
use super::storage::{Slices, contiguous, with_slice};

/// The op: apply with `logits.apply_op1(op)`, logits (batch, classes); gives a scalar, the mean of
/// -ln softmax(logits)\[label\] (PyTorch's `cross_entropy`).
pub struct CrossEntropy {
    targets: Targets,
    /// softmax - one-hot, from the forward pass, and the count of correct rows.
    saved: Mutex<(CpuStorage, usize)>,
}

/// What the rows of a batch should answer, and out of which classes.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// Class of each row.
    pub labels: Arc<Vec<u32>>,
    /// Classes, ascending, that each row's softmax runs over; the others get no probability and no
    /// gradient, as if the head had no output for them. `None`: all classes in every row.
    pub among: Option<Arc<Vec<Arc<[u32]>>>>,
}

impl Targets {
    /// Those of these rows.
    #[must_use]
    pub fn range(&self, rows: Range<usize>) -> Self {
        let among = self.among.as_ref().map(|among| Arc::new(among[rows.clone()].to_vec()));
        Self { labels: Arc::new(self.labels[rows].to_vec()), among }
    }

    /// The classes that any row's softmax runs over, ascending; `None` for all.
    #[must_use]
    pub fn classes(&self) -> Option<Vec<u32>> {
        let mut lists: Vec<&Arc<[u32]>> = self.among.as_ref()?.iter().collect();
        lists.dedup_by(|a, b| Arc::ptr_eq(a, b));
        let mut classes: Vec<u32> = lists.into_iter().flat_map(|list| list.iter().copied()).collect();
        classes.sort_unstable();
        classes.dedup();
        Some(classes)
    }
}

impl From<Vec<u32>> for Targets {
    fn from(labels: Vec<u32>) -> Self {
        Self { labels: Arc::new(labels), among: None }
    }
}

/// Loss and accuracy of a batch.
pub struct BatchLoss {
    /// Mean cross-entropy, part of candle's graph.
    pub loss: Tensor,
    /// Rows whose largest logit is the label's (the first one of equals).
    pub correct: usize,
}

/// Mean cross-entropy and number of correct rows of `logits` (batch, classes).
pub fn cross_entropy(logits: &Tensor, targets: Targets) -> Result<BatchLoss> {
    let op = Arc::new(CrossEntropy { targets, saved: Mutex::new((CpuStorage::F32(Vec::new()), 0)) });
    let loss = logits.apply_op1_arc(Arc::new(Box::new(Shared(Arc::clone(&op)))))?;
    let correct = op.saved.lock().unwrap_or_else(PoisonError::into_inner).1;
    Ok(BatchLoss { loss, correct })
}

/// Lets the caller read what the op counted after candle took it over.
struct Shared(Arc<CrossEntropy>);

/// Loss in f64 summed over the rows, softmax - one-hot, correct rows.
///
/// The exponentials are taken of all rows at once: a row has too few classes to fill registers.
fn rows<T: Slices>(logits: &[T], labels: &[u32], classes: usize) -> (f64, Vec<T>, usize) {
    let mut difference = vec![T::ZERO; logits.len()];
    // Largest logit less the label's, and whether the label's is the largest.
    let mut margins = Vec::with_capacity(labels.len());
    for ((row, out), &label) in
        logits.chunks_exact(classes).zip(difference.chunks_exact_mut(classes)).zip(labels)
    {
        let label = label as usize;
        let mut best = 0;
        for (k, &v) in row.iter().enumerate() {
            if v > row[best] {
                best = k;
            }
        }
        for (p, &v) in out.iter_mut().zip(row) {
            *p = v - row[best];
        }
        margins.push(((row[best] - row[label]).wide(), best == label));
    }
    vectorized(
        #[inline(always)]
        || {
            for p in &mut difference {
                *p = Real::exp(*p);
            }
        },
    );
    let (mut total, mut correct) = (0.0, 0);
    for ((out, &label), (margin, hit)) in difference.chunks_exact_mut(classes).zip(labels).zip(margins) {
        let sum: T = out.iter().copied().sum();
        for p in out.iter_mut() {
            *p /= sum;
        }
        out[label as usize] -= <T as Real>::ONE;
        // `best` is 0 where all are NaN, and so is the loss: a diverged batch is not a correct one.
        let loss = libm::log(sum.wide()) + margin;
        correct += usize::from(hit && !loss.is_nan());
        total += loss;
    }
    (total, difference, correct)
}

/// [`rows`] where each row has its own classes, by the same arithmetic on the logits that count.
fn rows_among<T: Slices>(
    logits: &[T],
    labels: &[u32],
    among: &[Arc<[u32]>],
    classes: usize,
) -> Result<(f64, Vec<T>, usize)> {
    let mut difference = vec![T::ZERO; logits.len()];
    let (mut total, mut correct, mut chosen) = (0.0, 0, Vec::new());
    for (((row, out), &label), among) in
        logits.chunks_exact(classes).zip(difference.chunks_exact_mut(classes)).zip(labels).zip(among)
    {
        let Ok(place) = among.binary_search(&label) else {
            bail!("cross entropy: the label {label} is not among the row's classes");
        };
        if among.last().is_some_and(|&last| last as usize >= classes) {
            bail!("cross entropy: a row's classes reach past the {classes} that there are");
        }
        chosen.clear();
        chosen.extend(among.iter().map(|&class| row[class as usize]));
        let (loss, gradient, hit) = rows(&chosen, &[place as u32], among.len());
        for (&class, d) in among.iter().zip(gradient) {
            out[class as usize] = d;
        }
        total += loss;
        correct += hit;
    }
    Ok((total, difference, correct))
}

impl Shared {
    fn forward<T: Slices>(&self, logits: &[T], (batch, classes): (usize, usize)) -> Result<CpuStorage> {
        let Targets { labels, among } = &self.0.targets;
        if labels.len() != batch || labels.iter().any(|&l| l as usize >= classes) {
            bail!("cross entropy: {} labels for logits of {batch} × {classes}", labels.len());
        }
        let (total, difference, correct) = match among {
            None => rows(logits, labels, classes),
            Some(among) if among.len() == batch => rows_among(logits, labels, among, classes)?,
            Some(among) => bail!("cross entropy: classes of {} rows for a batch of {batch}", among.len()),
        };
        *self.0.saved.lock().unwrap_or_else(PoisonError::into_inner) = (T::store(difference), correct);
        Ok(T::store(vec![T::of(total / batch as f64)]))
    }

    fn back<T: Slices>(&self, dims: (usize, usize), dy: &Tensor) -> Result<Tensor> {
        let scale = with_slice(dy, |dy: &[T]| dy[0])? * T::of(1.0 / dims.0 as f64);
        let saved = self.0.saved.lock().unwrap_or_else(PoisonError::into_inner);
        let mut dx: Vec<T> = T::slice(&saved.0)?.iter().map(|&d| d * scale).collect();
        flush(&mut dx);
        Tensor::from_vec(dx, dims, &candle_core::Device::Cpu)
    }
}

impl CustomOp1 for Shared {
    fn name(&self) -> &'static str {
        "cross-entropy"
    }

    fn cpu_fwd(&self, logits: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let dims = layout.shape().dims2()?;
        let loss = match logits {
            CpuStorage::F32(values) => self.forward(contiguous(values, layout)?, dims)?,
            CpuStorage::F64(values) => self.forward(contiguous(values, layout)?, dims)?,
            _ => bail!("cross entropy takes f32 or f64"),
        };
        Ok((loss, Shape::from(())))
    }

    fn bwd(&self, logits: &Tensor, _: &Tensor, dy: &Tensor) -> Result<Option<Tensor>> {
        let dims = logits.dims2()?;
        match logits.dtype() {
            DType::F32 => self.back::<f32>(dims, dy).map(Some),
            _ => self.back::<f64>(dims, dy).map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn loss(logits: &[f32], labels: &[u32]) -> (f32, usize) {
        let classes = logits.len() / labels.len();
        let logits = Tensor::from_slice(logits, (labels.len(), classes), &Device::Cpu).unwrap();
        let batch = cross_entropy(&logits, labels.to_vec().into()).unwrap();
        (batch.loss.to_scalar().unwrap(), batch.correct)
    }

    /// -ln softmax([1, 2, 3])[2] = ln(1 + e⁻¹ + e⁻²), as `PyTorch` gives it: 0.40760597.
    #[test]
    fn known_values() {
        let (value, correct) = loss(&[1.0, 2.0, 3.0, 1.0, 2.0, 3.0], &[2, 0]);
        assert!((value - 1.407_606).abs() < 1e-6, "{value}");
        assert_eq!(correct, 1);
    }

    #[test]
    fn large_logits_do_not_overflow_and_ties_go_to_the_first_class() {
        assert_eq!(loss(&[1e30, -1e30], &[0]), (0.0, 1));
        assert_eq!(loss(&[5.0, 5.0], &[1]).1, 0);
    }

    #[test]
    fn logits_that_are_no_numbers_give_a_loss_that_is_none_and_no_correct_row() {
        let (value, correct) = loss(&[f32::NAN, f32::NAN], &[0]);
        assert!(value.is_nan());
        assert_eq!(correct, 0);
    }

    #[test]
    fn a_label_beyond_the_classes_is_refused() {
        let logits = Tensor::zeros((1, 3), DType::F32, &Device::Cpu).unwrap();
        assert!(cross_entropy(&logits, vec![3].into()).is_err());
    }

    #[test]
    fn only_a_rows_own_classes_count() {
        let values = [9.0f32, 1.0, 2.0, 3.0, 5.0, 0.0, 7.0, 1.0];
        let logits = candle_core::Var::from_slice(&values, (2, 4), &Device::Cpu).unwrap();
        let among: Vec<Arc<[u32]>> = vec![[1, 2, 3].into(), [0, 1].into()];
        let targets = Targets { labels: Arc::new(vec![3, 1]), among: Some(Arc::new(among)) };
        let batch = cross_entropy(&logits, targets.clone()).unwrap();
        // The first row is ln(1 + e⁻¹ + e⁻²), the second ln(1 + e⁵) with the wrong one of two ahead.
        let expected = f64::midpoint(0.407_605_964_444_38, 5.006_715_348_489_118);
        assert!((f64::from(batch.loss.to_scalar::<f32>().unwrap()) - expected).abs() < 1e-6);
        assert_eq!(batch.correct, 1);
        let gradient = batch.loss.backward().unwrap().get(&logits).unwrap().flatten_all().unwrap();
        let gradient: Vec<f32> = gradient.to_vec1().unwrap();
        assert_eq!([gradient[0], gradient[6], gradient[7]], [0.0; 3]);
        assert!((gradient[1] - 0.045_015_29).abs() < 1e-6 && (gradient[4] - 0.496_653_6).abs() < 1e-6);

        let outside = Targets { labels: Arc::new(vec![0, 1]), ..targets };
        assert!(cross_entropy(&logits, outside).is_err());
    }
}
