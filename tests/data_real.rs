//! The real sets, where `PLASTICITY_DATA_DIR` names a folder that holds them; skipped, and saying so,
//! where it does not. `candle-datasets` and published checksums are the second opinions.

mod small;

use std::path::{Path, PathBuf};

use md5::{Digest, Md5};
use plasticity_bench::data::{
    Columns, Content, DataSet, Evidence, Folder, Form, Hub, Images, MNIST, Manifest, Origin, Places, Silent,
    load_with,
};

/// The data folder, if it has `relative`.
fn data_dir(relative: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("PLASTICITY_DATA_DIR").map(PathBuf::from);
    let found = folder.filter(|folder| folder.join(relative).exists());
    if found.is_none() {
        println!("skipped: PLASTICITY_DATA_DIR is not set or has no {relative}");
    }
    found
}

fn load(manifest: &Manifest, folder: &Path) -> DataSet {
    let folders = vec![Folder { path: folder.to_path_buf(), named_by: "the test" }];
    let loaded = load_with(manifest, &Places { folders, hub: None }, &mut Silent).unwrap();
    if manifest.checksum.is_some() {
        assert_eq!(loaded.evidence, Evidence::Content);
    }
    loaded.set
}

/// MNIST in the one form only.
fn mnist_as(form: usize) -> Manifest {
    static FORMS: std::sync::OnceLock<Vec<[Form; 1]>> = std::sync::OnceLock::new();
    let Origin::Files { forms, hub } = MNIST.origin else { panic!("mnist has files") };
    let single = FORMS.get_or_init(|| forms.iter().map(|form| [*form]).collect());
    Manifest { origin: Origin::Files { forms: &single[form], hub }, ..MNIST }
}

fn assert_same(a: &Images, b: &Images) {
    assert_eq!(a.labels, b.labels);
    assert!(a.pixels == b.pixels, "the pixels differ");
}

#[test]
fn mnist_is_the_same_from_idx_and_parquet() {
    let Some(folder) = data_dir("hub/ylecun--mnist") else { return };
    let (idx, parquet) = (load(&mnist_as(0), &folder), load(&mnist_as(1), &folder));
    assert_same(&idx.train, &parquet.train);
    assert_same(&idx.test, &parquet.test);
    assert_eq!(idx.checksum, parquet.checksum);
    assert_eq!((idx.train.len(), idx.test.len()), (60_000, 10_000));
    let (mean, std) = idx.moments();
    assert!((mean[0] - f64::from(idx.mean[0])).abs() < 5e-5, "{mean:?}");
    assert!((std[0] - f64::from(idx.std[0])).abs() < 5e-5, "{std:?}");
}

/// The catalogue's checksum stands for the published MD5 of the four unpacked files: headers put back,
/// they are these.
#[test]
fn mnist_written_out_again_has_the_published_md5() {
    let Some(folder) = data_dir("mnist") else { return };
    let set = load(&MNIST, &folder);
    let file = |images: &Images, dimensions: usize| {
        let mut bytes = vec![0, 0, 8, u8::try_from(dimensions).unwrap()];
        for n in &[images.len(), images.height, images.width][..dimensions] {
            bytes.extend(u32::try_from(*n).unwrap().to_be_bytes());
        }
        match dimensions {
            3 => bytes.extend(&images.pixels),
            _ => bytes.extend(images.labels.iter().map(|&label| u8::try_from(label).unwrap())),
        }
        small::hex(&Md5::digest(&bytes))
    };
    assert_eq!(file(&set.train, 3), "6bbc9ace898e44ae57da46a324031adb");
    assert_eq!(file(&set.train, 1), "a25bea736e30d166cdddb491f175f624");
    assert_eq!(file(&set.test, 3), "2646ac647ad5339dbf082846283269ea");
    assert_eq!(file(&set.test, 1), "27ae3e4e09519cfbb04c329615203637");
}

#[cfg(feature = "candle-datasets")]
#[test]
fn candle_reads_the_same_mnist() {
    use candle_datasets::vision::{Dataset, mnist};
    use plasticity_bench::data::candle;
    let Some(folder) = data_dir("mnist/train-images-idx3-ubyte.gz") else { return };
    // candle reads unpacked files only.
    let unpacked = tempfile::TempDir::new().unwrap();
    for name in [
        "train-images-idx3-ubyte",
        "train-labels-idx1-ubyte",
        "t10k-images-idx3-ubyte",
        "t10k-labels-idx1-ubyte",
    ] {
        let packed = std::fs::File::open(folder.join("mnist").join(format!("{name}.gz"))).unwrap();
        let mut plain = std::fs::File::create(unpacked.path().join(name)).unwrap();
        std::io::copy(&mut flate2::read::GzDecoder::new(packed), &mut plain).unwrap();
    }
    let theirs = mnist::load_dir(unpacked.path()).unwrap();
    let (train, test) = candle::split(&theirs, [1, 28, 28]).unwrap();
    let ours = load(&mnist_as(1), &folder);
    assert_same(&ours.train, &train);
    assert_same(&ours.test, &test);
    // And the other way: what we hand to candle programs is what candle itself would.
    let handed = Dataset::try_from(&ours).unwrap();
    assert_eq!(handed.labels, theirs.labels);
    for (a, b) in [
        (&handed.train_images, &theirs.train_images),
        (&handed.test_images, &theirs.test_images),
        (&handed.train_labels, &theirs.train_labels),
        (&handed.test_labels, &theirs.test_labels),
    ] {
        assert_eq!((a.shape(), a.dtype()), (b.shape(), b.dtype()));
        let bits = |t: &candle_core::Tensor| -> Vec<u32> {
            let floats: Vec<f32> =
                t.to_dtype(candle_core::DType::F32).unwrap().flatten_all().unwrap().to_vec1().unwrap();
            floats.into_iter().map(f32::to_bits).collect()
        };
        assert!(bits(a) == bits(b), "the values differ");
    }
}

/// CIFAR-100 through the generic reader of tables: written out as the binary version's records it has
/// the MD5 that its authors publish for train.bin and test.bin.
#[test]
fn cifar100_tables_hold_the_published_records() {
    static FORMS: std::sync::OnceLock<Vec<Form>> = std::sync::OnceLock::new();
    let Some(folder) = data_dir("hub/uoft-cs--cifar100/cifar100") else { return };
    let Origin::Files { forms, hub } = MNIST.origin else { panic!("mnist has files") };
    let columns = Columns { image: "img", label: "fine_label", coarse_label: Some("coarse_label") };
    let manifest = Manifest {
        name: "cifar100",
        content: Content::Images,
        channels: 3,
        height: 32,
        width: 32,
        classes: 100,
        coarse_classes: 20,
        train: 50_000,
        test: 10_000,
        mean: &[0.0; 3],
        std: &[1.0; 3],
        checksum: None,
        origin: Origin::Files {
            forms: FORMS
                .get_or_init(|| vec![Form { folders: &["hub/uoft-cs--cifar100/cifar100"], ..forms[1] }]),
            hub: Hub { columns, ..hub },
        },
        ..MNIST
    };
    let set = load(&manifest, &folder);
    let records = |images: &Images| {
        let mut hash = Md5::new();
        for i in 0..images.len() {
            let head = [images.coarse_labels[i], images.labels[i]].map(|label| u8::try_from(label).unwrap());
            hash.update(head);
            hash.update(images.image(i));
        }
        small::hex(&hash.finalize())
    };
    assert_eq!(records(&set.train), "6172c7755cfe09b2fe270c85cebc1b15");
    assert_eq!(records(&set.test), "4499cfba6c016c1be1438163640a0898");
}

/// Without a checksum to hold it to, content is refused that a set of another name is known by.
#[test]
fn another_sets_content_is_refused_under_a_new_name() {
    let Some(folder) = data_dir("mnist") else { return };
    let manifest = Manifest { name: "other", checksum: None, ..mnist_as(0) };
    let folders = vec![Folder { path: folder, named_by: "the test" }];
    let error = load_with(&manifest, &Places { folders, hub: None }, &mut Silent).unwrap_err().to_string();
    assert!(error.contains("that of `mnist`"), "{error}");
}
