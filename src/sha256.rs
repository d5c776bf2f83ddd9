//! SHA-256 of files, and of the prefix of a growing file that a checkpoint relies on.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Read at a time.
const BLOCK: usize = 1 << 16;

/// Lower-case hex digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string does not fail");
        text
    })
}

/// SHA-256 of `bytes` in hex digits.
#[must_use]
pub fn of(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// The first bytes of a file that only grows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prefix {
    /// How many.
    pub bytes: u64,
    /// Their SHA-256 in hex digits.
    pub sha256: String,
}

/// The result files of a run at one moment, by name.
pub type Prefixes = BTreeMap<String, Prefix>;

/// A prefix in the making, which costs one pass over the bytes however often it is asked for.
#[derive(Clone, Debug, Default)]
pub struct Growing {
    bytes: u64,
    hash: Sha256,
}

impl Growing {
    /// Of the first `bytes` of the file at `path`; `None` if it is shorter, or not there.
    pub fn read(path: &Path, bytes: u64) -> io::Result<Option<Self>> {
        let mut growing = Self::default();
        let mut file = match File::open(path) {
            Ok(file) => file.take(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok((bytes == 0).then_some(growing));
            }
            Err(error) => return Err(error),
        };
        let mut block = vec![0; BLOCK];
        loop {
            match file.read(&mut block) {
                Ok(0) => return Ok((growing.bytes == bytes).then_some(growing)),
                Ok(n) => growing.push(&block[..n]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Goes on with `bytes`.
    pub fn push(&mut self, bytes: &[u8]) {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    /// How many bytes so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What it is by now.
    #[must_use]
    pub fn prefix(&self) -> Prefix {
        Prefix { bytes: self.bytes, sha256: hex(&self.hash.clone().finalize()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From FIPS 180-4's examples.
    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_prefix_grows_and_is_found_again_in_the_file() {
        let mut growing = Growing::default();
        assert_eq!(growing.prefix(), Prefix { bytes: 0, sha256: EMPTY.to_owned() });
        growing.push(b"a");
        growing.push(b"bc");
        assert_eq!((growing.prefix().sha256.as_str(), of(b"abc").as_str()), (ABC, ABC));
        growing.push(&vec![7; 3 * BLOCK]);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x");
        assert_eq!(Growing::read(&path, 0).unwrap().unwrap().prefix().sha256, EMPTY);
        assert!(Growing::read(&path, 1).unwrap().is_none());
        std::fs::write(&path, [b"abc".as_slice(), &vec![7; 3 * BLOCK], b"more"].concat()).unwrap();
        let read = |bytes| Growing::read(&path, bytes).unwrap().map(|growing| growing.prefix());
        assert_eq!(read(3).unwrap().sha256, ABC);
        assert_eq!(read(growing.bytes()), Some(growing.prefix()));
        assert_eq!(read(growing.bytes() + 5), None);
    }
}
