//! A plan as a spec of one run, with every default spelled out: what stands beside its rows, what can
//! itself be run, and what its hash is taken of.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::{Plan, Value};

impl Plan {
    /// The plan as TOML: sections in a fixed order, parameters by name, floats in the fewest digits
    /// that read back to the same bits.
    #[must_use]
    pub fn to_toml(&self) -> String {
        self.write(true)
    }

    /// SHA-256 of the plan's TOML without the source and the interpreter, which make no other run of it.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.write(false).as_bytes()).into()
    }

    fn write(&self, whole: bool) -> String {
        let mut out = format!("name = {}\n", quoted(&self.name));
        if whole {
            let _ = writeln!(out, "source = {}", quoted(&self.source));
        }
        for section in self.sections() {
            let _ = writeln!(out, "\n[{}]", section.header);
            for line in section.lines.iter().filter(|line| line.written && (whole || line.identifies)) {
                let _ = writeln!(out, "{} = {}", line.key, inline(&line.value));
            }
        }
        let _ = writeln!(out, "\n[grid]\nseeds = [{}]", self.seed);
        out
    }
}

pub(super) fn inline(value: &Value) -> String {
    match value {
        // Debug is the shortest form that reads back, and keeps the point that TOML asks of a float.
        Value::Number(x) => format!("{x:?}"),
        Value::Integer(i) => i.to_string(),
        Value::Text(text) => quoted(text),
        Value::Flag(flag) => flag.to_string(),
        Value::Integers(list) => format!("{list:?}"),
        Value::Names(names) => {
            format!("[{}]", names.iter().map(|name| quoted(name)).collect::<Vec<_>>().join(", "))
        }
        Value::Choice(choice) => {
            let mut fields = vec![format!("name = {}", quoted(&choice.name))];
            fields.extend(choice.parameters.iter().map(|(key, value)| format!("{key} = {}", inline(value))));
            format!("{{ {} }}", fields.join(", "))
        }
    }
}

pub(super) fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// A number as a person writes it in a spec: 1e-4, not 0.0001.
#[must_use]
pub fn number(x: f64) -> String {
    if x != 0.0 && x.is_finite() && !(1e-2..1e6).contains(&x.abs()) {
        format!("{x:e}")
    } else {
        x.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_read_as_in_specs() {
        assert_eq!(
            [1e-4, 0.01, 0.5, 2.0, 0.0, -3e-7, 5e6, f64::NAN, f64::INFINITY].map(number),
            ["1e-4", "0.01", "0.5", "2", "0", "-3e-7", "5e6", "NaN", "inf"]
        );
    }
}
