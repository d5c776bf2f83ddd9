//! The whole catalogue: what every room offers by name. A room's new entry is one line in the room's own
//! list; a new kind of entry is a line here.

use crate::nn::activation;
use crate::spec::{Catalogue, Entry, Plan, Rule};
use crate::tasks::TaskError;
use crate::{agents, data, diagnostics, environments, methods, nn, optimizers, probes, tasks};

/// Everything that a spec can name, and what has to hold between its parts.
#[must_use]
pub fn catalogue() -> Catalogue {
    Catalogue {
        sections: vec![
            ("datasets", data::registry()),
            ("families", tasks::entries()),
            ("networks", nn::entries()),
            ("activations", activations()),
            ("constraints", activation::rational::constraints()),
            ("optimizers", optimizers::entries()),
            ("methods", methods::entries()),
            ("probes", probes::entries()),
            ("value probes", probes::value::entries()),
            ("environments", [environments::entries(), vec![environments::python::ENTRY]].concat()),
            ("changes", environments::change::entries()),
            ("diagnostics", diagnostics::entries()),
            ("agents", agents::entries()),
        ],
        standard_probes: probes::STANDARD,
        presets: agents::presets::PRESETS,
        rules: vec![
            Rule { section: "activation", check: |plan| nn::check(plan).map_err(|e| e.to_string()) },
            Rule { section: "stream", check: enough_examples },
            Rule { section: "stream", check: sound_stream },
            Rule { section: "environment", check: environments::check },
            Rule { section: "diagnostic", check: diagnostics::check },
            Rule { section: "method", check: methods::check },
            Rule { section: "agent", check: agents::check_plan },
            Rule { section: "optimizer", check: optimizers::check },
            Rule { section: "probes", check: probes::check },
        ],
    }
}

/// Whether the data set has as many training examples as are asked for. Its manifest says so: nobody
/// should wait for a download, or for the rest of a grid, to learn that one run cannot be made.
fn enough_examples(plan: &Plan) -> Result<(), String> {
    if !plan.is_supervised() {
        return Ok(());
    }
    let (Some(asked), Ok(manifest)) = (plan.stream().examples, data::manifest(&plan.data().dataset)) else {
        return Ok(());
    };
    if asked <= manifest.train {
        return Ok(());
    }
    let (available, dataset) = (manifest.train, plan.data().dataset.clone());
    Err(format!("{}.", TaskError::TooManyExamples { asked, available, dataset }))
}

/// Whether family, head and counts go together on this data set.
fn sound_stream(plan: &Plan) -> Result<(), String> {
    if !plan.is_supervised() {
        return Ok(());
    }
    let Ok(manifest) = data::manifest(&plan.data().dataset) else { return Ok(()) };
    tasks::check(plan, manifest)
}

fn activations() -> Vec<Entry> {
    activation::registry().into_iter().map(|registered| registered.entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::{self, Kind, Parameter, Spec};

    const SPEC: &str = "name = 'x'\ndata = { dataset = 'generated-digits' }\nnetwork = 'mlp'\noptimizer = 'adam'\n\
                        stream = { family = 'shuffled-labels', tasks = 1, steps = 1, batch_size = 1 }\n";

    fn parameters(catalogue: &Catalogue) -> Vec<(&'static str, &'static str, Parameter)> {
        let all = catalogue.sections.iter().flat_map(|(section, entries)| {
            entries.iter().flat_map(|e| e.parameters.iter().map(|p| (*section, e.name, *p)))
        });
        all.collect()
    }

    #[test]
    fn names_are_unique_and_described() {
        let catalogue = catalogue();
        for (section, entries) in &catalogue.sections {
            assert!(!entries.is_empty(), "{section}");
            for (i, entry) in entries.iter().enumerate() {
                assert!(
                    entries[..i].iter().all(|other| other.name != entry.name),
                    "{section} {}",
                    entry.name
                );
                assert!(!entry.summary.is_empty(), "{section} {} has no summary", entry.name);
            }
        }
        for name in catalogue.standard_probes {
            assert!(catalogue.entry("probes", name).is_some(), "{name}");
        }
    }

    #[test]
    fn parameters_leave_the_sections_own_keys_alone() {
        let catalogue = catalogue();
        for (section, entry, parameter) in parameters(&catalogue) {
            let keys = |own: &[Parameter]| own.iter().map(|key| key.name).collect::<Vec<_>>();
            let own: &[&str] = match section {
                "families" => &keys(spec::keys::STREAM),
                "changes" => &keys(spec::keys::CONTROL_STREAM),
                "networks" => &["kind"],
                _ => &["name"],
            };
            assert!(!own.contains(&parameter.name), "{section} {entry} {}", parameter.name);
        }
    }

    #[test]
    fn defaults_lie_in_their_ranges() {
        let catalogue = catalogue();
        for (section, entry, parameter) in parameters(&catalogue) {
            let fine = match parameter.kind {
                Kind::Number { default, min, max } => default.is_none_or(|x| (min..=max).contains(&x)),
                Kind::Integer { default, min, max } => default.is_none_or(|x| (min..=max).contains(&x)),
                Kind::Text { default, one_of } => default.is_none_or(|x| one_of.contains(&x)),
                Kind::Flag { .. } | Kind::Path | Kind::OptionalIntegers { .. } => true,
                Kind::Name { of } | Kind::Names { of } => !catalogue.section(of).is_empty(),
                Kind::Integers { default, min, max, lengths } => {
                    default.iter().all(|x| (min..=max).contains(x))
                        && (lengths.0..=lengths.1).contains(&default.len())
                }
                Kind::Choice { of, default } => catalogue.entry(of, default).is_some(),
            };
            assert!(fine, "{section} {entry} {}: {:?}", parameter.name, parameter.kind);
        }
    }

    #[test]
    fn every_activation_makes_a_plan_by_its_name_alone() {
        let catalogue = catalogue();
        for entry in catalogue.section("activations") {
            let text = format!("{SPEC}activation = '{}'", entry.name);
            let plans = Spec::parse(&text, "x.toml", &[], &catalogue).unwrap().plans(None).unwrap();
            assert_eq!(plans[0].activation.name, entry.name);
        }
    }

    #[test]
    fn a_width_that_an_activation_cannot_have_is_found_before_anything_runs() {
        let sets = ["network.hidden=[16, 15]".to_owned()];
        let error =
            Spec::parse(&format!("{SPEC}activation = 'crelu'"), "x.toml", &sets, &catalogue()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "x.toml:6: crelu gives 2 features a unit, so a hidden layer needs a multiple of 2 features, not 15."
        );
    }

    #[test]
    fn parts_that_do_not_go_together_are_found_before_anything_runs() {
        let text = format!("{SPEC}activation = 'relu'");
        let check = |sets: &[&str]| {
            let sets: Vec<String> = sets.iter().map(|&set| set.to_owned()).collect();
            Spec::parse(&text, "x.toml", &sets, &catalogue()).map(|_| ()).map_err(|error| error.to_string())
        };
        for (sets, cure) in [
            (&["stream.family=permuted-pixels", "data.augmentation=crop-flip"][..], "leave it out"),
            (&["method=joint"], "stream.head = \"multi\""),
            (&["network={ kind = 'resnet18' }", "method=plasticity-injection"], "linear layers"),
            (&["stream.head=masked"], "\"multi\""),
        ] {
            let error = check(sets).unwrap_err();
            assert!(error.starts_with("x.toml:") || error.starts_with("--set"), "{error}");
            assert!(error.contains(cure), "{error}");
        }
        assert_eq!(check(&["stream.head=multi", "method=joint", "data.augmentation=crop-flip"]), Ok(()));
        assert_eq!(check(&["network={ kind = 'resnet18' }", "method=ewc"]), Ok(()));
    }

    #[test]
    fn more_examples_than_the_data_set_has_are_found_before_it_is_loaded() {
        let text = format!("{SPEC}activation = 'relu'");
        let check = |set: &str| Spec::parse(&text, "x.toml", &[set.to_owned()], &catalogue());
        assert!(check("stream.examples=6000").is_ok());
        assert_eq!(
            check("stream.examples=6001").unwrap_err().to_string(),
            "x.toml:5: stream.examples = 6001, but the training set of generated-digits has \
             6000 examples: ask for at most 6000, or leave the key out to take all."
        );
    }

    #[test]
    fn every_benchmark_is_a_sound_spec_named_after_its_file() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("benchmarks");
        let mut found = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_none_or(|extension| extension != "toml") {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let spec = Spec::parse(&text, &path.display().to_string(), &[], &catalogue())
                .unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(spec.name(), path.file_stem().unwrap());
            for plan in spec.plans(None).unwrap() {
                let again = Spec::parse(&plan.to_toml(), "run.toml", &[], &catalogue()).unwrap();
                assert_eq!(again.plans(None).unwrap(), [plan]);
            }
            found += 1;
        }
        assert!(found >= 7, "{found}");
    }
}
