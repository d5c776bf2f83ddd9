//! Event files of `TensorBoard`: a folder a run, a scalar a quantity, tasks as steps.
//!
//! A file is a sequence of records: length (u64), its checksum, an Event message, its checksum
//! (`TensorFlow`'s `record_writer.h`); the messages are event.proto's and summary.proto's. Written by
//! hand because it is short and no crate that writes it is kept up.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Context;

use super::{Number, each, named};
use crate::report::plots::slug;
use crate::results::{Results, Run};

const FILE: &str = "events.out.tfevents.0.plasticity-bench";

/// Writes `folder`/BENCHMARK/RUN/ for every run.
pub fn tensorboard(results: &Results, folder: &Path) -> anyhow::Result<()> {
    for (names, run) in named(results) {
        let at = folder.join(slug(names.benchmark)).join(&*names.run);
        let failed = || format!("TensorBoard's file in {} could not be written", at.display());
        fs::create_dir_all(&at).with_context(failed)?;
        let file = File::create(at.join(FILE)).with_context(failed)?;
        one(run, BufWriter::new(file)).with_context(failed)?;
    }
    Ok(())
}

fn one(run: &Run, mut file: impl Write) -> anyhow::Result<()> {
    file.write_all(&record(&version()))?;
    // Steps are counted within their task in steps.csv and through the whole run here.
    let (mut passed, mut last) = (0, (0, 0));
    each(run, &mut |number| {
        let step = match number.step {
            Some(step) if number.kind == "step" => {
                if number.task != last.0 {
                    passed += last.1 + 1;
                }
                last = (number.task, step);
                passed + step
            }
            Some(step) => step,
            None => number.task,
        };
        Ok(file.write_all(&record(&scalar(&tag(number), step as u64, number.value as f32)))?)
    })?;
    Ok(file.flush()?)
}

/// `probe_end/srank/activations.0`: what stands before the first slash is a group on `TensorBoard`'s page.
fn tag(number: &Number<'_>) -> String {
    let mut tag = number.kind.to_owned();
    for (sign, part) in [('_', number.phase), ('/', Some(number.quantity)), ('/', number.layer)] {
        if let Some(part) = part {
            tag.push(sign);
            tag.push_str(part);
        }
    }
    tag
}

/// The Event that opens a file.
fn version() -> Vec<u8> {
    [event(0), field(3, b"brain.Event:2")].concat()
}

/// An Event with one scalar.
pub(super) fn scalar(tag: &str, step: u64, value: f32) -> Vec<u8> {
    let simple = [&[2 << 3 | 5], &value.to_le_bytes()[..]].concat();
    let value = [field(1, tag.as_bytes()), simple].concat();
    [event(step), field(5, &field(1, &value))].concat()
}

/// `wall_time` and step. The time is the step itself, in seconds, so that a file is the same bytes whenever
/// it is written.
fn event(step: u64) -> Vec<u8> {
    // Protocol buffers leave zeros out.
    if step == 0 {
        return Vec::new();
    }
    [&[1 << 3 | 1], &(step as f64).to_le_bytes()[..], &[2 << 3], &varint(step)].concat()
}

/// A length-delimited field of a protocol buffer.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2], &varint(bytes.len() as u64)[..], bytes].concat()
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value > 127 {
        bytes.push(value as u8 | 128);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A message with its length and checksums.
pub(super) fn record(message: &[u8]) -> Vec<u8> {
    let length = (message.len() as u64).to_le_bytes();
    [&length[..], &masked(&length), message, &masked(message)].concat()
}

/// CRC-32C, turned and shifted so that the checksum of data with checksums in it stays strong.
fn masked(bytes: &[u8]) -> [u8; 4] {
    crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

/// CRC-32 with Castagnoli's polynomial (RFC 3720, B.4).
pub(super) fn crc32c(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| TABLE[((crc ^ u32::from(byte)) & 255) as usize] ^ (crc >> 8))
}

const TABLE: [u32; 256] = {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut crc, mut bit) = (byte as u32, 0);
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0x82f6_3b78 } else { crc >> 1 };
            bit += 1;
        }
        table[byte] = crc;
        byte += 1;
    }
    table
};
