//! Checked plans as one spec: what they share in its sections, the rest in `[[variants]]`, every default
//! spelled out.

use std::fmt::Write as _;

use super::Plan;
use super::write::{inline, quoted};

/// The spec whose runs are `plans` with each of `seeds`. `comment` is lines for its head.
///
/// # Panics
/// If there is no plan, or they have different names.
#[must_use]
pub fn variants_toml(plans: &[Plan], seeds: &[u64], comment: &str) -> String {
    let first = &plans[0];
    assert!(plans.iter().all(|plan| plan.name == first.name), "variants are of one benchmark");
    let sections: Vec<_> = plans.iter().map(sections).collect();
    let is_shared = |one: &(String, Vec<Block>)| sections.iter().all(|plan| plan.contains(one));
    let mut out = String::new();
    for line in comment.lines() {
        let _ = writeln!(out, "# {line}");
    }
    let _ = writeln!(out, "name = {}\nsource = {}", quoted(&first.name), quoted(&first.source));
    for (header, blocks) in sections[0].iter().filter(|one| is_shared(one)) {
        for block in blocks {
            block.write("", header, &mut out);
        }
    }
    let _ = writeln!(out, "\n[grid]\nseeds = {seeds:?}");
    for plan in &sections {
        out += "\n[[variants]]\n";
        for (header, blocks) in plan.iter().filter(|one| !is_shared(one)) {
            for block in blocks {
                block.write("variants.", header, &mut out);
            }
        }
    }
    out
}

/// A table of a section, of which `[[method]]` has several.
#[derive(PartialEq)]
struct Block {
    is_of_list: bool,
    lines: String,
}

impl Block {
    fn write(&self, prefix: &str, header: &str, out: &mut String) {
        let (open, close) = if self.is_of_list { ("[[", "]]") } else { ("[", "]") };
        let _ = write!(out, "\n{open}{prefix}{header}{close}\n{}", self.lines);
    }
}

/// The sections of a plan by header, each with its tables.
fn sections(plan: &Plan) -> Vec<(String, Vec<Block>)> {
    let mut all: Vec<(String, Vec<Block>)> = Vec::new();
    for section in plan.sections() {
        let bare = section.header.trim_matches(['[', ']']).to_owned();
        let mut lines = String::new();
        for line in section.lines.iter().filter(|line| line.written) {
            let _ = writeln!(lines, "{} = {}", line.key, inline(&line.value));
        }
        let block = Block { is_of_list: section.header.starts_with('['), lines };
        match all.iter_mut().find(|(header, _)| *header == bare) {
            Some((_, blocks)) => blocks.push(block),
            None => all.push((bare, vec![block])),
        }
    }
    all
}
