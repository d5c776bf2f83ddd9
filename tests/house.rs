//! Imports run one way: each room of the library takes from rooms before it alone, and no two files take
//! from each other.

use std::collections::{BTreeMap, BTreeSet};
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
    "words",
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
    "device",
    "record",
    "measure",
    "results",
    "runner",
    "report",
    "cli",
];

/// The rooms that the library's own lines of code take from, tests aside.
fn imports(code: &str) -> BTreeSet<String> {
    let paths = paths(code, true).into_iter().filter(|path| path[0] == "crate");
    paths.filter_map(|path| path.into_iter().nth(1)).collect()
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

/// Path of a file's module: `report::plots` for `report/plots/mod.rs`.
fn module(inner: &Path) -> Vec<String> {
    let mut parts: Vec<String> =
        inner.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if parts.last().is_some_and(|last| last == "mod" || last == "lib") {
        parts.pop();
    }
    parts
}

/// The paths of a tree of imports: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn leaves(tree: &str, before: &[String], all: &mut Vec<Vec<String>>) {
    let tree = tree.trim();
    if tree.is_empty() {
        // Behind a list's last comma.
        return;
    }
    if let Some(list) = tree.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        let (mut depth, mut begin) = (0, 0);
        for (at, c) in list.char_indices().chain([(list.len(), ',')]) {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    leaves(&list[begin..at], before, all);
                    begin = at + 1;
                }
                _ => {}
            }
        }
        return;
    }
    let (first, rest) = tree.split_once("::").unwrap_or((tree, ""));
    let mut path = before.to_vec();
    path.extend(first.split_whitespace().next().map(str::to_owned));
    if rest.is_empty() { all.push(path) } else { leaves(rest, &path, all) }
}

/// Every path within the library that a file's own code names, tests aside. What it only hands on counts if
/// `handed_on`.
fn paths(code: &str, handed_on: bool) -> Vec<Vec<String>> {
    let code = code.split("#[cfg(test)]\nmod tests {").next().expect("a first part");
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code = lines.collect::<Vec<_>>().join(" ");
    let is_inside = |path: &str| ["crate::", "super::", "self::"].iter().any(|from| path.starts_with(from));
    let mut paths = Vec::new();
    for statement in code.split(';') {
        let (before, tree) = statement.rsplit_once("use ").unwrap_or((statement, ""));
        let (rest, tree) = if is_inside(tree) { (before, tree) } else { (statement, "") };
        let word = before.split_whitespace().last().unwrap_or_default();
        if handed_on || !word.starts_with("pub") {
            leaves(tree, &[], &mut paths);
        }
        let from = rest.match_indices("crate::").chain(rest.match_indices("super::"));
        for (at, _) in from {
            let is_path = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
            let path: String = rest[at..].chars().take_while(|c| is_path(*c)).collect();
            leaves(path.trim_end_matches(':'), &[], &mut paths);
        }
    }
    paths
}

/// The modules among `known` that a file's own code takes from.
fn takes(here: &[String], code: &str, known: &BTreeSet<Vec<String>>) -> BTreeSet<Vec<String>> {
    let mut found = BTreeSet::new();
    for path in paths(code, false) {
        let mut base = here.to_vec();
        let mut rest = path.as_slice();
        match rest[0].as_str() {
            "crate" => (base, rest) = (Vec::new(), &rest[1..]),
            "self" => rest = &rest[1..],
            _ => {}
        }
        while rest.first().is_some_and(|part| part == "super") {
            base.pop();
            rest = &rest[1..];
        }
        base.extend_from_slice(rest);
        while !known.contains(&base) && base.pop().is_some() {}
        found.insert(base);
    }
    found.remove(here);
    found
}

/// Pairs of modules that take from each other.
fn circles(files: &BTreeMap<Vec<String>, String>) -> Vec<String> {
    let known: BTreeSet<Vec<String>> = files.keys().cloned().collect();
    let of: BTreeMap<_, _> =
        files.iter().map(|(module, code)| (module, takes(module, code, &known))).collect();
    let both = of.iter().flat_map(|(one, theirs)| theirs.iter().map(move |other| (*one, other)));
    both.filter(|(one, other)| one < other && of.get(other).is_some_and(|back| back.contains(*one)))
        .map(|(one, other)| format!("{} and {} take from each other", one.join("::"), other.join("::")))
        .collect()
}

#[test]
fn no_two_files_take_from_each_other() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    files(&source, &mut all);
    let own = all.iter().map(|path| (path.strip_prefix(&source).unwrap(), path));
    let own = own.filter(|(inner, _)| *inner != Path::new("main.rs") && !is_for_tests(inner));
    let files = own.map(|(inner, path)| (module(inner), fs::read_to_string(path).unwrap())).collect();
    let found = circles(&files);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn files_that_take_from_each_other_are_found() {
    let file = |module: &str, code: &str| {
        (module.split("::").map(str::to_owned).collect::<Vec<_>>(), code.to_owned())
    };
    let files = |b: &str| {
        BTreeMap::from([
            file("a", "mod b;\nmod c;\npub use b::B;\n"),
            file("a::b", b),
            file("a::c", "use super::{b::B, d};\nuse crate::{a::b};\n"),
        ])
    };
    assert_eq!(circles(&files("fn f() -> super::c::C {}\n")), ["a::b and a::c take from each other"]);
    assert_eq!(circles(&files("// super::c\nuse std::fmt;\n")), [""; 0]);
    let parent = BTreeMap::from([file("a", "mod b;\nuse self::b::B;\n"), file("a::b", "use super::A;\n")]);
    assert_eq!(circles(&parent), ["a and a::b take from each other"]);
}
