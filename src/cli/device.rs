//! `--device`

use std::fmt;
use std::str::FromStr;

use anyhow::anyhow;

use super::Failure;

/// Where a network is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device {
    /// The processor.
    Cpu,
    /// The graphics card of this number.
    Cuda(usize),
}

impl Device {
    /// An error for a device that this build has no kernels for.
    pub fn available(self) -> Result<(), Failure> {
        match self {
            Self::Cpu => Ok(()),
            Self::Cuda(_) => Err(Failure::usage(anyhow!(
                "--device {self} cannot be used: this build has kernels for the CPU only; take --device cpu"
            ))),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(number) => write!(f, "cuda:{number}"),
        }
    }
}

impl FromStr for Device {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "cpu" => Some(Self::Cpu),
            None if text == "cuda" => Some(Self::Cuda(0)),
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
    fn devices_are_read_and_only_the_cpu_is_taken() {
        assert_eq!("cpu".parse(), Ok(Device::Cpu));
        assert_eq!("cuda".parse(), Ok(Device::Cuda(0)));
        assert_eq!("cuda:3".parse(), Ok(Device::Cuda(3)));
        for wrong in ["gpu", "cpu:0", "cuda:", "cuda:x", "cuda:-1", ""] {
            assert!(wrong.parse::<Device>().is_err(), "{wrong}");
        }
        assert!(Device::Cpu.available().is_ok());
        let refused = Device::Cuda(1).available().unwrap_err();
        assert_eq!(refused.exit.code(), 2);
        assert_eq!(
            refused.to_string(),
            "--device cuda:1 cannot be used: this build has kernels for the CPU only; take --device cpu"
        );
    }
}
