//! What a network costs, layer by layer, from its plan alone: estimates are asked for before anything is
//! drawn or loaded.

use super::cnn::{Stage, stages};
use super::resnet;
use crate::kernels::conv::geometry::positions;
use crate::spec::Plan;

/// One layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerWork {
    /// Whether it is a convolution.
    pub convolution: bool,
    /// Weights, without biases.
    pub weights: f64,
    /// Multiply-adds of the forward pass on one example.
    pub multiply_adds: f64,
    /// Numbers that it puts out for one example, before pooling.
    pub outputs: f64,
}

impl LayerWork {
    fn dense(inputs: usize, outputs: usize) -> Self {
        let weights = (inputs * outputs) as f64;
        Self { convolution: false, weights, multiply_adds: weights, outputs: outputs as f64 }
    }

    /// Filters of `size` × `size`, from `channels` to `outputs` channels, at so many `places`.
    fn convolution((channels, outputs): (usize, usize), size: usize, places: usize) -> Self {
        let weights = (channels * outputs * size * size) as f64;
        Self {
            convolution: true,
            weights,
            multiply_adds: weights * places as f64,
            outputs: (places * outputs) as f64,
        }
    }
}

/// The layers of the plan's network for images of `dims` (channels, height, width), in forward order;
/// `None` for a network that is not known here or cannot be built.
#[must_use]
pub fn work(plan: &Plan, dims: (usize, usize, usize), classes: usize) -> Option<Vec<LayerWork>> {
    let sizes = |name: &str| -> Vec<usize> {
        plan.network.integers(name).iter().filter_map(|&size| usize::try_from(size).ok()).collect()
    };
    match plan.network.name.as_str() {
        "mlp" => Some(dense(dims.0 * dims.1 * dims.2, &sizes("hidden"), classes)),
        "cnn" => {
            let kernel = usize::try_from(plan.network.integer("kernel")).ok()?;
            let stages = stages(&plan.network, dims).ok()?;
            let last = stages.last()?;
            let flat = last.features * last.pooled.0 * last.pooled.1;
            let of = |stage: &Stage| {
                let places = stage.positions.0 * stage.positions.1;
                LayerWork::convolution((stage.channels, stage.features), kernel, places)
            };
            let mut layers: Vec<LayerWork> = stages.iter().map(of).collect();
            layers.extend(dense(flat, &sizes("hidden"), classes));
            Some(layers)
        }
        "resnet18" => residual(usize::try_from(plan.network.integer("width")).ok()?, dims, classes),
        _ => None,
    }
}

fn dense(inputs: usize, hidden: &[usize], classes: usize) -> Vec<LayerWork> {
    let widths: Vec<usize> = [&[inputs], hidden, &[classes]].concat();
    widths.windows(2).map(|pair| LayerWork::dense(pair[0], pair[1])).collect()
}

fn residual(width: usize, dims: (usize, usize, usize), classes: usize) -> Option<Vec<LayerWork>> {
    let (mut channels, mut height, mut across) = (width, dims.1, dims.2);
    let mut layers = vec![LayerWork::convolution((dims.0, width), 3, height * across)];
    for (times, stride) in resnet::STAGES {
        for stride in [stride, 1] {
            let outputs = times * width;
            height = positions(height, 3, stride, 1)?;
            across = positions(across, 3, stride, 1)?;
            let places = height * across;
            layers.push(LayerWork::convolution((channels, outputs), 3, places));
            layers.push(LayerWork::convolution((outputs, outputs), 3, places));
            if stride != 1 || channels != outputs {
                layers.push(LayerWork::convolution((channels, outputs), 1, places));
            }
            channels = outputs;
        }
    }
    layers.push(LayerWork::dense(channels, classes));
    Some(layers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::catalogue;
    use crate::nn::{Role, build};
    use crate::random::Stream;
    use crate::spec::Spec;

    fn plan(network: &str) -> Plan {
        let text = format!(
            "name = 'x'\ndata = {{ dataset = 'cifar100' }}\nnetwork = {network}\noptimizer = 'adam'\n\
             activation = 'relu'\nstream = {{ family = 'shuffled-labels', tasks = 1, steps = 1, batch_size = 1 }}\n"
        );
        Spec::parse(&text, "x.toml", &[], &catalogue()).unwrap().plans(None).unwrap().remove(0)
    }

    #[test]
    fn weights_are_those_of_the_network_itself() {
        for network in [
            "{ kind = 'mlp', hidden = [7, 5] }",
            "{ kind = 'cnn', channels = [6, 4], kernel = 3, padding = 1, hidden = [9] }",
            "'cnn'",
            "{ kind = 'resnet18', width = 4 }",
        ] {
            let plan = plan(network);
            let built = build(&plan, (3, 32, 32), 100, &mut Stream::new(0, "weights", 0)).unwrap();
            let weights = built.parameters().iter().filter(|p| p.role == Role::Weight);
            let built: Vec<usize> = weights.map(|p| p.values.elem_count()).collect();
            let mut ours: Vec<usize> =
                work(&plan, (3, 32, 32), 100).unwrap().iter().map(|layer| layer.weights as usize).collect();
            let mut sorted = built.clone();
            sorted.sort_unstable();
            ours.sort_unstable();
            assert_eq!(ours, sorted, "{network}");
        }
    }

    /// Figures of other code bases, both with images of 3 × 32 × 32: a ResNet-18 with this stem and 10
    /// classes has 0.56 G multiply-adds (kuangliu/pytorch-cifar), and two convolutions of 5 × 5 × 16 with
    /// pooling have 28² · 1200 and 10² · 6400.
    #[test]
    fn multiply_adds_are_as_published() {
        let sum = |network: &str, classes| -> f64 {
            work(&plan(network), (3, 32, 32), classes).unwrap().iter().map(|layer| layer.multiply_adds).sum()
        };
        let resnet = sum("'resnet18'", 10);
        assert!((0.55e9..0.57e9).contains(&resnet), "{resnet}");
        let linear = 400.0 * 100.0 + 100.0 * 100.0 + 100.0 * 10.0;
        assert_eq!(sum("'cnn'", 10), 784.0 * 1200.0 + 100.0 * 6400.0 + linear);
    }
}
