//! The network of DQN on Atari's frames: 32 filters of 8 × 8 by steps of 4, 64 of 4 × 4 by steps of 2, 64 of
//! 3 × 3 by steps of 1, then 512 features (Mnih et al. 2015, Nature 518). No padding and no pooling.

use super::builder::Filters;
use super::cnn::{Cnn, Stage, work_of};
use super::initialization::{self, Initialization};
use super::mlp::{check_widths, sizes};
use super::network::{Dims, NetworkError, Registered};
use crate::data::Content;
use crate::kernels::conv::geometry::positions;
use crate::spec::{Choice, Entry, Kind, Parameter as Setting};

/// What the registry knows of it.
pub const REGISTERED: Registered = Registered {
    entry: ENTRY,
    reads: Content::Images,
    check,
    build: |b, stream| Ok(Box::new(Cnn::of(&stages(b.network, b.dims)?, b, stream)?)),
    work: |network, dims, outputs| work_of(&stages(network, dims).ok()?, &sizes(network, "hidden"), outputs),
};

const ENTRY: Entry = Entry {
    name: "nature-cnn",
    summary: "convolutions by steps, without pooling, then linear layers; an activation after each: DQN's on Atari",
    source: "Mnih et al. 2015, Nature 518",
    parameters: &[
        Setting {
            name: "channels",
            summary: "filters of each convolution",
            kind: Kind::Integers { default: &[32, 64, 64], min: 1, max: 4096, lengths: (1, 16) },
        },
        Setting {
            name: "kernels",
            summary: "rows and columns of each convolution's filters",
            kind: Kind::Integers { default: &[8, 4, 3], min: 1, max: 31, lengths: (1, 16) },
        },
        Setting {
            name: "strides",
            summary: "step of each convolution",
            kind: Kind::Integers { default: &[4, 2, 1], min: 1, max: 31, lengths: (1, 16) },
        },
        Setting {
            name: "hidden",
            summary: "features of each hidden linear layer",
            kind: Kind::Integers { default: &[512], min: 1, max: 65_536, lengths: (0, 64) },
        },
        initialization::SCHEME,
        initialization::GAIN,
        initialization::HEAD_GAIN,
    ],
};

/// Channels, kernels and strides, of which there have to be equally many.
fn lists(network: &Choice) -> Result<[Vec<usize>; 3], NetworkError> {
    let lists = ["channels", "kernels", "strides"].map(|name| sizes(network, name));
    let [channels, kernels, strides] = lists.each_ref().map(Vec::len);
    if channels == kernels && channels == strides {
        return Ok(lists);
    }
    Err(NetworkError::Settings(format!(
        "network.channels has {channels} numbers, kernels {kernels} and strides {strides}: give every convolution one \
         of each"
    )))
}

/// The convolutions on images of `dims` (channels, height, width).
fn stages(network: &Choice, dims: Dims) -> Result<Vec<Stage>, NetworkError> {
    let [features, kernels, strides] = lists(network)?;
    let (mut channels, mut height, mut width) = dims;
    let mut stages = Vec::new();
    for ((features, size), stride) in features.into_iter().zip(kernels).zip(strides) {
        let along = |extent| positions(extent, size, stride, 0);
        let (Some(rows), Some(columns)) = (along(height), along(width)) else {
            return Err(NetworkError::Settings(format!(
                "convolution {} of the nature-cnn gets images of {height} × {width}, too small for filters of {size} × \
                 {size}: take fewer channels, or smaller kernels or strides",
                stages.len()
            )));
        };
        let (filters, positions) = (Filters { size, stride, padding: 0 }, (rows, columns));
        stages.push(Stage { channels, features, filters, pool: None, positions, pooled: positions });
        (channels, height, width) = (features, rows, columns);
    }
    Ok(stages)
}

fn check(network: &Choice, activation: &Choice, dims: Option<Dims>) -> Result<(), NetworkError> {
    Initialization::of(network).map_err(NetworkError::Settings)?;
    lists(network)?;
    check_widths(activation, sizes(network, "channels"), "convolution")?;
    check_widths(activation, sizes(network, "hidden"), "hidden layer")?;
    dims.map_or(Ok(()), |dims| stages(network, dims).map(|_| ()))
}

#[cfg(test)]
mod tests {
    use candle_core::{DType, Device, Tensor, Var};

    use super::*;
    use crate::agents::tests::choice;
    use crate::nn::{Blueprint, Network, Pass, Role, build_from};
    use crate::random::Stream;
    use crate::spec::Value;

    fn built(given: &[(&str, Value)], dims: Dims, dtype: DType) -> Box<dyn Network> {
        let network = choice(&[ENTRY], "nature-cnn", given);
        let activations: Vec<_> = crate::nn::activation::registry().iter().map(|known| known.entry).collect();
        let activation = choice(&activations, "relu", &[]);
        let blueprint = Blueprint { network: &network, activation: &activation, dims, outputs: 6, dtype };
        build_from(&blueprint, &mut Stream::new(0, "init", 0)).unwrap()
    }

    /// The published count of Pong's network with its six actions: 1,687,206 weights and biases.
    #[test]
    fn it_has_the_published_shapes() {
        let network = built(&[], (4, 84, 84), DType::F32);
        let shapes: Vec<Vec<usize>> = network
            .parameters()
            .iter()
            .filter(|parameter| parameter.role == Role::Weight)
            .map(|parameter| parameter.values.dims().to_vec())
            .collect();
        assert_eq!(
            shapes,
            [vec![32, 4, 8, 8], vec![64, 32, 4, 4], vec![64, 64, 3, 3], vec![512, 3136], vec![6, 512]]
        );
        let all: usize = network.parameters().iter().map(|parameter| parameter.values.elem_count()).sum();
        assert_eq!(all, 1_687_206);
        let outputs = network
            .forward(&Tensor::ones((2, 4 * 84 * 84), DType::F32, &Device::Cpu).unwrap(), &Pass::Evaluate)
            .unwrap();
        assert_eq!(outputs.dims(), [2, 6]);
    }

    /// What a critic would send back to an image, by central differences in f64.
    #[test]
    fn the_gradient_goes_through_the_steps_of_its_filters() {
        let given = [
            ("channels", Value::Integers(vec![3, 2])),
            ("kernels", Value::Integers(vec![3, 2])),
            ("strides", Value::Integers(vec![2, 1])),
            ("hidden", Value::Integers(vec![5])),
        ];
        let network = built(&given, (2, 7, 8), DType::F64);
        let mut draws = Stream::new(1, "test", 0);
        let image: Vec<f64> = (0..2 * 7 * 8).map(|_| draws.normal()).collect();
        let sum = |image: &[f64]| -> f64 {
            let image = Tensor::from_slice(image, (1, image.len()), &Device::Cpu).unwrap();
            network.forward(&image, &Pass::Evaluate).unwrap().sum_all().unwrap().to_scalar().unwrap()
        };
        let inputs = Var::from_slice(&image, (1, image.len()), &Device::Cpu).unwrap();
        let outputs = network.forward(inputs.as_tensor(), &Pass::Through).unwrap();
        let gradients = outputs.sum_all().unwrap().backward().unwrap();
        let gradient: Vec<f64> =
            gradients.get(inputs.as_tensor()).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        assert!(gradient.iter().filter(|g| g.abs() > 1e-3).count() > 20);
        for i in 0..image.len() {
            let at = |delta: f64| {
                let mut moved = image.clone();
                moved[i] += delta;
                sum(&moved)
            };
            let expected = (at(1e-6) - at(-1e-6)) / 2e-6;
            assert!((gradient[i] - expected).abs() < 1e-7, "{i}: {} and not {expected}", gradient[i]);
        }
    }

    #[test]
    fn what_does_not_fit_is_said_in_a_sentence() {
        let network = |given: &[(&str, Value)]| choice(&[ENTRY], "nature-cnn", given);
        let error = stages(&network(&[]), (1, 28, 28)).unwrap_err().to_string();
        assert!(error.starts_with("convolution 2 of the nature-cnn gets images of 2 × 2"), "{error}");
        let error = stages(&network(&[("strides", Value::Integers(vec![1]))]), (1, 84, 84)).unwrap_err();
        assert!(error.to_string().contains("channels has 3 numbers, kernels 3 and strides 1"), "{error}");
    }
}
