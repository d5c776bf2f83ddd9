//! A spec, and `--set`s behind it, each after a zero byte.
#![no_main]

use std::path::{Component, Path};
use std::sync::OnceLock;

use libfuzzer_sys::fuzz_target;
use plasticity_bench::catalogue::catalogue;
use plasticity_bench::spec::{Catalogue, Spec};

static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();

fuzz_target!(|data: &[u8]| {
    let catalogue = CATALOGUE.get_or_init(catalogue);
    let Ok(text) = std::str::from_utf8(data) else { return };
    let mut parts = text.split('\0');
    let spec = parts.next().unwrap_or_default();
    let sets: Vec<String> = parts.map(str::to_owned).collect();
    let parsed = match Spec::parse(spec, "fuzz.toml", &sets, catalogue) {
        Ok(parsed) => parsed,
        Err(error) => return assert!(!error.to_string().is_empty()),
    };
    let Ok(plans) = parsed.plans(None) else { return };
    for plan in plans.iter().take(4) {
        for name in [plan.name.as_str(), &plan.slug()] {
            let mut components = Path::new(name).components();
            assert!(matches!(components.next(), Some(Component::Normal(_))), "{name}");
            assert!(components.next().is_none() && !name.contains(['/', '\\', ':', '\0']), "{name}");
        }
        let written = plan.to_toml();
        let again = Spec::parse(&written, "run.toml", &[], catalogue).expect("a resolved plan is a spec");
        let again = again.plans(None).unwrap();
        assert_eq!(again.len(), 1);
        assert!(again[0] == *plan, "read back as another plan:\n{written}");
    }
});
