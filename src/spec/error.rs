//! What can be wrong with a spec, in sentences.

use thiserror::Error;

/// Why a spec cannot be run. `place` is `FILE:LINE`, the `--set` at fault, or the file.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[allow(missing_docs, reason = "the sentences name the fields")]
pub enum SpecError {
    /// Not TOML.
    #[error("{place}: this is not valid TOML: {message}.")]
    Syntax { place: String, message: String },
    /// A key that nothing reads.
    #[error("{place}: {owner} takes no key `{key}`{hint} {accepted}")]
    UnknownKey { place: String, owner: String, key: String, hint: String, accepted: String },
    /// A name that the catalogue does not have, or a word other than those listed.
    #[error("{place}: {key} = \"{name}\" is not known{hint} {accepted}")]
    UnknownName { place: String, key: String, name: String, hint: String, accepted: String },
    /// A list where a number belongs, and the like.
    #[error("{place}: {key} must be {expected}, not {found}.")]
    WrongType { place: String, key: String, expected: String, found: String },
    /// A number that makes no sense.
    #[error("{place}: {key} = {value} is out of range: it must be {range}.")]
    OutOfRange { place: String, key: String, value: String, range: String },
    /// A key or section that has no default.
    #[error("{place}: {owner} lacks {missing}: {cure}.")]
    Missing { place: String, owner: String, missing: String, cure: String },
    /// Settings that do not go together, or a rule of a room that they break.
    #[error("{place}: {sentence}.")]
    Conflict { place: String, sentence: String },
    /// Seeds that cannot be read.
    #[error(
        "{place}: the seeds {text:?} cannot be read: {why}. Write \"0..5\" for 0, 1, 2, 3, 4, \"0,3,7\", or \"4\"."
    )]
    Seeds { place: String, text: String, why: String },
    /// More runs than a grid may have.
    #[error(
        "{place}: the grid has {runs} runs; at most {limit} are taken. Shorten its lists, or split the spec."
    )]
    TooManyRuns { place: String, runs: String, limit: usize },
    /// A file that is no spec.
    #[error("{place}: the file has {bytes} bytes; a spec has at most {limit}.")]
    TooLarge { place: String, bytes: usize, limit: usize },
}
