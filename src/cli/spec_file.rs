//! The arguments that name a spec and change it.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{Context, anyhow};

use super::Failure;
use crate::catalogue::catalogue;
use crate::spec::{MAX_BYTES, Spec};

/// A spec file and what is laid over it.
#[derive(Debug, clap::Args)]
pub struct SpecArgs {
    /// The spec; a run's run.toml is one too
    #[arg(value_name = "SPEC.toml")]
    pub spec: PathBuf,
    /// Set KEY in every run, over all that the spec says [example: --set stream.tasks=10];
    /// grid.KEY=[…] sets an axis
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
}

impl SpecArgs {
    /// Reads and checks it.
    pub fn read(&self) -> Result<Spec, Failure> {
        read(&self.spec, &self.sets)
    }
}

/// Reads and checks the spec at `path`.
pub fn read(path: &Path, sets: &[String]) -> Result<Spec, Failure> {
    let text = text(path).map_err(Failure::usage)?;
    Ok(Spec::parse(&text, &path.display().to_string(), sets, &catalogue())?)
}

/// The text of the file. Reading stops at the size that no spec has.
fn text(path: &Path) -> anyhow::Result<String> {
    let mut bytes = Vec::new();
    let limit = MAX_BYTES as u64 + 1;
    File::open(path)
        .and_then(|file| file.take(limit).read_to_end(&mut bytes))
        .with_context(|| format!("the spec {} cannot be read", path.display()))?;
    if bytes.len() > MAX_BYTES {
        return Err(anyhow!("{} is no spec: it is longer than {MAX_BYTES} bytes", path.display()));
    }
    String::from_utf8(bytes).with_context(|| format!("{} is no spec: it is not UTF-8 text", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_are_no_specs_are_refused_in_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.toml");
        let refusal = |path: &Path| {
            let failure = read(path, &[]).unwrap_err();
            assert_eq!(failure.exit.code(), 2);
            failure.to_string().replace(&folder.path().display().to_string(), "DIR")
        };
        assert!(refusal(&path).starts_with("the spec DIR/x.toml cannot be read\n  because: No such file"));
        std::fs::write(&path, [0xff, 0xfe]).unwrap();
        assert!(refusal(&path).starts_with("DIR/x.toml is no spec: it is not UTF-8 text\n  because: "));
        std::fs::write(&path, vec![b'#'; MAX_BYTES + 1]).unwrap();
        assert_eq!(refusal(&path), "DIR/x.toml is no spec: it is longer than 1048576 bytes");
        std::fs::write(&path, "name = 'x'\nnmae = 'y'\n").unwrap();
        assert!(
            refusal(&path).starts_with("DIR/x.toml:2: the spec takes no key `nmae`; did you mean `name`?")
        );
    }
}
