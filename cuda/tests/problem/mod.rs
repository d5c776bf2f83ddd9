//! Networks with random numbers, and what they are trained on.

#![allow(dead_code, reason = "no test takes all of it")]

use plasticity_bench_cuda::reference::Network;
use plasticity_bench_cuda::{
    Activation, Constraint, Engine, KEY, Load, MAX_P, Perturb, Rule, Seat, Settings, Shape, Step, Steps,
    Taken, Values,
};

/// Splitmix64 (Vigna): enough for tests.
pub struct Draws(pub u64);

impl Draws {
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// On [-1, 1).
    pub fn unit(&mut self) -> f32 {
        (self.bits() >> 40) as f32 / (1u64 << 23) as f32 - 1.0
    }

    pub fn below(&mut self, end: usize) -> usize {
        (self.bits() % end as u64) as usize
    }
}

pub const EXAMPLES: usize = 40;

pub fn shape(sizes: &[usize], batch: usize, activation: Activation) -> Shape {
    Shape { batch, sizes: sizes.to_vec(), activation, sgd: false, l2_init: false, perturb: Perturb::No }
}

pub fn rational(version: u8, p: u8, q: u8) -> Activation {
    Activation::Rational { version, p, q }
}

/// Adam's numbers at step number `t`, with usual settings.
pub fn adam(rate: f64, t: i32) -> Rule {
    Rule {
        step_size: (rate / (1.0 - 0.9f64.powi(t))) as f32,
        inverse_root: (1.0 / (1.0 - 0.999f64.powi(t)).sqrt()) as f32,
        epsilon: 1e-8,
        beta1: 0.9,
        beta2: 0.999,
        rest1: 0.1,
        rest2: 0.001,
        coupled: 0.01,
        shrink: 0.999,
        least: 1e-30,
        least_root: 3.4e-18,
    }
}

pub fn sgd(rate: f32) -> Rule {
    Rule { step_size: rate, beta1: 0.9, coupled: 1e-3, shrink: 1.0, ..Rule::default() }
}

/// Points of a constraint with a gain, more than a block has threads.
pub fn points(constraint: Constraint) -> Vec<f64> {
    let grid = |points: i32| (-points..=points).map(move |i| f64::from(i) * 8.0 / f64::from(points));
    match constraint {
        Constraint::Lipschitz { .. } => grid(150).collect(),
        Constraint::UnitGain => grid(70).chain(grid(70).map(|x| 0.1 / (1.0 + x * x * x * x))).collect(),
        _ => Vec::new(),
    }
}

/// One network's whole problem.
pub struct Problem {
    pub network: Network,
    pub inputs: Vec<f32>,
    pub labels: Vec<u32>,
    pub steps: Steps,
}

impl Problem {
    pub fn new(shape: &Shape, constraint: Constraint, seed: u64, steps: usize) -> Self {
        Self::with(shape, constraint, seed, steps, EXAMPLES)
    }

    /// With so many examples.
    pub fn with(shape: &Shape, constraint: Constraint, seed: u64, steps: usize, examples: usize) -> Self {
        let mut draws = Draws(seed);
        let (places, numbers) = shape.parameters();
        let mut p = vec![0f32; numbers];
        for (layer, (weight, bias, set)) in places.into_iter().enumerate() {
            let (from, to) = (shape.sizes[layer], shape.sizes[layer + 1]);
            let scale = 2.0 / (from as f32).sqrt();
            p[weight..weight + from * to].fill_with(|| scale * draws.unit());
            p[bias..bias + to].fill_with(|| 0.1 * draws.unit());
            if let Some(set) = set {
                p[set..set + shape.activation.set()].fill_with(|| draws.unit());
            }
        }
        let start: Vec<f32> = p.iter().map(|x| x + 0.01).collect();
        let around = |by: f32| -> Vec<f32> {
            let set = shape.parameters().0[0].2.unwrap_or(0);
            p[set..set + shape.activation.set()].iter().map(|x| x + by).collect()
        };
        let boxes = vec![[around(-1e-3), around(1e-3)]; shape.hidden()];
        let settings = Settings {
            activation: [0.3, 1.7],
            constraint,
            boxes,
            points: points(constraint),
            unit: 0.7,
            penalty: 0.02,
            shrink: 0.998,
            noise: 3e-3,
            widths: (0..shape.layers()).map(|layer| [0.2 + layer as f64, 0.1]).collect(),
        };
        let v = if shape.sgd { Vec::new() } else { vec![0.0; numbers] };
        let values = Values { m: vec![0.0; numbers], v, p };
        let inputs = (0..examples * shape.sizes[0]).map(|_| draws.unit()).collect();
        let classes = shape.sizes[shape.layers()];
        let labels = (0..examples).map(|_| draws.below(classes) as u32).collect();
        let (mut asked, mut keys) = (Steps::default(), Draws(!seed));
        for t in 1..=steps {
            // The last batch of an epoch is smaller.
            let rows = if t % 3 == 0 { shape.batch.div_ceil(2) } else { shape.batch };
            let rule = |rate: f64| if shape.sgd { sgd(rate as f32) } else { adam(rate, t as i32) };
            let (weights, coefficients) = (rule(1e-2), rule(3e-3));
            let trained = i32::from(t % 5 != 0);
            asked.steps.push(Step { rows: rows as i32, trained, weights, coefficients });
            asked.positions.extend((0..shape.batch).map(|_| draws.below(examples) as u32));
            asked.keys.extend((0..KEY).map(|_| keys.bits() as u32));
            asked.noise.extend((0..shape.hidden() * MAX_P).map(|_| 1.0 + 0.1 * draws.unit()));
        }
        let network = Network { shape: shape.clone(), settings, values, start };
        Self { network, inputs, labels, steps: asked }
    }

    pub fn load(&self) -> Load {
        Load {
            values: self.network.values.clone(),
            start: self.network.start.clone(),
            settings: self.network.settings.clone(),
            examples: Some((self.inputs.clone(), self.labels.clone())),
        }
    }

    /// Its steps number `from` to `to`.
    pub fn part(&self, from: usize, to: usize) -> Steps {
        let shape = &self.network.shape;
        let each = shape.hidden() * MAX_P;
        Steps {
            steps: self.steps.steps[from..to].to_vec(),
            positions: self.steps.positions[from * shape.batch..to * shape.batch].to_vec(),
            noise: self.steps.noise[from * each..to * each].to_vec(),
            keys: self.steps.keys[from * KEY..to * KEY].to_vec(),
        }
    }

    /// What the reference makes of it.
    pub fn by_reference(&self) -> (Vec<Taken>, Values) {
        let (mut network, width) = (self.network.clone(), self.network.shape.sizes[0]);
        let (batch, each) = (network.shape.batch, network.shape.hidden() * MAX_P);
        let mut taken = Vec::new();
        for (number, step) in self.steps.steps.iter().enumerate() {
            let positions = &self.steps.positions[number * batch..][..step.rows as usize];
            let row = |&position: &u32| &self.inputs[position as usize * width..][..width];
            let inputs: Vec<&[f32]> = positions.iter().map(row).collect();
            let labels: Vec<u32> = positions.iter().map(|&position| self.labels[position as usize]).collect();
            let noise = &self.steps.noise[number * each..(number + 1) * each];
            let key = &self.steps.keys[number * KEY..(number + 1) * KEY];
            let one = network.step(step, &inputs, &labels, noise, key);
            taken.push(one);
            if !one.loss.is_finite() {
                break;
            }
        }
        (taken, network.values)
    }

    /// What the device makes of it in a seat of its own.
    pub fn at(&self, seat: &Seat) -> (Vec<Taken>, Values) {
        seat.load(self.load()).unwrap();
        let taken = seat.start(self.part(0, self.steps.steps.len())).wait().unwrap();
        (taken, seat.store().unwrap())
    }
}

/// All numbers as bits; every NaN is one.
pub fn bits((taken, values): &(Vec<Taken>, Values)) -> Vec<u32> {
    let bits = |x: &f32| if x.is_nan() { f32::NAN.to_bits() } else { x.to_bits() };
    let of_steps = taken.iter().flat_map(|taken| [bits(&taken.loss), taken.correct]);
    let numbers = values.p.iter().chain(&values.m).chain(&values.v);
    of_steps.chain(numbers.map(bits)).collect()
}

/// FNV-1a of them.
pub fn hash(made: &(Vec<Taken>, Values)) -> u64 {
    let bytes = bits(made).into_iter().flat_map(u32::to_le_bytes);
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3))
}

/// Problems whose hashes are kept (tests/hashes.txt): what a GPU is held against.
pub fn fixed() -> Vec<(&'static str, Problem)> {
    let of = |sizes: &[usize], batch, activation, constraint| {
        Problem::new(&shape(sizes, batch, activation), constraint, 11, 20)
    };
    let other = |sgd, l2_init| {
        let shape = Shape { sgd, l2_init, ..shape(&[50, 40, 33, 6], 16, Activation::Swish) };
        Problem::new(&shape, Constraint::None, 12, 20)
    };
    let tail = Constraint::TailSlope { bound: 1.0, epsilon: 1e-3 };
    let mut far = of(&[50, 40, 33, 6], 16, rational(0, 5, 4), Constraint::None);
    far.inputs.iter_mut().step_by(7).for_each(|x| *x *= 1e5);
    let gains = |constraint, version| of(&[50, 40, 33, 6], 16, rational(version, 5, 4), constraint);
    let perturbed = |sizes: &[usize], perturb| {
        let shape = Shape { perturb, ..shape(sizes, 16, Activation::Relu) };
        Problem::new(&shape, Constraint::None, 13, 20)
    };
    vec![
        ("relu", of(&[784, 256, 256, 10], 16, Activation::Relu, Constraint::None)),
        ("tanh", of(&[50, 40, 33, 6], 17, Activation::Tanh, Constraint::None)),
        ("gelu", of(&[50, 40, 33, 6], 64, Activation::Gelu, Constraint::None)),
        ("softplus", of(&[50, 40, 33, 6], 3, Activation::Softplus, Constraint::None)),
        ("swish-sgd", other(true, false)),
        ("swish-l2-init", other(false, true)),
        ("rational-a", of(&[50, 40, 33, 6], 16, rational(0, 5, 4), Constraint::None)),
        ("rational-a-far", far),
        ("rational-b-tail-slope", of(&[784, 100, 100, 10], 16, rational(1, 5, 4), tail)),
        (
            "rational-c-output-bound",
            of(&[50, 40, 33, 6], 64, rational(2, 9, 8), Constraint::OutputBound { bound: 2.0 }),
        ),
        ("rational-a-lipschitz", gains(Constraint::Lipschitz { bound: 0.9 }, 0)),
        ("rational-b-lipschitz", gains(Constraint::Lipschitz { bound: 0.9 }, 1)),
        ("rational-c-unit-gain", gains(Constraint::UnitGain, 2)),
        ("rational-d-unit-gain", gains(Constraint::UnitGain, 3)),
        ("relu-perturbed-by-start", perturbed(&[50, 40, 33, 6], Perturb::Start)),
        ("relu-perturbed-by-normal", perturbed(&[784, 100, 100, 10], Perturb::Normal)),
        ("relu-perturbed-by-fresh", perturbed(&[50, 40, 33, 6], Perturb::Fresh)),
        ("rational-d-box", of(&[50, 40, 33, 6], 100, rational(3, 3, 4), Constraint::CoefficientBox)),
    ]
}

pub fn together(engine: &std::sync::Arc<Engine>, problems: &[Problem]) -> Vec<(Vec<Taken>, Values)> {
    std::thread::scope(|scope| {
        let each = |problem| {
            let seat = engine.seat();
            scope.spawn(move || Problem::at(problem, &seat))
        };
        let threads: Vec<_> = problems.iter().map(each).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    })
}
