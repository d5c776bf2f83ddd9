//! A data set small enough to write in a test, in every form that the program reads.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use plasticity_bench::data::{MNIST, Manifest};
use sha2::{Digest, Sha256};

pub const TRAIN: usize = 20;
pub const TEST: usize = 10;
pub const SIZE: usize = 784;

pub const IDX_NAMES: [&str; 4] = [
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
];

/// MNIST's manifest with this small set's counts and checksum.
pub fn manifest() -> Manifest {
    let mut hash = Sha256::new();
    for split in [0, 1] {
        hash.update(pixels(split));
        hash.update(labels(split));
    }
    let checksum = hex(&hash.finalize());
    Manifest { name: "small", train: TRAIN, test: TEST, checksum: Some(checksum.leak()), ..MNIST }
}

pub fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap();
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

pub fn count(split: usize) -> usize {
    [TRAIN, TEST][split]
}

pub fn pixels(split: usize) -> Vec<u8> {
    (0..count(split) * SIZE).map(|i| ((i * i / 7 + i * 31 + split * 101) % 256) as u8).collect()
}

pub fn labels(split: usize) -> Vec<u8> {
    (0..count(split)).map(|i| ((i * 7 + split) % 10) as u8).collect()
}

/// The four idx files in the order of [`IDX_NAMES`].
pub fn idx_files() -> [Vec<u8>; 4] {
    let images = |split| {
        let mut file = vec![0, 0, 8, 3];
        for n in [count(split), 28, 28] {
            file.extend(u32::try_from(n).unwrap().to_be_bytes());
        }
        file.extend(pixels(split));
        file
    };
    let classes = |split| {
        let mut file = vec![0, 0, 8, 1];
        file.extend(u32::try_from(count(split)).unwrap().to_be_bytes());
        file.extend(labels(split));
        file
    };
    [images(0), classes(0), images(1), classes(1)]
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

pub fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, bytes).unwrap();
}

/// Writes the set as idx files.
pub fn write_idx(folder: &Path, gzipped: bool) {
    for (name, bytes) in IDX_NAMES.iter().zip(idx_files()) {
        if gzipped {
            write(&folder.join(format!("{name}.gz")), &gzip(&bytes));
        } else {
            write(&folder.join(name), &bytes);
        }
    }
}

pub fn png(pixels: &[u8], width: u32, height: u32, color: png::ColorType) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(color);
    encoder.write_header().unwrap().write_image_data(pixels).unwrap();
    bytes
}

/// One of the hub's files of the small set.
pub fn parquet_file(split: usize) -> Vec<u8> {
    let images: Vec<Option<Vec<u8>>> =
        pixels(split).chunks(SIZE).map(|image| Some(png(image, 28, 28, png::ColorType::Grayscale))).collect();
    let labels: Vec<Option<i64>> = labels(split).iter().map(|&label| Some(i64::from(label))).collect();
    table("image", &images, &[("label", &labels)])
}

/// A Parquet table as the hub's: a group of `bytes` and `path`, and integer columns, all of them
/// nullable; in two row groups, compressed.
pub fn table(image: &str, images: &[Option<Vec<u8>>], columns: &[(&str, &[Option<i64>])]) -> Vec<u8> {
    let integers: String = columns.iter().flat_map(|(name, _)| ["optional int64 ", name, ";"]).collect();
    let schema = format!(
        "message schema {{ optional group {image} {{ optional binary bytes; optional binary path (UTF8); }} {integers} }}"
    );
    let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
    let schema = Arc::new(parse_message_type(&schema).unwrap());
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties)).unwrap();
    let half = images.len().div_ceil(2);
    for rows in [0..half, half..images.len()] {
        let mut group = writer.next_row_group().unwrap();
        let bytes: Vec<ByteArray> =
            images[rows.clone()].iter().flatten().map(|png| ByteArray::from(png.clone())).collect();
        let levels: Vec<i16> =
            images[rows.clone()].iter().map(|png| if png.is_some() { 2 } else { 1 }).collect();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&bytes, Some(&levels), None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<ByteArrayType>().write_batch(&[], Some(&vec![1; rows.len()]), None).unwrap();
        column.close().unwrap();
        for (_, values) in columns {
            let levels: Vec<i16> = values[rows.clone()].iter().map(|v| i16::from(v.is_some())).collect();
            let values: Vec<i64> = values[rows.clone()].iter().flatten().copied().collect();
            let mut column = group.next_column().unwrap().unwrap();
            column.typed::<Int64Type>().write_batch(&values, Some(&levels), None).unwrap();
            column.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.into_inner().unwrap()
}
