//! What both procedural sets share: balanced labels, noise, and the loop over images.

use crate::data::{Images, Manifest};
use crate::random::Stream;

/// Draws one image of the class: floats (channels, height, width) where 0 to 255 is the visible range.
pub(super) type Painter = fn(class: u32, stream: &mut Stream, canvas: &mut [f64]);

/// The training and test images of a manifest. Every image has a stream of its own, so its bytes do not
/// depend on how many there are before it.
pub(super) fn paint(manifest: &Manifest, seed: u64, painter: Painter) -> (Images, Images) {
    (split(manifest, seed, 0, manifest.train, painter), split(manifest, seed, 1, manifest.test, painter))
}

fn split(manifest: &Manifest, seed: u64, part: u64, count: usize, painter: Painter) -> Images {
    let mut images = manifest.empty(count);
    // Equally many of every class, in random order: the head of the set is a fair sample too.
    images.labels.extend((0..count).map(|i| (i % manifest.classes) as u32));
    Stream::new(seed, "data", part << 32 | 0xffff_ffff).shuffle(&mut images.labels);
    let mut canvas = vec![0.0; manifest.size()];
    for (index, &class) in images.labels.iter().enumerate() {
        let mut stream = Stream::new(seed, "data", part << 32 | index as u64);
        canvas.fill(0.0);
        painter(class, &mut stream, &mut canvas);
        images.pixels.extend(canvas.iter().map(|&value| value.clamp(0.0, 255.0).round() as u8));
    }
    images
}

/// Adds to each value noise from a triangular distribution on (-amplitude, amplitude): two bytes of
/// the stream a value, where normal draws would take most of the time of making a set.
pub(super) fn add_noise(canvas: &mut [f64], amplitude: f64, stream: &mut Stream) {
    for values in canvas.chunks_mut(4) {
        let bytes = stream.bits().to_le_bytes();
        for (value, pair) in values.iter_mut().zip(bytes.chunks_exact(2)) {
            *value += (f64::from(pair[0]) + f64::from(pair[1]) - 255.0) * (amplitude / 255.0);
        }
    }
}
