//! A GPU through the CUDA driver: one stream, synchronous copies, everything of one engine on its own thread.

#![allow(unsafe_code, reason = "a C library, and kernels that write wherever they are told to")]

use std::ffi::CString;

use cudarc::driver::{result, sys};

use crate::CudaError;
use crate::backend::Backend;
use crate::layout::{Job, THREADS};
use crate::nvrtc;
use crate::shape::Shape;
use crate::source::{Kernel, text_for_cuda};

/// The compiled kernels on a GPU.
pub struct Driver {
    device: sys::CUdevice,
    module: sys::CUmodule,
    stream: sys::CUstream,
    kernels: Vec<(Kernel, sys::CUfunction)>,
}

fn failed(error: result::DriverError) -> CudaError {
    CudaError::Device(format!("{error:?}"))
}

fn device(number: usize) -> Result<sys::CUdevice, CudaError> {
    // SAFETY: looks for the library and calls nothing of it. Without it every other call panics.
    if !unsafe { sys::is_culib_present() } {
        return Err(CudaError::NoDriver);
    }
    result::init().map_err(failed)?;
    let count = usize::try_from(result::device::get_count().map_err(failed)?).unwrap_or(0);
    if number >= count {
        return Err(CudaError::NoDevice { number, count });
    }
    result::device::get(number as i32).map_err(failed)
}

/// Major and minor compute capability.
fn capability(device: sys::CUdevice) -> Result<(i32, i32), CudaError> {
    use sys::CUdevice_attribute::{
        CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR as MAJOR,
        CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR as MINOR,
    };
    // SAFETY: the device was given by the driver.
    let of = |attribute| unsafe { result::device::get_attribute(device, attribute) }.map_err(failed);
    Ok((of(MAJOR)?, of(MINOR)?))
}

/// Name and architecture of a GPU, and its compiler: `NVIDIA H100 80GB HBM3 (sm_90, NVRTC 13.5)`.
///
/// # Errors
/// If there is no driver, no such GPU, or no NVRTC.
pub fn describe(number: usize) -> Result<String, CudaError> {
    let device = device(number)?;
    let (major, minor) = capability(device)?;
    let (release, update) = nvrtc::version().ok_or(CudaError::NoCompiler)?;
    let name = result::device::get_name(device).map_err(failed)?;
    Ok(format!("{name} (sm_{major}{minor}, NVRTC {release}.{update})"))
}

/// Free bytes of a GPU.
///
/// # Errors
/// If there is no driver or no such GPU.
pub fn free_memory(number: usize) -> Result<usize, CudaError> {
    let device = device(number)?;
    // SAFETY: the device was given by the driver; the context is released below.
    let context = unsafe { result::primary_ctx::retain(device) }.map_err(failed)?;
    // SAFETY: the context was retained above.
    let free =
        unsafe { result::ctx::set_current(context) }.and_then(|()| result::mem_get_info()).map_err(failed);
    // SAFETY: retained above, and used no more.
    let _ = unsafe { result::primary_ctx::release(device) };
    Ok(free?.0)
}

impl Driver {
    /// Compiles the kernels and loads them.
    pub fn new(number: usize, shape: &Shape) -> Result<Self, CudaError> {
        let device = device(number)?;
        let (major, minor) = capability(device)?;
        let compiled = nvrtc::compile(&text_for_cuda(shape), &format!("sm_{major}{minor}"))?;
        // SAFETY: the device was given by the driver; the context is released when this is dropped.
        let context = unsafe { result::primary_ctx::retain(device) }.map_err(failed)?;
        // SAFETY: the context was retained above. All calls of this engine are made on this thread.
        unsafe { result::ctx::set_current(context) }.map_err(failed)?;
        // SAFETY: the image is what NVRTC made, whole.
        let module = unsafe { result::module::load_data(compiled.cubin.as_ptr().cast()) }.map_err(failed)?;
        let stream = result::stream::create(result::stream::StreamKind::NonBlocking).map_err(failed)?;
        let mut kernels = Vec::new();
        for (kernel, name) in Kernel::of(shape) {
            let name = CString::new(name).expect("names have no zeros");
            // SAFETY: the module was loaded above and lives as long as this.
            kernels.push((kernel, unsafe { result::module::get_function(module, name) }.map_err(failed)?));
        }
        Ok(Self { device, module, stream, kernels })
    }
}

impl Backend for Driver {
    fn allocate(&mut self, bytes: usize) -> Result<u64, CudaError> {
        let (free, _) = result::mem_get_info().map_err(failed)?;
        if bytes > free {
            return Err(CudaError::Memory { needed: bytes >> 20, free: free >> 20 });
        }
        // SAFETY: what is allocated is written before it is read.
        unsafe { result::malloc_sync(bytes.max(1)) }.map_err(failed)
    }

    fn free(&mut self, address: u64) {
        // SAFETY: the engine frees what it allocated, once, and no kernel runs then: every round ends with a download.
        let _ = unsafe { result::free_sync(address) };
    }

    fn upload(&mut self, to: u64, bytes: &[u8]) -> Result<(), CudaError> {
        // SAFETY: the engine allocated at least as many bytes there. The stream is waited for, so `bytes` outlives the
        // copy.
        unsafe {
            result::memcpy_htod_async(to, bytes, self.stream).map_err(failed)?;
            result::stream::synchronize(self.stream).map_err(failed)
        }
    }

    fn download(&mut self, from: u64, bytes: &mut [u8]) -> Result<(), CudaError> {
        // SAFETY: as above.
        unsafe {
            result::memcpy_dtoh_async(bytes, from, self.stream).map_err(failed)?;
            result::stream::synchronize(self.stream).map_err(failed)
        }
    }

    fn launch(&mut self, kernel: Kernel, blocks: usize, slots: usize, job: &Job) -> Result<(), CudaError> {
        let (_, function) = self.kernels.iter().find(|(of, _)| *of == kernel).expect("kernels of this shape");
        let mut job = *job;
        let mut parameters = [(&raw mut job).cast()];
        let grid = (blocks as u32, slots as u32, 1);
        // SAFETY: the kernel takes one `Job` by value, which the driver copies before it returns; layout.rs has its
        // layout, and the engine fills it with addresses that it allocated in the sizes that the kernels use.
        unsafe {
            result::launch_kernel(*function, grid, (THREADS as u32, 1, 1), 0, self.stream, &mut parameters)
        }
        .map_err(failed)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // SAFETY: each was made once, by `new`, and is used by nothing any more. Errors have no one to go to.
        unsafe {
            let _ = result::stream::synchronize(self.stream);
            let _ = result::stream::destroy(self.stream);
            let _ = result::module::unload(self.module);
            let _ = result::primary_ctx::release(self.device);
        }
    }
}
