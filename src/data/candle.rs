//! To and from `candle-datasets`, for programs that already work with its `vision::Dataset`, and its loaders as a
//! second reader of the sets that both know ([`hold_against`], for `data verify --with candle-datasets`).
//!
//! The benchmark itself does not read through it: it checks neither counts nor content, keeps four
//! bytes a pixel, and has no set with superclasses.

use std::fs::File;
use std::io;
use std::path::PathBuf;

use candle_core::{DType, Device, Tensor};
use candle_datasets::vision::{Dataset, cifar, fashion_mnist, mnist};

use super::manifest::Manifest;
use super::places::Copy;
use super::{DataError, DataSet, Images, file};

/// Reads a copy of a data set with candle's loader and compares every pixel and label. The text says what was
/// done; it is an error where the two differ.
///
/// candle reads plain files of fixed names, so a copy of idx or binary files is unpacked into a temporary folder. Of
/// Parquet it reads what the hub's cache holds under the environment's settings (`from_environment`), and its
/// reader of CIFAR-10's tables swaps height and width: those are not compared.
pub(super) fn hold_against(
    manifest: &Manifest,
    copy: &Copy,
    set: &DataSet,
    from_environment: bool,
) -> Result<String, DataError> {
    let theirs = match (manifest.name, copy.form.name) {
        ("mnist" | "fashion-mnist", "idx") => mnist::load_dir(unpacked(copy)?.path()),
        ("cifar10", "binary") => cifar::load_dir(unpacked(copy)?.path()),
        ("mnist", "parquet") if from_environment => mnist::load(),
        ("fashion-mnist", "parquet") if from_environment => fashion_mnist::load(),
        (name, form) => {
            return Ok(format!("not compared: candle-datasets does not read {name} from this {form}"));
        }
    };
    let theirs = theirs.map_err(|error| DataError::Foreign(error.to_string()))?;
    let (train, test) = split(&theirs, [manifest.channels, manifest.height, manifest.width])?;
    for (part, ours, theirs) in [("training", &set.train, &train), ("test", &set.test, &test)] {
        if let Some(at) = first_difference(ours, theirs) {
            return Err(super::error::corrupt(
                &copy.files[0],
                format!("what candle-datasets reads: {} {part} images", theirs.len()),
                format!("{} images, of which number {at} differs", ours.len()),
            ));
        }
    }
    Ok(format!("read the same by candle-datasets: {} and {} images", train.len(), test.len()))
}

/// The number of the first image that differs in a pixel or its label, or that one side alone has.
fn first_difference(ours: &Images, theirs: &Images) -> Option<usize> {
    let common = ours.len().min(theirs.len());
    let differ = |&at: &usize| ours.image(at) != theirs.image(at) || ours.labels[at] != theirs.labels[at];
    (0..common).find(differ).or((ours.len() != theirs.len()).then_some(common))
}

/// The copy's files, decompressed, under the names that candle expects.
fn unpacked(copy: &Copy) -> Result<tempfile::TempDir, DataError> {
    let unreadable = |path: PathBuf| move |source: io::Error| DataError::Unreadable { path, source };
    let folder = tempfile::tempdir().map_err(unreadable(std::env::temp_dir()))?;
    for (path, names) in copy.files.iter().zip(copy.form.files) {
        let plain = folder.path().join(names[0]);
        let mut to = File::create(&plain).map_err(unreadable(plain.clone()))?;
        io::copy(&mut file::open(path)?, &mut to).map_err(unreadable(path.clone()))?;
    }
    Ok(folder)
}

impl TryFrom<&DataSet> for Dataset {
    type Error = candle_core::Error;

    /// Images as (examples, channels × height × width) floats on [0, 1] and labels as bytes, as
    /// `candle_datasets::vision::mnist` gives them.
    fn try_from(set: &DataSet) -> Result<Self, Self::Error> {
        let images = |split: &Images| {
            Tensor::from_slice(&split.pixels, (split.len(), split.size()), &Device::Cpu)?
                .to_dtype(DType::F32)?
                / 255.0
        };
        let labels = |split: &Images| {
            Tensor::from_slice(&split.labels, split.len(), &Device::Cpu)?.to_dtype(DType::U8)
        };
        Ok(Self {
            train_images: images(&set.train)?,
            train_labels: labels(&set.train)?,
            test_images: images(&set.test)?,
            test_labels: labels(&set.test)?,
            labels: set.train.classes,
        })
    }
}

/// The training and test images of a set that candle loaded, as the exact bytes they were made from.
/// `shape` is (channels, height, width), which candle's set does not say itself.
pub fn split(dataset: &Dataset, shape: [usize; 3]) -> Result<(Images, Images), DataError> {
    Ok((
        images(&dataset.train_images, &dataset.train_labels, dataset.labels, shape)?,
        images(&dataset.test_images, &dataset.test_labels, dataset.labels, shape)?,
    ))
}

fn images(
    pixels: &Tensor,
    labels: &Tensor,
    classes: usize,
    [channels, height, width]: [usize; 3],
) -> Result<Images, DataError> {
    let foreign = |error: candle_core::Error| DataError::Foreign(error.to_string());
    let size = channels * height * width;
    let floats: Vec<f32> =
        pixels.to_dtype(DType::F32).and_then(|t| t.flatten_all()?.to_vec1()).map_err(foreign)?;
    let labels: Vec<u32> =
        labels.to_dtype(DType::U32).and_then(|t| t.flatten_all()?.to_vec1()).map_err(foreign)?;
    if floats.len() != labels.len() * size {
        return Err(DataError::Foreign(format!(
            "its images have the shape {:?}, but {} labels and {size} bytes an image are expected",
            pixels.shape(),
            labels.len()
        )));
    }
    if let Some(label) = labels.iter().find(|&&label| label as usize >= classes) {
        return Err(DataError::Foreign(format!("it has the label {label} in a set of {classes} classes")));
    }
    let bytes: Option<Vec<u8>> = floats.iter().map(|&float| byte(float)).collect();
    let pixels = bytes.ok_or_else(|| {
        DataError::Foreign("its images hold values that are not a byte divided by 255".into())
    })?;
    Ok(Images { pixels, labels, coarse_labels: Vec::new(), channels, height, width, classes })
}

/// The byte that gave `float` when divided by 255 (candle multiplies by the reciprocal, which is up
/// to an ulp off), or `None` if none did.
fn byte(float: f32) -> Option<u8> {
    let scaled = float * 255.0;
    let whole = scaled.round();
    ((scaled - whole).abs() < 1e-3 && (0.0..=255.0).contains(&whole)).then_some(whole as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset(pixels: &[f32], labels: &[u8]) -> Dataset {
        let images =
            Tensor::from_slice(pixels, (labels.len(), pixels.len() / labels.len()), &Device::Cpu).unwrap();
        let labels = Tensor::from_slice(labels, labels.len(), &Device::Cpu).unwrap();
        Dataset {
            train_images: images.clone(),
            train_labels: labels.clone(),
            test_images: images,
            test_labels: labels,
            labels: 10,
        }
    }

    #[test]
    fn every_byte_comes_back_from_its_float() {
        let divided: Vec<f32> = (0..=255u8).map(|byte| f32::from(byte) / 255.0).collect();
        let scaled: Vec<f32> = (0..=255u8).map(|byte| f32::from(byte) * (1.0 / 255.0)).collect();
        for floats in [divided, scaled] {
            let (train, _) = split(&dataset(&floats, &[0, 9]), [1, 8, 16]).unwrap();
            assert_eq!(train.pixels, (0..=255).collect::<Vec<u8>>());
            assert_eq!(train.labels, [0, 9]);
        }
    }

    #[test]
    fn what_is_not_made_of_bytes_or_has_another_shape_is_refused() {
        let text = |pixels: &[f32], labels: &[u8]| {
            split(&dataset(pixels, labels), [1, 1, 2]).unwrap_err().to_string()
        };
        assert!(text(&[0.5, 1.0], &[1]).contains("not a byte divided by 255"));
        assert!(text(&[1.0, -1.0], &[1]).contains("not a byte divided by 255"));
        assert!(text(&[0.0, f32::NAN], &[1]).contains("not a byte divided by 255"));
        assert!(text(&[0.0; 3], &[1]).contains("1 labels and 2 bytes an image"));
        assert!(text(&[0.0; 2], &[10]).contains("label 10 in a set of 10 classes"));
    }
}
