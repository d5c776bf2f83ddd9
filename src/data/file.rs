//! Opening files that may be gzipped.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use flate2::bufread::GzDecoder;
use md5::{Digest, Md5};
use sha2::Sha256;

use super::DataError;
use crate::sha256::hex;

/// The file's bytes, decompressed if they are gzip. The name does not decide: browsers unpack a
/// download and keep its `.gz`.
pub(super) fn open(path: &Path) -> Result<Box<dyn Read>, DataError> {
    let file = BufReader::with_capacity(1 << 16, file(path)?);
    Ok(if is_gzip(path)? {
        Box::new(Members { current: Some(GzDecoder::new(file)) })
    } else {
        Box::new(file)
    })
}

/// The members of a gzip file one after the other. `flate2`'s own reader of several members takes any byte behind the
/// last for the beginning of another, and reports an end of file.
struct Members<R> {
    current: Option<GzDecoder<R>>,
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while let Some(decoder) = &mut self.current {
            let count = decoder.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                return Ok(count);
            }
            let mut rest = self.current.take().expect("it was there").into_inner();
            match rest.fill_buf()? {
                [] => break,
                [0x1f, ..] => self.current = Some(GzDecoder::new(rest)),
                _ => return Err(io::Error::new(io::ErrorKind::InvalidData, BEHIND)),
            }
        }
        Ok(0)
    }
}

const BEHIND: &str = "bytes behind the end of the gzip data";

/// Whether the file begins as gzip does.
pub(super) fn is_gzip(path: &Path) -> Result<bool, DataError> {
    let mut head = BufReader::with_capacity(16, file(path)?);
    let head =
        head.fill_buf().map_err(|source| DataError::Unreadable { path: path.to_path_buf(), source })?;
    Ok(head.starts_with(&[0x1f, 0x8b]))
}

/// MD5 of the file as it is, in hex digits.
pub(super) fn md5_of(path: &Path) -> Result<String, DataError> {
    digest_of(path, Md5::new())
}

/// SHA-256 of the file as it is, in hex digits.
pub(super) fn sha256_of(path: &Path) -> Result<String, DataError> {
    digest_of(path, Sha256::new())
}

fn digest_of(path: &Path, mut hash: impl Digest) -> Result<String, DataError> {
    let unreadable = |source| DataError::Unreadable { path: path.to_path_buf(), source };
    let mut reader = file(path)?;
    let mut buffer = vec![0; 1 << 16];
    loop {
        match reader.read(&mut buffer).map_err(unreadable)? {
            0 => return Ok(hex(&hash.finalize())),
            n => hash.update(&buffer[..n]),
        }
    }
}

fn file(path: &Path) -> Result<File, DataError> {
    File::open(path).map_err(|source| DataError::Unreadable { path: path.to_path_buf(), source })
}

/// What an error while reading says of the content: the file could be opened, so a cut or damaged
/// stream is the file's fault and not the system's.
pub(super) fn fault(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => "an end of file before that".to_owned(),
        _ => format!("damaged contents ({error})"),
    }
}
