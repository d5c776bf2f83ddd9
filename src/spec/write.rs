//! A plan as a spec of one run, with every default spelled out: what stands beside its rows, what can
//! itself be run, and what its hash is taken of.

use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::sections::{AUGMENTATIONS, HEADS, ORDERS, SCALINGS, TAKEN};
use super::{Augmentation, Choice, Head, Length, Plan, Value};

impl Plan {
    /// The plan as TOML: sections in a fixed order, parameters by name, floats in the fewest digits
    /// that read back to the same bits.
    #[must_use]
    pub fn to_toml(&self) -> String {
        self.write(true)
    }

    /// SHA-256 of the plan's TOML without the source, which changes nothing in a run.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.write(false).as_bytes()).into()
    }

    fn write(&self, with_source: bool) -> String {
        let mut out = format!("name = {}\n", quoted(&self.name));
        if with_source {
            let _ = writeln!(out, "source = {}", quoted(&self.source));
        }
        let _ = writeln!(
            out,
            "\n[data]\ndataset = {}\nscaling = {}",
            quoted(&self.data().dataset),
            quoted(word(&SCALINGS, self.data().scaling))
        );
        // Left out at their defaults, so that runs made before these keys existed keep their folders.
        if self.data().augmentation != Augmentation::None {
            let word = quoted(word(&AUGMENTATIONS, self.data().augmentation));
            let _ = writeln!(out, "augmentation = {word}");
        }
        self.write_stream(&mut out);
        section(&mut out, "network", "kind", &self.network);
        section(&mut out, "activation", "name", &self.activation);
        section(&mut out, "optimizer", "name", &self.optimizer);
        match &self.methods[..] {
            [] => out.push_str("\n[method]\nname = \"none\"\n"),
            [one] => section(&mut out, "method", "name", one),
            several => several.iter().for_each(|method| section(&mut out, "[method]", "name", method)),
        }
        let names: Vec<String> = self.probes.names.iter().map(|name| quoted(name)).collect();
        let _ = writeln!(
            out,
            "\n[probes]\nnames = [{}]\nsamples = {}\nplasticity_gap = {}",
            names.join(", "),
            self.probes.samples,
            self.probes.plasticity_gap
        );
        let _ = writeln!(out, "\n[grid]\nseeds = [{}]", self.seed);
        out
    }

    fn write_stream(&self, out: &mut String) {
        let stream = self.stream();
        let _ =
            writeln!(out, "\n[stream]\nfamily = {}\ntasks = {}", quoted(&stream.family.name), stream.tasks);
        if let Some(examples) = stream.examples {
            let _ = writeln!(out, "examples = {examples}");
        }
        let _ = writeln!(out, "examples_from = {}", quoted(word(&TAKEN, stream.examples_from)));
        let _ = match stream.length {
            Length::Steps(steps) => writeln!(out, "steps = {steps}"),
            Length::Epochs(epochs) => writeln!(out, "epochs = {epochs}"),
        };
        let order = quoted(word(&ORDERS, stream.order));
        let _ = writeln!(out, "batch_size = {}\norder = {order}", stream.batch_size);
        if stream.head != Head::Single {
            let _ = writeln!(out, "head = {}", quoted(word(&HEADS, stream.head)));
        }
        parameters(out, &stream.family);
    }
}

fn section(out: &mut String, header: &str, naming: &str, choice: &Choice) {
    let _ = writeln!(out, "\n[{header}]\n{naming} = {}", quoted(&choice.name));
    parameters(out, choice);
}

fn parameters(out: &mut String, choice: &Choice) {
    for (key, value) in &choice.parameters {
        let _ = writeln!(out, "{key} = {}", inline(value));
    }
}

fn inline(value: &Value) -> String {
    match value {
        // Debug is the shortest form that reads back, and keeps the point that TOML asks of a float.
        Value::Number(x) => format!("{x:?}"),
        Value::Integer(i) => i.to_string(),
        Value::Text(text) => quoted(text),
        Value::Flag(flag) => flag.to_string(),
        Value::Integers(list) => format!("{list:?}"),
        Value::Choice(choice) => {
            let mut fields = vec![format!("name = {}", quoted(&choice.name))];
            fields.extend(choice.parameters.iter().map(|(key, value)| format!("{key} = {}", inline(value))));
            format!("{{ {} }}", fields.join(", "))
        }
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn word<T: PartialEq + Copy>(words: &[(&'static str, T)], meaning: T) -> &'static str {
    words.iter().find(|(_, m)| *m == meaning).expect("every variant has its word").0
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
