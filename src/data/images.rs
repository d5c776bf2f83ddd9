//! Decoded images, shared read-only between runs.

/// A labelled set of images of one size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Images {
    /// Bytes (examples, channels, height, width), row-major, 0 to 255.
    pub pixels: Vec<u8>,
    /// Class of each example, below `classes`.
    pub labels: Vec<u32>,
    /// Superclass of each example where the set has them (CIFAR-100's 20), else empty.
    pub coarse_labels: Vec<u32>,
    /// 1 or 3.
    pub channels: usize,
    /// Pixels.
    pub height: usize,
    /// Pixels.
    pub width: usize,
    /// Number of classes.
    pub classes: usize,
}

impl Images {
    /// Number of examples.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no example.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Bytes per image: channels × height × width.
    #[must_use]
    pub fn size(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// The bytes of one image.
    #[must_use]
    pub fn image(&self, index: usize) -> &[u8] {
        &self.pixels[index * self.size()..][..self.size()]
    }
}

/// A data set with its split.
#[derive(Clone, Debug)]
pub struct DataSet {
    /// Name in the catalogue.
    pub name: String,
    /// Training images.
    pub train: Images,
    /// Test images.
    pub test: Images,
    /// SHA-256 over the decoded content (see [`DataSet::digest`]), as 64 hex digits.
    pub checksum: String,
    /// Published per-channel mean on [0, 1], for `scaling = "standardize"`.
    pub mean: Vec<f32>,
    /// Published per-channel standard deviation on [0, 1].
    pub std: Vec<f32>,
}
