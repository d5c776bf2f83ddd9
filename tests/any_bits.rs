//! The fuzz target of environments, driven by a generator of its own: states, worlds and models of any bits.

mod mechanisms;

use std::time::{Duration, Instant};

use plasticity_bench::environments;
use plasticity_bench::random::Stream;

/// A number for a state, an action or a change: of any bits, an edge, or of a size that mechanisms have.
fn any_number(draws: &mut Stream) -> f64 {
    let edges = [0.0, -0.0, 1.0, f64::MIN_POSITIVE, f64::MAX, f64::INFINITY, f64::NAN, 1e-300, 1e300];
    match draws.below(8) {
        0 => f64::from_bits(draws.bits()),
        1 => edges[draws.below(edges.len() as u64) as usize],
        2 => libm::exp10(draws.uniform(-20.0, 20.0)) * draws.normal(),
        _ => libm::exp10(draws.uniform(-3.0, 3.0)) * draws.normal(),
    }
}

/// Input for `mechanisms::run`: a state in a changed world, or the text of a model with some lines and numbers
/// changed.
fn any_input(models: &[String], draws: &mut Stream) -> Vec<u8> {
    let known = environments::entries().len() as u64;
    if draws.below(4) > 0 {
        let mut input = vec![draws.below(known) as u8];
        let sound = draws.below(2) == 0;
        for _ in 0..5 {
            let change = if sound { libm::exp10(draws.uniform(-3.0, 3.0)) } else { any_number(draws) };
            input.extend(change.to_le_bytes());
        }
        let calm = draws.below(2) == 0;
        for _ in 0..60 {
            let number = if calm { draws.normal() } else { any_number(draws) };
            input.extend(number.to_le_bytes());
        }
        return input;
    }
    let model = &models[draws.below(models.len() as u64) as usize];
    let mut lines: Vec<String> = model.lines().map(str::to_owned).collect();
    for _ in 0..=draws.below(4) {
        let at = draws.below(lines.len() as u64) as usize;
        match draws.below(4) {
            0 => drop(lines.remove(at)),
            1 => lines.insert(at, lines[draws.below(lines.len() as u64) as usize].clone()),
            _ => {
                // One of the line's numbers becomes another.
                let is_number = |c: char| c.is_ascii_digit() || ".-e".contains(c);
                let starts: Vec<usize> =
                    lines[at].char_indices().filter(|(_, c)| c.is_ascii_digit()).map(|(i, _)| i).collect();
                let Some(&start) = starts.get(draws.below(starts.len().max(1) as u64) as usize) else {
                    continue;
                };
                let length = lines[at][start..].find(|c| !is_number(c)).unwrap_or(lines[at].len() - start);
                lines[at].replace_range(start..start + length, &format!("{:?}", any_number(draws)));
            }
        }
        if lines.is_empty() {
            break;
        }
    }
    [&[u8::MAX][..], lines.join("\n").as_bytes()].concat()
}

/// Inputs until the time is up, at least so many; how many there were.
fn many_inputs(seed: u64, least: usize, time: Duration) -> usize {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/environments/models");
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "toml")).collect();
    files.sort();
    let models: Vec<String> = files.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
    let began = Instant::now();
    let mut count = 0;
    while count < least || began.elapsed() < time {
        let input = any_input(&models, &mut Stream::new(seed, "inputs", count as u64));
        let calm = std::panic::catch_unwind(|| mechanisms::run(&input)).is_ok();
        assert!(calm, "input {count} of seed {seed}: {}", String::from_utf8_lossy(&input));
        count += 1;
    }
    count
}

#[test]
fn inputs_of_any_bits_end_in_numbers_or_words() {
    many_inputs(1, 2000, Duration::ZERO);
}

/// Found by libFuzzer: a finger whose state is of finite numbers and whose touch is none.
#[test]
fn an_observation_without_numbers_ends_the_episode() {
    mechanisms::run(&[
        15, 15, 0, 0, 0, 1, 0, 0, 78, 0, 78, 15, 104, 15, 13, 15, 15, 97, 104, 63, 99, 111, 114, 78, 1, 0, 0,
        101, 0, 0, 0, 20, 15, 15, 15, 110, 15, 15, 100, 105, 114, 101, 99, 116, 15, 15, 15, 15, 15, 15, 15,
        15, 40,
    ]);
}

#[test]
#[ignore = "100 seconds"]
fn inputs_of_any_bits_end_in_numbers_or_words_at_length() {
    let count = many_inputs(2, 0, Duration::from_secs(100));
    println!("{count} inputs");
}
