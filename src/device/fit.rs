//! What of a plan the kernels have to know, or what of it they do not take.

use plasticity_bench_cuda::{Activation, Constraint, Perturb, Shape};

use crate::data;
use crate::nn::activation::rational::constraint::Lipschitz;
use crate::nn::activation::rational::form::Version;
use crate::nn::activation::rational::grid::gauss_hermite;
use crate::nn::initialization;
use crate::optimizers::max_grad_norm;
use crate::spec::{Augmentation, Choice, Head, Plan, Value, Work};
use crate::tasks;

/// What of a plan the kernels have to know beside the sizes of its network.
#[derive(Clone, Debug, PartialEq)]
pub struct Fit {
    /// Behind every hidden layer.
    pub activation: Activation,
    /// Its settings, as `plasticity_bench_cuda::Settings` has them.
    pub settings: [f32; 2],
    /// Of a rational's coefficients.
    pub constraint: Constraint,
    /// Where the constraint looks at the curve, as `plasticity_bench_cuda::Settings` has them.
    pub points: Vec<f64>,
    /// SGD in place of Adam.
    pub sgd: bool,
    /// A penalty on the distance to the start.
    pub l2_init: bool,
    /// What every step ends with.
    pub perturb: Perturb,
}

fn word<'a>(choice: &'a Choice, key: &str, absent: &'a str) -> &'a str {
    match choice.get(key) {
        Some(Value::Text(word)) => word,
        _ => absent,
    }
}

/// The plan as the kernels see it; the error names what they do not take.
///
/// # Errors
/// If there is something that they do not take.
pub fn fit(plan: &Plan) -> Result<Fit, String> {
    let Work::Supervised { data, stream } = &plan.work else {
        return Err("agents and diagnostics".to_owned());
    };
    if plan.network.name != "mlp" {
        return Err(format!("the network \"{}\" (mlp alone)", plan.network.name));
    }
    if word(&plan.network, "norm", "none") != "none" {
        return Err("network.norm".to_owned());
    }
    if stream.head != Head::Single {
        return Err("stream.head = \"masked\" and \"multi\"".to_owned());
    }
    if stream.transition.is_some() {
        return Err("stream.transition".to_owned());
    }
    if stream.scaling_shock.is_some() {
        return Err("stream.scaling_shock".to_owned());
    }
    if data.augmentation != Augmentation::None {
        return Err("data.augmentation".to_owned());
    }
    let (activation, settings) = activation(&plan.activation)?;
    let (constraint, points) = match activation {
        Activation::Rational { .. } => constraint(plan.activation.choice("constraint"))?,
        _ => (Constraint::None, Vec::new()),
    };
    let sgd = match plan.optimizer.name.as_str() {
        "adam" | "adamw" => false,
        "sgd" => true,
        other => return Err(format!("the optimizer \"{other}\" (adam, adamw and sgd alone)")),
    };
    if max_grad_norm(&plan.optimizer).is_some() {
        return Err("optimizer.max_grad_norm".to_owned());
    }
    let (mut l2_init, mut perturb) = (false, Perturb::No);
    // The catalogue lets none be listed twice.
    for method in &plan.methods {
        match method.name.as_str() {
            "l2-init" => l2_init = true,
            "shrink-and-perturb" if word(method, "every", "task") == "step" => {
                perturb = perturbation(method, &plan.network)?;
            }
            // Before tasks the processor does it.
            "shrink-and-perturb" => {}
            other => return Err(format!("the method \"{other}\" (l2-init and shrink-and-perturb alone)")),
        }
    }
    let hidden = plan.network.integers("hidden").iter().map(|&width| width as usize);
    let sizes = std::iter::once(1).chain(hidden).chain([1]).collect();
    Shape { batch: stream.batch_size, sizes, activation, sgd, l2_init, perturb }.check()?;
    Ok(Fit { activation, settings, constraint, points, sgd, l2_init, perturb })
}

/// Bytes on the device that a run of this plan takes: its network and the one that it is paired with, each with the
/// examples of the largest task. `None` for what it does not take, and for data of unknown sizes.
#[must_use]
pub fn bytes(plan: &Plan) -> Option<f64> {
    let fit = fit(plan).ok()?;
    let manifest = data::manifest(&plan.data().dataset).ok()?;
    let examples = tasks::sizes(plan, manifest).train.into_iter().fold(0.0, f64::max);
    let hidden = plan.network.integers("hidden").iter().map(|&width| width as usize);
    let pixels = manifest.channels * manifest.height * manifest.width;
    // No task asks for more answers than a set has classes, but for those that split them anew.
    let sizes = std::iter::once(pixels).chain(hidden).chain([manifest.classes]).collect();
    let batch = plan.stream().batch_size;
    let shape = fit.shape(batch, sizes);
    let networks = if plan.probes.plasticity_gap { 2.0 } else { 1.0 };
    Some(networks * (shape.bytes(examples as usize) + size_of_val(&*fit.points)) as f64)
}

impl Fit {
    /// With the sizes of a network.
    #[must_use]
    pub fn shape(&self, batch: usize, sizes: Vec<usize>) -> Shape {
        let Self { activation, sgd, l2_init, perturb, .. } = *self;
        Shape { batch, sizes, activation, sgd, l2_init, perturb }
    }
}

/// What shrink and perturb adds after every step.
fn perturbation(method: &Choice, network: &Choice) -> Result<Perturb, String> {
    Ok(match word(method, "noise_from", "normal") {
        "start" => Perturb::Start,
        "init" => {
            let scheme = network.text(initialization::SCHEME.name);
            if scheme == "orthogonal" {
                return Err(format!(
                    "the method \"shrink-and-perturb\" with every = \"step\" and noise_from = \"init\" under \
                     initialization = \"{scheme}\""
                ));
            }
            Perturb::Fresh
        }
        _ => Perturb::Normal,
    })
}

fn activation(choice: &Choice) -> Result<(Activation, [f32; 2]), String> {
    let number = |key: &str| choice.number(key);
    let (activation, [a, b]) = match choice.name.as_str() {
        "relu" => (Activation::Relu, [0.0; 2]),
        "leaky_relu" => (Activation::LeakyRelu, [number("slope"), 0.0]),
        "elu" => (Activation::Elu, [number("alpha"), 0.0]),
        "celu" => (Activation::Celu, [number("alpha"), 1.0 / number("alpha")]),
        "selu" => (Activation::Selu, [0.0; 2]),
        "gelu" => (Activation::Gelu, [0.0; 2]),
        "swish" => (Activation::Swish, [number("beta"), 0.0]),
        "mish" => (Activation::Mish, [0.0; 2]),
        "softplus" => (Activation::Softplus, [number("beta"), 1.0 / number("beta")]),
        "tanh" => (Activation::Tanh, [0.0; 2]),
        "sigmoid" => (Activation::Sigmoid, [0.0; 2]),
        "identity" => (Activation::Identity, [0.0; 2]),
        "smooth-leaky" => (Activation::SmoothLeaky, [number("alpha"), number("c") / number("p")]),
        "rational" => (rational(choice)?, [0.0; 2]),
        other => return Err(format!("the activation \"{other}\"")),
    };
    Ok((activation, [a as f32, b as f32]))
}

fn rational(choice: &Choice) -> Result<Activation, String> {
    let sharing = choice.text("sharing");
    if sharing != "layer" {
        return Err(format!("activation.sharing = \"{sharing}\" (layer alone)"));
    }
    let version = Version::named(choice.text("version")).expect("checked against the catalogue") as u8;
    let degrees = choice.integers("degrees");
    Ok(Activation::Rational { version, p: degrees[0] as u8, q: degrees[1] as u8 })
}

/// With the points that it looks at.
fn constraint(choice: &Choice) -> Result<(Constraint, Vec<f64>), String> {
    let number = |key: &str| choice.number(key);
    let mut points = Vec::new();
    let constraint = match choice.name.as_str() {
        // What keeps coefficients as they are is said step by step.
        "none" | "frozen" | "freeze-after" => Constraint::None,
        "proper-degree" => Constraint::ProperDegree { epsilon: number("epsilon") },
        "tail-slope" => Constraint::TailSlope { bound: number("bound"), epsilon: number("epsilon") },
        "projected-tail-slope" => {
            Constraint::ProjectedTailSlope { bound: number("bound"), epsilon: number("epsilon") }
        }
        "output-bound" => Constraint::OutputBound { bound: number("bound") },
        "coefficient-box" => Constraint::CoefficientBox,
        "lipschitz" => {
            points.extend(Lipschitz::new(number("bound"), number("range")).grid());
            Constraint::Lipschitz { bound: number("bound") }
        }
        "unit-gain" => {
            let (nodes, weights) = gauss_hermite();
            points.extend(nodes.iter().chain(weights));
            Constraint::UnitGain
        }
        other => return Err(format!("the constraint \"{other}\"")),
    };
    Ok((constraint, points))
}
