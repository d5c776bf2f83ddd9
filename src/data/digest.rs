//! Checksum of a data set's content, the same for every file form it can come in.

use sha2::{Digest, Sha256};

use super::{DataSet, Images};
use crate::sha256::hex;

impl DataSet {
    /// SHA-256, as 64 hex digits, over the training pixels, the training labels (one byte each, two with the low
    /// one first where there are more than 256 classes), the test pixels and the test labels; in a set with
    /// superclasses each split's superclasses (one byte each) follow its labels.
    ///
    /// Pixels are hashed in memory order (example, channel, row, column). For MNIST that makes it the
    /// hash of the four idx files without their headers.
    #[must_use]
    pub fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for split in [&self.train, &self.test] {
            hash.update(&split.pixels);
            hash.update(label_bytes(&split.labels, split.classes));
            hash.update(label_bytes(&split.coarse_labels, 0));
        }
        hex(&hash.finalize())
    }

    /// Per-channel mean and standard deviation of the training pixels on [0, 1].
    ///
    /// [`DataSet::mean`] and [`DataSet::std`] are the published, rounded constants; this is what they
    /// were rounded from.
    #[must_use]
    pub fn moments(&self) -> (Vec<f64>, Vec<f64>) {
        (0..self.train.channels).map(|channel| channel_moments(&self.train, channel)).unzip()
    }
}

fn channel_moments(images: &Images, channel: usize) -> (f64, f64) {
    let plane = images.height * images.width;
    // Whole-number sums are exact, whatever the order.
    let (mut sum, mut squares) = (0u64, 0u64);
    for example in 0..images.len() {
        for &byte in &images.image(example)[channel * plane..][..plane] {
            sum += u64::from(byte);
            squares += u64::from(byte) * u64::from(byte);
        }
    }
    let count = (images.len() * plane) as f64;
    let mean = sum as f64 / count;
    let variance = squares as f64 / count - mean * mean;
    (mean / 255.0, variance.sqrt() / 255.0)
}

/// Labels as bytes.
fn label_bytes(labels: &[u32], classes: usize) -> Vec<u8> {
    if classes > 256 {
        let word = |&label: &u32| u16::try_from(label).expect("a class number below 65,536").to_le_bytes();
        return labels.iter().flat_map(word).collect();
    }
    labels.iter().map(|&label| u8::try_from(label).expect("a class number below 256")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Python: `hashlib.sha256(bytes([1, 2, 3, 4, 9, 8, 255, 0, 7])).hexdigest()`.
    #[test]
    fn the_digest_is_that_of_the_concatenated_bytes() {
        let images = |pixels: &[u8], labels: &[u32]| Images {
            pixels: pixels.to_vec(),
            labels: labels.to_vec(),
            channels: 1,
            height: 1,
            width: 2,
            classes: 10,
            ..Images::default()
        };
        let set = DataSet {
            name: "two".into(),
            train: images(&[1, 2, 3, 4], &[9, 8]),
            test: images(&[255, 0], &[7]),
            checksum: String::new(),
            mean: vec![0.0],
            std: vec![1.0],
        };
        assert_eq!(set.digest(), "0ad9b0e2715c6aad4c072fa814b0ce87c03bffa1dca0df9e807cf97b8c7303ae");
        // `hashlib.sha256(bytes([1, 2, 3, 4, 231, 3, 8, 0, 255, 0, 7, 0])).hexdigest()`
        let mut many = set.clone();
        (many.train.classes, many.train.labels, many.test.classes) = (1000, vec![999, 8], 1000);
        assert_eq!(many.digest(), "7abf1ec382e16623e85f184c54a2b9cfbafd19dc6206c6d9417f5cffcf3568a5");
        let (mean, std) = set.moments();
        assert!((mean[0] - 2.5 / 255.0).abs() < 1e-15 && (std[0] - 1.25f64.sqrt() / 255.0).abs() < 1e-15);
    }
}
