//! Imports run one way: each room of the library takes from rooms before it alone.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms in the order in which they build on each other.
const ROOMS: &[&str] = &[
    "atomic",
    "random",
    "sha256",
    "state",
    "stderr",
    "text_table",
    "spec",
    "data",
    "environments",
    "kernels",
    "tasks",
    "nn",
    "optimizers",
    "methods",
    "trained",
    "agents",
    "diagnostics",
    "probes",
    "catalogue",
    "train",
    "record",
    "measure",
    "results",
    "runner",
    "report",
    "cli",
];

/// What the library's own lines of code take from `crate::`, tests aside.
fn imports(code: &str) -> BTreeSet<String> {
    let code = code.split("#[cfg(test)]\nmod tests {").next().expect("a first part");
    let mut found = BTreeSet::new();
    for line in code.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for after in line.split("crate::").skip(1) {
            let names = after.strip_prefix('{').map_or(after, |list| list.split('}').next().unwrap_or(list));
            let listed = if after.starts_with('{') { names.split(',').collect() } else { vec![names] };
            for name in listed {
                let word: String =
                    name.trim().chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                found.insert(word);
            }
        }
    }
    found.remove("");
    found
}

fn files(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, all);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            all.push(path);
        }
    }
}

/// Code that only tests see: it may build plans from the whole catalogue.
fn is_for_tests(path: &Path) -> bool {
    let names = ["tests", "tests.rs", "fixture.rs", "test_plans.rs"];
    path.components().any(|part| names.iter().any(|name| part.as_os_str() == *name))
}

/// Every import that runs back, in words.
fn backward(room: &str, path: &str, code: &str) -> Vec<String> {
    let place = |name: &str| ROOMS.iter().position(|room| *room == name);
    let here = place(room).unwrap_or_else(|| panic!("the room {room} has no place in the order"));
    let of = imports(code).into_iter().filter(|name| name != room);
    of.filter(|name| place(name).is_none_or(|there| there > here))
        .map(|name| format!("{path} takes from {name}, which {room} does not build on"))
        .collect()
}

#[test]
fn imports_run_one_way() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    files(&source, &mut all);
    assert!(all.len() > 200, "{}", all.len());
    let mut found = Vec::new();
    for path in all {
        let inner = path.strip_prefix(&source).unwrap();
        let first = inner.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        let room = first.trim_end_matches(".rs");
        if ["lib", "main"].contains(&room) || is_for_tests(inner) {
            continue;
        }
        found.extend(backward(room, &inner.display().to_string(), &fs::read_to_string(&path).unwrap()));
    }
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn an_import_that_runs_back_is_found() {
    let code =
        "use crate::{spec, train::Learner};\n// crate::cli is a word here\nfn f() -> crate::record::Row {}\n";
    let sentences = backward("nn", "nn/x.rs", code);
    assert_eq!(
        sentences,
        [
            "nn/x.rs takes from record, which nn does not build on",
            "nn/x.rs takes from train, which nn does not build on"
        ]
    );
    assert_eq!(backward("train", "train/x.rs", "use crate::nn::Network;\n"), [""; 0]);
}
