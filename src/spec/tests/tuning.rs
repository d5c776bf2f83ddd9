//! `[tune]`: which settings are tried for which variant, and what is refused.

use super::super::{Plan, Spec, SpecError, Tuning, values, variants_toml};
use crate::catalogue::catalogue;

const HEAD: &str = "\
name = 'x'
data = { dataset = 'generated-digits' }
stream = { family = 'shuffled-labels', tasks = 1, steps = 1, batch_size = 1 }
network = 'mlp'
optimizer = { name = 'adam', learning_rate = 0.5 }
[grid]
seeds = '0..3'
";
const VARIANTS: &str = "\
[[variants]]
activation = 'relu'
[[variants]]
activation = 'tanh'
method = 'l2-init'
";

fn parse(text: &str, sets: &[&str]) -> Result<Spec, SpecError> {
    let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
    Spec::parse(text, "t.toml", &sets, &catalogue())
}

fn tuning(tune: &str, variants: &str) -> Tuning {
    let spec =
        parse(&format!("{HEAD}[tune]\nseeds = '10..12'\nmetric = 'm'\n{tune}\n{variants}"), &[]).unwrap();
    spec.tuning(None).unwrap().unwrap().0.clone()
}

fn refused(tune: &str, variants: &str) -> String {
    let text = format!("{HEAD}[tune]\nseeds = '10..12'\nmetric = 'm'\n{tune}\n{variants}");
    parse(&text, &[]).unwrap_err().to_string()
}

fn told(tuning: &Tuning, variant: usize) -> Vec<String> {
    let variant = &tuning.variants[variant];
    (0..variant.settings.len()).map(|index| variant.in_words(index)).collect()
}

#[test]
fn lists_are_multiplied_for_every_variant() {
    let tuning = tuning(
        "search = { 'optimizer.learning_rate' = [1e-3, 1e-2], optimizer.beta1 = [0.0, 0.9] }",
        VARIANTS,
    );
    let all = [(1e-3, 0), (1e-3, 9), (1e-2, 0), (1e-2, 9)].map(|(rate, tenths)| {
        format!(
            "optimizer.learning_rate={} optimizer.beta1={}",
            super::super::number(rate),
            if tenths == 0 { "0" } else { "0.9" }
        )
    });
    assert_eq!(told(&tuning, 0), all);
    assert_eq!(told(&tuning, 1), all);
    let plans = tuning.plans();
    assert_eq!(plans.len(), 2 * 4 * 2);
    assert!(plans.iter().all(|plan| plan.name == "x-tune" && (10..12).contains(&plan.seed)));
    assert_eq!((tuning.name(), tuning.variants[1].base.methods.len()), ("x-tune", 1));
    assert_eq!(plans[7].method("l2-init").unwrap().number("strength"), 1e-2, "the base stays");
}

#[test]
fn the_axes_of_a_grid_are_variants_too() {
    let text = format!(
        "{HEAD}activation = ['relu', 'tanh', 'gelu']\n[tune]\nseeds = [7]\nmetric = 'm'\n\
         search = {{ optimizer.learning_rate = [1e-3, 1e-2] }}\n"
    );
    let spec = parse(&text, &[]).unwrap();
    let (tuning, seeds) = spec.tuning(None).unwrap().unwrap();
    assert_eq!((tuning.variants.len(), tuning.plans().len(), seeds), (3, 6, vec![0, 1, 2]));
}

const DRAWN: &str = "draws = 5\nsearch = { optimizer.learning_rate = { log_uniform = [1e-4, 1e-1] } }";
const OWN: &str = "\
[[variants]]
activation = 'relu'
[[variants]]
activation = 'relu'
method = 'l2-init'
tune = { 'method.strength' = { log_uniform = [1e-5, 1.0] } }
[[variants]]
activation = 'relu'
method = 'redo'
tune = { method.period = { uniform = [5, 9], integer = true }, optimizer.learning_rate = { choice = [1e-3, 1e-2] } }
";

#[test]
fn draws_are_the_same_for_every_variant_that_searches_a_key_and_stay_when_one_is_added() {
    let all = tuning(DRAWN, OWN);
    let of = |tuning: &Tuning, variant: usize, key: &str| -> Vec<String> {
        let plans = &tuning.variants[variant].settings;
        plans.iter().map(|plan| values(plan, &[key.to_owned()]).remove(0)).collect()
    };
    let rates = of(&all, 0, "optimizer.learning_rate");
    assert_eq!(rates, of(&all, 1, "optimizer.learning_rate"));
    let numbers: Vec<f64> = rates.iter().map(|rate| rate.parse().unwrap()).collect();
    assert!(numbers.iter().all(|rate| (1e-4..=1e-1).contains(rate)), "{numbers:?}");
    assert!(
        rates.iter().all(|rate| rate.trim_end_matches(|c| c != 'e').len() <= 8),
        "{rates:?}: four digits"
    );
    let more = tuning(&DRAWN.replace("draws = 5", "draws = 9"), OWN);
    assert_eq!(of(&more, 0, "optimizer.learning_rate")[..5], rates, "more draws begin with those of fewer");
    for period in of(&all, 2, "method.period") {
        assert!((5..=9).contains(&period.parse::<i64>().unwrap()));
    }
    assert!(
        of(&all, 2, "optimizer.learning_rate").iter().all(|rate| ["1e-3", "0.01"].contains(&rate.as_str()))
    );
    // The stream is the first tuning seed's, under the key's name.
    let mut stream = crate::random::Stream::new(10, "tune.optimizer.learning_rate", 0);
    let first = (stream.uniform(1e-4f64.ln(), 1e-1f64.ln())).exp();
    assert!((numbers[0] / first - 1.0).abs() < 1e-3, "{} {first}", numbers[0]);
}

#[test]
fn log_uniform_draws_have_as_many_in_each_decade() {
    let draws = DRAWN.replace("draws = 5", "draws = 3000");
    let plans = tuning(&draws, "[[variants]]\nactivation = 'relu'\n");
    let mut decades = [0; 3];
    for plan in &plans.variants[0].settings {
        let rate = plan.optimizer.number("learning_rate");
        decades[((rate.log10() + 4.0) as usize).min(2)] += 1;
    }
    assert!(decades.iter().all(|count| (900..1100).contains(count)), "{decades:?}");
}

#[test]
fn unequal_budgets_are_refused() {
    let error = refused(
        "search.optimizer.learning_rate = [1e-3, 1e-2]",
        "[[variants]]\nactivation = 'relu'\n[[variants]]\nactivation = 'relu'\nmethod = 'l2-init'\n\
         tune = { method.strength = [1e-3, 1e-2, 1e-1] }\n",
    );
    assert_eq!(
        error,
        "t.toml:17: variant 2 (relu + l2-init) has 6 settings and variant 1 (relu) has 2: a search that is wider for \
         one finds more by chance alone, so give each variant as many (shorter lists, or draws = N)."
    );
    // A shorter list of its own over the shared one makes it equal.
    let equal = tuning(
        "search.optimizer.learning_rate = [1e-3, 1e-2]",
        "[[variants]]\nactivation = 'relu'\n[[variants]]\nactivation = 'relu'\nmethod = 'l2-init'\n\
         tune = { method.strength = [1e-3, 1e-2], optimizer.learning_rate = [1e-3] }\n",
    );
    assert_eq!(told(&equal, 1)[1], "optimizer.learning_rate=1e-3 method.strength=0.01");
}

#[test]
fn what_cannot_be_searched_is_refused_in_a_sentence() {
    let with = |search: &str| refused(&format!("search = {{ {search} }}"), VARIANTS);
    for (search, said) in [
        (
            "optimiser.learning_rate = [1]",
            "t.toml:11: [tune.search] takes no key `optimiser`; did you mean `optimizer`?",
        ),
        (
            "optimizer.learning_rate = []",
            "t.toml:11: tune.search.optimizer.learning_rate must be a list of values or a distribution",
        ),
        (
            "optimizer.learning_rate = 3",
            "t.toml:11: tune.search.optimizer.learning_rate must be a list of values or a distribution",
        ),
        ("optimizer.learning_rate = [1, 1.0]", "t.toml:8: two settings of variant 1 (relu) are the same run"),
        ("optimizer.learning_rate = [-1]", "t.toml:11: optimizer.learning_rate = -1 is out of range"),
        ("optimizer.momentum = [0.9]", "t.toml:11: the optimizer `adam` takes no key `momentum`"),
        (
            "optimizer.learning_rate = { log_uniform = [0, 1] }",
            "t.toml:11: log_uniform of optimizer.learning_rate needs LOW at most HIGH above 0",
        ),
        (
            "optimizer.learning_rate = { uniform = [2, 1] }",
            "t.toml:11: uniform of optimizer.learning_rate needs LOW at most HIGH,",
        ),
        (
            "optimizer.learning_rate = { uniform = [1] }",
            "t.toml:11: tune.search.optimizer.learning_rate.uniform must be a list of two numbers",
        ),
        (
            "optimizer.learning_rate = { uniform = [0.5, 1], integer = true }",
            "t.toml:11: the whole numbers of optimizer.learning_rate lie between",
        ),
        (
            "optimizer.learning_rate = { uniform = [1, 2], choice = [1] }",
            "t.toml:11: optimizer.learning_rate has several distributions (uniform, choice)",
        ),
        (
            "optimizer.learning_rate = { uniform = [1, 2], log = true }",
            "t.toml:11: the distribution of optimizer.learning_rate takes no key `log`",
        ),
        (
            "optimizer.learning_rate = { uniform = [1, 2] }",
            "t.toml:8: optimizer.learning_rate of relu is drawn: say how often with draws = N in [tune]",
        ),
        (
            "optimizer = { learning_rate = [1] }, 'optimizer.learning_rate' = [2]",
            "t.toml:11: optimizer.learning_rate is searched twice",
        ),
    ] {
        let error = with(search);
        assert!(error.starts_with(said), "{search}: {error}");
    }
    let few = refused("draws = 4\nsearch = { optimizer.learning_rate = { choice = [1, 2, 3] } }", VARIANTS);
    assert!(few.contains("have fewer than 4 different settings"), "{few}");
    let twins = refused("", "[[variants]]\nactivation = 'relu'\n[[variants]]\nactivation = 'relu'\n");
    assert!(twins.contains("variants 1 and 2 are the same but for what is searched"), "{twins}");
    for (text, said) in [
        ("[tune]\nmetric = 'm'\n", "[tune] lacks the key `seeds`"),
        ("[tune]\nseeds = 9\n", "[tune] lacks the key `metric`"),
        ("[tune]\nseeds = 9\nmetric = 'm'\nbetter = 'up'\n", "tune.better = \"up\" is not known"),
        ("[tune]\nseeds = 9\nmetric = 'm'\nsettings = 3\n", "[tune] takes no key `settings`"),
    ] {
        let error = parse(&format!("{HEAD}{text}{VARIANTS}"), &[]).unwrap_err().to_string();
        assert!(error.contains(said), "{error}");
    }
    let own = parse(&format!("{HEAD}{OWN}"), &[]).unwrap_err().to_string();
    assert!(own.contains("a variant takes no key `tune`"), "without [tune]: {own}");
}

#[test]
fn a_seed_is_tuned_on_or_reported() {
    let spec = parse(&format!("{HEAD}[tune]\nseeds = '2..9'\nmetric = 'm'\n{VARIANTS}"), &[]).unwrap();
    let error = spec.tuning(None).unwrap_err().to_string();
    assert!(error.starts_with("t.toml: seed 2 is a seed of [tune] and of the report"), "{error}");
    assert_eq!(spec.tuning(Some("20..22")).unwrap().unwrap().1, [20, 21]);
    assert!(spec.tuning(Some("8")).unwrap_err().to_string().starts_with("--seeds: seed 8"));
}

#[test]
fn sets_reach_the_table_and_what_is_searched() {
    let text = format!(
        "{HEAD}[tune]\nseeds = 9\nmetric = 'm'\nsearch = {{ 'optimizer.beta1' = [0.1] }}\n{VARIANTS}"
    );
    let sets = ["tune.draws=2", "tune.seeds=7", "tune.search.optimizer.beta1={ uniform = [0.0, 0.5] }"];
    let spec = parse(&text, &sets).unwrap();
    let tuning = spec.tuning(None).unwrap().unwrap().0.clone();
    assert_eq!((tuning.seeds.clone(), tuning.variants[0].settings.len()), (vec![7], 2));
    let two = text.replace("[0.1]", "[0.1, 0.2]");
    let error = parse(&two, &["optimizer.beta1=0.3"]).unwrap_err();
    assert!(error.to_string().contains("a --set lies over what is searched"), "{error}");
}

/// The spec of the best is that of its plans, bit for bit, whatever they differ in.
#[test]
fn plans_written_as_variants_read_back() {
    let rest = "\
[[variants]]
activation = { name = 'rational', constraint = { name = 'tail-slope', bound = 0.3 } }
[[variants]]
activation = 'relu'
method = ['l2-init', { name = 'redo', period = 7 }]
optimizer = { name = 'sgd', momentum = 0.1 }
[[variants]]
activation = 'relu'
network = { kind = 'cnn', channels = [3] }
stream = { family = 'permuted-pixels' }
[[variants]]
activation = 'tanh'
method = 'spectral'
";
    let plans = parse(&format!("{HEAD}{rest}"), &[]).unwrap().plans(Some("4")).unwrap();
    assert_eq!(plans.len(), 4);
    let text = variants_toml(&plans, &[4, 6], "one\ntwo");
    assert!(text.starts_with("# one\n# two\nname = "), "{text}");
    let read = parse(&text, &[]).unwrap().plans(None).unwrap();
    let digests = |plans: &[Plan]| plans.iter().map(Plan::digest).collect::<Vec<_>>();
    assert_eq!(digests(&read[..4]), digests(&plans), "{text}");
    assert_eq!((read.len(), read[7].seed), (8, 6));
    assert_eq!(text.matches("[data]").count(), 1, "{text}");
}
