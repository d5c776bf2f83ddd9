//! Defaults and ranges of settings in words, as `list` and the reference show them.

use crate::spec::{Kind, number};

/// The default; `absent` for a setting that has none.
pub fn default(kind: &Kind) -> String {
    match *kind {
        Kind::Number { default, .. } => default.map(number),
        Kind::Integer { default, .. } => default.map(|i| i.to_string()),
        Kind::Text { default, .. } => default.map(str::to_owned),
        Kind::Flag { default } => Some(default.to_string()),
        Kind::Integers { default, .. } => Some(format!("{default:?}")),
        Kind::OptionalIntegers { .. } | Kind::Path | Kind::Name { .. } | Kind::Names { .. } => None,
        Kind::Choice { default, .. } => Some(default.to_owned()),
    }
    .unwrap_or_else(|| "absent".into())
}

/// What is taken.
pub fn range(kind: &Kind) -> String {
    match *kind {
        Kind::Text { one_of, .. } => one_of.join(", "),
        Kind::Flag { .. } => "true, false".into(),
        Kind::Path => "a path".into(),
        Kind::Name { of } | Kind::Choice { of, .. } => format!("see {of}"),
        Kind::Names { of } => format!("a list, see {of}"),
        Kind::Integers { lengths: (low, high), .. } if low == high => {
            format!("{low} integers, each {}", kind.bounds())
        }
        Kind::Integers { .. } | Kind::OptionalIntegers { .. } => format!("integers, each {}", kind.bounds()),
        Kind::Number { .. } | Kind::Integer { .. } => kind.bounds().replace("a finite number of ", ""),
    }
}
