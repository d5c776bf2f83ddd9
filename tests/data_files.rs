//! Data sets in folders: every layout, and every way in which a file can be wrong.

mod small;

use std::path::Path;

use plasticity_bench::data::{
    Columns, Content, DataError, Evidence, FASHION_MNIST, Folder, Form, Hub, Loaded, MNIST, Manifest, Origin,
    Places, Silent, load_with, verify_with,
};
use plasticity_bench::random::Stream;
use tempfile::TempDir;

fn places(folders: &[&Path]) -> Places {
    let folders =
        folders.iter().map(|path| Folder { path: path.to_path_buf(), named_by: "--data-dir" }).collect();
    Places { folders, hub: None }
}

fn load(folder: &Path) -> Result<Loaded, DataError> {
    load_with(&small::manifest(), &places(&[folder]), &mut Silent)
}

fn parquet_pair(folder: &Path, names: [&str; 2]) {
    for (split, name) in names.iter().enumerate() {
        small::write(&folder.join(name), &small::parquet_file(split));
    }
}

const MAIN: [&str; 2] = ["train-00000-of-00001.parquet", "test-00000-of-00001.parquet"];
const CONVERTED: [&str; 2] = ["train/0000.parquet", "test/0000.parquet"];

#[test]
fn every_layout_gives_the_same_set() {
    type Writer = fn(&Path);
    let layouts: [(&str, Writer); 8] = [
        (".", |folder| small::write_idx(folder, false)),
        ("mnist", |folder| small::write_idx(folder, true)),
        ("MNIST/raw", |folder| small::write_idx(folder, false)),
        ("mnist", |folder| parquet_pair(folder, MAIN)),
        (".", |folder| parquet_pair(folder, MAIN)),
        ("hub/ylecun--mnist/mnist", |folder| parquet_pair(folder, MAIN)),
        ("ylecun--mnist/mnist", |folder| parquet_pair(folder, CONVERTED)),
        // A browser that unpacked the download and kept its name.
        ("mnist", |folder| {
            small::write_idx(folder, true);
            small::write(&folder.join("t10k-labels-idx1-ubyte.gz"), &small::idx_files()[3]);
        }),
    ];
    for (relative, write) in layouts {
        let folder = TempDir::new().unwrap();
        write(&folder.path().join(relative));
        let loaded = load(folder.path()).unwrap();
        assert_eq!(loaded.evidence, Evidence::Content);
        assert_eq!(loaded.set.train.pixels, small::pixels(0), "{relative}");
        assert_eq!(loaded.set.test.labels, small::labels(1).into_iter().map(u32::from).collect::<Vec<_>>());
        assert_eq!(loaded.set.checksum, small::manifest().checksum.unwrap());
        assert!(loaded.files.iter().all(|file| file.starts_with(folder.path().join(relative))));
    }
}

/// Puts `bytes` in the place of idx file `index`, and gives the error; a good copy in the next folder
/// must not be taken instead.
fn error_with(index: usize, gzipped: bool, bytes: &[u8]) -> String {
    let (bad, good) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    small::write_idx(bad.path(), gzipped);
    small::write_idx(good.path(), false);
    let name = small::IDX_NAMES[index].to_owned() + if gzipped { ".gz" } else { "" };
    small::write(&bad.path().join(&name), bytes);
    let error = load_with(&small::manifest(), &places(&[bad.path(), good.path()]), &mut Silent).unwrap_err();
    assert!(matches!(error, DataError::Corrupt { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains(bad.path().to_str().unwrap()) && text.contains("Replace it"), "{text}");
    text
}

fn edited(index: usize, edit: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut bytes = small::idx_files()[index].clone();
    edit(&mut bytes);
    bytes
}

#[test]
fn wrong_idx_files_are_named_with_what_was_expected_and_found() {
    let says = |text: String, parts: &[&str]| {
        for part in parts {
            assert!(text.contains(part), "no `{part}` in: {text}");
        }
    };
    says(error_with(0, false, &edited(0, |b| b[3] = 1)), &[small::IDX_NAMES[0], "0x0803", "0x00000801"]);
    says(error_with(1, false, &edited(1, |b| b[7] += 1)), &[small::IDX_NAMES[1], "[20]", "[21]"]);
    says(error_with(2, false, &edited(2, |b| b[11] = 27)), &["[10, 28, 28]", "[10, 27, 28]"]);
    // Four thousand million images declared: refused by the number, not by running out of memory.
    says(error_with(0, false, &edited(0, |b| b[4..8].fill(255))), &["[4294967295, 28, 28]"]);
    says(error_with(0, false, &edited(0, |b| b.truncate(9_000))), &["15680 bytes", "end of file"]);
    says(error_with(3, false, &edited(3, |b| b.push(0))), &["more bytes behind"]);
    says(error_with(3, false, &[]), &["end of file"]);
    says(error_with(1, false, &edited(1, |b| b[10] = 10)), &["labels below 10", "label 10 at example 2"]);
    says(
        error_with(0, false, &edited(0, |b| b[5_000] ^= 1)),
        &["SHA-256", &small::manifest().checksum.unwrap()[..9]],
    );
    let packed = small::gzip(&small::idx_files()[0]);
    says(error_with(0, true, &packed[..packed.len() / 2]), &["end of file"]);
    let mut flipped = packed.clone();
    let last = flipped.len() - 6; // in the CRC
    flipped[last] ^= 1;
    says(error_with(0, true, &flipped), &["damaged contents"]);
    for behind in [&b"\0"[..], b"a page of HTML"] {
        says(error_with(0, true, &[&packed, behind].concat()), &["bytes behind the end of the gzip data"]);
    }
}

#[test]
fn a_missing_set_lists_every_place_and_the_cure() {
    let empty = TempDir::new().unwrap();
    let absent = empty.path().join("absent");
    let error = load_with(&small::manifest(), &places(&[empty.path(), &absent]), &mut Silent).unwrap_err();
    assert!(!error.is_usage());
    let text = error.to_string();
    for part in [
        "`small` was not found",
        empty.path().to_str().unwrap(),
        "absent (--data-dir): no such folder",
        "no files of this set",
        "plasticity-bench data fetch small",
        "PLASTICITY_DATA_DIR",
        "train-images-idx3-ubyte",
    ] {
        assert!(text.contains(part), "no `{part}` in: {text}");
    }
}

#[test]
fn a_folder_without_the_set_is_passed_over_and_a_part_of_it_is_not() {
    let (first, second) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    small::write_idx(&second.path().join("mnist"), true);
    let places = places(&[first.path(), second.path()]);
    let loaded = load_with(&small::manifest(), &places, &mut Silent).unwrap();
    assert!(loaded.place.contains(second.path().to_str().unwrap()));

    small::write(&first.path().join("mnist").join(small::IDX_NAMES[2]), &small::idx_files()[2]);
    let text = load_with(&small::manifest(), &places, &mut Silent).unwrap_err().to_string();
    assert!(text.contains("t10k-images-idx3-ubyte is there, train-images-idx3-ubyte is not"), "{text}");

    // Beside a whole copy in the same data folder the part does no harm.
    parquet_pair(&first.path().join("mnist"), MAIN);
    assert!(
        load_with(&small::manifest(), &places, &mut Silent)
            .unwrap()
            .place
            .contains(first.path().to_str().unwrap())
    );
}

/// data/README.md against the manifests: every folder and every file's first name.
#[test]
fn the_layouts_are_documented() {
    let text = include_str!("../data/README.md");
    for manifest in plasticity_bench::data::MANIFESTS {
        assert!(text.contains(manifest.name), "{}", manifest.name);
        for form in manifest.origin.forms() {
            for folder in form.folders.iter().filter(|&&folder| folder != ".") {
                assert!(text.contains(&format!("`DIR/{folder}`")), "{} in {folder}", manifest.name);
            }
            for names in form.files {
                // Of numbered files the first and the last are named.
                let name = names[0];
                let middle = (2..10).any(|number| {
                    name.ends_with(&format!("_{number}.npz"))
                        || number < 5 && name.ends_with(&format!("_{number}.bin"))
                });
                assert!(middle || text.contains(&format!("`{name}`")), "{name}");
            }
        }
        if let Some(hub) = manifest.origin.hub() {
            assert!(text.contains(&format!("`{}/{}`", hub.owner, hub.repository)), "{}", hub.repository);
        }
    }
}

#[cfg(unix)]
#[test]
fn what_is_no_file_in_a_files_place_is_named() {
    let folder = TempDir::new().unwrap();
    let place = folder.path().join("mnist");
    small::write_idx(&place, false);
    let images = place.join(small::IDX_NAMES[0]);
    let says = |found: &str| {
        let text = load(folder.path()).unwrap_err().to_string();
        assert!(text.contains(images.to_str().unwrap()) && text.contains(found), "{found}: {text}");
    };
    std::fs::remove_file(&images).unwrap();
    std::fs::create_dir(&images).unwrap();
    says("a folder");
    std::fs::remove_dir(&images).unwrap();
    std::os::unix::fs::symlink("nowhere", &images).unwrap();
    says("a link that leads to no file");
    std::fs::remove_file(&images).unwrap();
    let made = std::process::Command::new("mkfifo").arg(&images).status().unwrap();
    assert!(made.success());
    says("a pipe");
    // The same file under another accepted name will do.
    small::write(&place.join("train-images-idx3-ubyte.gz"), &small::gzip(&small::idx_files()[0]));
    assert_eq!(load(folder.path()).unwrap().set.train.pixels, small::pixels(0));
}

#[test]
fn several_gzip_members_are_one_file() {
    let folder = TempDir::new().unwrap();
    small::write_idx(folder.path(), true);
    let whole = small::idx_files();
    let (head, tail) = whole[0].split_at(100);
    let packed = [small::gzip(head), small::gzip(tail)].concat();
    small::write(&folder.path().join("train-images-idx3-ubyte.gz"), &packed);
    assert_eq!(load(folder.path()).unwrap().set.train.pixels, small::pixels(0));
}

#[test]
fn verify_reports_every_copy() {
    let folder = TempDir::new().unwrap();
    small::write_idx(&folder.path().join("mnist"), true);
    parquet_pair(&folder.path().join("hub/ylecun--mnist/mnist"), MAIN);
    small::write_idx(folder.path(), false);
    small::write(&folder.path().join(small::IDX_NAMES[3]), &edited(3, |b| b[9] ^= 1));
    let reports = verify_with(&small::manifest(), &places(&[folder.path()]), None, &mut Silent).unwrap();
    let outcomes: Vec<bool> = reports.iter().map(Result::is_ok).collect();
    assert_eq!(outcomes, [true, false, true], "{reports:?}");
    let shown = reports[0].as_ref().unwrap().to_string();
    assert!(
        shown.starts_with("small: 20 training and 10 test images, content verified by SHA-256"),
        "{shown}"
    );
}

fn png_rows(count: usize) -> Vec<Option<Vec<u8>>> {
    let image = |i: usize| small::png(&vec![i as u8; 784], 28, 28, png::ColorType::Grayscale);
    (0..count).map(|i| Some(image(i))).collect()
}

fn label_rows(count: usize) -> Vec<Option<i64>> {
    (0..count).map(|i| Some(i64::try_from(i % 10).unwrap())).collect()
}

/// The error of loading with `train` as the training file.
fn parquet_error(train: &[u8]) -> String {
    let folder = TempDir::new().unwrap();
    parquet_pair(folder.path(), MAIN);
    small::write(&folder.path().join(MAIN[0]), train);
    let error = load(folder.path()).unwrap_err();
    assert!(matches!(error, DataError::Corrupt { .. }), "{error}");
    error.to_string()
}

#[test]
fn wrong_tables_are_named_with_what_was_expected_and_found() {
    let says = |text: String, parts: &[&str]| {
        for part in parts {
            assert!(text.contains(part), "no `{part}` in: {text}");
        }
    };
    let (images, labels) = (png_rows(20), label_rows(20));
    says(
        parquet_error(&small::table("image", &png_rows(19), &[("label", &label_rows(19))])),
        &["20 rows", "19"],
    );
    says(
        parquet_error(&small::table("img", &images, &[("fine_label", &labels)])),
        &["a column `image.bytes`", "img.bytes, img.path, fine_label"],
    );
    let mut gap = labels.clone();
    gap[13] = None;
    says(
        parquet_error(&small::table("image", &images, &[("label", &gap)])),
        &["column `label`", "an empty cell in row 13"],
    );
    let mut wide = labels.clone();
    wide[3] = Some(10);
    says(parquet_error(&small::table("image", &images, &[("label", &wide)])), &["0 to 9", "10 in row 3"]);
    let mut pictures = images.clone();
    pictures[2] = None;
    says(
        parquet_error(&small::table("image", &pictures, &[("label", &labels)])),
        &["an empty cell in row 2"],
    );
    pictures[2] = Some(small::png(&[0; 32 * 32], 32, 32, png::ColorType::Grayscale));
    says(
        parquet_error(&small::table("image", &pictures, &[("label", &labels)])),
        &["28×28", "32×32", "row 2"],
    );
    pictures[2] = Some(small::png(&[0; 784 * 3], 28, 28, png::ColorType::Rgb));
    says(parquet_error(&small::table("image", &pictures, &[("label", &labels)])), &["1 channel", "Rgb"]);
    pictures[2] = Some(b"GIF89a".to_vec());
    says(parquet_error(&small::table("image", &pictures, &[("label", &labels)])), &["damaged PNG"]);
    says(parquet_error(&small::table("image", &images, &[("label", &labels)])), &["SHA-256"]);
    let good = small::parquet_file(0);
    says(parquet_error(&good[..good.len() - 100]), &["Parquet table"]);
}

/// Whatever single byte is damaged: an error, or the same content (a byte that carries none), never
/// another set and never a panic.
#[test]
fn damage_anywhere_is_an_error_or_without_effect() {
    let folder = TempDir::new().unwrap();
    parquet_pair(folder.path(), MAIN);
    let good = small::parquet_file(0);
    let mut stream = Stream::new(0, "test", 0);
    let mut refused = 0;
    for _ in 0..400 {
        let mut bytes = good.clone();
        let at = stream.below(bytes.len() as u64) as usize;
        bytes[at] ^= 1 << stream.below(8);
        small::write(&folder.path().join(MAIN[0]), &bytes);
        match load(folder.path()) {
            Ok(loaded) => assert_eq!(loaded.set.checksum, small::manifest().checksum.unwrap()),
            Err(DataError::Corrupt { .. }) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(refused > 300, "{refused}");
}

/// CIFAR-100's columns, in colour and not square, so that a swap of planes or axes shows.
fn colours() -> Manifest {
    static FORMS: std::sync::OnceLock<Vec<Form>> = std::sync::OnceLock::new();
    let Origin::Files { forms, hub } = MNIST.origin else { panic!("mnist has files") };
    let columns = Columns { image: "img", label: "fine_label", coarse_label: Some("coarse_label") };
    Manifest {
        name: "colours",
        content: Content::Images,
        channels: 3,
        height: 2,
        width: 3,
        classes: 100,
        coarse_classes: 20,
        train: 3,
        test: 3,
        checksum: None,
        origin: Origin::Files {
            forms: FORMS.get_or_init(|| vec![Form { folders: &["."], ..forms[1] }]),
            hub: Hub { columns, ..hub },
        },
        ..MNIST
    }
}

/// Found by fuzzing: one byte of a page's header made the reader below ours skip past the end of the file without an end in sight.
#[test]
fn a_page_header_without_an_end_is_an_error_at_once() {
    let folder = TempDir::new().unwrap();
    for name in MAIN {
        small::write(&folder.path().join(name), include_bytes!("damaged/page-header-without-end.parquet"));
    }
    let error = load_with(&colours(), &places(&[folder.path()]), &mut Silent).unwrap_err();
    assert!(error.to_string().contains("expected pages of at most"), "{error}");
}

#[test]
fn colour_tables_with_two_label_columns_are_read_by_name() {
    let manifest = colours();
    let rgb: Vec<u8> = (0..18).collect();
    let pictures = vec![Some(small::png(&rgb, 3, 2, png::ColorType::Rgb)); 3];
    let (fine, coarse) = ([Some(99), Some(0), Some(50)], [Some(19), Some(1), Some(2)]);
    // The superclass first: taking columns by type would mistake it for the label.
    let table = small::table("img", &pictures, &[("coarse_label", &coarse), ("fine_label", &fine)]);
    let folder = TempDir::new().unwrap();
    for name in MAIN {
        small::write(&folder.path().join(name), &table);
    }
    let loaded = load_with(&manifest, &places(&[folder.path()]), &mut Silent).unwrap();
    assert_eq!(loaded.evidence, Evidence::CountsOnly);
    let red_then_green_then_blue = [0, 3, 6, 9, 12, 15, 1, 4, 7, 10, 13, 16, 2, 5, 8, 11, 14, 17];
    assert_eq!(loaded.set.train.image(2), red_then_green_then_blue);
    assert_eq!(loaded.set.train.labels, [99, 0, 50]);
    assert_eq!(loaded.set.train.coarse_labels, [19, 1, 2]);
}

#[test]
fn fashion_mnist_is_held_to_the_published_md5_of_its_packed_files() {
    let fashion = Manifest { train: small::TRAIN, test: small::TEST, ..FASHION_MNIST };
    let folder = TempDir::new().unwrap();
    small::write_idx(&folder.path().join("fashion-mnist"), true);
    let text = load_with(&fashion, &places(&[folder.path()]), &mut Silent).unwrap_err().to_string();
    assert!(text.contains("published MD5 8d4fb7e6c68d591d4c3dfef9ec88bf0d"), "{text}");
    // Unpacked there is nothing to hold them to, and the evidence says so.
    let folder = TempDir::new().unwrap();
    small::write_idx(&folder.path().join("FashionMNIST/raw"), false);
    let loaded = load_with(&fashion, &places(&[folder.path()]), &mut Silent).unwrap();
    assert_eq!(loaded.evidence, Evidence::CountsOnly);
    // MNIST's files have the same names, so they are only looked for in folders of its own.
    let folder = TempDir::new().unwrap();
    small::write_idx(folder.path(), false);
    assert!(matches!(
        load_with(&fashion, &places(&[folder.path()]), &mut Silent),
        Err(DataError::Missing { .. })
    ));
}

#[test]
fn an_unknown_name_is_a_usage_error_that_names_the_nearest() {
    let error = plasticity_bench::data::load("fashion_mnist", None, &mut Silent).unwrap_err();
    assert!(error.is_usage());
    assert!(error.to_string().contains("did you mean `fashion-mnist`?"), "{error}");
    let error = plasticity_bench::data::load("svhn", None, &mut Silent).unwrap_err();
    assert!(!error.to_string().contains("did you mean"), "{error}");
}

#[cfg(not(feature = "hub"))]
#[test]
fn a_build_without_the_hub_says_so() {
    let places = Places { folders: Vec::new(), hub: Some(plasticity_bench::data::HubAccess::default()) };
    let text = load_with(&small::manifest(), &places, &mut Silent).unwrap_err().to_string();
    assert!(text.contains("this build has no hub support (cargo feature `hub`)"), "{text}");
}
