//! What a run is called: the name of its folder, and a short label for tables.

use std::fmt::Write as _;

use super::write::number;
use super::{Choice, Plan, Value, Work};

/// Longest readable part of a folder's name; its 8 hex digits and a dash come on top.
const LONGEST: usize = 80;

impl Plan {
    /// Name of the run's folder: `rational-relu-tail-slope-lr1e-4-s3-0f3a9c21`. The readable part may be
    /// shared by different runs (an agent's begins with agent and environment); the digits, the first of [`Plan::digest`], are the run's own.
    #[must_use]
    pub fn slug(&self) -> String {
        let mut parts = match &self.work {
            Work::Supervised { .. } => Vec::new(),
            Work::Control(control) => vec![control.agent.name.as_str(), control.environment.as_str()],
            Work::Diagnostic(diagnostic) => vec![diagnostic.name.as_str()],
        };
        parts.push(&self.activation.name);
        parts.extend(self.activation.optional_text("start"));
        parts.extend(nested(&self.activation, "constraint"));
        parts.extend(self.methods.iter().map(|method| method.name.as_str()));
        let mut readable = parts.join("-");
        if let Some(Value::Number(rate)) = self.optimizer.get("learning_rate") {
            let _ = write!(readable, "-lr{}", number(*rate));
        }
        let mut readable: String = readable
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '-' })
            .collect();
        let seed = format!("-s{}", self.seed);
        readable.truncate(LONGEST - seed.len());
        let digest = self.digest();
        let hash = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
        format!("{readable}{seed}-{hash:08x}")
    }

    /// What is compared, in a few words: `rational A (relu) tail-slope`, `relu + l2-init`.
    #[must_use]
    pub fn variant_label(&self) -> String {
        let mut label = self.activation.name.clone();
        if let Some(version) = self.activation.optional_text("version") {
            let _ = write!(label, " {version}");
        }
        if let Some(start) = self.activation.optional_text("start") {
            let _ = write!(label, " ({start})");
        }
        if let Some(constraint) = nested(&self.activation, "constraint") {
            let _ = write!(label, " {constraint}");
        }
        for method in &self.methods {
            let _ = write!(label, " + {}", method.name);
        }
        label
    }
}

/// Name of a nested choice, unless it is none.
fn nested<'a>(choice: &'a Choice, key: &str) -> Option<&'a str> {
    match choice.get(key)? {
        Value::Choice(nested) if nested.name != "none" => Some(&nested.name),
        _ => None,
    }
}
