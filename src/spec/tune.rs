//! `[tune]`: settings that are tried for every variant, the same number for each, before the best of each is
//! run on fresh seeds.

use std::collections::BTreeSet;

use super::grid::{self, Setting};
use super::reader::Section;
use super::search::{self, Searched, Values};
use super::tree::{Field, Item, Node, Place, Sources, Table};
use super::{MAX_RUNS, Plan, SpecError, values};

/// What the name of the tuning runs' benchmark ends with.
pub const TUNING_SUFFIX: &str = "-tune";
/// Longest name of a benchmark.
const LONGEST: usize = 64;
/// Draws for every one that is wanted, where draws repeat each other.
const PATIENCE: usize = 30;

/// What `[tune]` asks for.
#[derive(Clone, Debug)]
pub struct Tuning {
    /// What settings are compared by: a metric of the report.
    pub metric: String,
    /// `higher`, `lower` or `nearer-zero`, where the spec says it.
    pub better: Option<String>,
    /// Seeds that every setting is run with.
    pub seeds: Vec<u64>,
    /// The variants in the spec's order, each with as many settings.
    pub variants: Vec<Tuned>,
    /// Where `[tune]` stands.
    pub place: String,
}

/// A variant and its settings.
#[derive(Clone, Debug)]
pub struct Tuned {
    /// As the spec has it, at seed 0.
    pub base: Plan,
    /// The settings at seed 0, under the tuning runs' name.
    pub settings: Vec<Plan>,
    /// Keys that are searched.
    pub keys: Vec<String>,
}

impl Tuned {
    /// Setting number `index` in words: `optimizer.learning_rate=1e-3 method.strength=0.01`.
    #[must_use]
    pub fn in_words(&self, index: usize) -> String {
        let told = self.keys.iter().zip(values(&self.settings[index], &self.keys));
        told.map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join(" ")
    }
}

impl Tuning {
    /// The tuning runs, seed by seed.
    #[must_use]
    pub fn plans(&self) -> Vec<Plan> {
        let settings = || self.variants.iter().flat_map(|variant| &variant.settings);
        let with_seed = |&seed: &u64| settings().map(move |plan| Plan { seed, ..plan.clone() });
        self.seeds.iter().flat_map(with_seed).collect()
    }

    /// Name of the tuning runs' benchmark.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.variants[0].settings[0].name
    }

    /// Whether none of the report's seeds was tuned on.
    pub(super) fn fresh(&self, report: &[u64], place: &str) -> Result<(), SpecError> {
        match report.iter().find(|seed| self.seeds.contains(seed)) {
            None => Ok(()),
            Some(seed) => Err(SpecError::Conflict {
                place: place.to_owned(),
                sentence: format!(
                    "seed {seed} is a seed of [tune] and of the report: what was chosen on a seed looks better \
                     on it than it is, so give [tune] seeds of its own"
                ),
            }),
        }
    }
}

/// `[tune]` before its settings are laid over the variants.
struct Asked {
    metric: String,
    better: Option<String>,
    seeds: Vec<u64>,
    draws: Option<usize>,
    search: Vec<Searched>,
}

/// Takes the `tune` tables out of `[[variants]]`.
pub(super) fn take_own(variants: &mut Field) -> Vec<Option<Field>> {
    let Item::List(items) = &mut variants.node.item else { return Vec::new() };
    let take = |node: &mut Node| match &mut node.item {
        Item::Table(table) => table.take("tune"),
        _ => None,
    };
    items.iter_mut().map(take).collect()
}

/// Reads `[tune]`. `points` are what the variants lay over the spec, `own` their own searches, and `plan` makes
/// a checked plan of a point.
pub(super) fn read(
    field: &Field,
    points: &[Vec<Setting>],
    own: &[Option<Field>],
    sources: &Sources,
    plan: &dyn Fn(&[Setting]) -> Result<Plan, SpecError>,
) -> Result<Tuning, SpecError> {
    let asked = asked(field, sources)?;
    let mut variants: Vec<Tuned> = Vec::with_capacity(points.len());
    for (index, point) in points.iter().enumerate() {
        let mut searched = asked.search.clone();
        let mut place = field.place;
        if let Some(own) = own.get(index).and_then(Option::as_ref) {
            let mut alone = Vec::new();
            search::add(&mut alone, &[], own, sources, false)?;
            place = own.place;
            for one in alone {
                match searched.iter_mut().find(|other| other.path == one.path) {
                    Some(other) => *other = one,
                    None => searched.push(one),
                }
            }
        }
        let conflict = |sentence: String| SpecError::Conflict { place: sources.name(place), sentence };
        let base = plan(point)?;
        let number = index + 1;
        if let Some(twin) = variants.iter().position(|other| other.base == base) {
            return Err(conflict(format!(
                "variants {} and {number} are the same but for what is searched of them: join the two",
                twin + 1
            )));
        }
        let name = format!("{}{TUNING_SUFFIX}", base.name);
        if name.len() > LONGEST {
            return Err(conflict(format!(
                "the tuning runs would be called {name}, which is longer than {LONGEST} letters: shorten the name"
            )));
        }
        let label = base.variant_label();
        let tried = tried(&searched, &asked, &label).map_err(conflict)?;
        let mut settings = Vec::with_capacity(tried.len());
        let mut seen = BTreeSet::new();
        for values in &tried {
            let laid: Vec<Setting> = point.iter().chain(values).cloned().collect();
            let plan = Plan { name: name.clone(), ..plan(&laid)? };
            if !seen.insert(plan.digest()) {
                return Err(conflict(format!(
                    "two settings of variant {number} ({label}) are the same run: a value stands in a list twice, \
                     a --set lies over what is searched, or a key has no effect there"
                )));
            }
            settings.push(plan);
        }
        if let Some(first) = variants.first()
            && first.settings.len() != settings.len()
        {
            return Err(conflict(format!(
                "variant {number} ({label}) has {} settings and variant 1 ({}) has {}: a search that is wider for one \
                 finds more by chance alone, so give each variant as many (shorter lists, or draws = N)",
                settings.len(),
                first.base.variant_label(),
                first.settings.len()
            )));
        }
        let keys = searched.iter().map(Searched::key).collect();
        variants.push(Tuned { base, settings, keys });
    }
    let runs: usize = variants.iter().map(|variant| variant.settings.len()).sum();
    grid::bounded(runs.checked_mul(asked.seeds.len()), &sources.name(field.place))?;
    let Asked { metric, better, seeds, .. } = asked;
    Ok(Tuning { metric, better, seeds, variants, place: sources.name(field.place) })
}

fn asked(field: &Field, sources: &Sources) -> Result<Asked, SpecError> {
    let Item::Table(table) = &field.node.item else {
        let top = Section { path: "", place: field.place, table: &Table(Vec::new()), sources };
        return Err(top.wrong_type("tune", &field.node, "a table"));
    };
    let section = Section { path: "tune", place: field.place, table, sources };
    section.only("[tune]", &["seeds", "metric", "better", "draws", "search"])?;
    let seeds = table
        .get("seeds")
        .ok_or_else(|| section.missing("seeds", "write for example seeds = \"100..103\""))?;
    let seeds = grid::read_seeds(seeds, section)?;
    let metric = section.text("metric")?;
    let (metric, _) = metric
        .ok_or_else(|| section.missing("metric", "write for example metric = \"total_online_accuracy\""))?;
    let better = section.word("better", &["higher", "lower", "nearer-zero"].map(|word| (word, word)))?;
    let draws = section.count("draws", 1, MAX_RUNS as i64)?;
    let mut search = Vec::new();
    if let Some(field) = table.field("search") {
        search::add(&mut search, &[], field, sources, false)?;
    }
    Ok(Asked { metric: metric.to_owned(), better: better.map(str::to_owned), seeds, draws, search })
}

/// The settings of a variant: the product of its lists, the first one slowest, and at each of its points all
/// draws. The error is a sentence.
fn tried(searched: &[Searched], asked: &Asked, label: &str) -> Result<Vec<Vec<Setting>>, String> {
    let mut points: Vec<Vec<Setting>> = vec![Vec::new()];
    let mut drawn = Vec::new();
    for one in searched {
        match &one.values {
            Values::Drawn(distribution) => drawn.push((one, distribution)),
            Values::Grid(values) => {
                if points.len().saturating_mul(values.len()) > MAX_RUNS {
                    return Err(format!("the lists of {label} have more than {MAX_RUNS} combinations"));
                }
                let with = |point: &Vec<Setting>, value: &Node| {
                    let setting =
                        Setting { path: one.path.clone(), place: value.place, value: value.clone() };
                    [point.clone(), vec![setting]].concat()
                };
                points = points.iter().flat_map(|point| values.iter().map(move |v| with(point, v))).collect();
            }
        }
    }
    if drawn.is_empty() {
        return Ok(points);
    }
    let Some(draws) = asked.draws else {
        return Err(format!(
            "{} of {label} is drawn: say how often with draws = N in [tune]",
            drawn[0].0.key()
        ));
    };
    if points.len().saturating_mul(draws) > MAX_RUNS {
        return Err(format!("{label} has more than {MAX_RUNS} settings"));
    }
    let mut streams: Vec<_> = drawn.iter().map(|(one, _)| one.stream(asked.seeds[0])).collect();
    let (mut all, mut seen) = (Vec::with_capacity(draws), BTreeSet::new());
    for _ in 0..draws.saturating_mul(PATIENCE) {
        if all.len() == draws {
            break;
        }
        let settings: Vec<Setting> = (drawn.iter().zip(&mut streams))
            .map(|((one, distribution), stream)| {
                let value = distribution.draw(one.place, stream);
                Setting { path: one.path.clone(), place: one.place, value }
            })
            .collect();
        let told: Vec<String> = settings.iter().map(|setting| format!("{:?}", setting.value.item)).collect();
        if seen.insert(told) {
            all.push(settings);
        }
    }
    if all.len() < draws {
        return Err(format!(
            "the distributions of {label} have fewer than {draws} different settings: ask for fewer draws, or search more"
        ));
    }
    let at = |point: &Vec<Setting>, draw: &Vec<Setting>| [point.clone(), draw.clone()].concat();
    Ok(points.iter().flat_map(|point| all.iter().map(move |draw| at(point, draw))).collect())
}

/// Lays a `--set tune.…` over the spec's `[tune]`.
pub(super) fn lay(field: &mut Option<Field>, path: &[String], place: Place, value: Node) {
    let mut root = Table(field.take().into_iter().collect());
    super::overlay::lay(&mut root, path, place, value);
    *field = root.take("tune");
}
