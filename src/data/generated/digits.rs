//! `generated-digits`: 28×28 grey digits drawn with a wavering pen.
//!
//! Each digit is a few strokes through control points. For every image the points are moved, the
//! glyph is stretched, slanted, turned and shifted, the pen's width and pressure change, and noise
//! is added.

use std::f64::consts::{PI, TAU};

use super::canvas::{add_noise, paint};
use crate::data::manifest::{Content, Manifest, Origin};
use crate::random::Stream;

const SIDE: usize = 28;
const SEED: u64 = 0x0064_6967_6974_7301;

/// See the module's text.
pub const GENERATED_DIGITS: Manifest = Manifest {
    name: "generated-digits",
    summary: "digits drawn by a program; for trying out, needs no files",
    source: "this program",
    licence: "that of this program",
    content: Content::Images,
    channels: 1,
    height: SIDE,
    width: SIDE,
    classes: 10,
    coarse_classes: 0,
    train: 6_000,
    test: 1_000,
    mean: &[0.1208],
    std: &[0.2332],
    checksum: Some("5a8bafb8a61746124e1501bd9fdee3d2af2891177c461749b50c13735e7dce1e"),
    origin: Origin::Generated(|| paint(&GENERATED_DIGITS, SEED, draw)),
};

type Point = (f64, f64);

/// The strokes of a digit in a box of x from -0.6 to 0.6 and y from -1 (top) to 1.
fn strokes(digit: u32) -> Vec<Vec<Point>> {
    match digit {
        0 => vec![arc((0.0, 0.0), (0.55, 0.95), 0.0, TAU, 14)],
        1 => vec![vec![(-0.3, -0.55), (0.05, -0.95), (0.05, 0.0), (0.05, 0.95)]],
        2 => {
            let mut line = arc((0.0, -0.45), (0.5, 0.5), -PI, 0.25 * PI, 8);
            line.extend([(-0.5, 0.9), (0.0, 0.92), (0.55, 0.9)]);
            vec![line]
        }
        3 => {
            let mut line = arc((0.0, -0.48), (0.45, 0.47), -0.8 * PI, 0.45 * PI, 8);
            line.extend(arc((0.0, 0.47), (0.52, 0.48), -0.45 * PI, 0.8 * PI, 8));
            vec![line]
        }
        4 => vec![
            vec![(0.1, -0.95), (-0.25, -0.3), (-0.55, 0.3), (0.0, 0.3), (0.6, 0.3)],
            vec![(0.25, -0.25), (0.25, 0.3), (0.25, 0.95)],
        ],
        5 => {
            let mut line = vec![(0.5, -0.95), (-0.35, -0.95), (-0.42, -0.1)];
            line.extend(arc((-0.02, 0.35), (0.52, 0.58), -0.65 * PI, 0.8 * PI, 9));
            vec![line]
        }
        6 => {
            let mut line = vec![(0.35, -0.92), (-0.1, -0.7), (-0.42, -0.15)];
            line.extend(arc((0.02, 0.42), (0.5, 0.5), -PI, PI, 11));
            vec![line]
        }
        7 => vec![vec![(-0.55, -0.9), (0.0, -0.9), (0.55, -0.9), (0.2, 0.0), (-0.1, 0.95)]],
        8 => vec![arc((0.0, -0.5), (0.42, 0.43), 0.0, TAU, 10), arc((0.0, 0.45), (0.5, 0.5), 0.0, TAU, 10)],
        _ => {
            let mut line = arc((0.0, -0.45), (0.48, 0.48), 0.0, -TAU, 11);
            line.extend([(0.42, 0.25), (0.25, 0.95)]);
            vec![line]
        }
    }
}

/// Points on an ellipse; angles from the x axis towards larger y, which is down.
fn arc(centre: Point, radii: Point, from: f64, to: f64, pieces: u32) -> Vec<Point> {
    (0..=pieces)
        .map(|piece| {
            let angle = from + (to - from) * f64::from(piece) / f64::from(pieces);
            (centre.0 + radii.0 * libm::cos(angle), centre.1 + radii.1 * libm::sin(angle))
        })
        .collect()
}

fn draw(digit: u32, stream: &mut Stream, canvas: &mut [f64]) {
    let (turn, slant) = (stream.uniform(-0.3, 0.3), stream.uniform(-0.3, 0.4));
    let (wide, high) = (stream.uniform(6.5, 11.5), stream.uniform(7.5, 10.5));
    let middle = (13.5 + stream.uniform(-2.5, 2.5), 13.5 + stream.uniform(-2.0, 2.0));
    let radius = stream.uniform(0.7, 1.9);
    let (sine, cosine) = (libm::sin(turn), libm::cos(turn));
    let mut place = |(x, y): Point| {
        let (x, y) = (x + 0.055 * stream.normal(), y + 0.055 * stream.normal());
        let (x, y) = ((x - slant * y) * wide, y * high);
        (middle.0 + cosine * x - sine * y, middle.1 + sine * x + cosine * y)
    };
    for stroke in strokes(digit) {
        let points: Vec<Point> = stroke.into_iter().map(&mut place).collect();
        for ends in points.windows(2) {
            segment(canvas, ends[0], ends[1], radius);
        }
    }
    let pressure = stream.uniform(130.0, 255.0);
    for ink in canvas.iter_mut() {
        *ink *= pressure;
    }
    let amplitude = stream.uniform(0.0, 90.0);
    add_noise(canvas, amplitude, stream);
}

/// Inks the pixels near a segment: fully within `radius` of it, fading over one pixel.
fn segment(canvas: &mut [f64], from: Point, to: Point, radius: f64) {
    let reach = radius + 0.5;
    let span = |a: f64, b: f64| {
        let low = (a.min(b) - reach).ceil().clamp(0.0, SIDE as f64) as usize;
        let high = ((a.max(b) + reach).floor() + 1.0).clamp(0.0, SIDE as f64) as usize;
        low..high
    };
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let square = (dx * dx + dy * dy).max(1e-12);
    for y in span(from.1, to.1) {
        for x in span(from.0, to.0) {
            let (px, py) = (x as f64 - from.0, y as f64 - from.1);
            let along = ((px * dx + py * dy) / square).clamp(0.0, 1.0);
            let (ex, ey) = (px - along * dx, py - along * dy);
            let ink = (reach - (ex * ex + ey * ey).sqrt()).clamp(0.0, 1.0);
            let pixel = &mut canvas[y * SIDE + x];
            *pixel = pixel.max(ink);
        }
    }
}
