//! Where kernels run, and the backend of each.

use crate::CudaError;
use crate::backend::Backend;
use crate::driver::Driver;
#[cfg(feature = "emulator")]
use crate::emulator::{Emulator, Flags};
use crate::shape::Shape;

/// Where kernels run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Device {
    /// The GPU of this number.
    Gpu(usize),
    /// The processor, by the C compiler with these flags beside the usual ones.
    #[cfg(feature = "emulator")]
    Emulator(Flags),
}

/// The backend of a device.
pub fn open(device: &Device, shape: &Shape) -> Result<Box<dyn Backend>, CudaError> {
    match device {
        Device::Gpu(number) => Ok(Box::new(Driver::new(*number, shape)?)),
        #[cfg(feature = "emulator")]
        Device::Emulator(flags) => Ok(Box::new(Emulator::new(shape, flags)?)),
    }
}
