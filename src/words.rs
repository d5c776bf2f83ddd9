//! How sentences count.

/// "1 run", "2 runs".
#[must_use]
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// "one run", "2 runs": where one in digits would read badly.
#[must_use]
pub fn one_in_words(count: usize, noun: &str) -> String {
    if count == 1 { format!("one {noun}") } else { counted(count, noun) }
}
