//! Files that are whole or absent: written beside their place, synced, then renamed into it.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};

/// How the name of a file ends that is not whole yet.
const PARTIAL: &str = ".partial";

/// A file that is written but not yet in its place. Dropped without [`Staged::commit`], it is removed.
#[derive(Debug)]
pub struct Staged {
    target: PathBuf,
    temporary: NamedTempFile,
}

impl Staged {
    /// Writes and syncs what will stand at `target`; `content` gets a buffered writer.
    ///
    /// # Errors
    /// If the file cannot be written, or `content` fails.
    pub fn write(
        target: &Path,
        content: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
    ) -> io::Result<Self> {
        let name = target.file_name().ok_or(io::ErrorKind::IsADirectory)?.to_string_lossy();
        let folder = match target.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        // A random part keeps two writers of the same file from tearing each other's, be they threads of one
        // process or processes of two containers that share a disk and a process id.
        let (prefix, mut builder) = (format!(".{name}."), Builder::new());
        let temporary = permissions(builder.prefix(&prefix).suffix(PARTIAL)).tempfile_in(folder)?;
        let mut writer = BufWriter::with_capacity(1 << 18, temporary.as_file().try_clone()?);
        content(&mut writer)?;
        writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
        Ok(Self { target: target.to_owned(), temporary })
    }

    /// Puts the file in its place, over what stood there.
    ///
    /// # Errors
    /// If it cannot be renamed.
    pub fn commit(self) -> io::Result<()> {
        self.temporary.persist(&self.target).map_err(|error| error.error)?;
        // The rename itself lasts through a power cut only once its folder is synced; where a folder
        // cannot be opened as a file (Windows), the rename is all there is.
        if let Some(Ok(folder)) = self.target.parent().map(File::open) {
            let _ = folder.sync_all();
        }
        Ok(())
    }
}

/// Those of any new file: others may read what is no secret, as far as the user's mask lets them.
#[cfg(unix)]
fn permissions<'a, 'b, 'c>(builder: &'a mut Builder<'b, 'c>) -> &'a mut Builder<'b, 'c> {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(fs::Permissions::from_mode(0o666))
}

#[cfg(not(unix))]
fn permissions<'a, 'b, 'c>(builder: &'a mut Builder<'b, 'c>) -> &'a mut Builder<'b, 'c> {
    builder
}

/// Writes `bytes` to `target`, whole or not at all.
pub fn write(target: &Path, bytes: &[u8]) -> io::Result<()> {
    Staged::write(target, |file| file.write_all(bytes))?.commit()
}

/// Removes what killed writers left behind in `folder`, which need not exist. For the one process that
/// may write there.
pub fn sweep(folder: &Path) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name();
        if name.to_str().is_some_and(|name| name.starts_with('.') && name.ends_with(PARTIAL)) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_failed_write_leaves_the_old_file_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        write(&path, b"old").unwrap();
        let failed = Staged::write(&path, |file| {
            file.write_all(b"new")?;
            Err(io::Error::other("disk full"))
        });
        assert!(failed.is_err());
        drop(Staged::write(&path, |file| file.write_all(b"never committed")).unwrap());
        assert_eq!((fs::read(&path).unwrap(), names(folder.path())), (b"old".to_vec(), vec!["x.csv".into()]));
        write(&path, b"new").unwrap();
        assert_eq!((fs::read(&path).unwrap(), names(folder.path())), (b"new".to_vec(), vec!["x.csv".into()]));
    }

    #[test]
    fn two_writers_of_one_file_do_not_tear_each_others() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        // Both stand beside the file at once, as from two threads, or two processes of one id.
        let first = Staged::write(&path, |file| file.write_all(b"first")).unwrap();
        let second = Staged::write(&path, |file| file.write_all(b"second")).unwrap();
        first.commit().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"first");
        second.commit().unwrap();
        assert_eq!(
            (fs::read(&path).unwrap(), names(folder.path())),
            (b"second".to_vec(), vec!["x.csv".into()])
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_file_has_the_permissions_of_any_other() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let [ours, plain] = ["ours", "plain"].map(|name| folder.path().join(name));
        write(&ours, b"x").unwrap();
        fs::write(&plain, b"x").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&ours), mode(&plain));
    }

    #[test]
    fn what_a_killed_writer_left_is_swept_up_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        for name in [".x.csv.4711.partial", "x.partial", ".hidden", "x.csv"] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        sweep(folder.path()).unwrap();
        assert_eq!(names(folder.path()), [".hidden", "x.csv", "x.partial"]);
        sweep(&folder.path().join("absent")).unwrap();
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(write(&folder.path().join("missing/x.csv"), b"x").is_err());
        assert!(write(Path::new("/"), b"x").is_err());
    }
}
