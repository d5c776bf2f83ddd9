//! What can go wrong on the way to a device and on it.

use thiserror::Error;

/// A sentence for the user each.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum CudaError {
    #[error("there is no NVIDIA driver here (libcuda was not found)")]
    NoDriver,
    #[error("there is no GPU number {number}: this machine has {count}")]
    NoDevice { number: usize, count: usize },
    #[error(
        "the CUDA compiler library NVRTC was not found: it comes with the CUDA toolkit, or with `pip install \
         nvidia-cuda-nvrtc`, whose folder has to be in LD_LIBRARY_PATH"
    )]
    NoCompiler,
    #[error("the kernels could not be compiled: {0}")]
    Compile(String),
    #[error(
        "the GPU has {free} MiB of free memory, and {needed} MiB more are needed: take fewer with --jobs"
    )]
    Memory { needed: usize, free: usize },
    #[error("the GPU failed: {0}")]
    Device(String),
    #[error("the emulator failed: {0}")]
    Emulator(String),
    #[error("the engine of the GPU has ended")]
    Ended,
}
