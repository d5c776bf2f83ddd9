//! Which plots a report has written, so that the next one into the same folder removes them and nothing
//! else.

use std::fs;
use std::io;
use std::path::Path;

/// Names of the written files, one a line.
const LIST: &str = ".written";

/// Files that an earlier report has written into `folder`.
pub fn earlier(folder: &Path) -> Vec<String> {
    let list = fs::read_to_string(folder.join(LIST)).unwrap_or_default();
    // Only names within the folder, whatever the list says.
    list.lines().filter(|name| !name.contains(['/', '\\'])).map(str::to_owned).collect()
}

/// Removes those of the `earlier` files that are not among the `written` ones, and lists these.
pub fn replace(folder: &Path, earlier: &[String], written: &[String]) -> io::Result<()> {
    for name in earlier.iter().filter(|name| !written.contains(name)) {
        match fs::remove_file(folder.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    fs::write(folder.join(LIST), written.join("\n") + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_an_earlier_report_go_and_others_stay() {
        let folder = tempfile::tempdir().unwrap();
        let put = |name: &str| fs::write(folder.path().join(name), "").unwrap();
        ["a.svg", "b.svg", "mine.svg"].into_iter().for_each(put);
        replace(folder.path(), &[], &["a.svg".into(), "b.svg".into()]).unwrap();
        let known = earlier(folder.path());
        assert_eq!(known, ["a.svg", "b.svg"]);
        replace(folder.path(), &known, &["b.svg".into()]).unwrap();
        let there = |name: &str| folder.path().join(name).exists();
        assert!(!there("a.svg") && there("b.svg") && there("mine.svg"));
        fs::write(folder.path().join(LIST), "../outside\n").unwrap();
        assert!(earlier(folder.path()).is_empty());
    }
}
