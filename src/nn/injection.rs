//! Frozen copies of a network's last linear layers, whose outputs join those of the layers in training: what
//! plasticity injection makes of a network (Nikishin et al. 2023, arXiv 2305.15555).
//!
//! The outputs are h(x; θ₁) - h(x; θ₂) + h(x; θ), with θ₁ in training and θ₂ and θ frozen. The copies read what the
//! layers in training read, and send their gradient back to it and to nothing else. Randomised activations are at
//! their means in the copies.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use candle_core::{DType, Device, Result, Tensor, bail};

use crate::kernels::dense::{Dense, DenseParts};
use crate::kernels::gradient::Gradient;
use crate::kernels::pass::Pass;

/// A layer's weight and the rest of it.
type Layer = (Tensor, DenseParts);

/// The linear layers of a network, and their frozen copies. Clones share the copies.
#[derive(Clone)]
pub struct Injection {
    layers: Vec<Layer>,
    copies: Arc<Mutex<Copies>>,
}

#[derive(Default)]
struct Copies {
    /// The linear layer that all of them begin with.
    from: usize,
    /// By age. Every second one is subtracted.
    all: Vec<Vec<Layer>>,
}

impl Injection {
    /// Of these layers, without a copy.
    pub(super) fn new(layers: Vec<Layer>) -> Self {
        Self { layers, copies: Arc::default() }
    }

    /// Number of linear layers, the head among them.
    #[must_use]
    pub fn layers(&self) -> usize {
        self.layers.len()
    }

    /// Keeps a copy of the layers from number `from` on as they are now. The first copy is added to the outputs,
    /// the second subtracted, and so on.
    ///
    /// # Errors
    /// If earlier copies begin with another layer.
    pub fn freeze(&self, from: usize) -> Result<()> {
        let mut copies = self.lock();
        if !copies.all.is_empty() && copies.from != from {
            bail!("copies begin with layer {}, and not with {from}", copies.from);
        }
        let frozen = self.layers[from..].iter().map(|layer| with(layer, tensors(layer)));
        copies.all.push(frozen.collect::<Result<_>>()?);
        copies.from = from;
        Ok(())
    }

    /// Takes over the copies of another network of the same make, in this one's type.
    ///
    /// # Errors
    /// If candle refuses an operation; likewise below.
    pub fn follow(&self, other: &Self) -> Result<()> {
        let (mut copies, theirs) = (self.lock(), other.lock());
        copies.from = theirs.from;
        let of = |copy: &Vec<Layer>| -> Result<Vec<Layer>> {
            let layers = self.layers[theirs.from..].iter().zip(copy);
            layers.map(|(own, theirs)| with(own, tensors(theirs))).collect()
        };
        copies.all = theirs.all.iter().map(of).collect::<Result<_>>()?;
        Ok(())
    }

    /// The values of all copies, tensor by tensor, and the layer that they begin with.
    pub fn values(&self) -> Result<(usize, Vec<Vec<Vec<f32>>>)> {
        let copies = self.lock();
        let of =
            |copy: &Vec<Layer>| copy.iter().flat_map(tensors).map(|t| t.flatten_all()?.to_vec1()).collect();
        Ok((copies.from, copies.all.iter().map(of).collect::<Result<_>>()?))
    }

    /// Takes back [`Injection::values`].
    ///
    /// # Errors
    /// If they do not fit the layers.
    pub fn restore(&self, from: usize, values: &[Vec<Vec<f32>>]) -> Result<()> {
        let Some(layers) = self.layers.get(from..) else { bail!("there is no linear layer {from}") };
        let of = |values: &Vec<Vec<f32>>| -> Result<Vec<Layer>> {
            let mut values = values.iter();
            let mut copy = Vec::new();
            for layer in layers {
                let lists = tensors(layer).into_iter().map(|own| match values.next() {
                    Some(list) if list.len() == own.elem_count() => {
                        Tensor::from_slice(list, own.shape(), &Device::Cpu)
                    }
                    _ => bail!("a copy's tensors are not those of the layers"),
                });
                copy.push(with(layer, lists.collect::<Result<_>>()?)?);
            }
            Ok(copy)
        };
        let all = values.iter().map(of).collect::<Result<_>>()?;
        *self.lock() = Copies { from, all };
        Ok(())
    }

    /// The linear layer that the copies begin with; `None` without a copy.
    pub(super) fn begins(&self) -> Option<usize> {
        let copies = self.lock();
        (!copies.all.is_empty()).then_some(copies.from)
    }

    /// What each copy makes of `x`, the inputs of the layer that they begin with.
    pub(super) fn outputs(&self, x: &Tensor, pass: &Pass) -> Result<Vec<Tensor>> {
        let copies = self.lock();
        let pass = if pass.is_recorded() { Pass::Through } else { Pass::Evaluate };
        let through = |mut x: Tensor, (weight, parts): &Layer| {
            x = pass.apply(&x, weight, Dense::new(parts.clone(), pass.clone()))?;
            Ok(x)
        };
        copies.all.iter().map(|copy| copy.iter().try_fold(x.clone(), through)).collect()
    }

    /// Joins the layers' own outputs with those of the copies. The last copies come first: while the layers are
    /// as they were copied, the first difference is exactly 0.
    pub(super) fn join(own: Tensor, copies: &[Tensor]) -> Result<Tensor> {
        let mut numbered = copies.iter().enumerate().rev();
        numbered.try_fold(own, |sum, (number, copy)| if number % 2 == 0 { sum + copy } else { sum - copy })
    }

    fn lock(&self) -> MutexGuard<'_, Copies> {
        self.copies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tensors of a layer: weight, bias, scale and shift of a normalisation, coefficients.
fn tensors((weight, parts): &Layer) -> Vec<Tensor> {
    let norm = parts.norm.iter().flat_map(|norm| [&norm.scale.0, &norm.shift.0]);
    let coefficients = parts.activation.iter().flat_map(|activation| &activation.coefficients);
    [weight, &parts.bias]
        .into_iter()
        .chain(norm)
        .chain(coefficients.map(|(tensor, _)| tensor))
        .cloned()
        .collect()
}

/// A layer like `own` with copies of other tensors, in the type of its own.
fn with(own: &Layer, tensors: Vec<Tensor>) -> Result<Layer> {
    let (mut tensors, dtype): (_, DType) = (tensors.into_iter(), own.0.dtype());
    let mut next = || tensors.next().expect("one for each of the layer's").copy()?.detach().to_dtype(dtype);
    let (weight, mut parts) = (next()?, own.1.clone());
    parts.bias = next()?;
    // Nothing is written there, but what is frozen is not to hold what is in training.
    let gradient = || Gradient::new(0, dtype).map(Arc::new);
    (parts.weight_gradient, parts.bias_gradient) = (gradient()?, gradient()?);
    if let Some(norm) = &mut parts.norm {
        (norm.scale, norm.shift) = ((next()?, gradient()?), (next()?, gradient()?));
    }
    if let Some(coefficients) = parts.activation.as_mut().and_then(|a| a.coefficients.as_mut()) {
        *coefficients = (next()?, gradient()?);
    }
    Ok((weight, parts))
}
