//! Time of each convolution of the networks that benches/cnn.rs times, forward, back to its inputs and to its filters,
//! and the share of the core's peak: of the multiply-adds of a plain convolution (more than 1 by Winograd's transforms,
//! which need fewer) and of those that are made.
//!
//! cargo bench --bench conv
//! cargo bench --bench conv -- --width 32 --batch 64

mod support;

use std::hint::black_box;
use std::sync::Arc;

use candle_core::{CustomOp2, DType, Device, Tensor, Var};
use clap::Parser;
use plasticity_bench::kernels::conv::geometry::Geometry;
use plasticity_bench::kernels::conv::{Conv, ConvParts};
use plasticity_bench::kernels::gradient::Gradient;
use plasticity_bench::kernels::pass::Pass;
use plasticity_bench::random::Stream;
use support::clock::{self, median};
use support::peak::peak;
use support::table::Table;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Arguments {
    /// Images of a ResNet-18's layers; those of the small CNN see four times as many.
    #[arg(long, default_value_t = 16)]
    batch: usize,
    /// Channels of ResNet-18's first stage.
    #[arg(long, default_value_t = 64)]
    width: usize,
    /// Rounds; their median is printed.
    #[arg(long, default_value_t = 7)]
    rounds: usize,
    /// cargo passes it to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

/// A layer: how many of them a network has, images, channels in and out, rows, filter and stride.
struct Layer {
    name: &'static str,
    times: usize,
    batch: usize,
    channels: (usize, usize),
    rows: usize,
    filter: usize,
    stride: usize,
}

fn layers(batch: usize, width: usize) -> Vec<Layer> {
    let layer = |name, times, batch, channels, rows, filter, stride| Layer {
        name,
        times,
        batch,
        channels,
        rows,
        filter,
        stride,
    };
    let mut all = vec![
        layer("cnn", 1, 4 * batch, (3, 32), 32, 3, 1),
        layer("cnn", 1, 4 * batch, (32, 64), 16, 3, 1),
        layer("cnn", 1, 4 * batch, (64, 128), 8, 3, 1),
        layer("resnet18", 1, batch, (3, width), 32, 3, 1),
        layer("resnet18", 4, batch, (width, width), 32, 3, 1),
    ];
    for stage in 0..3 {
        let (rows, channels) = (32 >> stage, width << stage);
        all.push(layer("resnet18", 1, batch, (channels, 2 * channels), rows, 3, 2));
        all.push(layer("resnet18", 1, batch, (channels, 2 * channels), rows, 1, 2));
        all.push(layer("resnet18", 3, batch, (2 * channels, 2 * channels), rows / 2, 3, 1));
    }
    all
}

/// A layer's operands, and its op's parts.
struct Operands {
    g: Geometry,
    x: Tensor,
    tracked: Var,
    w: Tensor,
    y: Tensor,
    parts: ConvParts,
}

impl Operands {
    fn new(layer: &Layer, stream: &mut Stream) -> Self {
        let &Layer { batch, channels: (channels, outputs), rows, filter, stride, .. } = layer;
        let x = normals((batch, rows, rows, channels), stream);
        let w = normals((outputs, channels, filter, filter), stream);
        let weight_gradient = Gradient::new(w.elem_count(), DType::F32).expect("room");
        let parts = ConvParts {
            stride,
            padding: filter / 2,
            weight_gradient: Arc::new(weight_gradient),
            bias: None,
            activation: None,
            pool: None,
        };
        let g = Geometry::new(x.dims4().expect("four"), w.dims4().expect("four"), stride, filter / 2)
            .expect("it fits");
        let tracked = Var::from_tensor(&x).expect("a copy");
        let y = normals((batch, g.to.0, g.to.1, outputs), stream);
        Self { g, x, tracked, w, y, parts }
    }

    /// Seconds of the forward pass, of ∂w, and of ∂w and ∂x.
    fn seconds(&self) -> [f64; 3] {
        let forward = || self.x.apply_op2_no_bwd(&self.w, &self.op(Pass::Evaluate)).map(drop);
        let back = |x| {
            self.op(Pass::train(Stream::new(0, "activation", 0))).bwd(x, &self.w, &self.y, &self.y).map(drop)
        };
        let passes: [&dyn Fn() -> candle_core::Result<()>; 3] =
            [&forward, &|| back(&self.x), &|| back(self.tracked.as_tensor())];
        passes.map(|pass| clock::seconds(|| black_box(pass()).expect("a pass")))
    }

    fn op(&self, pass: Pass) -> Conv {
        self.parts.weight_gradient.reset();
        Conv::new(self.parts.clone(), pass)
    }
}

fn normals(dims: (usize, usize, usize, usize), stream: &mut Stream) -> Tensor {
    let values = (0..dims.0 * dims.1 * dims.2 * dims.3).map(|_| stream.normal() as f32).collect();
    Tensor::from_vec(values, dims, &Device::Cpu).expect("whole images")
}

fn main() {
    plasticity_bench::cli::settle();
    let arguments = Arguments::parse();
    let mut stream = Stream::new(0, "init", 0);
    let peak = peak(40e9);
    let title = format!(
        "Convolutions: ms ({}), share of {peak:.0} · 10⁹ operations a second of plain multiply-adds and of those made",
        clock::name()
    );
    let mut table = Table::new(&title, &["layer", "times", "forward", "∂x", "∂w"]);
    for layer in layers(arguments.batch, arguments.width) {
        let operands = Operands::new(&layer, &mut stream);
        let mut times: [Vec<f64>; 3] = Default::default();
        for round in 0..=arguments.rounds {
            let [forward, filters, both] = operands.seconds();
            // The first round warms up.
            if round > 0 {
                times[0].push(forward);
                times[1].push(both - filters);
                times[2].push(filters);
            }
        }
        let g = operands.g;
        let plain = g.batch * g.positions() * g.patch() * g.outputs;
        let cell = |times: &Vec<f64>| {
            let seconds = median(times);
            let share = |products: usize| 2e-9 * products as f64 / seconds / peak;
            format!("{:.2} ({:.2}, {:.2})", seconds * 1e3, share(plain), share(g.multiply_adds()))
        };
        let name = format!(
            "{}: {} → {}, {}×{}/{} on {}×{}, batch {}",
            layer.name, g.channels, g.outputs, g.filter.0, g.filter.1, g.stride, g.height, g.width, g.batch
        );
        let mut row = vec![name, layer.times.to_string()];
        row.extend(times.iter().map(cell));
        table.row(row);
    }
    table.print();
}
