//! Lines for stderr that do not depend on there being a reader.

use std::fmt::Display;
use std::io::{self, Write};

/// Writes `text` and a line end to stderr, if that can be done.
///
/// `eprintln!` panics where stderr is closed, full, or a terminal that has hung up. News must not end
/// what they are about, nor change its exit code.
pub fn tell(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
