//! Which positions of which images the probes use in a convolution. All of images × positions would be
//! millions, and neighbouring positions are nearly the same.

use std::ops::Range;

/// Sampled rows of (images × positions) that lie in `images`, ascending and counted from its first image:
/// those among the `samples` of `all` images with `positions` each. All rows if there are no more.
///
/// Each image contributes equally many positions (±1). They follow one golden-ratio sequence across all
/// images, so coverage is even.
pub fn rows(images: Range<usize>, all: usize, positions: usize, samples: usize) -> Vec<usize> {
    if samples >= all * positions {
        return (0..images.len() * positions).collect();
    }
    let step = stride(positions);
    let mut rows = Vec::new();
    for image in images.clone() {
        let taken = image * samples / all..(image + 1) * samples / all;
        let first = (image - images.start) * positions;
        let from = rows.len();
        // At most `positions` steps in a row, and the step has no factor in common with it: no position
        // comes twice.
        rows.extend(taken.map(|sample| first + (sample % positions) * step % positions));
        rows[from..].sort_unstable();
    }
    rows
}

/// About positions/φ, without a factor in common with `positions`.
fn stride(positions: usize) -> usize {
    let golden = (positions as f64 * 0.618_033_988_749_895) as usize;
    // positions + 1 has no factor in common with it.
    (golden.max(1)..=positions + 1).find(|&step| divisor(step, positions) == 1).expect("the last one will do")
}

fn divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { divisor(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_asked_for_all_different_and_in_order() {
        for (all, positions, samples) in [(64, 100, 64), (10, 36, 77), (300, 4, 200), (7, 9, 62), (1, 784, 9)]
        {
            let rows = rows(0..all, all, positions, samples);
            assert_eq!(rows.len(), samples);
            assert!(rows.windows(2).all(|pair| pair[0] < pair[1]) && rows[samples - 1] < all * positions);
        }
        assert_eq!(rows(0..2, 2, 3, 6), (0..6).collect::<Vec<_>>());
        assert_eq!(rows(0..2, 2, 3, 600).len(), 6);
    }

    #[test]
    fn blocks_of_images_give_what_all_at_once_give() {
        let whole = rows(0..50, 50, 30, 120);
        let mut parts = Vec::new();
        for first in (0..50).step_by(8) {
            let block = rows(first..50.min(first + 8), 50, 30, 120);
            parts.extend(block.iter().map(|row| row + first * 30));
        }
        assert_eq!(parts, whole);
    }

    /// 2000 images of 28 × 28: each quarter of the image is looked at about 500 times.
    #[test]
    fn all_parts_of_the_image_are_seen() {
        let mut quarters = [0; 4];
        for row in rows(0..2000, 2000, 784, 2000) {
            let (y, x) = (row % 784 / 28, row % 28);
            quarters[y / 14 * 2 + x / 14] += 1;
        }
        assert!(quarters.iter().all(|&count| (450..550).contains(&count)), "{quarters:?}");
    }
}
