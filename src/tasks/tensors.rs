//! A safetensors file written row by row: 8 bytes of header length, a JSON header padded to a multiple
//! of 8 bytes, then the values. The `safetensors` crate, which reads it back in the tests, writes only
//! tensors that are in memory as a whole.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::Inputs;

/// Writes `metadata` and the whole of each of `tensors`, (examples, channels, height, width) in f32.
pub fn write(
    metadata: &[(&str, String)],
    tensors: &[(&str, &Inputs)],
    file: &mut impl Write,
) -> io::Result<()> {
    let pairs: Vec<String> =
        metadata.iter().map(|(key, value)| format!("\"{key}\":{}", json_string(value))).collect();
    let mut header = format!("{{\"__metadata__\":{{{}}}", pairs.join(","));
    let mut offset = 0;
    for (name, inputs) in tensors {
        let (channels, height, width) = inputs.dims();
        let (examples, end) = (inputs.len(), offset + inputs.len() * inputs.features() * size_of::<f32>());
        let _ = write!(
            header,
            ",\"{name}\":{{\"dtype\":\"F32\",\"shape\":[{examples},{channels},{height},{width}],\
             \"data_offsets\":[{offset},{end}]}}"
        );
        offset = end;
    }
    header.push('}');
    let length = header.len().next_multiple_of(8);
    file.write_all(&(length as u64).to_le_bytes())?;
    write!(file, "{header:<length$}")?;
    let mut values = Vec::new();
    for (_, inputs) in tensors {
        for position in 0..inputs.len() {
            inputs.gather_range(position..position + 1, &mut values);
            for value in &values {
                file.write_all(&value.to_le_bytes())?;
            }
        }
    }
    Ok(())
}

/// A JSON string in ASCII, so that padding by characters is padding by bytes.
fn json_string(text: &str) -> String {
    let mut quoted = String::from('"');
    for unit in text.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte @ b' '..=b'~') if byte != b'"' && byte != b'\\' => quoted.push(char::from(byte)),
            _ => {
                let _ = write!(quoted, "\\u{unit:04x}");
            }
        }
    }
    quoted.push('"');
    quoted
}
