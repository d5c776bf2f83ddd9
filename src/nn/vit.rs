//! A vision transformer (Dosovitskiy et al. 2021, arXiv 2010.11929) for small images: square patches through one
//! linear layer, learned positions, pre-norm blocks, and a head that reads a class token or the mean of all tokens
//! (Beyer et al. 2022, arXiv 2205.01580).
//!
//! The defaults are `DeiT`'s smallest (Touvron et al. 2021, arXiv 2012.12877) with patches of 4 × 4, as code for CIFAR
//! has them. Normalisations have `PyTorch`'s ε of 1e-5 (timm's is 1e-6); there is no dropout. Parameters have timm's
//! names, but for `attn.q`, `attn.k` and `attn.v`, its `attn.qkv` in three.
//!
//! What no output depends on is not computed: with a class token, the last block gives that one alone, and probes find
//! as many samples there as images.

use super::initialization;
use super::network::{Dims, NetworkError, Registered};
use super::transformer::{self, Cut, Kind as Reads, Readout, Settings};
use super::work::LayerWork;
use crate::data::Content;
use crate::spec::{Choice, Entry, Kind, Parameter as Setting};

/// What the registry knows of it.
pub const REGISTERED: Registered = Registered {
    entry: ENTRY,
    reads: Content::Images,
    check,
    build: |b, stream| transformer::build(reads(b.network, b.dims)?, b, stream),
    work,
};

const ENTRY: Entry = Entry {
    name: "vit",
    summary: "a vision transformer: patches, learned positions, blocks with their norms in front; the activation in \
              each block's feed-forward pair",
    source: "Dosovitskiy et al. 2021, arXiv 2010.11929; sizes of Touvron et al. 2021, arXiv 2012.12877",
    parameters: &[
        Setting {
            name: "patch",
            summary: "rows and columns of a patch, a divisor of the image's",
            kind: Kind::Integer { default: Some(4), min: 1, max: 1024 },
        },
        transformer::width(192),
        transformer::depth(12),
        transformer::heads(3),
        transformer::RATIO,
        Setting {
            name: "pool",
            summary: "what the head reads: a class token, or the mean of all tokens",
            kind: Kind::Text { default: Some("class"), one_of: &["class", "mean"] },
        },
        initialization::SCHEME_OF_TRANSFORMERS,
    ],
};

/// The patches of images of `dims`.
fn reads(network: &Choice, dims: Dims) -> Result<Reads, NetworkError> {
    let side = transformer::size(network, "patch");
    let (_, height, width) = dims;
    if !height.is_multiple_of(side) || !width.is_multiple_of(side) {
        return Err(NetworkError::Settings(format!(
            "patches of {side} × {side} do not divide images of {height} × {width}: set network.patch to a divisor of \
             both"
        )));
    }
    let readout = if network.text("pool") == "mean" { Readout::Mean } else { Readout::Class };
    Ok(Reads::Patches(Cut { dims, side }, readout))
}

fn check(network: &Choice, activation: &Choice, dims: Option<Dims>) -> Result<(), NetworkError> {
    Settings::check(network, activation)?;
    dims.map_or(Ok(()), |dims| reads(network, dims).map(|_| ()))
}

fn work(network: &Choice, dims: Dims, outputs: usize) -> Option<Vec<LayerWork>> {
    let (reads, settings) = (reads(network, dims).ok()?, Settings::of(network));
    let Reads::Patches(cut, _) = reads else { return None };
    let patch = dims.0 * cut.side * cut.side;
    let mut layers = vec![LayerWork::tokens((patch, settings.width), cut.patches())];
    layers.extend(settings.work(reads.tokens(), reads.read()));
    layers.push(LayerWork::dense(settings.width, outputs));
    Some(layers)
}

#[cfg(test)]
mod tests {
    use candle_core::DType;

    use super::*;
    use crate::agents::tests::choice;
    use crate::nn::{Blueprint, build_from};
    use crate::random::Stream;
    use crate::spec::Value;

    fn vit(given: &[(&str, Value)]) -> Choice {
        choice(&[ENTRY], "vit", given)
    }

    fn named(activation: &str) -> Choice {
        let all: Vec<_> = crate::nn::activation::registry().iter().map(|known| known.entry).collect();
        choice(&all, activation, &[])
    }

    /// `DeiT`-Ti on `ImageNet` has 5,717,416 weights and biases (`timm.create_model("deit_tiny_patch16_224")`).
    #[test]
    fn it_has_the_published_number_of_parameters() {
        let (network, activation) = (vit(&[("patch", Value::Integer(16))]), named("gelu"));
        let (dims, dtype) = ((3, 224, 224), DType::F32);
        let blueprint = Blueprint { network: &network, activation: &activation, dims, outputs: 1000, dtype };
        let built = build_from(&blueprint, &mut Stream::new(0, "init", 0)).unwrap();
        let all: usize = built.parameters().iter().map(|parameter| parameter.values.elem_count()).sum();
        assert_eq!(all, 5_717_416);
        // Published: 1.26 G multiply-adds with 197 tokens; here with 196.
        let network = vit(&[("patch", Value::Integer(16)), ("pool", Value::Text("mean".into()))]);
        let sum: f64 = work(&network, dims, 1000).unwrap().iter().map(|layer| layer.multiply_adds).sum();
        assert!((1.24e9..1.26e9).contains(&sum), "{sum}");
    }

    #[test]
    fn what_does_not_fit_is_said_in_a_sentence() {
        let refused = |given: &[(&str, Value)], activation: &str| {
            check(&vit(given), &named(activation), Some((3, 32, 32))).unwrap_err().to_string()
        };
        assert!(refused(&[("patch", Value::Integer(5))], "relu").contains("patches of 5 × 5"));
        assert!(refused(&[("heads", Value::Integer(5))], "relu").contains("does not divide into 5 heads"));
        let odd = [("width", Value::Integer(3)), ("ratio", Value::Integer(1))];
        assert!(refused(&odd, "crelu").contains("2 features a unit"));
        assert!(check(&vit(&[]), &named("rational"), Some((3, 32, 32))).is_ok());
    }
}
