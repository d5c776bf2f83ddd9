//! What is known of a data set before a byte of it is read.
//!
//! Readers check everything that a file declares about itself against the manifest before they
//! allocate, so a broken or hostile header costs an error, not the machine's memory.

use std::path::PathBuf;

use super::{DataError, DataSet, Images, Progress};

/// A data set: its shape, its content's checksum, and where it comes from.
#[derive(Clone, Copy, Debug)]
pub struct Manifest {
    /// Name in specs.
    pub name: &'static str,
    /// One line for `list`.
    pub summary: &'static str,
    /// What to cite.
    pub source: &'static str,
    /// Licence as far as its authors state one.
    pub licence: &'static str,
    /// What its bytes are.
    pub content: Content,
    /// 1 or 3; 1 of text.
    pub channels: usize,
    /// Pixels; 1 of text.
    pub height: usize,
    /// Pixels, or characters in a row.
    pub width: usize,
    /// Number of classes, at most 65,536.
    pub classes: usize,
    /// Number of superclasses; 0 where the set has none.
    pub coarse_classes: usize,
    /// Number of training images.
    pub train: usize,
    /// Number of test images.
    pub test: usize,
    /// Per-channel mean on [0, 1].
    pub mean: &'static [f32],
    /// Per-channel standard deviation on [0, 1].
    pub std: &'static [f32],
    /// SHA-256 over the decoded content ([`DataSet::digest`]), where it is known.
    pub checksum: Option<&'static str>,
    /// Files or a formula.
    pub origin: Origin,
}

/// What the bytes of a data set are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Brightnesses of pixels.
    Images,
    /// Numbers of characters, the classes being the alphabet: an example is some in a row, and its label is the
    /// next one.
    Characters,
}

/// Where the images of a [`Manifest`] come from.
#[derive(Clone, Copy, Debug)]
pub enum Origin {
    /// Made on the spot: (train, test).
    Generated(fn() -> (Images, Images)),
    /// Read from files.
    Files {
        /// The forms that are taken, most preferred first.
        forms: &'static [Form],
        /// Where it can be downloaded.
        hub: Hub,
    },
    /// Read from files that everybody has to get without us.
    Own {
        /// The forms that are taken, most preferred first.
        forms: &'static [Form],
        /// How, as a part of a sentence that goes on with "and put them".
        get: &'static str,
    },
}

impl Origin {
    /// The forms in which its files come; none where it is generated.
    #[must_use]
    pub const fn forms(&self) -> &'static [Form] {
        match self {
            Self::Generated(_) => &[],
            Self::Files { forms, .. } | Self::Own { forms, .. } => forms,
        }
    }

    /// Where it can be downloaded, if anywhere.
    #[must_use]
    pub const fn hub(&self) -> Option<&Hub> {
        match self {
            Self::Files { hub, .. } => Some(hub),
            Self::Generated(_) | Self::Own { .. } => None,
        }
    }
}

/// One form in which a data set's files come.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// Name for messages.
    pub name: &'static str,
    /// Folders in which it is looked for, relative to a data folder; `.` is the data folder itself.
    pub folders: &'static [&'static str],
    /// For every needed file the names under which it is taken, most preferred first.
    pub files: &'static [&'static [&'static str]],
    /// Reads the files, which are as many and in the same order as in `files`. One that takes seconds
    /// tells its progress in bytes of decoded pixels.
    pub read: fn(&Manifest, &[PathBuf], &mut dyn Progress) -> Result<Decoded, DataError>,
}

/// A data set's Parquet files on the Hugging Face hub.
#[derive(Clone, Copy, Debug)]
pub struct Hub {
    /// Account.
    pub owner: &'static str,
    /// Repository.
    pub repository: &'static str,
    /// Branch, tag or commit.
    pub revision: &'static str,
    /// Path of the training file.
    pub train: &'static str,
    /// Path of the test file.
    pub test: &'static str,
    /// The columns, in the hub's files as in local copies of them.
    pub columns: Columns,
}

/// Names of the columns in a Parquet file of PNG images.
#[derive(Clone, Copy, Debug)]
pub struct Columns {
    /// A group with a field `bytes`: the PNG file.
    pub image: &'static str,
    /// Integer class.
    pub label: &'static str,
    /// Integer superclass, if the set has them.
    pub coarse_label: Option<&'static str>,
}

/// What a reader gives.
#[derive(Clone, Debug)]
pub struct Decoded {
    /// Training images.
    pub train: Images,
    /// Test images.
    pub test: Images,
    /// Whether every file matched its publisher's own checksum.
    pub published_md5: bool,
}

/// How far a data set's content has been checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Every decoded byte: the SHA-256 over the content is the catalogue's.
    Content,
    /// Every file's MD5 is the one that the set's publisher gives.
    PublishedFiles,
    /// Counts, shapes and label ranges only: no checksum of the content is known.
    CountsOnly,
}

impl std::fmt::Display for Evidence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Content => "content verified by SHA-256",
            Self::PublishedFiles => "files verified by their published MD5",
            Self::CountsOnly => "counts, shapes and labels checked; no checksum of the content is known",
        })
    }
}

impl Manifest {
    /// Bytes of the pixels of all images.
    #[must_use]
    pub const fn pixels(&self) -> usize {
        (self.train + self.test) * self.size()
    }

    /// Bytes per image.
    #[must_use]
    pub const fn size(&self) -> usize {
        self.channels * self.height * self.width
    }

    /// An empty set of images of this shape with room for `count`.
    pub(super) fn empty(&self, count: usize) -> Images {
        Images {
            pixels: Vec::with_capacity(count * self.size()),
            labels: Vec::with_capacity(count),
            coarse_labels: Vec::with_capacity(if self.coarse_classes > 0 { count } else { 0 }),
            channels: self.channels,
            height: self.height,
            width: self.width,
            classes: self.classes,
        }
    }

    /// Puts the decoded halves together, with their checksum.
    pub(super) fn data_set(&self, train: Images, test: Images) -> DataSet {
        let mut set = DataSet {
            name: self.name.to_owned(),
            train,
            test,
            checksum: String::new(),
            mean: self.mean.to_vec(),
            std: self.std.to_vec(),
        };
        set.checksum = set.digest();
        set
    }
}
