//! Images: where they come from and what they look like in memory.
//!
//! [`load()`] takes a name and gives verified images. What a set is (shape, counts, checksum, files) is
//! its [`Manifest`]; readers of file forms (`idx`, `parquet`) know nothing of names, and places
//! (folders, the hub) nothing of forms.

mod cache;
#[cfg(feature = "candle-datasets")]
pub mod candle;
mod cifar10;
mod cifar100;
mod digest;
mod error;
mod fashion_mnist;
mod file;
pub mod generated;
#[cfg(feature = "hub")]
mod hub;
#[cfg(not(feature = "hub"))]
#[path = "hub_absent.rs"]
mod hub;
mod idx;
mod imagenet32;
mod images;
mod inventory;
mod load;
mod manifest;
mod mnist;
mod npz;
mod pages;
mod parquet;
mod picture;
mod places;
mod progress;
mod records;
mod registry;
mod text;

pub use cache::CACHE_DIR_VARIABLE;
pub use cifar10::CIFAR10;
pub use cifar100::{CIFAR100, CIFAR100_COARSE};
pub use error::DataError;
pub use fashion_mnist::FASHION_MNIST;
pub use generated::{GENERATED_DIGITS, GENERATED_TEXT, GENERATED_TEXTURES};
pub use imagenet32::IMAGENET32;
pub use images::{DataSet, Images};
pub use inventory::{Listing, Report, SecondReader, fetch, fetch_with, list, reach, verify, verify_with};
pub use load::{Loaded, load, load_with};
pub use manifest::{Columns, Content, Decoded, Evidence, Form, Hub, Manifest, Origin};
pub use mnist::MNIST;
pub use places::{DATA_DIR_VARIABLE, Folder, HubAccess, Places};
pub use progress::{Progress, Silent};
pub use registry::{MANIFESTS, content, manifest, registry};
pub use text::TEXT;
