//! Memory and launches, whoever runs the kernels.

use std::time::Duration;

use crate::CudaError;
use crate::layout::Job;
use crate::source::Kernel;

/// How long a round waits for networks that have not asked for steps yet: their threads probe or evaluate.
pub const PATIENCE: Duration = Duration::from_micros(200);

/// Runs the kernels of one shape, on the thread that made it. An address is good from `allocate` to `free`.
pub trait Backend {
    fn allocate(&mut self, bytes: usize) -> Result<u64, CudaError>;
    fn free(&mut self, address: u64);
    fn upload(&mut self, to: u64, bytes: &[u8]) -> Result<(), CudaError>;
    /// Waits for what was launched before.
    fn download(&mut self, from: u64, bytes: &mut [u8]) -> Result<(), CudaError>;
    fn launch(&mut self, kernel: Kernel, blocks: usize, slots: usize, job: &Job) -> Result<(), CudaError>;
}
