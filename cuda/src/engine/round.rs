//! One round of launches: some steps of every network that has asked for any.

use super::held::Held;
use crate::CudaError;
use crate::backend::Backend;
use crate::layout::{
    Job, KEY, MAX_P, Plain, ROUND, SeatData, Step, THREADS, TILE, Taken, UNITS, bytes, bytes_mut,
};
use crate::shape::{Perturb, Shape};
use crate::source::Kernel;

/// The launches' arguments on the device, kept from round to round.
#[derive(Default)]
pub struct Round {
    seats: Piece,
    steps: Piece,
    positions: Piece,
    noise: Piece,
    keys: Piece,
    taken: Piece,
}

/// Memory that grows with what is put there.
#[derive(Default)]
struct Piece {
    address: u64,
    bytes: usize,
}

impl Piece {
    fn fit(&mut self, backend: &mut dyn Backend, bytes: usize) -> Result<u64, CudaError> {
        if self.bytes < bytes {
            self.free(backend);
            self.address = backend.allocate(bytes)?;
            self.bytes = bytes;
        }
        Ok(self.address)
    }

    fn put<T: Plain>(&mut self, backend: &mut dyn Backend, values: &[T]) -> Result<u64, CudaError> {
        let address = self.fit(backend, size_of_val(values))?;
        backend.upload(address, bytes(values))?;
        Ok(address)
    }

    fn free(&mut self, backend: &mut dyn Backend) {
        if self.bytes > 0 {
            backend.free(self.address);
            self.bytes = 0;
        }
    }
}

impl Round {
    /// Takes the steps, and answers those that have got all of theirs.
    pub fn run(
        &mut self,
        backend: &mut dyn Backend,
        shape: &Shape,
        held: &mut [Held],
    ) -> Result<(), CudaError> {
        let mut asking: Vec<&mut Held> = held.iter_mut().filter(|seat| seat.asked.is_some()).collect();
        let left = asking.iter().filter_map(|seat| seat.asked.as_ref());
        let left = left.map(|asked| asked.steps.steps.len() - asked.taken.len());
        let chunk = left.min().unwrap_or(0).min(ROUND);
        if chunk == 0 {
            return Ok(());
        }
        let (mut seats, mut steps) = (Vec::<SeatData>::new(), Vec::<Step>::new());
        let (mut positions, mut noise, mut keys) = (Vec::<u32>::new(), Vec::<f32>::new(), Vec::<u32>::new());
        let draws = shape.activation.draws();
        let per_step = shape.hidden() * MAX_P;
        for seat in &asking {
            let asked = seat.asked.as_ref().expect("chosen for it");
            let from = asked.taken.len();
            seats.push(seat.data);
            steps.extend(&asked.steps.steps[from..from + chunk]);
            positions.extend(&asked.steps.positions[from * shape.batch..(from + chunk) * shape.batch]);
            if shape.perturb.draws() {
                keys.extend(&asked.steps.keys[from * KEY..(from + chunk) * KEY]);
            }
            if draws {
                noise.extend(&asked.steps.noise[from * per_step..(from + chunk) * per_step]);
            }
        }
        let slots = asking.len();
        let (layers, _, _) = shape.places();
        let mut job = Job {
            seats: self.seats.put(backend, &seats)?,
            steps: self.steps.put(backend, &steps)?,
            positions: self.positions.put(backend, &positions)?,
            noise: if draws { self.noise.put(backend, &noise)? } else { 0 },
            keys: if shape.perturb.draws() { self.keys.put(backend, &keys)? } else { 0 },
            // Of a network that a step passes over nothing is written: NaN would be its loss, were it looked at.
            taken: self.taken.put(backend, &vec![Taken { loss: f32::NAN, correct: 0 }; slots * chunk])?,
            chunk: chunk as i32,
            layers: layers.len() as i32,
            tiles: shape.tiles() as i32,
            ..Job::default()
        };
        job.all[..layers.len()].copy_from_slice(&layers);
        for step in 0..chunk {
            job.step = step as i32;
            launch(backend, shape, slots, &mut job)?;
        }
        let mut taken = vec![Taken::default(); slots * chunk];
        backend.download(job.taken, bytes_mut(&mut taken))?;
        for (seat, new) in asking.iter_mut().zip(taken.chunks_exact(chunk)) {
            let asked = seat.asked.as_mut().expect("chosen for it");
            let finite = new.iter().take_while(|taken| taken.loss.is_finite()).count();
            asked.taken.extend(&new[..(finite + 1).min(chunk)]);
            if finite < chunk || asked.taken.len() == asked.steps.steps.len() {
                let asked = seat.asked.take().expect("chosen for it");
                let _ = asked.answer.send(Ok(asked.taken));
            }
        }
        Ok(())
    }

    pub fn free(&mut self, backend: &mut dyn Backend) {
        let Self { seats, steps, positions, noise, keys, taken } = self;
        for piece in [seats, steps, positions, noise, keys, taken] {
            piece.free(backend);
        }
    }
}

/// The launches of one step.
fn launch(backend: &mut dyn Backend, shape: &Shape, slots: usize, job: &mut Job) -> Result<(), CudaError> {
    let is_rational = shape.activation.set() > 0 && shape.hidden() > 0;
    let sizes = &shape.sizes;
    let mut go = |kernel: Kernel, layer: usize, blocks: usize| {
        job.layer = layer as i32;
        backend.launch(kernel, blocks, slots, job)
    };
    if is_rational {
        go(Kernel::Lower, 0, shape.hidden())?;
    }
    for layer in 0..shape.layers() {
        go(Kernel::Forward, layer, sizes[layer + 1].div_ceil(TILE))?;
    }
    go(Kernel::Head, shape.layers() - 1, 1)?;
    for layer in (0..shape.layers()).rev() {
        // The gradient through a weight is taken before the weight moves.
        if layer > 0 {
            go(Kernel::Backward, layer, sizes[layer].div_ceil(TILE))?;
        }
        let blocks = sizes[layer].div_ceil(THREADS) * sizes[layer + 1].div_ceil(UNITS);
        go(Kernel::Update, layer, blocks)?;
    }
    if is_rational {
        go(Kernel::Coefficients, 0, shape.hidden())?;
    }
    if shape.perturb != Perturb::No {
        go(Kernel::Perturb, 0, shape.perturbing())?;
    }
    Ok(())
}
