//! Moving pictures: GIF (`CompuServe` 1990), one palette for all frames, played for ever.

use std::collections::HashMap;

/// Levels of red, of green and of blue in the palette.
const LEVELS: u16 = 6;
/// Bits of a colour's number: 216 colours and 40 that nobody uses.
const BITS: u8 = 8;

/// Number of the colour nearest to (red, green, blue).
pub fn colour(rgb: [u8; 3]) -> u8 {
    let level = |value: u8| (u16::from(value) * (LEVELS - 1) + 127) / 255;
    let [red, green, blue] = rgb.map(level);
    ((red * LEVELS + green) * LEVELS + blue) as u8
}

/// A file of frames of colour numbers, row by row, each shown for so many hundredths of a second.
pub fn encode(width: u16, height: u16, frames: &[Vec<u8>], hundredths: u16) -> Vec<u8> {
    let mut out = b"GIF89a".to_vec();
    let size = [width.to_le_bytes(), height.to_le_bytes()].concat();
    out.extend(&size);
    out.extend([0xf0 | (BITS - 1), 0, 0]);
    for number in 0..1u16 << BITS {
        let levels = [number / (LEVELS * LEVELS), number / LEVELS % LEVELS, number % LEVELS];
        out.extend(levels.map(|level| (level * 255 / (LEVELS - 1)).min(255) as u8));
    }
    out.extend(b"\x21\xff\x0bNETSCAPE2.0\x03\x01\x00\x00\x00");
    for frame in frames {
        out.extend([0x21, 0xf9, 4, 0]);
        out.extend(hundredths.to_le_bytes());
        out.extend([0, 0]);
        out.extend([0x2c, 0, 0, 0, 0]);
        out.extend(&size);
        out.push(0);
        out.push(BITS);
        for block in compress(frame, BITS).chunks(255) {
            out.push(block.len() as u8);
            out.extend(block);
        }
        out.push(0);
    }
    out.push(0x3b);
    out
}

/// LZW as GIF has it: codes of growing length, the lowest bit first.
fn compress(colours: &[u8], bits: u8) -> Vec<u8> {
    let clear = 1u16 << bits;
    let mut codes = Codes { out: Vec::new(), pending: 0, held: 0, length: bits + 1 };
    let mut known: HashMap<(u16, u8), u16> = HashMap::new();
    let mut next = clear + 2;
    codes.put(clear);
    let Some((&first, rest)) = colours.split_first() else {
        codes.put(clear + 1);
        return codes.finish();
    };
    let mut prefix = u16::from(first);
    for &colour in rest {
        if let Some(&code) = known.get(&(prefix, colour)) {
            prefix = code;
            continue;
        }
        codes.put(prefix);
        if next < 4096 {
            // The reader learns this code one step later than the writer.
            if next == 1 << codes.length {
                codes.length += 1;
            }
            known.insert((prefix, colour), next);
            next += 1;
        } else {
            codes.put(clear);
            known.clear();
            next = clear + 2;
            codes.length = bits + 1;
        }
        prefix = u16::from(colour);
    }
    codes.put(prefix);
    // The reader has learned one more code when it comes to the end mark.
    if next == 1 << codes.length && codes.length < 12 {
        codes.length += 1;
    }
    codes.put(clear + 1);
    codes.finish()
}

/// Codes on their way into bytes.
struct Codes {
    out: Vec<u8>,
    pending: u32,
    held: u8,
    length: u8,
}

impl Codes {
    fn put(&mut self, code: u16) {
        self.pending |= u32::from(code) << self.held;
        self.held += self.length;
        while self.held >= 8 {
            self.out.push(self.pending as u8);
            self.pending >>= 8;
            self.held -= 8;
        }
    }

    fn finish(mut self) -> Vec<u8> {
        if self.held > 0 {
            self.out.push(self.pending as u8);
        }
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sample image of M. Flickinger, "What's in a GIF": ten by ten points of four colours, and its bytes
    /// as a program of others wrote them.
    #[test]
    fn a_known_image_has_its_known_bytes() {
        let rows = [
            "1111122222",
            "1111122222",
            "1111122222",
            "1110000222",
            "1110000222",
            "2220000111",
            "2220000111",
            "2222211111",
            "2222211111",
            "2222211111",
        ];
        let colours: Vec<u8> = rows.concat().bytes().map(|digit| digit - b'0').collect();
        assert_eq!(
            compress(&colours, 2),
            [
                0x8c, 0x2d, 0x99, 0x87, 0x2a, 0x1c, 0xdc, 0x33, 0xa0, 0x02, 0x75, 0xec, 0x95, 0xfa, 0xa8,
                0xde, 0x60, 0x8c, 0x04, 0x91, 0x4c, 0x01
            ]
        );
    }

    /// What a reader makes of codes, by the specification's rules.
    fn expand(bytes: &[u8], bits: u8) -> Vec<u8> {
        let (clear, end) = (1usize << bits, (1usize << bits) + 1);
        let (mut at, mut length) = (0, usize::from(bits) + 1);
        let mut read = |length: usize| {
            let code = (0..length).map(|i| usize::from(bytes[(at + i) / 8] >> ((at + i) % 8) & 1) << i).sum();
            at += length;
            code
        };
        let mut table: Vec<Vec<u8>> = Vec::new();
        let (mut out, mut last): (Vec<u8>, Option<Vec<u8>>) = (Vec::new(), None);
        loop {
            let code: usize = read(length);
            if code == clear {
                table = (0..=end).map(|i| vec![i as u8]).collect();
                (length, last) = (usize::from(bits) + 1, None);
                continue;
            }
            if code == end {
                return out;
            }
            let entry = match &last {
                Some(last) if code == table.len() => [&last[..], &last[..1]].concat(),
                _ => table[code].clone(),
            };
            out.extend(&entry);
            if let Some(last) = last.filter(|_| table.len() < 4096) {
                table.push([&last[..], &entry[..1]].concat());
            }
            if table.len() == 1 << length && length < 12 {
                length += 1;
            }
            last = Some(entry);
        }
    }

    #[test]
    fn what_is_compressed_comes_back() {
        let mut noise = crate::random::Stream::new(0, "test", 0);
        for (count, kinds) in [(1, 1), (255, 3), (5000, 2), (40_000, 7), (40_000, 216)] {
            let colours: Vec<u8> = (0..count).map(|_| noise.below(kinds) as u8).collect();
            assert_eq!(expand(&compress(&colours, BITS), BITS), colours, "{count} {kinds}");
        }
    }

    #[test]
    fn colours_of_the_palette_are_themselves() {
        assert_eq!([[0, 0, 0], [255, 255, 255], [51, 102, 204]].map(colour), [0, 215, 52]);
    }
}
