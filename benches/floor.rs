//! Two bounds on the training step of an MLP 784-256-256-10: the multiply-adds that a core can do, and
//! the step's matrix products alone, on our own product kernels. Lines of JSON.
//!
//! cargo bench --bench floor -- --batch 16,64

mod support;

use std::hint::black_box;

use candle_core::{Device, Tensor};
use clap::Parser;
use plasticity_bench::kernels::affine::affine;
use plasticity_bench::kernels::deferred::Deferred;
use plasticity_bench::kernels::matmul::{times, transposed_times};
use support::clock;
use support::peak::peak;
use support::problem::{CLASSES, PIXELS};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Arguments {
    /// Examples per step.
    #[arg(long, value_delimiter = ',', default_values_t = [16, 64])]
    batch: Vec<usize>,
    /// Hidden widths.
    #[arg(long, value_delimiter = ',', default_values_t = [256, 256])]
    hidden: Vec<usize>,
    /// Floating-point operations to time, in units of 10⁹.
    #[arg(long, default_value_t = 40.0)]
    gigaflop: f64,
    /// cargo passes it to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() {
    plasticity_bench::cli::settle();
    let arguments = Arguments::parse();
    let operations = arguments.gigaflop * 1e9;
    println!(r#"{{"peak_gflops": {}, "clock": "{}"}}"#, peak(operations), clock::name());
    let mut widths = vec![PIXELS];
    widths.extend(&arguments.hidden);
    widths.push(CLASSES);
    for batch in arguments.batch {
        let mut products = Products::new(&widths, batch);
        let flop = products.flop();
        let steps = (operations / flop).ceil() as usize;
        (0..steps / 10).for_each(|_| products.step());
        let seconds = clock::seconds(|| (0..steps).for_each(|_| products.step()));
        let us = seconds * 1e6 / steps as f64;
        println!(r#"{{"batch": {batch}, "floor_us": {us}, "megaflop": {}}}"#, flop * 1e-6);
    }
}

/// The operands of one layer.
struct Layer {
    inputs: usize,
    outputs: usize,
    x: Vec<f32>,
    tensor: Tensor,
    w: Vec<f32>,
    bias: Vec<f32>,
    y: Vec<f32>,
    dw: Vec<f32>,
    dx: Vec<f32>,
}

/// The products of a step: y = x Wᵀ + b, dW = dyᵀ x, and dx = dy W but for the first layer.
struct Products {
    layers: Vec<Layer>,
    batch: usize,
}

impl Products {
    fn new(widths: &[usize], batch: usize) -> Self {
        let values = |n: usize| (0..n).map(|i| ((i % 17) as f32 - 8.0) / 16.0).collect::<Vec<f32>>();
        let layers = widths.windows(2).map(|pair| {
            let (inputs, outputs) = (pair[0], pair[1]);
            Layer {
                inputs,
                outputs,
                x: values(batch * inputs),
                tensor: Tensor::from_vec(values(batch * inputs), (batch, inputs), &Device::Cpu).unwrap(),
                w: values(outputs * inputs),
                bias: values(outputs),
                y: values(batch * outputs),
                dw: values(outputs * inputs),
                dx: values(batch * inputs),
            }
        });
        Self { layers: layers.collect(), batch }
    }

    /// Floating-point operations of a step.
    fn flop(&self) -> f64 {
        let per_layer = |(index, layer): (usize, &Layer)| {
            let products = if index == 0 { 2 } else { 3 };
            products * 2 * self.batch * layer.inputs * layer.outputs
        };
        self.layers.iter().enumerate().map(per_layer).sum::<usize>() as f64
    }

    fn step(&mut self) {
        let batch = self.batch;
        for layer in &mut self.layers {
            layer.y = affine(&layer.x, &layer.w, &layer.bias, (batch, layer.outputs, layer.inputs));
        }
        for (index, layer) in self.layers.iter_mut().enumerate().rev() {
            // y stands for its own gradient: the products do not care.
            let sizes = (layer.outputs, layer.inputs, batch);
            let left = Deferred::pays(batch);
            if !left {
                transposed_times(&layer.y, &layer.x, &mut layer.dw, sizes, false);
            }
            if index > 0 {
                let sizes = (batch, layer.inputs, layer.outputs);
                times(&layer.y, &layer.w, &mut layer.dx, sizes, false);
            }
            if left {
                let product = Deferred::new(std::mem::take(&mut layer.y), &layer.tensor).unwrap();
                product.blocks(|_, block| _ = black_box(block)).unwrap();
            }
        }
        black_box(&mut self.layers);
    }
}
