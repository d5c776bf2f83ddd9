//! One PNG file to one image's bytes.

use std::io::Cursor;

use png::{BitDepth, ColorType, Decoder, Limits, Transformations};

use super::Manifest;

/// Decodes into `pixels` (channels, height, width), which holds exactly one image of the manifest.
///
/// No conversion is made: a picture of another size, depth or colour type is not of this data set. The
/// error says what was found instead.
pub(super) fn decode(png: &[u8], manifest: &Manifest, pixels: &mut [u8]) -> Result<(), String> {
    // The decoder needs some tables and a line or two; a picture of the right size fits easily.
    let limits = Limits { bytes: 1 << 20 };
    let mut decoder = Decoder::new_with_limits(Cursor::new(png), limits);
    decoder.set_transformations(Transformations::IDENTITY);
    decoder.set_ignore_text_chunk(true);
    decoder.set_ignore_iccp_chunk(true);
    let broken = |error: png::DecodingError| format!("a damaged PNG ({error})");
    let mut reader = decoder.read_info().map_err(broken)?;
    let info = reader.info();
    let color = match manifest.channels {
        1 => ColorType::Grayscale,
        _ => ColorType::Rgb,
    };
    let size = (info.width as usize, info.height as usize);
    if size != (manifest.width, manifest.height)
        || (info.color_type, info.bit_depth) != (color, BitDepth::Eight)
    {
        return Err(format!("{}×{}, {:?}, {:?} bits", size.0, size.1, info.color_type, info.bit_depth));
    }
    if manifest.channels == 1 {
        reader.next_frame(pixels).map_err(broken)?;
    } else {
        let mut interleaved = vec![0; pixels.len()];
        reader.next_frame(&mut interleaved).map_err(broken)?;
        let plane = manifest.height * manifest.width;
        for (at, rgb) in interleaved.chunks_exact(3).enumerate() {
            for (channel, &byte) in rgb.iter().enumerate() {
                pixels[channel * plane + at] = byte;
            }
        }
    }
    Ok(())
}
