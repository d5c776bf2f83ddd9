//! The slices inside candle's tensors.

use candle_core::{CpuStorage, Layout, Result, Storage, Tensor, bail};

use super::affine::ByColumns;
use super::element::{ElementKernel, Kernel};
use super::scratch::Scratch;

/// Access to the slices inside candle's storage.
pub trait Slices: ByColumns {
    /// The values, if they are of this type.
    fn slice_mut(storage: &mut CpuStorage) -> Result<&mut [Self]>;
    /// The values, if they are of this type.
    fn slice(storage: &CpuStorage) -> Result<&[Self]>;
    /// A storage of these values.
    fn store(values: Vec<Self>) -> CpuStorage;
    /// The passes of a kernel for this type.
    fn kernel(kernel: &dyn Kernel) -> &dyn ElementKernel<Self>;
}

macro_rules! slices {
    ($t:ident, $variant:ident) => {
        impl Slices for $t {
            fn slice_mut(storage: &mut CpuStorage) -> Result<&mut [Self]> {
                match storage {
                    CpuStorage::$variant(values) => Ok(values),
                    _ => bail!("expected {} values", stringify!($t)),
                }
            }
            fn slice(storage: &CpuStorage) -> Result<&[Self]> {
                match storage {
                    CpuStorage::$variant(values) => Ok(values),
                    _ => bail!("expected {} values", stringify!($t)),
                }
            }
            fn store(values: Vec<Self>) -> CpuStorage {
                CpuStorage::$variant(values)
            }
            fn kernel(kernel: &dyn Kernel) -> &dyn ElementKernel<Self> {
                kernel
            }
        }
    };
}
slices!(f32, F32);
slices!(f64, F64);

/// Gives the buffer of a storage to [`Scratch`].
pub(super) fn give_back(storage: CpuStorage) {
    match storage {
        CpuStorage::F32(values) => f32::put(values),
        CpuStorage::F64(values) => f64::put(values),
        _ => {}
    }
}

/// Runs `body` on the values of a contiguous tensor.
///
/// # Errors
/// If the tensor is not contiguous, not of this type or not on the CPU.
pub fn with_slice<T: Slices, R>(tensor: &Tensor, body: impl FnOnce(&[T]) -> R) -> Result<R> {
    let (storage, layout) = tensor.storage_and_layout();
    match &*storage {
        Storage::Cpu(storage) => Ok(body(contiguous(T::slice(storage)?, layout)?)),
        _ => bail!("the kernels run on the CPU"),
    }
}

/// The part of a slice that a contiguous layout covers.
pub fn contiguous<'a, T>(values: &'a [T], layout: &Layout) -> Result<&'a [T]> {
    match layout.contiguous_offsets() {
        Some((start, end)) => Ok(&values[start..end]),
        None => bail!("the kernels take contiguous tensors"),
    }
}
