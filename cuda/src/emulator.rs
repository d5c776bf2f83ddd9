//! The kernels compiled by the C compiler and run on the processor, a block's threads as fibers. For tests.

#![allow(unsafe_code, reason = "loads what the C compiler made, and hands it addresses")]

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use libloading::Library;

use crate::CudaError;
use crate::backend::Backend;
use crate::layout::{Job, SeatData, Step, Taken};
use crate::shape::Shape;
use crate::source::{Kernel, text_for_emulator};

/// Flags of the C compiler beside the usual ones.
pub type Flags = Vec<String>;

/// Folder that keeps compiled kernels from one process to the next, for tests that start many.
const KEPT: &str = "PLASTICITY_BENCH_EMULATOR";

type Emulate = unsafe extern "C" fn(i32, i32, i32, *const Job) -> i32;
type Sizes = unsafe extern "C" fn(i32) -> i32;

/// Compiled kernels on the processor.
pub struct Emulator {
    library: Arc<Library>,
    /// Memory by its address, in numbers of 16 bytes for the alignment that the kernels want.
    memory: BTreeMap<u64, Vec<u128>>,
}

fn failed(what: impl std::fmt::Display) -> CudaError {
    CudaError::Emulator(what.to_string())
}

fn compile(text: &str, flags: &Flags, folder: &Path) -> Result<PathBuf, CudaError> {
    let (source, made) = (folder.join("kernels.c"), folder.join("kernels.so"));
    fs::write(&source, text).map_err(failed)?;
    let mut command = Command::new(env::var_os("CC").unwrap_or_else(|| "cc".into()));
    command.args([
        "-O2",
        "-shared",
        "-fPIC",
        "-ffp-contract=off",
        "-fno-strict-aliasing",
        "-U_FORTIFY_SOURCE",
        "-w",
    ]);
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("fma") {
        command.arg("-mfma");
    }
    command.args(flags).arg("-o").arg(&made).arg(&source).arg("-lm");
    let output = command.output().map_err(failed)?;
    if !output.status.success() {
        return Err(failed(String::from_utf8_lossy(&output.stderr)));
    }
    Ok(made)
}

/// FNV-1a, to name files by.
fn hash(text: &str) -> u64 {
    text.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

fn library(text: &str, flags: &Flags) -> Result<Arc<Library>, CudaError> {
    static LOADED: OnceLock<Mutex<BTreeMap<u64, Arc<Library>>>> = OnceLock::new();
    let key = hash(&format!("{flags:?}{text}"));
    let mut loaded = LOADED.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(library) = loaded.get(&key) {
        return Ok(Arc::clone(library));
    }
    let folder = tempfile::tempdir().map_err(failed)?;
    let kept = env::var_os(KEPT).map(|kept| PathBuf::from(kept).join(format!("{key:016x}.so")));
    let path = match &kept {
        Some(kept) if kept.exists() => kept.clone(),
        Some(kept) => {
            let made = compile(text, flags, folder.path())?;
            let beside = kept.with_extension(format!("{}", std::process::id()));
            fs::copy(made, &beside).and_then(|_| fs::rename(&beside, kept)).map_err(failed)?;
            kept.clone()
        }
        None => compile(text, flags, folder.path())?,
    };
    // SAFETY: it was made from our own text, and nothing of it runs when it is loaded.
    let library = Arc::new(unsafe { Library::new(&path) }.map_err(failed)?);
    loaded.insert(key, Arc::clone(&library));
    Ok(library)
}

impl Emulator {
    /// Compiles the kernels, unless this process did before, and loads them.
    pub fn new(shape: &Shape, flags: &Flags) -> Result<Self, CudaError> {
        let library = library(&text_for_emulator(shape), flags)?;
        // SAFETY: the text has a function of this name and type.
        let sizes = unsafe { library.get::<Sizes>(b"emulated_sizes") }.map_err(failed)?;
        let ours = [size_of::<Job>(), size_of::<SeatData>(), size_of::<Step>(), size_of::<Taken>()];
        for (which, ours) in ours.into_iter().enumerate() {
            // SAFETY: it reads its argument alone, which is below the number of its sizes.
            let theirs = unsafe { sizes(which as i32) };
            assert_eq!(theirs, ours as i32, "layout.rs and layout.h, structure {which}");
        }
        Ok(Self { library, memory: BTreeMap::new() })
    }

    /// That many bytes from an address within one piece of memory.
    fn piece(&mut self, address: u64, bytes: usize) -> *mut u8 {
        let (&start, piece) =
            self.memory.range_mut(..=address).next_back().expect("an address that was allocated");
        let offset = (address - start) as usize;
        assert!(offset + bytes <= piece.len() * 16, "{bytes} bytes at {offset} of {}", piece.len() * 16);
        piece.as_mut_ptr().cast::<u8>().wrapping_add(offset)
    }
}

impl Backend for Emulator {
    fn allocate(&mut self, bytes: usize) -> Result<u64, CudaError> {
        // Not zeros, so that what is read before it is written is seen.
        let mut piece = vec![u128::MAX / 255 * 0xa5; bytes.div_ceil(16).max(1)];
        let address = piece.as_mut_ptr() as u64;
        self.memory.insert(address, piece);
        Ok(address)
    }

    fn free(&mut self, address: u64) {
        self.memory.remove(&address).expect("an address that was allocated");
    }

    fn upload(&mut self, to: u64, bytes: &[u8]) -> Result<(), CudaError> {
        let place = self.piece(to, bytes.len());
        // SAFETY: `piece` saw that so many bytes are there; they are ours and not those of `bytes`.
        unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), place, bytes.len()) };
        Ok(())
    }

    fn download(&mut self, from: u64, bytes: &mut [u8]) -> Result<(), CudaError> {
        let place = self.piece(from, bytes.len());
        // SAFETY: as above.
        unsafe { std::ptr::copy_nonoverlapping(place, bytes.as_mut_ptr(), bytes.len()) };
        Ok(())
    }

    fn launch(&mut self, kernel: Kernel, blocks: usize, slots: usize, job: &Job) -> Result<(), CudaError> {
        // SAFETY: the text has a function of this name and type.
        let emulate = unsafe { self.library.get::<Emulate>(b"emulate") }.map_err(failed)?;
        // SAFETY: the job holds addresses of `memory` in the sizes that the kernels use; what the fibers share is of
        // this thread alone.
        match unsafe { emulate(kernel as i32, blocks as i32, slots as i32, job) } {
            0 => Ok(()),
            1 => Err(failed("there is no memory for the fibers' stacks")),
            3 => Err(failed("a fault was asked for")),
            _ => Err(failed(format!(
                "{kernel:?}: some threads of a block wait at a barrier that others never meet"
            ))),
        }
    }
}
