//! Resetting units and whole networks: what redo, continual backprop and full resets share.
//!
//! A unit that is reset gets fresh incoming weights from its layer's initialisation and a bias of 0, a
//! normalisation of scale 1 and shift 0, and outgoing weights of 0 in every layer that it feeds. Moments of
//! all of these become 0; their step counts start anew where [`Fresh`] says so. Behind a shortcut of a
//! residual network ([`Layer::bypassed`](crate::nn::Layer)) the unit's output also goes around those weights.

use std::sync::PoisonError;

use candle_core::Result;

use super::hooks::At;
use crate::kernels::inplace::update;
use crate::nn::{Network, Role};
use crate::optimizers::State;
use crate::random::Stream;

/// What a unit that is reset starts with, beyond its weights.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Fresh {
    /// Whether sets of coefficients that belong to it alone go back to their start.
    pub coefficients: bool,
    /// Whether Adam counts the steps of its weights anew. Where it does not, the first updates are up to 6.6 times as
    /// long as those of a new network (with the usual decays): its moments are taken for long means.
    pub step_counts: bool,
    /// Whether its incoming weights are uniform on ±√(6/n), whatever the network started with.
    pub kaiming: bool,
}

/// Resets units of layer number `layer`.
pub(super) fn units(
    at: &mut At<'_>,
    layer: usize,
    units: &[usize],
    fresh: Fresh,
    draws: &mut Stream,
) -> Result<()> {
    let network = at.network;
    let of = &network.layers()[layer];
    let width = of.start.incoming();
    let start = if fresh.kaiming { of.start.kaiming() } else { of.start };
    for &unit in units {
        let (weight, _) = start.draw_unit(draws);
        let row: Vec<f32> = weight.into_iter().map(|w| w as f32).collect();
        set(at, of.weight, unit * width, &row)?;
        if let Some(bias) = of.bias {
            set(at, bias, unit, &[0.0])?;
        }
        if let Some(norm) = &of.norm {
            set(at, norm.scale, unit, &[1.0])?;
            set(at, norm.shift, unit, &[0.0])?;
            if let Some((mean, variance)) = norm.statistics {
                for (buffer, neutral) in [(mean, 0.0), (variance, 1.0)] {
                    let mut values =
                        network.buffers()[buffer].values.lock().unwrap_or_else(PoisonError::into_inner);
                    values[unit] = neutral;
                }
            }
        }
        for &feed in &of.feeds {
            let next = &network.layers()[feed.layer];
            let columns = next.start.incoming();
            for range in of.outgoing(unit, feed) {
                let zeros = vec![0.0; range.len()];
                for row in 0..next.units() {
                    set(at, next.weight, row * columns + range.start, &zeros)?;
                }
            }
        }
        if fresh.step_counts {
            count_anew(at, layer, unit);
        }
        if fresh.coefficients {
            own_coefficients(at, layer, unit)?;
        }
    }
    Ok(())
}

/// Step counts of everything that goes into a unit and out of it start anew.
fn count_anew(at: &mut At<'_>, layer: usize, unit: usize) {
    let of = &at.network.layers()[layer];
    let states = at.optimizer.states_mut();
    let norm = of.norm.iter().flat_map(|norm| [norm.scale, norm.shift]);
    [of.weight].into_iter().chain(of.bias).chain(norm).for_each(|own| states[own].restart_unit(unit));
    for &feed in &of.feeds {
        let next = &at.network.layers()[feed.layer];
        of.outgoing(unit, feed).for_each(|range| states[next.weight].restart_columns(range));
    }
}

/// Puts the coefficients of a unit back to their start, if they are its own.
fn own_coefficients(at: &mut At<'_>, layer: usize, unit: usize) -> Result<()> {
    let network = at.network;
    let of = &network.layers()[layer];
    let Some(site) = of.activation.map(|site| &network.activations()[site]) else { return Ok(()) };
    let (Some(parameter), Some(coefficients)) = (site.parameter, &site.coefficients) else { return Ok(()) };
    let each = coefficients.names.len();
    if coefficients.network_wide || coefficients.start.len() != each * of.units() || of.units() == 1 {
        return Ok(());
    }
    let start: Vec<f32> = coefficients.start[unit * each..][..each].iter().map(|&c| c as f32).collect();
    set(at, parameter, unit * each, &start)
}

/// Sets values of a parameter from place `from` on, and their moments to 0.
fn set(at: &mut At<'_>, parameter: usize, from: usize, values: &[f32]) -> Result<()> {
    update(&at.network.parameters()[parameter].values, |all| {
        all[from..from + values.len()].copy_from_slice(values);
    })?;
    let State { first, second, .. } = &mut at.optimizer.states_mut()[parameter];
    for moments in [first, second].into_iter().filter(|moments| !moments.is_empty()) {
        moments[from..from + values.len()].fill(0.0);
    }
    Ok(())
}

/// Start values of every parameter, drawn anew in the order in which a network draws them, that of its parameters.
/// Normalisations and coefficients have theirs without a draw.
pub(super) fn fresh(network: &dyn Network, draws: &mut Stream) -> Vec<Vec<f32>> {
    let mut values: Vec<Vec<f32>> = network
        .parameters()
        .iter()
        .map(|p| match p.role {
            Role::Coefficients(site) => {
                let start =
                    &network.activations()[site].coefficients.as_ref().expect("it has a parameter").start;
                start.iter().map(|&c| c as f32).collect()
            }
            _ => vec![0.0; p.values.elem_count()],
        })
        .collect();
    let mut embeddings = network.parts().embeddings.iter().peekable();
    let mut embed = |before: usize, values: &mut Vec<Vec<f32>>, draws: &mut Stream| {
        while let Some((at, start)) = embeddings.next_if(|(at, _)| *at < before) {
            values[*at] = start.draw(false, draws).0.into_iter().map(|e| e as f32).collect();
        }
    };
    for layer in network.layers() {
        embed(layer.weight, &mut values, draws);
        let (weight, bias) = layer.start.draw(layer.bias.is_some(), draws);
        values[layer.weight] = weight.into_iter().map(|w| w as f32).collect();
        if let Some(place) = layer.bias {
            values[place] = bias.into_iter().map(|b| b as f32).collect();
        }
        if let Some(norm) = &layer.norm {
            values[norm.scale].fill(1.0);
        }
    }
    embed(usize::MAX, &mut values, draws);
    for norm in &network.parts().norms {
        values[norm.scale].fill(1.0);
    }
    values
}

/// Running statistics of normalisations as they are before the first batch: mean 0, variance 1.
pub(super) fn statistics(network: &dyn Network) {
    for layer in network.layers() {
        let Some((mean, variance)) = layer.norm.as_ref().and_then(|norm| norm.statistics) else { continue };
        for (buffer, neutral) in [(mean, 0.0), (variance, 1.0)] {
            network.buffers()[buffer].values.lock().unwrap_or_else(PoisonError::into_inner).fill(neutral);
        }
    }
}
