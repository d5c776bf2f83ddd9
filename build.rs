//! Tells the crate which commit it is built from, for the provenance of results. A build without git,
//! or outside the project's own repository, goes on without that knowledge.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets it for build scripts"));
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
    git(root, &["rev-parse", "--verify", "HEAD"])
}

/// `cargo package` leaves the commit in a file: `{"git": {"sha1": "…"}}`.
fn from_package(root: &Path) -> Option<String> {
    let text = fs::read_to_string(root.join(".cargo_vcs_info.json")).ok()?;
    let value = text.split("\"sha1\"").nth(1)?.split('"').nth(1)?;
    (value.len() == 40 && value.bytes().all(|b| b.is_ascii_hexdigit())).then(|| value.to_owned())
}

fn git(root: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git").arg("-C").arg(root).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    (output.status.success() && !text.is_empty()).then_some(text)
}
