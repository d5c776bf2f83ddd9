//! `--device`

use std::fmt;
use std::str::FromStr;

use anyhow::anyhow;

use super::Failure;
#[cfg(feature = "cuda")]
use crate::device::{self, Devices};
use crate::spec::Plan;
use crate::train::{Places, Processor};

/// Where a network is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// The processor.
    Cpu,
    /// The graphics card of this number.
    Cuda(usize),
    /// The graphics card's kernels on the processor, for tests.
    #[cfg(feature = "cuda-emulator")]
    Emulator,
}

/// Runs side by side on a device where `--jobs` does not say: a GPU wants many.
const PLACES: u16 = 64;

impl Device {
    /// Where runs on it take their steps; an error for a device that this build has no kernels for, or that is not
    /// here.
    pub fn places(self) -> Result<Box<dyn Places>, Failure> {
        match self {
            Self::Cpu => Ok(Box::new(Processor)),
            #[cfg(not(feature = "cuda"))]
            Self::Cuda(_) => Err(self.without_kernels()),
            #[cfg(feature = "cuda")]
            Self::Cuda(number) => match Devices::gpu(number) {
                Ok(devices) => Ok(Box::new(devices)),
                Err(error) => Err(Failure::usage(anyhow!("--device {self} cannot be used: {error}"))),
            },
            #[cfg(feature = "cuda-emulator")]
            Self::Emulator => Ok(Box::new(Devices::emulator())),
        }
    }

    /// Refuses plans that have something it does not take, and every plan where this build has no kernels for it.
    #[cfg_attr(not(feature = "cuda"), allow(unused_variables, reason = "no device takes any"))]
    pub fn check(self, plans: &[Plan]) -> Result<(), Failure> {
        match self {
            Self::Cpu => Ok(()),
            #[cfg(not(feature = "cuda"))]
            Self::Cuda(_) => Err(self.without_kernels()),
            #[cfg(feature = "cuda")]
            _ => plans.iter().try_for_each(|plan| {
                let refuse =
                    |what: String| Failure::usage(anyhow!(device::refusal(&self.to_string(), &what)));
                device::fit(plan).map(|_| ()).map_err(refuse)
            }),
        }
    }

    #[cfg(not(feature = "cuda"))]
    fn without_kernels(self) -> Failure {
        Failure::usage(anyhow!(
            "--device {self} cannot be used: this build has kernels for the CPU only; build it with `--features cuda`, \
             or take --device cpu"
        ))
    }

    /// `--jobs`, or what suits the device.
    pub fn jobs(self, jobs: Option<u16>) -> Option<u16> {
        if self == Self::Cpu { jobs } else { jobs.or(Some(PLACES)) }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
            #[cfg(feature = "cuda-emulator")]
            Self::Emulator => f.write_str("emulator"),
        }
    }
}

impl FromStr for Device {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "cpu" => Some(Self::Cpu),
            None if text == "cuda" => Some(Self::Cuda(0)),
            #[cfg(feature = "cuda-emulator")]
            None if text == "emulator" => Some(Self::Emulator),
            Some(("cuda", number)) => number.parse().ok().map(Self::Cuda),
            _ => None,
        }
        .ok_or_else(|| "expected cpu, cuda or cuda:N".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_and_what_is_not_here_is_refused() {
        assert_eq!("cpu".parse(), Ok(Device::Cpu));
        assert_eq!("cuda".parse(), Ok(Device::Cuda(0)));
        assert_eq!("cuda:3".parse(), Ok(Device::Cuda(3)));
        for wrong in ["gpu", "cpu:0", "cuda:", "cuda:x", "cuda:-1", ""] {
            assert!(wrong.parse::<Device>().is_err(), "{wrong}");
        }
        assert_eq!(Device::Cpu.places().ok().unwrap().device(), "cpu");
        let refused = Device::Cuda(99).places().err().unwrap();
        assert_eq!(refused.exit.code(), 2);
        assert!(refused.to_string().starts_with("--device cuda:99 cannot be used: "), "{refused}");
        assert_eq!([Device::Cpu, Device::Cuda(0)].map(|device| device.jobs(None)), [None, Some(PLACES)]);
        assert_eq!(Device::Cuda(0).jobs(Some(3)), Some(3));
    }
}
