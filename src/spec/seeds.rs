//! Seeds in words: `0..5` (the end left out), `0,3,7`, `4`, and any of these with commas between.

use super::MAX_RUNS;

/// TOML's integers end here, and plans are written as TOML.
const LARGEST: u64 = i64::MAX as u64;

/// The seeds in the order given, each once; the error says why not.
pub(super) fn parse(text: &str) -> Result<Vec<u64>, String> {
    let mut seeds = Vec::new();
    for part in text.split(',').map(str::trim) {
        match part.split_once("..") {
            None => seeds.push(number(part)?),
            Some((first, end)) => {
                let (first, end) = (number(first)?, number(end)?);
                if first >= end {
                    return Err(format!("{part} holds no seed, because the end of a range is left out"));
                }
                if end - first > MAX_RUNS as u64 {
                    return Err(format!("{part} holds more than {MAX_RUNS} seeds"));
                }
                seeds.extend(first..end);
            }
        }
        if seeds.len() > MAX_RUNS {
            return Err(format!("there are more than {MAX_RUNS} seeds"));
        }
    }
    once(&mut seeds);
    Ok(seeds)
}

/// Leaves the first of equal seeds.
pub(super) fn once(seeds: &mut Vec<u64>) {
    let mut seen = std::collections::BTreeSet::new();
    seeds.retain(|&seed| seen.insert(seed));
}

fn number(text: &str) -> Result<u64, String> {
    let text = text.trim();
    // u64::from_str also takes a plus sign.
    let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse()
        .ok()
        .filter(|&seed| digits && seed <= LARGEST)
        .ok_or_else(|| format!("{text:?} is no whole number from 0 to {LARGEST}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_leave_out_their_end_and_lists_keep_their_order() {
        assert_eq!(parse("0..5").unwrap(), [0, 1, 2, 3, 4]);
        assert_eq!(parse("7, 0,3").unwrap(), [7, 0, 3]);
        assert_eq!(parse("4").unwrap(), [4]);
        assert_eq!(parse("0..3,2,10..12").unwrap(), [0, 1, 2, 10, 11]);
        assert_eq!(parse("9223372036854775807").unwrap(), [LARGEST]);
    }

    #[test]
    fn what_is_no_seed_is_refused() {
        for (text, why) in [
            ("", "\"\" is no whole number from 0 to 9223372036854775807"),
            ("-1", "\"-1\" is no whole number from 0 to 9223372036854775807"),
            ("+1", "\"+1\" is no whole number from 0 to 9223372036854775807"),
            ("1.5", "\"1.5\" is no whole number from 0 to 9223372036854775807"),
            ("0..=3", "\"=3\" is no whole number from 0 to 9223372036854775807"),
            ("..3", "\"\" is no whole number from 0 to 9223372036854775807"),
            (
                "9223372036854775808",
                "\"9223372036854775808\" is no whole number from 0 to 9223372036854775807",
            ),
            ("5..5", "5..5 holds no seed, because the end of a range is left out"),
            ("0..100001", "0..100001 holds more than 100000 seeds"),
            ("0..100000,0..100000", "there are more than 100000 seeds"),
        ] {
            assert_eq!(parse(text).unwrap_err(), why);
        }
    }
}
