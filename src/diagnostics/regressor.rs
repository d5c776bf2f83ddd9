//! A network of one input in training, full batch after full batch.

use candle_core::{DType, Device, Tensor};

use super::{DiagnosticError, Settings};
use crate::nn::{Mlp, Pass};
use crate::random::Stream;
use crate::trained::Trained;

/// A network of one input in training.
pub struct Regressor {
    trained: Trained,
}

impl Regressor {
    /// Network number `index` of the run with so many outputs and start values of its own.
    pub fn new(
        settings: &Settings,
        seed: u64,
        index: usize,
        outputs: usize,
    ) -> Result<Self, DiagnosticError> {
        if settings.network.name != "mlp" {
            return Err(DiagnosticError::Settings(format!(
                "{} fits functions of one number, with network.kind = \"mlp\", not \"{}\"",
                settings.diagnostic.name, settings.network.name
            )));
        }
        let mut init = Stream::new(seed, "init", index as u64);
        let network = Mlp::new(&settings.network, &settings.activation, 1, outputs, &mut init, DType::F32)?;
        let name = format!("q{index}");
        let trained = Trained::new(&name, Box::new(network), &settings.optimizer, &settings.methods, seed)?;
        Ok(Self { trained })
    }

    /// One step on the mean squared error to `targets`, which it returns as it was before. One that is no
    /// finite number changes nothing.
    pub fn step(&mut self, inputs: &Tensor, targets: &Tensor) -> Result<f64, DiagnosticError> {
        let outputs = self.trained.forward(inputs, self.trained.training())?;
        let loss = (outputs - targets)?.sqr()?.mean_all()?;
        let value = f64::from(loss.to_scalar::<f32>()?);
        if value.is_finite() {
            self.trained.update(&loss)?;
        }
        Ok(value)
    }

    /// One step on the mean over inputs of a loss that is not written in tensors: `loss` gets the outputs of
    /// an input and its number, puts its derivative by each output into the last slice, and returns its value.
    pub fn step_by(
        &mut self,
        inputs: &Tensor,
        mut loss: impl FnMut(usize, &[f64], &mut [f64]) -> f64,
    ) -> Result<f64, DiagnosticError> {
        let outputs = self.trained.forward(inputs, self.trained.training())?;
        let (rows, width) = outputs.dims2()?;
        let numbers: Vec<f64> = outputs.flatten_all()?.to_vec1::<f32>()?.into_iter().map(f64::from).collect();
        let (mut slopes, mut value) = (vec![0.0; numbers.len()], 0.0);
        for (row, (numbers, slopes)) in numbers.chunks(width).zip(slopes.chunks_mut(width)).enumerate() {
            value += loss(row, numbers, slopes) / rows as f64;
        }
        if value.is_finite() {
            let slopes: Vec<f32> = slopes.iter().map(|slope| (slope / rows as f64) as f32).collect();
            // A linear function of the outputs with the loss's own gradient.
            let tangent = (outputs * Tensor::from_vec(slopes, (rows, width), &Device::Cpu)?)?.sum_all()?;
            self.trained.update(&tangent)?;
        }
        Ok(value)
    }

    /// What it says of each input, one output after the other.
    pub fn values(&self, inputs: &Tensor) -> Result<Vec<f64>, DiagnosticError> {
        let values = self.trained.forward(inputs, &Pass::Evaluate)?;
        Ok(values.flatten_all()?.to_vec1::<f32>()?.into_iter().map(f64::from).collect())
    }
}

/// Numbers as a column, in f32.
pub fn column(values: &[f64]) -> Result<Tensor, DiagnosticError> {
    let values: Vec<f32> = values.iter().map(|&x| x as f32).collect();
    let rows = values.len();
    Ok(Tensor::from_vec(values, (rows, 1), &Device::Cpu)?)
}
