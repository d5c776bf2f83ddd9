//! Tells the crate which commit it is built from, for the provenance of results, with `-dirty` where a file
//! that the program is made of differs from that commit. A build without git, or outside the project's own
//! repository, goes on without that knowledge.
//!
//! This runs again when such a file or the commit changes, which compiles the crate anew in any case: a
//! build after which nothing changed does not run it, and edits elsewhere (documentation, benchmarks) are
//! neither looked at nor called dirty.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the program is made of; the table outside `src` is the one that it includes.
const SOURCES: [&str; 5] = ["src", "tests/reference/class_order.csv", "Cargo.toml", "Cargo.lock", "build.rs"];

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it for build scripts"));
    // Naming no file at all would make cargo run this whenever any file of the package changes.
    println!("cargo::rerun-if-changed=build.rs");
    if let Some(commit) = from_repository(&root).or_else(|| from_package(&root)) {
        println!("cargo::rustc-env=PLASTICITY_COMMIT={commit}");
    }
}

fn from_repository(root: &Path) -> Option<String> {
    // An unpacked package can lie inside someone else's repository, whose commit would be a lie.
    let top = PathBuf::from(git(root, &["rev-parse", "--show-toplevel"])?);
    if top.canonicalize().ok()? != root.canonicalize().ok()? {
        return None;
    }
    // HEAD changes with a checkout, its log and the branch with a commit. A worktree
    // keeps the first in a folder of its own, so git is asked where each one is.
    let branch = git(root, &["symbolic-ref", "--quiet", "HEAD"]);
    for name in ["HEAD", "logs/HEAD", "packed-refs"].into_iter().chain(branch.as_deref()) {
        let path = root.join(git(root, &["rev-parse", "--git-path", name])?);
        // Naming a file that is not there would make cargo run this at every build.
        if path.exists() {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
    for path in SOURCES.map(|name| root.join(name)).iter().filter(|path| path.exists()) {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    let commit = git(root, &["rev-parse", "--verify", "HEAD"])?;
    let changes = git(root, &[&["status", "--porcelain", "--"], &SOURCES[..]].concat());
    Some(if changes.is_some() { format!("{commit}-dirty") } else { commit })
}

/// `cargo package` leaves the commit in a file: `{"git": {"sha1": "…"}}`.
fn from_package(root: &Path) -> Option<String> {
    let text = fs::read_to_string(root.join(".cargo_vcs_info.json")).ok()?;
    let value = text.split("\"sha1\"").nth(1)?.split('"').nth(1)?;
    (value.len() == 40 && value.bytes().all(|b| b.is_ascii_hexdigit())).then(|| value.to_owned())
}

/// What git prints, without the white space around it; `None` if that is nothing, or an error.
fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(root).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}
