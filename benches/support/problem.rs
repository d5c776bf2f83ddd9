//! What is trained on: 8192 synthetic images of 28 × 28, drawn here or read from the file that
//! `peers/run.py` writes for all contenders, which also holds everybody's start values.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use candle_core::{DType, Device, Tensor};
use plasticity_bench::data::{DataSet, Images};
use plasticity_bench::random::Stream;
use plasticity_bench::spec::Choice;
use plasticity_bench::tasks::{self, Answers, Examples, TaskStream};

use super::common;

/// Number of images.
pub const EXAMPLES: usize = 8192;
/// Pixels of an image.
pub const PIXELS: usize = 784;
/// Number of classes.
pub const CLASSES: usize = 10;

/// Images, labels, and start values by parameter name (none: each network draws its own).
pub struct Problem {
    /// What a learner is told about the data.
    pub stream: Box<dyn TaskStream>,
    /// The images with the labels that are learned.
    pub examples: Examples,
    /// Start values.
    pub start: BTreeMap<String, Vec<f32>>,
}

impl Problem {
    /// Uniform bytes and labels.
    pub fn drawn() -> Self {
        let mut draw = Stream::new(1, "data", 0);
        let pixels = (0..EXAMPLES * PIXELS / 8).flat_map(|_| draw.bits().to_le_bytes()).collect();
        let labels = (0..EXAMPLES).map(|_| draw.below(CLASSES as u64) as u32).collect();
        Self::new(pixels, labels, BTreeMap::new())
    }

    /// From a safetensors file: `pixels` (8192, 784) of bytes, `labels` (8192) of u32, and f32
    /// tensors named as our parameters are.
    pub fn read(path: &Path) -> candle_core::Result<Self> {
        let mut tensors: BTreeMap<String, Tensor> =
            candle_core::safetensors::load(path, &Device::Cpu)?.into_iter().collect();
        let mut take = |name: &str| {
            tensors
                .remove(name)
                .ok_or_else(|| candle_core::Error::Msg(format!("{} has no tensor {name}", path.display())))
        };
        let pixels = take("pixels")?.flatten_all()?.to_vec1()?;
        let labels = take("labels")?.to_vec1()?;
        let start = tensors
            .into_iter()
            .map(|(name, values)| Ok((name, values.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?)))
            .collect::<candle_core::Result<_>>()?;
        Ok(Self::new(pixels, labels, start))
    }

    fn new(pixels: Vec<u8>, labels: Vec<u32>, start: BTreeMap<String, Vec<f32>>) -> Self {
        let train = Images {
            pixels,
            labels: labels.clone(),
            channels: 1,
            height: 28,
            width: PIXELS / 28,
            classes: CLASSES,
            ..Images::default()
        };
        let data = DataSet {
            name: "synthetic".into(),
            train,
            test: Images::default(),
            checksum: String::new(),
            mean: Vec::new(),
            std: Vec::new(),
        };
        // Any family will do: its labels are put aside, its inputs are the scaled images.
        let mut plan = common::plan(Choice { name: "relu".into(), parameters: BTreeMap::new() });
        plan.stream_mut().examples = None;
        let stream = tasks::stream(&plan, Arc::new(data)).expect("the data are well formed");
        let inputs = stream.task(0).train.inputs;
        Self { stream, examples: Examples { inputs, labels: labels.into(), answers: Answers::All }, start }
    }
}
