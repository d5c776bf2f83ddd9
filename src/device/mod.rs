//! The steps of many runs at once on a GPU, or on the processor by the kernels of the GPU (for tests).
//!
//! Every run keeps its thread, its rows, its probes and its checkpoints; its [`DevicePlace`] hands some steps at a time
//! to an engine of `plasticity-bench-cuda`, which takes those of all runs together. Networks of one shape have one
//! engine.

mod fit;
mod learner;
mod place;

use std::sync::{Arc, Mutex, PoisonError};

use plasticity_bench_cuda::{CudaError, Device, Engine, KERNELS, Shape, describe, free_memory};

pub use self::fit::{Fit, bytes, fit};
pub use self::place::DevicePlace;
use crate::spec::Plan;
use crate::train::{Place, Places, TrainError};

/// A device, and what was compiled for it.
pub struct Devices {
    device: Device,
    name: String,
    kernels: String,
    engines: Mutex<Vec<Arc<Engine>>>,
}

impl Devices {
    /// The GPU of this number.
    ///
    /// # Errors
    /// If there is no driver, no such GPU, or no compiler for its kernels.
    pub fn gpu(number: usize) -> Result<Self, CudaError> {
        let kernels = format!("{KERNELS} on {}", describe(number)?);
        Ok(Self {
            device: Device::Gpu(number),
            name: format!("cuda:{number}"),
            kernels,
            engines: Mutex::default(),
        })
    }

    /// The GPU's kernels on the processor.
    #[cfg(feature = "cuda-emulator")]
    #[must_use]
    pub fn emulator() -> Self {
        Self::emulator_with(&[])
    }

    /// The same with flags for the C compiler: `-DEMULATED_FAULT=40` lets every launch after the fortieth fail.
    #[cfg(feature = "cuda-emulator")]
    #[must_use]
    pub fn emulator_with(flags: &[&str]) -> Self {
        Self {
            device: Device::Emulator(flags.iter().map(|&flag| flag.to_owned()).collect()),
            name: "emulator".to_owned(),
            kernels: format!("{KERNELS} on the processor"),
            engines: Mutex::default(),
        }
    }

    /// The engine of a shape, made when it is first asked for.
    fn engine(&self, shape: &Shape) -> Result<Arc<Engine>, CudaError> {
        let mut engines = self.engines.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = engines.iter().find(|engine| engine.shape() == shape) {
            return Ok(Arc::clone(engine));
        }
        let engine = Engine::new(&self.device, shape)?;
        engines.push(Arc::clone(&engine));
        Ok(engine)
    }
}

impl Places for Devices {
    fn place(&self, plan: &Plan) -> Result<Box<dyn Place + '_>, TrainError> {
        let fit = fit(plan).map_err(|what| TrainError::Device(refusal(&self.name, &what)))?;
        Ok(Box::new(DevicePlace::new(self, fit, plan.stream().batch_size)))
    }

    fn device(&self) -> &str {
        &self.name
    }

    fn kernels(&self) -> &str {
        &self.kernels
    }

    fn bytes(&self, plan: &Plan) -> Option<f64> {
        bytes(plan)
    }

    fn free(&self) -> Option<f64> {
        match self.device {
            Device::Gpu(number) => free_memory(number).ok().map(|bytes| bytes as f64),
            #[cfg(feature = "cuda-emulator")]
            Device::Emulator(_) => None,
        }
    }
}

/// The sentence for what a device does not take.
#[must_use]
pub fn refusal(device: &str, what: &str) -> String {
    format!("--device {device} does not take {what}: take --device cpu")
}
