//! Words for a shell.

use anyhow::ensure;

/// `word` so that any POSIX shell reads it back as this one word.
#[must_use]
pub fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:,@+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    // Within single quotes nothing is special but the quote itself.
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// All words on one line. A line break within a word would end the line for GNU parallel and others, and
/// other control characters are not shown by whoever looks at a script.
pub fn line(words: &[String]) -> anyhow::Result<String> {
    for word in words {
        ensure!(
            !word.chars().any(char::is_control),
            "{word:?} has a control character, which cannot stand on a line of a script: rename the file or \
             folder, or leave the character out of the setting"
        );
    }
    Ok(words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use proptest::prelude::*;

    #[test]
    fn plain_words_stay_readable_and_others_are_quoted() {
        for (word, quoted) in [
            ("results/a-b_c.toml", "results/a-b_c.toml"),
            ("", "''"),
            ("it's", r"'it'\''s'"),
            ("a b", "'a b'"),
            ("$(rm -rf /)", "'$(rm -rf /)'"),
            ("~", "'~'"),
            ("a=b", "'a=b'"),
        ] {
            assert_eq!(quote(word), quoted);
        }
        let refused = line(&["fine".into(), "two\nlines".into()]).unwrap_err().to_string();
        assert!(refused.starts_with(r#""two\nlines" has a control character"#), "{refused}");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Judged by the shell itself: printf prints its words with a NUL after each.
        #[test]
        fn a_shell_reads_back_what_was_quoted(
            words in prop::collection::vec(r#"[ -~äß€]{0,12}|-[a-z]|['"\\$`!*?~#&;|<>(){}\[\]%= ]{1,6}"#, 1..6),
        ) {
            let script = format!("printf '%s\\0' {}", line(&words).unwrap());
            for shell in ["sh", "bash"] {
                let output = Command::new(shell).args(["-c", &script]).output().unwrap();
                let expected = words.join("\0") + "\0";
                prop_assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
            }
        }
    }
}
