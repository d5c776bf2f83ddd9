//! `overestimation-fit`: Figure 2 of Double DQN, and networks in its polynomials' place.
//!
//! Ten actions are worth the same everywhere, f(s). Each one's value is fitted to f at the integers −6…6
//! but for two neighbours of its own, (−5, −4), (−4, −3), … (4, 5). The largest of the ten fits lies above f
//! although no fit has noise to learn: the more flexible the function, the more it does.
//!
//! Figures: `overestimation`, the mean over s ∈ [−6, 6] of `max_a` Q(s, a) − f(s) (the paper's, printed as
//! +0.61, +0.47 and +3.35); `overestimation_max`, the largest over s; `fit_error`, the root of the mean square
//! of Q − f at the fitted points.

use super::regressor::{Regressor, column};
use super::{DiagnosticError, Outcome, Settings, polynomial};
use crate::spec::{Entry, Kind, Parameter};

/// Catalogue entry.
pub const ENTRY: Entry = Entry {
    name: "overestimation-fit",
    summary: "mean of max_a Q(s, a) - f(s) for ten actions worth f(s), each fitted to all but two integers",
    source: "van Hasselt, Guez & Silver 2016, arXiv 1509.06461, Figure 2",
    parameters: &[
        Parameter {
            name: "function",
            summary: "f: sin(s) or 2 exp(-s^2)",
            kind: Kind::Text { default: Some("sine"), one_of: &["sine", "gaussian"] },
        },
        Parameter {
            name: "approximator",
            summary: "what is fitted: the network, or the paper's least-squares polynomial",
            kind: Kind::Text { default: Some("network"), one_of: &["network", "polynomial"] },
        },
        Parameter {
            name: "degree",
            summary: "of the polynomial",
            kind: Kind::Integer { default: Some(6), min: 0, max: 10 },
        },
        Parameter {
            name: "steps",
            summary: "full-batch training steps of each network",
            kind: Kind::Integer { default: Some(2000), min: 1, max: 10_000_000 },
        },
    ],
};

const ACTIONS: usize = 10;
/// States are drawn into ±1 before they enter a network.
const REACH: f64 = 6.0;
/// Midpoints over which the mean is taken.
const GRID: usize = 1200;

/// The run, as [`super::run`].
pub fn run(settings: &Settings, seed: u64) -> Result<Outcome, DiagnosticError> {
    let choice = &settings.diagnostic;
    let f = function(choice.text("function"));
    let grid = grid();
    if choice.text("approximator") == "polynomial" {
        let values = polynomials(f, &grid, choice.integer("degree") as usize);
        return Ok(Outcome::Figures(figures(&values, &grid, f)));
    }
    let scaled = |points: &[f64]| column(&points.iter().map(|s| s / REACH).collect::<Vec<_>>());
    let steps = choice.integer("steps") as usize;
    let mut values = Vec::new();
    for action in 0..ACTIONS {
        let points = points(action);
        let truth: Vec<f64> = points.iter().map(|&s| f(s)).collect();
        let mut network = Regressor::new(settings, seed, action, 1)?;
        let (inputs, targets) = (scaled(&points)?, column(&truth)?);
        for step in 0..steps {
            if !network.step(&inputs, &targets)?.is_finite() {
                return Ok(Outcome::Diverged { network: action, step });
            }
        }
        let mut of_action = network.values(&scaled(&grid)?)?;
        of_action.extend(network.values(&inputs)?);
        if !of_action.iter().all(|value| value.is_finite()) {
            return Ok(Outcome::Diverged { network: action, step: steps });
        }
        values.push(of_action);
    }
    Ok(Outcome::Figures(figures(&values, &grid, f)))
}

/// The actions' values by polynomials, at the grid and behind that at their own points.
fn polynomials(f: fn(f64) -> f64, grid: &[f64], degree: usize) -> Vec<Vec<f64>> {
    let fit = |action| {
        let points = points(action);
        let truth: Vec<f64> = points.iter().map(|&s| f(s)).collect();
        let at: Vec<f64> = grid.iter().chain(&points).copied().collect();
        polynomial::fit(&points, &truth, degree, &at)
    };
    (0..ACTIONS).map(fit).collect()
}

/// Of each action's values at the grid and behind them at its own points.
fn figures(values: &[Vec<f64>], grid: &[f64], f: fn(f64) -> f64) -> Vec<(&'static str, f64)> {
    let over: Vec<f64> = grid
        .iter()
        .enumerate()
        .map(|(i, &s)| values.iter().map(|v| v[i]).fold(f64::NEG_INFINITY, f64::max) - f(s))
        .collect();
    let misses: Vec<f64> = (0..ACTIONS)
        .flat_map(|action| {
            let fitted = &values[action][grid.len()..];
            points(action).into_iter().zip(fitted).map(|(s, q)| (q - f(s)).powi(2)).collect::<Vec<_>>()
        })
        .collect();
    let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
    vec![
        ("overestimation", mean(&over)),
        ("overestimation_max", over.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
        ("fit_error", mean(&misses).sqrt()),
    ]
}

fn function(name: &str) -> fn(f64) -> f64 {
    match name {
        "gaussian" => |s| 2.0 * libm::exp(-s * s),
        _ => libm::sin,
    }
}

fn grid() -> Vec<f64> {
    let width = 2.0 * REACH / GRID as f64;
    (0..GRID).map(|i| -REACH + (i as f64 + 0.5) * width).collect()
}

/// The integers that action number `action` is fitted at.
fn points(action: usize) -> Vec<f64> {
    let left_out = action as i32 - 5;
    (-6..=6).filter(|s| *s != left_out && *s != left_out + 1).map(f64::from).collect()
}
