//! Rational activations: R(x) = P(x)/Q(x) with trained coefficients, free or constrained.
//!
//! ```text
//! build     form         versions A to D and N, degrees: what P and Q are
//!           sharing      which units share a set of coefficients
//!           target, fit  the coefficients that a curve starts from
//!           shape        form and constraint: trained → effective coefficients, and their gradients back
//!           constraint/  one file each: what bounds the curve
//! forward   kernel → shape → pass → vector → lanes    blocks of elements in f32 or f64
//!                               └→ ratio              single elements too far out for it, in f64
//! backward  the same way, then the sums of every set → shape → gradients of the trained coefficients
//! outside   rule         projection after a step, coefficients.csv, the curve for the probes
//!           grid         fixed points that two constraints evaluate the curve at
//! ```
//! At every corner sgn(0) = +1 ([`form`]).

pub mod constraint;
pub mod fit;
pub mod form;
pub mod grid;
pub mod kernel;

mod pass;
pub mod ratio;
pub mod rule;
pub mod shape;
pub mod sharing;
mod tanh;
pub mod target;
mod vector;

use std::sync::Arc;

use thiserror::Error;

pub use constraint::constraints;

use self::form::{Form, Version};
use self::kernel::Rational;
use self::rule::RationalRule;
use self::shape::Shape;
use self::sharing::Sharing;
use self::target::Target;
use super::{Activation, Coefficients};
use crate::spec::{Choice, Entry, Kind, Parameter};

/// Settings of a rational activation that do not go together.
#[derive(Debug, Error, PartialEq)]
#[allow(missing_docs, reason = "the messages name the fields")]
pub enum RationalError {
    #[error("a rational's degrees are numerator 1 to 9 and denominator 1 to 8, not [{m}, {n}]")]
    Degrees { m: i64, n: i64 },
    #[error("version = \"{0}\" is not a rational form: take A, B, C, D or N")]
    UnknownVersion(String),
    #[error("start = \"{0}\" is not a function that a rational can start as: take one of {list}", list = Target::NAMES.join(", "))]
    UnknownStart(String),
    #[error("sharing = \"{0}\" is not known: take layer, network, map, groups or unit")]
    UnknownSharing(String),
    #[error("constraint = \"{0}\" is not known: `list constraints` shows what there is")]
    UnknownConstraint(String),
    #[error("sharing = \"groups\" needs the number of groups: add groups = 8, say")]
    NoGroups,
    #[error("groups = {0} is set, but sharing is not \"groups\": remove groups or set sharing = \"groups\"")]
    StrayGroups(i64),
    #[error("sharing = \"map\" needs the set of every activation layer: add map = [0, 0, 1, 1], say")]
    NoMap,
    #[error("map = {0:?} is set, but sharing is not \"map\": remove map or set sharing = \"map\"")]
    StrayMap(Vec<i64>),
    #[error(
        "map = {0:?} must number its sets 0, 1, 2, … in the order in which they first appear, as [0, 0, 1, 1] does"
    )]
    UnorderedMap(Vec<i64>),
    #[error("groups = {groups} is more than the layer has units ({units}): take at most {units}")]
    TooManyGroups { groups: usize, units: usize },
    #[error("constraint {constraint}: {key} = {value} must be a finite number above 0")]
    NotPositive { constraint: &'static str, key: &'static str, value: f64 },
    #[error(
        "constraint proper-degree needs a numerator degree of at most the denominator's, and degrees = \
         [{m}, {n}]: take [{n}, {n}], say"
    )]
    NotProper { m: usize, n: usize },
    #[error(
        "constraint {constraint} needs a numerator degree one above the denominator's, and degrees = \
         [{m}, {n}]: take [{}, {n}]", n + 1
    )]
    NotLinearTail { constraint: &'static str, m: usize, n: usize },
    #[error(
        "constraint lipschitz needs a numerator degree at most one above the denominator's, since R' \
         has no bound otherwise, and degrees = [{m}, {n}]: take [{}, {n}] or less", n + 1
    )]
    SteepTail { m: usize, n: usize },
    #[error(
        "constraint {constraint} does not hold for version N, whose denominator can be 0: take version A, \
         B, C or D (N goes with none, output-bound, coefficient-box, frozen and freeze-after)"
    )]
    Poles { constraint: &'static str },
}

/// What a spec can set for `rational`.
#[must_use]
pub fn entry() -> Entry {
    ENTRY
}

const ENTRY: Entry = Entry {
    name: "rational",
    summary: "P(x)/Q(x) with trained coefficients, one set per layer unless shared otherwise",
    source: "Molina et al. 2020; Delfosse et al. 2024, arXiv 2102.09407",
    parameters: &[
        Parameter {
            name: "version",
            summary: "denominator: A 1+sum|b_k||x|^k, B 1+|sum b_k x^k|, C 0.1+|sum|, D noisy B, N 1+sum",
            kind: Kind::Text { default: Some("A"), one_of: &["A", "B", "C", "D", "N"] },
        },
        Parameter {
            name: "degrees",
            summary: "degrees of P (1 to 9) and Q (1 to 8)",
            kind: Kind::Integers { default: &[5, 4], min: 1, max: 9, lengths: (2, 2) },
        },
        Parameter {
            name: "start",
            summary: "function that the coefficients are fitted to on [-3, 3] at the start",
            kind: Kind::Text { default: Some("relu"), one_of: Target::NAMES },
        },
        Parameter {
            name: "start_slope",
            summary: "slope below 0 of start = \"leaky_relu\"",
            kind: Kind::Number { default: Some(0.01), min: -1e3, max: 1e3 },
        },
        Parameter {
            name: "sharing",
            summary: "who shares a set of coefficients",
            kind: Kind::Text {
                default: Some("layer"),
                one_of: &["layer", "network", "map", "groups", "unit"],
            },
        },
        Parameter {
            name: "map",
            summary: "with sharing = \"map\": the set of every activation layer in forward order, from 0. [0, 0, 1, 1] \
                      and [0, 0, 0, 1] are r2r2 and r3r of arXiv 2102.09407",
            kind: Kind::OptionalIntegers { min: 0, max: 255, lengths: (1, 256) },
        },
        Parameter {
            name: "groups",
            summary: "sets per layer with sharing = \"groups\"",
            kind: Kind::Integer { default: None, min: 1, max: 1 << 20 },
        },
        Parameter {
            name: "constraint",
            summary: "what holds the curve",
            kind: Kind::Choice { of: "constraints", default: "none" },
        },
        Parameter {
            name: "learning_rate",
            summary: "of the coefficients; the optimiser's if absent",
            kind: Kind::Number { default: None, min: 0.0, max: 1e6 },
        },
        Parameter {
            name: "weight_decay",
            summary: "of the coefficients; the optimiser's if absent",
            kind: Kind::Number { default: None, min: 0.0, max: 1e6 },
        },
    ],
};

/// The activation of a layer with `units` units, as a checked `choice` of [`entry`] describes it.
pub fn build(choice: &Choice, units: usize) -> Result<Activation, RationalError> {
    let form = form(choice)?;
    let sharing = sharing(choice, units)?;
    let (shape, start) = begin(choice, form)?;
    let sets = sharing.sets(units);
    Ok(Activation {
        kernel: Arc::new(Rational { shape: shape.clone(), sets }),
        expansion: 1,
        coefficients: Some(Coefficients {
            start: start.repeat(sets.count),
            names: form.names(),
            learning_rate: choice.optional_number("learning_rate"),
            weight_decay: choice.optional_number("weight_decay"),
            network_wide: matches!(sharing, Sharing::Network | Sharing::Map),
            map: map(choice)?,
            rule: Arc::new(RationalRule { shape }),
        }),
    })
}

fn form(choice: &Choice) -> Result<Form, RationalError> {
    let letter = choice.text("version");
    let version = Version::named(letter).ok_or_else(|| RationalError::UnknownVersion(letter.to_owned()))?;
    match *choice.integers("degrees") {
        [m @ 1..=9, n @ 1..=8] => Ok(Form { version, m: m as usize, n: n as usize }),
        [m, n] => Err(RationalError::Degrees { m, n }),
        ref other => panic!("the catalogue gives two degrees, not {other:?}"),
    }
}

fn sharing(choice: &Choice, units: usize) -> Result<Sharing, RationalError> {
    let groups = choice.get("groups").map(|_| choice.integer("groups"));
    let sharing = match choice.text("sharing") {
        "layer" => Sharing::Layer,
        "network" => Sharing::Network,
        "map" => Sharing::Map,
        "unit" => Sharing::Unit,
        "groups" => {
            let groups = groups.ok_or(RationalError::NoGroups)?;
            let groups = usize::try_from(groups).expect("the catalogue keeps groups from 1 up");
            if groups > units {
                return Err(RationalError::TooManyGroups { groups, units });
            }
            return Ok(Sharing::Groups(groups));
        }
        other => return Err(RationalError::UnknownSharing(other.to_owned())),
    };
    groups.map_or(Ok(sharing), |groups| Err(RationalError::StrayGroups(groups)))
}

/// The set of every activation layer with `sharing = "map"`, nothing otherwise.
fn map(choice: &Choice) -> Result<Vec<usize>, RationalError> {
    let listed = choice.get("map").map(|_| choice.integers("map").to_vec());
    match (choice.text("sharing") == "map", listed) {
        (false, None) => Ok(Vec::new()),
        (false, Some(listed)) => Err(RationalError::StrayMap(listed)),
        (true, None) => Err(RationalError::NoMap),
        (true, Some(listed)) => {
            let mut sets = 0;
            for &set in &listed {
                if set > sets {
                    return Err(RationalError::UnorderedMap(listed));
                }
                sets = sets.max(set + 1);
            }
            Ok(listed.into_iter().map(|set| set as usize).collect())
        }
    }
}

/// No constraint.
pub(super) fn unconstrained(form: Form) -> Arc<dyn constraint::Constraint> {
    let none = Choice { name: "none".to_owned(), parameters: std::collections::BTreeMap::new() };
    Arc::from(constraint::build(&none, form).expect("no constraint goes with every form"))
}

/// The constrained form and the trained coefficients that it starts from.
fn begin(choice: &Choice, form: Form) -> Result<(Shape, Vec<f64>), RationalError> {
    let name = choice.text("start");
    let target = Target::named(name, choice.number("start_slope"))
        .ok_or_else(|| RationalError::UnknownStart(name.to_owned()))?;
    let constrained = choice.choice("constraint");
    let without_start = constraint::build(constrained, form)?;
    let start = fit::start(&Shape { form, constraint: Arc::from(without_start) }, target);
    let mut constraint = constraint::build(constrained, form)?;
    constraint.remember_start(form, &start);
    Ok((Shape { form, constraint: Arc::from(constraint) }, start))
}
