//! A seat's memory on the device, and what it has asked for.

use super::{Answer, Load, Steps, Values};
use crate::CudaError;
use crate::backend::Backend;
use crate::layout::{CURVE, MAX_SET, SUMS, SeatData, Taken, bytes, bytes_mut};
use crate::shape::{Constraint, Perturb, Shape};

/// Steps that a seat waits for.
pub struct Asked {
    pub steps: Steps,
    /// Those that were taken.
    pub taken: Vec<Taken>,
    pub answer: Answer<Vec<Taken>>,
}

/// A seat.
pub struct Held {
    pub number: usize,
    pub data: SeatData,
    pub asked: Option<Asked>,
    /// Addresses of its own, its examples' aside.
    pieces: Vec<u64>,
    /// Numbers of its examples' inputs, and points of its constraint.
    inputs: usize,
    points: usize,
}

impl Held {
    /// Memory for a network of this shape.
    pub fn new(number: usize, backend: &mut dyn Backend, shape: &Shape) -> Result<Self, CudaError> {
        let (_, parameters, work) = shape.places();
        let mut held =
            Self { number, data: SeatData::default(), asked: None, pieces: Vec::new(), inputs: 0, points: 0 };
        let made = held.allocate(backend, shape, parameters, work);
        if let Err(error) = made {
            held.free(backend);
            return Err(error);
        }
        Ok(held)
    }

    fn allocate(
        &mut self,
        backend: &mut dyn Backend,
        shape: &Shape,
        parameters: usize,
        work: usize,
    ) -> Result<(), CudaError> {
        let mut piece = |size: usize| {
            let address = backend.allocate(size)?;
            self.pieces.push(address);
            Ok::<_, CudaError>(address)
        };
        let numbers = parameters * 4;
        self.data.p = piece(numbers)?;
        self.data.m = piece(numbers)?;
        self.data.v = if shape.sgd { self.data.m } else { piece(numbers)? };
        self.data.start = if shape.keeps_start() { piece(numbers)? } else { self.data.p };
        self.data.work = piece(work * 4)?;
        self.data.dead = piece(4)?;
        let hidden = shape.hidden().max(1);
        self.data.curves = piece(hidden * CURVE * 8)?;
        self.data.sums = piece(hidden * shape.tiles() * SUMS * 8)?;
        self.data.boxes = piece(hidden * 2 * MAX_SET * 4)?;
        self.data.widths = piece(shape.layers() * 16)?;
        Ok(())
    }

    pub fn load(&mut self, backend: &mut dyn Backend, shape: &Shape, load: &Load) -> Result<(), CudaError> {
        if let Some((inputs, labels)) = &load.examples {
            if self.inputs != inputs.len() {
                self.forget_examples(backend);
                self.data.inputs = backend.allocate(inputs.len() * 4)?;
                self.data.labels = backend.allocate(labels.len() * 4).inspect_err(|_| {
                    backend.free(self.data.inputs);
                })?;
                self.inputs = inputs.len();
            }
            backend.upload(self.data.inputs, bytes(inputs))?;
            backend.upload(self.data.labels, bytes(labels))?;
        }
        backend.upload(self.data.p, bytes(&load.values.p))?;
        backend.upload(self.data.m, bytes(&load.values.m))?;
        if !shape.sgd {
            backend.upload(self.data.v, bytes(&load.values.v))?;
        }
        if shape.keeps_start() {
            backend.upload(self.data.start, bytes(&load.start))?;
        }
        backend.upload(self.data.dead, bytes(&[0u32]))?;
        let settings = &load.settings;
        if settings.constraint == Constraint::CoefficientBox {
            let mut boxes = vec![0f32; shape.hidden() * 2 * MAX_SET];
            let sides = settings.boxes.iter().flatten();
            for (to, side) in boxes.chunks_exact_mut(MAX_SET).zip(sides) {
                to[..side.len()].copy_from_slice(side);
            }
            backend.upload(self.data.boxes, bytes(&boxes))?;
        }
        if settings.constraint.has_gain() {
            if self.points != settings.points.len() {
                self.forget_points(backend);
                self.data.points = backend.allocate(settings.points.len() * 8)?;
                self.points = settings.points.len();
            }
            backend.upload(self.data.points, bytes(&settings.points))?;
        }
        if shape.perturb == Perturb::Fresh {
            backend.upload(self.data.widths, bytes(settings.widths.as_flattened()))?;
        }
        self.data.count = settings.points.len() as i32;
        let (number, bound, epsilon) = match settings.constraint {
            Constraint::None => (0, 0.0, 0.0),
            Constraint::ProperDegree { epsilon } => (1, 0.0, epsilon),
            Constraint::TailSlope { bound, epsilon } => (2, bound, epsilon),
            Constraint::ProjectedTailSlope { bound, epsilon } => (7, bound, epsilon),
            Constraint::OutputBound { bound } => (3, bound, 0.0),
            Constraint::CoefficientBox => (4, 0.0, 0.0),
            Constraint::Lipschitz { bound } => (5, bound, 0.0),
            Constraint::UnitGain => {
                // Half of the numbers are weights.
                self.data.count /= 2;
                (6, settings.unit, 0.0)
            }
        };
        (self.data.constraint, self.data.bound, self.data.epsilon) = (number, bound, epsilon);
        [self.data.first, self.data.second] = settings.activation;
        self.data.penalty = settings.penalty;
        (self.data.shrink, self.data.noise) = (settings.shrink, f64::from(settings.noise));
        Ok(())
    }

    pub fn store(&self, backend: &mut dyn Backend, shape: &Shape) -> Result<Values, CudaError> {
        let (_, parameters, _) = shape.places();
        let mut of = |address: u64| {
            let mut numbers = vec![0f32; parameters];
            backend.download(address, bytes_mut(&mut numbers))?;
            Ok::<_, CudaError>(numbers)
        };
        let (p, m) = (of(self.data.p)?, of(self.data.m)?);
        let v = if shape.sgd { Vec::new() } else { of(self.data.v)? };
        Ok(Values { p, m, v })
    }

    pub fn ask(&mut self, steps: Steps, answer: Answer<Vec<Taken>>) {
        self.asked = Some(Asked { steps, taken: Vec::new(), answer });
    }

    fn forget_examples(&mut self, backend: &mut dyn Backend) {
        if self.inputs > 0 {
            backend.free(self.data.inputs);
            backend.free(self.data.labels);
            self.inputs = 0;
        }
    }

    fn forget_points(&mut self, backend: &mut dyn Backend) {
        if self.points > 0 {
            backend.free(self.data.points);
            self.points = 0;
        }
    }

    pub fn free(mut self, backend: &mut dyn Backend) {
        self.forget_examples(backend);
        self.forget_points(backend);
        for piece in self.pieces {
            backend.free(piece);
        }
    }
}
