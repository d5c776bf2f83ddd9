//! The learned shapes of rational activations: which curve at which task, and how its tails ran.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Downsampled, each_row};
use crate::nn::activation::rational::constraint;
use crate::nn::activation::rational::form::{Form, Version};
use crate::nn::activation::rational::ratio::Ratio;
use crate::record::{CoefficientRow, Phase, RecordError};
use crate::spec::{Plan, Value};

/// A curve as it was drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// Tasks trained before it: 0 is the start.
    pub after: usize,
    /// Its coefficients.
    pub ratio: Ratio,
    /// c of c·tanh(R/c), where the constraint is one on the output.
    pub ceiling: Option<f64>,
}

impl Snapshot {
    /// y(x)
    #[must_use]
    pub fn value(&self, x: f64) -> f64 {
        let r = self.ratio.value(x);
        self.ceiling.map_or(r, |c| c * libm::tanh(r / c))
    }
}

/// The curves of one layer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shapes {
    /// Of the layer's first set: at the start, and after tasks spread evenly, the last among them.
    pub snapshots: Vec<Snapshot>,
    /// lim |y/x| at the end of each task, the largest of the layer's sets.
    pub tail_slope: Downsampled,
}

/// What a rational's coefficients mean.
struct Meaning {
    form: Form,
    ceiling: Option<f64>,
}

impl Meaning {
    /// `None` for a plan without a rational activation.
    fn of(plan: &Plan) -> Option<Self> {
        let version = match plan.activation.get("version")? {
            Value::Text(letter) => Version::named(letter)?,
            _ => return None,
        };
        let &[m, n] = plan.activation.integers("degrees") else { return None };
        let form = Form { version, m: usize::try_from(m).ok()?, n: usize::try_from(n).ok()? };
        let ceiling = constraint::build(plan.activation.choice("constraint"), form).ok()?.ceiling();
        Some(Self { form, ceiling })
    }
}

/// One set at one moment, while its rows come in.
#[derive(Default)]
struct Pending {
    at: Option<(usize, Phase, String, usize)>,
    values: Vec<f64>,
}

/// Reads the shapes of the run in `folder`, by layer.
pub fn read(folder: &Path, plan: &Plan) -> Result<BTreeMap<String, Shapes>, RecordError> {
    let mut layers: BTreeMap<String, Shapes> = BTreeMap::new();
    let Some(meaning) = Meaning::of(plan) else { return Ok(layers) };
    let wanted = moments(plan.tasks());
    let mut pending = Pending::default();
    let mut slopes: BTreeMap<String, (usize, f64)> = BTreeMap::new();
    let mut settle = |pending: &mut Pending, layers: &mut BTreeMap<String, Shapes>| {
        let values = std::mem::take(&mut pending.values);
        let Some((task, phase, layer, set)) = pending.at.take() else { return };
        // Fewer than a whole set is what a killed run leaves.
        if values.len() != meaning.form.len() {
            return;
        }
        let ratio = Ratio::new(meaning.form, &values);
        let learned = layers.entry(layer.clone()).or_default();
        let after = if phase == Phase::Start { task } else { task + 1 };
        let due = (phase == Phase::Start && task == 0) || (phase == Phase::End && wanted.contains(&after));
        if set == 0 && due {
            learned.snapshots.push(Snapshot { after, ratio, ceiling: meaning.ceiling });
        }
        if phase == Phase::End {
            let slope = if meaning.ceiling.is_some() { 0.0 } else { ratio.tail_slope() };
            let largest = slopes.entry(layer.clone()).or_insert((task, slope));
            if largest.0 != task {
                learned.tail_slope.add(largest.0, largest.1);
                *largest = (task, slope);
            }
            largest.1 = largest.1.max(slope);
        }
    };
    each_row(folder, |row: CoefficientRow| {
        let at = Some((row.task, row.phase, row.layer, row.set));
        if pending.at != at {
            settle(&mut pending, &mut layers);
            pending.at = at;
        }
        pending.values.push(row.value);
    })?;
    settle(&mut pending, &mut layers);
    for (layer, (task, slope)) in slopes {
        layers.entry(layer).or_default().tail_slope.add(task, slope);
    }
    Ok(layers)
}

/// After how many tasks a curve is kept: four times, evenly, and after the first.
fn moments(tasks: usize) -> Vec<usize> {
    let mut moments: Vec<usize> = (1..=4).map(|quarter| (tasks * quarter).div_ceil(4)).collect();
    moments.insert(0, 1);
    moments.dedup();
    moments
}
