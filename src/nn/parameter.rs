//! Trained values: a candle variable, its gradient's place, and how the optimiser treats it.

use std::sync::Arc;

use candle_core::{DType, Device, Result, Tensor, Var};

use crate::kernels::gradient::Gradient;

/// What a parameter is: probes look at weights alone, and coefficients have settings of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// A weight matrix or filter bank.
    Weight,
    /// A bias.
    Bias,
    /// Scale or shift of a normalisation: `PyTorch` calls them its weight and bias.
    Norm,
    /// Numbers that stand for a place or a character: they are looked up and added, and multiply nothing.
    Embedding,
    /// Coefficients of an activation, of activation layer number `.0`.
    Coefficients(usize),
}

/// One trained tensor.
pub struct Parameter {
    /// `PyTorch` name: layers.0.weight.
    pub name: String,
    /// What it is.
    pub role: Role,
    /// The values.
    pub values: Var,
    /// Where the backward pass writes.
    pub gradient: Arc<Gradient>,
    /// Learning rate of its own.
    pub learning_rate: Option<f64>,
    /// Weight decay of its own.
    pub weight_decay: Option<f64>,
}

/// Forgets the gradients of all of them: the next backward pass writes anew.
pub fn reset_gradients(parameters: &[Parameter]) {
    for parameter in parameters {
        parameter.gradient.reset();
    }
}

impl Parameter {
    /// A parameter of the given start values and shape, in `dtype` (f32 trains, f64 checks).
    pub fn new(name: String, role: Role, start: &[f64], shape: &[usize], dtype: DType) -> Result<Self> {
        let tensor = Tensor::from_slice(start, shape, &Device::Cpu)?.to_dtype(dtype)?;
        Ok(Self {
            name,
            role,
            values: Var::from_tensor(&tensor)?,
            gradient: Arc::new(Gradient::new(start.len(), dtype)?),
            learning_rate: None,
            weight_decay: None,
        })
    }

    /// A copy of the values.
    pub fn to_vec(&self) -> Result<Vec<f32>> {
        self.values.flatten_all()?.to_vec1::<f32>()
    }
}
