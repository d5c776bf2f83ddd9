//! `text`: a text of the user's own, as `generated-text` has its own: windows of 64 characters with the one that
//! follows, of a to z, blank, comma and full stop.
//!
//! Capitals become small letters; `!` and `?` a full stop, `;` and `:` a comma; apostrophes go; whatever else there is
//! (digits, dashes, quotation marks, letters of other alphabets, line ends) is a blank, and blanks in a row are one. The
//! first 299,520 characters that remain are used, those of the test set behind those of the training set.

use std::io::Read;
use std::path::PathBuf;

use super::error::corrupt;
use super::generated::{BLANK, COMMA, GENERATED_TEXT, STOP, windows};
use super::manifest::{Decoded, Form, Manifest, Origin};
use super::{DataError, Progress, file};

/// Bytes of a file that are read at most: no alphabet takes more for what is used.
const LONGEST: u64 = 1 << 24;

/// See the module's text.
pub const TEXT: Manifest = Manifest {
    name: "text",
    summary: "a text of the user's own, 64 characters and the next; for networks that read characters",
    source: "the user's own",
    licence: "that of the text",
    checksum: None,
    origin: Origin::Own {
        forms: &[Form { name: "text", folders: &["text", "."], files: &[&["text.txt"]], read }],
        get: "name a text of 300,000 letters or more in the Latin alphabet text.txt",
    },
    ..GENERATED_TEXT
};

fn read(manifest: &Manifest, files: &[PathBuf], _: &mut dyn Progress) -> Result<Decoded, DataError> {
    let path = &files[0];
    let mut bytes = Vec::new();
    file::open(path)?
        .take(LONGEST)
        .read_to_end(&mut bytes)
        .map_err(|source| DataError::Unreadable { path: path.clone(), source })?;
    let text = folded(&String::from_utf8_lossy(&bytes));
    let row = manifest.width + 1;
    let [first, all] = [manifest.train, manifest.train + manifest.test].map(|windows| windows * row);
    if text.len() < all {
        let expected = format!("a text of {all} characters or more (a to z, blank, comma, full stop)");
        return Err(corrupt(path, expected, format!("{}", text.len())));
    }
    let [train, test] = [&text[..first], &text[first..all]].map(|text| windows(manifest, text));
    Ok(Decoded { train, test, published_md5: false })
}

/// Numbers of the characters that remain.
fn folded(text: &str) -> Vec<u8> {
    let mut all = Vec::with_capacity(text.len());
    for character in text.chars() {
        let number = match character.to_ascii_lowercase() {
            letter @ 'a'..='z' => letter as u8 - b'a',
            '\'' | '\u{2019}' => continue,
            ',' | ';' | ':' => COMMA,
            '.' | '!' | '?' => STOP,
            _ => BLANK,
        };
        if number != BLANK || all.last().is_some_and(|&last| last != BLANK) {
            all.push(number);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Places, Silent, load_with};

    fn written(numbers: &[u8]) -> String {
        numbers
            .iter()
            .map(|&number| char::from(b"abcdefghijklmnopqrstuvwxyz ,."[usize::from(number)]))
            .collect()
    }

    #[test]
    fn a_text_is_folded_into_the_alphabet() {
        let text = "\u{feff}  Shall I compare thee to a summer\u{2019}s day?\r\n\n18 Thou art more lovely; don't — é!";
        assert_eq!(
            written(&folded(text)),
            "shall i compare thee to a summers day. thou art more lovely, dont ."
        );
    }

    #[test]
    fn a_file_gives_windows_in_its_order_and_a_short_one_a_sentence() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("text.txt");
        let places = Places {
            folders: vec![crate::data::Folder { path: folder.path().to_path_buf(), named_by: "a test" }],
            hub: None,
        };
        let text: String = (0..300_000u32).map(|i| char::from(b'a' + (i * i % 26) as u8)).collect();
        std::fs::write(&path, &text).unwrap();
        let loaded = load_with(&TEXT, &places, &mut Silent).unwrap();
        let (train, test) = (&loaded.set.train, &loaded.set.test);
        assert_eq!((train.len(), test.len()), (4096, 512));
        assert_eq!(written(train.image(1)), text[65..129]);
        assert_eq!(train.labels[1], u32::from(text.as_bytes()[129] - b'a'));
        assert_eq!(written(test.image(0)), text[4096 * 65..4096 * 65 + 64]);
        std::fs::write(&path, &text[..1000]).unwrap();
        let error = load_with(&TEXT, &places, &mut Silent).unwrap_err().to_string();
        assert!(
            error.contains("a text of 299520 characters or more") && error.contains("found 1000"),
            "{error}"
        );
        std::fs::remove_file(&path).unwrap();
        let error = load_with(&TEXT, &places, &mut Silent).unwrap_err().to_string();
        assert!(
            error.contains("To get it: name a text") && error.contains("text.txt in DIR/text"),
            "{error}"
        );
    }
}
