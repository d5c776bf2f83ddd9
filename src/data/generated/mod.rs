//! Procedural sets: no files, no download, the same bytes on every machine.
//!
//! They are for trying the suite out, for tests, and for machines without data; figures on them are
//! comparable with each other only. All functions beyond +, -, ×, ÷ and √ come from `libm`, because
//! the platforms' own sines differ in the last bit.

mod canvas;
mod digits;
mod text;
mod textures;

pub use digits::GENERATED_DIGITS;
pub use text::GENERATED_TEXT;
pub(super) use text::{BLANK, COMMA, STOP, windows};
pub use textures::GENERATED_TEXTURES;

#[cfg(test)]
mod tests;
