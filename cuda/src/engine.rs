//! One thread that takes the steps of all networks of one shape.
//!
//! Threads of runs hold a [`Seat`] each. They ask for some steps and wait; the engine takes as many steps as the
//! shortest request has, for all that have asked, in one round of launches, and looks again. It waits a moment
//! ([`PATIENCE`]) for seats that have not asked: their threads may be probing.

mod held;
mod round;

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use self::held::Held;
use self::round::Round;
use crate::CudaError;
use crate::backend::{Backend, PATIENCE};
use crate::device::{Device, open};
use crate::layout::{Step, Taken};
use crate::shape::{Settings, Shape};

/// The numbers of one network, as [`Shape::parameters`] places them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Values {
    /// Parameters.
    pub p: Vec<f32>,
    /// Adam's first moments, or momentum.
    pub m: Vec<f32>,
    /// Adam's second moments; empty under SGD.
    pub v: Vec<f32>,
}

/// What a seat takes over.
#[derive(Clone, Debug)]
pub struct Load {
    /// The network and its optimiser.
    pub values: Values,
    /// The first parameters, if [`Shape::keeps_start`]; else empty.
    pub start: Vec<f32>,
    /// What networks of one shape may differ in.
    pub settings: Settings,
    /// Examples of the task, row by row; `None` keeps those of the last load.
    pub examples: Option<(Vec<f32>, Vec<u32>)>,
}

/// Steps to take one after the other.
#[derive(Clone, Debug, Default)]
pub struct Steps {
    /// One each.
    pub steps: Vec<Step>,
    /// Positions of the examples of each step's rows, [`Shape::batch`] a step.
    pub positions: Vec<u32>,
    /// Factors on the numerator, (steps, hidden layers, `MAX_P`); empty but for version D.
    pub noise: Vec<f32>,
    /// Key of each step's generator, [`KEY`](crate::KEY) words a step; empty unless perturbations draw.
    pub keys: Vec<u32>,
}

type Answer<T> = Sender<Result<T, CudaError>>;

enum Order {
    Load(usize, Box<Load>, Answer<()>),
    Steps(usize, Steps, Answer<Vec<Taken>>),
    Store(usize, Answer<Values>),
    Leave(usize),
}

/// Networks of one shape on one device.
pub struct Engine {
    shape: Shape,
    orders: Mutex<(Sender<Order>, usize)>,
    thread: Option<JoinHandle<()>>,
}

impl Engine {
    /// Compiles the kernels of `shape` for `device`.
    ///
    /// # Errors
    /// If there is no such device, or the kernels cannot be compiled for it.
    pub fn new(device: &Device, shape: &Shape) -> Result<Arc<Self>, CudaError> {
        let (orders, received) = channel();
        let (ready, is_ready) = channel();
        let (device, its) = (device.clone(), shape.clone());
        let serve = move || match open(&device, &its) {
            Ok(backend) => {
                let _ = ready.send(Ok(()));
                Server { shape: its, backend, seats: Vec::new(), round: Round::default(), failed: None }
                    .serve(&received);
            }
            Err(error) => {
                let _ = ready.send(Err(error));
            }
        };
        let thread = thread::Builder::new().name("device".into()).spawn(serve);
        let thread = Some(thread.map_err(|error| CudaError::Device(error.to_string()))?);
        is_ready.recv().unwrap_or(Err(CudaError::Ended))?;
        Ok(Arc::new(Self { shape: shape.clone(), orders: Mutex::new((orders, 0)), thread }))
    }

    /// A place for one network.
    #[must_use]
    pub fn seat(self: &Arc<Self>) -> Seat {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        orders.1 += 1;
        Seat { number: orders.1, orders: orders.0.clone(), engine: Arc::clone(self) }
    }

    /// What it was made for.
    #[must_use]
    pub fn shape(&self) -> &Shape {
        &self.shape
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // The thread ends when nobody can send it anything any more: every seat holds the engine.
        self.orders = Mutex::new((channel().0, 0));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A network's place on the device.
pub struct Seat {
    number: usize,
    orders: Sender<Order>,
    engine: Arc<Engine>,
}

impl Seat {
    fn ask<T>(&self, order: impl FnOnce(Answer<T>) -> Order) -> Receiver<Result<T, CudaError>> {
        let (answer, answered) = channel();
        // An engine that has ended drops the answer, which the receiver sees.
        let _ = self.orders.send(order(answer));
        answered
    }

    /// Its engine.
    #[must_use]
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Takes over a network.
    ///
    /// # Errors
    /// If the device fails or has no memory left; likewise below.
    pub fn load(&self, load: Load) -> Result<(), CudaError> {
        settled(&self.ask(|answer| Order::Load(self.number, Box::new(load), answer)))
    }

    /// Begins to take steps; [`Pending::wait`] gives what came of them.
    #[must_use]
    pub fn start(&self, steps: Steps) -> Pending {
        Pending(self.ask(|answer| Order::Steps(self.number, steps, answer)))
    }

    /// The network as it is now.
    pub fn store(&self) -> Result<Values, CudaError> {
        settled(&self.ask(|answer| Order::Store(self.number, answer)))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let _ = self.orders.send(Order::Leave(self.number));
    }
}

/// Steps under way.
pub struct Pending(Receiver<Result<Vec<Taken>, CudaError>>);

impl Pending {
    /// What came of the steps, up to the first loss that is not finite.
    ///
    /// # Errors
    /// If the device fails.
    pub fn wait(self) -> Result<Vec<Taken>, CudaError> {
        settled(&self.0)
    }
}

fn settled<T>(answered: &Receiver<Result<T, CudaError>>) -> Result<T, CudaError> {
    answered.recv().unwrap_or(Err(CudaError::Ended))
}

/// The engine's thread.
struct Server {
    shape: Shape,
    backend: Box<dyn Backend>,
    seats: Vec<Held>,
    round: Round,
    /// A fault is the whole context's: nothing goes on after it.
    failed: Option<CudaError>,
}

impl Server {
    fn serve(mut self, orders: &Receiver<Order>) {
        loop {
            let asked = self.seats.iter().filter(|seat| seat.asked.is_some()).count();
            if asked == 0 {
                let Ok(order) = orders.recv() else { break };
                self.take(order);
                continue;
            }
            self.gather(orders);
            self.round();
        }
        for seat in self.seats.drain(..) {
            seat.free(&mut *self.backend);
        }
        self.round.free(&mut *self.backend);
    }

    /// Takes orders until all seats have asked for steps, or patience is at its end.
    fn gather(&mut self, orders: &Receiver<Order>) {
        let end = Instant::now() + PATIENCE;
        loop {
            let waits = self.seats.iter().any(|seat| seat.asked.is_none());
            let order = if waits {
                orders.recv_timeout(end.saturating_duration_since(Instant::now()))
            } else {
                orders.try_recv().map_err(|error| match error {
                    TryRecvError::Empty => RecvTimeoutError::Timeout,
                    TryRecvError::Disconnected => RecvTimeoutError::Disconnected,
                })
            };
            let Ok(order) = order else { return };
            self.take(order);
        }
    }

    fn take(&mut self, order: Order) {
        if let Order::Leave(number) = order {
            if let Some(at) = self.seats.iter().position(|seat| seat.number == number) {
                self.seats.remove(at).free(&mut *self.backend);
            }
            return;
        }
        let failed = self.failed.clone();
        match order {
            Order::Leave(_) => {}
            Order::Load(number, load, answer) => {
                let done = failed.map_or(Ok(()), Err).and_then(|()| self.load(number, &load));
                let _ = answer.send(done);
            }
            Order::Steps(number, steps, answer) => {
                match self.seats.iter_mut().find(|seat| seat.number == number) {
                    Some(seat) if failed.is_none() && !steps.steps.is_empty() => seat.ask(steps, answer),
                    Some(_) if failed.is_none() => drop(answer.send(Ok(Vec::new()))),
                    _ => drop(answer.send(Err(failed.unwrap_or(CudaError::Ended)))),
                }
            }
            Order::Store(number, answer) => {
                let seat = self.seats.iter().find(|seat| seat.number == number);
                let seat = seat.filter(|_| failed.is_none()).ok_or(failed.unwrap_or(CudaError::Ended));
                let _ = answer.send(seat.and_then(|seat| seat.store(&mut *self.backend, &self.shape)));
            }
        }
    }

    fn load(&mut self, number: usize, load: &Load) -> Result<(), CudaError> {
        let known = self.seats.iter().position(|seat| seat.number == number);
        if known.is_none() {
            self.seats.push(Held::new(number, &mut *self.backend, &self.shape)?);
        }
        let at = known.unwrap_or(self.seats.len() - 1);
        self.seats[at].load(&mut *self.backend, &self.shape, load)
    }

    /// One round: the steps of the shortest request, for all that have asked.
    fn round(&mut self) {
        let done = self.round.run(&mut *self.backend, &self.shape, &mut self.seats);
        if let Err(error) = done {
            self.failed = Some(error.clone());
            for seat in &mut self.seats {
                if let Some(asked) = seat.asked.take() {
                    let _ = asked.answer.send(Err(error.clone()));
                }
            }
        }
    }
}
