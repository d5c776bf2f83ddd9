//! What of a plan the kernels have to know, or what of it they do not take.

use plasticity_bench_cuda::{Activation, Constraint, Shape};

use crate::data;
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
    /// SGD in place of Adam.
    pub sgd: bool,
    /// A penalty on the distance to the start.
    pub l2_init: bool,
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
    let constraint = match activation {
        Activation::Rational { .. } => constraint(plan.activation.choice("constraint"))?,
        _ => Constraint::None,
    };
    let sgd = match plan.optimizer.name.as_str() {
        "adam" | "adamw" => false,
        "sgd" => true,
        other => return Err(format!("the optimizer \"{other}\" (adam, adamw and sgd alone)")),
    };
    let mut l2_init = false;
    for method in &plan.methods {
        match method.name.as_str() {
            "l2-init" if l2_init => return Err("the method \"l2-init\" twice".to_owned()),
            "l2-init" => l2_init = true,
            "shrink-and-perturb" if word(method, "every", "task") == "step" => {
                return Err("the method \"shrink-and-perturb\" with every = \"step\"".to_owned());
            }
            "shrink-and-perturb" => {}
            other => return Err(format!("the method \"{other}\" (l2-init and shrink-and-perturb alone)")),
        }
    }
    let hidden = plan.network.integers("hidden").iter().map(|&width| width as usize);
    let sizes = std::iter::once(1).chain(hidden).chain([1]).collect();
    Shape { batch: stream.batch_size, sizes, activation, sgd, l2_init }.check()?;
    Ok(Fit { activation, settings, constraint, sgd, l2_init })
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
    let shape = Shape { batch, sizes, activation: fit.activation, sgd: fit.sgd, l2_init: fit.l2_init };
    let networks = if plan.probes.plasticity_gap { 2.0 } else { 1.0 };
    Some(networks * shape.bytes(examples as usize) as f64)
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
    let version = "ABCDN".find(choice.text("version")).expect("checked against the catalogue") as u8;
    let degrees = choice.integers("degrees");
    Ok(Activation::Rational { version, p: degrees[0] as u8, q: degrees[1] as u8 })
}

fn constraint(choice: &Choice) -> Result<Constraint, String> {
    let number = |key: &str| choice.number(key);
    match choice.name.as_str() {
        // What keeps coefficients as they are is said step by step.
        "none" | "frozen" | "freeze-after" => Ok(Constraint::None),
        "proper-degree" => Ok(Constraint::ProperDegree { epsilon: number("epsilon") }),
        "tail-slope" => Ok(Constraint::TailSlope { bound: number("bound"), epsilon: number("epsilon") }),
        "output-bound" => Ok(Constraint::OutputBound { bound: number("bound") }),
        "coefficient-box" => Ok(Constraint::CoefficientBox),
        other => Err(format!("the constraint \"{other}\"")),
    }
}
