//! `generated-textures`: 32×32 colour gratings of 100 classes.
//!
//! A class is one of ten gratings (five directions, two frequencies) in one of ten pairs of colours.
//! For every image the grating is shifted, turned and bent, the colours drift towards the
//! neighbouring pairs, brightness and contrast change, and noise is added.

use std::f64::consts::{PI, TAU};

use super::canvas::{add_noise, paint};
use crate::data::manifest::{Content, Manifest, Origin};
use crate::random::Stream;

const SIDE: usize = 32;
const SEED: u64 = 0x7465_7874_7572_6501;

/// See the module's text.
pub const GENERATED_TEXTURES: Manifest = Manifest {
    name: "generated-textures",
    summary: "colour gratings drawn by a program; for trying out, needs no files",
    source: "this program",
    licence: "that of this program",
    content: Content::Images,
    channels: 3,
    height: SIDE,
    width: SIDE,
    classes: 100,
    coarse_classes: 0,
    train: 10_000,
    test: 2_000,
    mean: &[0.4099, 0.4109, 0.4098],
    std: &[0.1941, 0.1938, 0.1933],
    checksum: Some("0ef535bb4184ca854c5f9d1fd380fead259363cbedc59e07202ed59f284e6dbb"),
    origin: Origin::Generated(|| paint(&GENERATED_TEXTURES, SEED, draw)),
};

fn draw(class: u32, stream: &mut Stream, canvas: &mut [f64]) {
    let (grating, colours) = (class / 10, f64::from(class % 10));
    let direction = PI / 5.0 * f64::from(grating % 5) + stream.uniform(-0.22, 0.22);
    let cycles = [2.2, 4.0][grating as usize / 5] * stream.uniform(0.85, 1.18);
    let pace = TAU * cycles / SIDE as f64;
    // Shifted by less than half a period either way: a free shift would leave no mean image.
    let shift = stream.uniform(-0.3, 0.3) * TAU;
    let (columns, rows) = (
        phases(pace * libm::cos(direction), shift, stream),
        phases(pace * libm::sin(direction), 0.0, stream),
    );

    let hue = (colours + stream.uniform(-0.65, 0.65)) / 10.0;
    let crest = colour(hue, stream.uniform(0.35, 0.95), stream.uniform(0.65, 1.0));
    let trough = colour(hue + stream.uniform(0.3, 0.42), stream.uniform(0.3, 0.9), stream.uniform(0.2, 0.55));
    let contrast = stream.uniform(0.45, 1.0);
    let plane = SIDE * SIDE;
    for channel in 0..3 {
        let (middle, swing) = (
            (crest[channel] + trough[channel]) * 127.5,
            (crest[channel] - trough[channel]) * 127.5 * contrast,
        );
        for (y, &(row_sine, row_cosine)) in rows.iter().enumerate() {
            for (x, &(column_sine, column_cosine)) in columns.iter().enumerate() {
                // sin(a + b), so that sines are taken a line and not a pixel.
                let wave = column_sine * row_cosine + column_cosine * row_sine;
                canvas[channel * plane + y * SIDE + x] = middle + swing * wave;
            }
        }
    }
    let amplitude = stream.uniform(20.0, 90.0);
    add_noise(canvas, amplitude, stream);
}

/// Sine and cosine of the phase along one axis: a steady part about the middle and a slow bend.
fn phases(pace: f64, shift: f64, stream: &mut Stream) -> Vec<(f64, f64)> {
    let (depth, bend, start) =
        (stream.uniform(0.0, 0.7), stream.uniform(0.1, 0.25), stream.uniform(0.0, TAU));
    (0..SIDE)
        .map(|at| {
            let from_middle = at as f64 - (SIDE - 1) as f64 / 2.0;
            let phase = shift + pace * from_middle + depth * libm::sin(start + bend * at as f64);
            (libm::sin(phase), libm::cos(phase))
        })
        .collect()
}

/// Red, green and blue on [0, 1] of a hue (one turn is 1), saturation and value.
fn colour(hue: f64, saturation: f64, value: f64) -> [f64; 3] {
    // Smith 1978, Color gamut transform pairs, in its closed form.
    [5.0, 3.0, 1.0].map(|offset| {
        let k = (offset + hue * 6.0).rem_euclid(6.0);
        value - value * saturation * k.min(4.0 - k).clamp(0.0, 1.0)
    })
}
