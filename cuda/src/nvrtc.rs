//! The kernels compiled to machine code of one architecture. PTX would be refused by drivers older than the compiler;
//! machine code is taken by every driver of the same major version.

#![allow(unsafe_code, reason = "a C library")]

use std::ffi::{CString, c_char};

use cudarc::nvrtc::{result, sys};

use crate::CudaError;

/// What came of a compilation.
pub struct Compiled {
    /// Machine code, to be loaded as a module.
    pub cubin: Vec<u8>,
    /// The assembly that it was made from.
    pub ptx: String,
    /// What the compilers said: registers, spills.
    pub log: String,
}

/// IEEE operations, each rounded once: nothing is contracted, flushed or approximated.
const OPTIONS: [&str; 7] = [
    "--fmad=false",
    "--ftz=false",
    "--prec-div=true",
    "--prec-sqrt=true",
    "--ptxas-options=-v",
    "--diag-suppress=177",
    "--std=c++17",
];

/// Whether NVRTC can be loaded.
#[must_use]
pub fn is_present() -> bool {
    // SAFETY: looks for the library and calls nothing of it.
    unsafe { sys::is_culib_present() }
}

/// Its major and minor version, if it is there.
#[must_use]
pub fn version() -> Option<(i32, i32)> {
    let (mut major, mut minor) = (0, 0);
    // SAFETY: the library is there; both numbers are written where it is asked to.
    (is_present() && unsafe { sys::nvrtcVersion(&raw mut major, &raw mut minor) }.result().is_ok())
        .then_some((major, minor))
}

/// `architecture` is `sm_90`, say.
///
/// # Errors
/// If NVRTC is not there or refuses the text.
pub fn compile(text: &str, architecture: &str) -> Result<Compiled, CudaError> {
    if !is_present() {
        return Err(CudaError::NoCompiler);
    }
    let failed = |error: result::NvrtcError| CudaError::Compile(error.to_string());
    let text = CString::new(text).map_err(|error| CudaError::Compile(error.to_string()))?;
    let program = Program(result::create_program(&text, Some(c"kernels.cu")).map_err(failed)?, text);
    let mut options = vec![format!("--gpu-architecture={architecture}")];
    options.extend(OPTIONS.map(str::to_owned));
    // SAFETY: the program was created above and is destroyed when `program` is dropped; so below.
    let compiled = unsafe { result::compile_program(program.0, &options) };
    // SAFETY: as above.
    let log = unsafe { result::get_program_log(program.0) }.map_or_else(|_| String::new(), |log| words(&log));
    compiled.map_err(|error| CudaError::Compile(format!("{error}: {log}")))?;
    // SAFETY: as above.
    let ptx = words(&unsafe { result::get_ptx(program.0) }.map_err(failed)?);
    let mut size = 0;
    // SAFETY: as above; the size is written where it is asked for.
    unsafe { sys::nvrtcGetCUBINSize(program.0, &raw mut size) }.result().map_err(failed)?;
    let mut cubin = vec![0u8; size];
    // SAFETY: as above; there is room for as much as was said to be needed.
    unsafe { sys::nvrtcGetCUBIN(program.0, cubin.as_mut_ptr().cast()) }.result().map_err(failed)?;
    Ok(Compiled { cubin, ptx, log })
}

/// With the text that it may refer to.
struct Program(sys::nvrtcProgram, #[allow(dead_code, reason = "kept alive")] CString);

impl Drop for Program {
    fn drop(&mut self) {
        // SAFETY: created once, destroyed here alone.
        let _ = unsafe { result::destroy_program(self.0) };
    }
}

fn words(text: &[c_char]) -> String {
    let bytes: Vec<u8> = text.iter().map(|&c| c.cast_unsigned()).take_while(|&c| c != 0).collect();
    String::from_utf8_lossy(&bytes).into_owned()
}
