//! Every network; the list here is what specs, `list`, the checks and the estimates read.

use candle_core::DType;

use super::network::{Blueprint, Dims, Network, NetworkError, Registered};
use super::work::LayerWork;
use super::{cnn, gpt, mlp, nature_cnn, resnet, vit};
use crate::data::{self, Content};
use crate::random::Stream;
use crate::spec::{Choice, Entry, Plan, Work};

/// Every network. A new one is a file and a line here.
pub const REGISTRY: &[Registered] = &[
    mlp::REGISTERED,
    cnn::REGISTERED,
    nature_cnn::REGISTERED,
    resnet::REGISTERED,
    vit::REGISTERED,
    gpt::REGISTERED,
];

/// Catalogue section `networks`.
#[must_use]
pub fn entries() -> Vec<Entry> {
    REGISTRY.iter().map(|registered| registered.entry).collect()
}

fn named(name: &str) -> Result<&'static Registered, NetworkError> {
    let known = REGISTRY.iter().find(|registered| registered.entry.name == name);
    known.ok_or_else(|| NetworkError::Settings(format!("there is no network named {name}")))
}

/// Whether a plan's activation and network go together: found out before anything is drawn or trained.
pub fn check(plan: &Plan) -> Result<(), NetworkError> {
    let manifest = match &plan.work {
        Work::Supervised { data, .. } => data::manifest(&data.dataset).ok(),
        Work::Control(_) | Work::Diagnostic(_) => None,
    };
    let given = manifest.map_or(Content::Images, |manifest| manifest.content);
    let critic = plan.control().and_then(|control| control.critic.network.as_ref());
    for network in [Some(&plan.network), critic].into_iter().flatten() {
        match (named(&network.name)?.reads, given) {
            (Content::Images, Content::Images) | (Content::Characters, Content::Characters) => {}
            (Content::Images, Content::Characters) => {
                return Err(NetworkError::Settings(format!(
                    "{} reads brightnesses, and {} holds characters: take network.kind = \"gpt\"",
                    network.name,
                    plan.data().dataset
                )));
            }
            (Content::Characters, Content::Images) => {
                return Err(NetworkError::Settings(format!(
                    "{} reads characters, which only text has: take data.dataset = \"generated-text\" or \"text\" \
                     with stream.family = \"permuted-alphabet\", or another network",
                    network.name
                )));
            }
        }
    }
    if let Some(manifest) = manifest.filter(|manifest| manifest.content == Content::Characters) {
        gpt::check_alphabet(&plan.network, manifest)?;
    }
    check_choices(&plan.network, &plan.activation, manifest.map(|m| (m.channels, m.height, m.width)))
}

/// Whether network and activation go together, on inputs of these sizes where they are known.
pub fn check_choices(network: &Choice, activation: &Choice, dims: Option<Dims>) -> Result<(), NetworkError> {
    (named(&network.name)?.check)(network, activation, dims)
}

/// The network of a plan for inputs of `dims` and `classes` classes, drawn from `stream`.
pub fn build(
    plan: &Plan,
    dims: Dims,
    classes: usize,
    stream: &mut Stream,
) -> Result<Box<dyn Network>, NetworkError> {
    let (network, activation) = (&plan.network, &plan.activation);
    build_from(&Blueprint { network, activation, dims, outputs: classes, dtype: DType::F32 }, stream)
}

/// The network of a blueprint, drawn from `stream`.
pub fn build_from(blueprint: &Blueprint<'_>, stream: &mut Stream) -> Result<Box<dyn Network>, NetworkError> {
    (named(&blueprint.network.name)?.build)(blueprint, stream)
}

/// The layers of the plan's network for inputs of `dims`, in forward order; `None` for a network that is
/// not known here or cannot be built.
#[must_use]
pub fn work(plan: &Plan, dims: Dims, classes: usize) -> Option<Vec<LayerWork>> {
    (named(&plan.network.name).ok()?.work)(&plan.network, dims, classes)
}

/// How many layers with weights a network has, the last included; `None` where it is not known here.
#[must_use]
pub fn depth(network: &Choice) -> Option<usize> {
    // No network's depth depends on the size of what it reads.
    let work = (named(&network.name).ok()?.work)(network, (3, 96, 96), 2)?;
    Some(work.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::catalogue;
    use crate::nn::Role;
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
            "{ kind = 'nature-cnn', kernels = [8, 4, 2] }",
            "{ kind = 'resnet18', width = 4 }",
            "{ kind = 'vit', width = 12, depth = 2, ratio = 3 }",
            "{ kind = 'vit', width = 8, depth = 1, heads = 2, patch = 8, pool = 'mean' }",
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
