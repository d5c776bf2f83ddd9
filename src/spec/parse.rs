//! From the text of a spec to its checked runs.

use super::grid::{self, Grid, Setting};
use super::nearest::{hint, nearest, takes};
use super::tree::{self, Field, Place, Sources, Table};
use super::tune::{self, Tuning};
use super::{Catalogue, MAX_RUNS, Plan, SpecError, sections};

/// Longest spec that is read. The longest sensible one has a few kilobytes.
pub const MAX_BYTES: usize = 1 << 20;

/// A spec whose every run has been checked.
#[derive(Clone, Debug)]
pub struct Spec {
    /// The runs at seed 0, in the order of the grid.
    points: Vec<Plan>,
    seeds: Vec<u64>,
    tuning: Option<Tuning>,
    file: String,
}

impl Spec {
    /// Reads and checks the spec `text`; `source_name` is what messages call it. `sets` are the
    /// `KEY=VALUE` of `--set`: laid last over every run of the grid, or over `[grid]` itself where the
    /// key begins with `grid.`.
    ///
    /// # Errors
    /// At the first thing that is wrong in any run of the grid.
    pub fn parse(
        text: &str,
        source_name: &str,
        sets: &[String],
        catalogue: &Catalogue,
    ) -> Result<Self, SpecError> {
        let sources = Sources { file: source_name.to_owned(), sets: sets.to_vec() };
        if text.len() > MAX_BYTES {
            let place = sources.name(Place::File);
            return Err(SpecError::TooLarge { place, bytes: text.len(), limit: MAX_BYTES });
        }
        let mut base = tree::parse(text, &sources)?;
        // What the runner wrote about a run; a spec that is a run's own record carries it along.
        base.take("run");
        let (grid, mut variants) = (base.take("grid"), base.take("variants"));
        let mut tuned = base.take("tune");
        let mut grid = grid.map_or_else(|| Ok(Grid::default()), |field| Grid::read(&field, &sources))?;
        let last = read_sets(&sources, &mut grid, &mut tuned)?;
        let searched = match &mut variants {
            Some(field) if tuned.is_some() => tune::take_own(field),
            _ => Vec::new(),
        };
        let points = match &variants {
            None => grid::product(&grid.axes, &sources)?,
            Some(field) => variants_instead_of(&grid, field, &sources)?,
        };
        let seeds = grid.seeds.unwrap_or_else(|| vec![0]);
        grid::bounded(points.len().checked_mul(seeds.len()), &sources.name(Place::File))?;
        let plan = |point: &[Setting]| {
            let mut root = base.clone();
            lay_all(&mut root, point, &last);
            sections::plan(&root, catalogue, &sources)
        };
        let tuning =
            tuned.map(|field| tune::read(&field, &points, &searched, &sources, &plan)).transpose()?;
        let points = check(&points, plan)?;
        Ok(Self { points, seeds, tuning, file: sources.file })
    }

    /// Name of the benchmark.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.points[0].name
    }

    /// Where its protocol comes from; may be empty.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.points[0].source
    }

    /// The runs, seed by seed, so that the first results stand for the whole grid. `seeds_override`
    /// takes the place of the spec's seeds: `0..5`, `0,3,7` or `4`.
    ///
    /// # Errors
    /// If the override cannot be read, or makes too many runs.
    pub fn plans(&self, seeds_override: Option<&str>) -> Result<Vec<Plan>, SpecError> {
        let (seeds, place) = self.seeds(seeds_override)?;
        grid::bounded(self.points.len().checked_mul(seeds.len()), place)?;
        let with_seed = |&seed| self.points.iter().map(move |plan| Plan { seed, ..plan.clone() });
        Ok(seeds.iter().flat_map(with_seed).collect())
    }

    /// Whether it has a `[tune]` section.
    #[must_use]
    pub fn is_tuned(&self) -> bool {
        self.tuning.is_some()
    }

    /// What `[tune]` asks for, and the seeds of the report, which come of the spec or of `seeds_override`.
    ///
    /// # Errors
    /// If the override cannot be read, or a seed is tuned on and reported.
    pub fn tuning(&self, seeds_override: Option<&str>) -> Result<Option<(&Tuning, Vec<u64>)>, SpecError> {
        let Some(tuning) = &self.tuning else { return Ok(None) };
        let (seeds, place) = self.seeds(seeds_override)?;
        tuning.fresh(&seeds, place)?;
        Ok(Some((tuning, seeds)))
    }

    /// The seeds, and where they come from.
    fn seeds(&self, given: Option<&str>) -> Result<(Vec<u64>, &str), SpecError> {
        match given {
            Some(text) => Ok((grid::read_seed_text(text, "--seeds")?, "--seeds")),
            None => Ok((self.seeds.clone(), &self.file)),
        }
    }
}

/// Settings that go together replace the product; a product beside them would be lost without a word.
fn variants_instead_of(
    grid: &Grid,
    field: &Field,
    sources: &Sources,
) -> Result<Vec<Vec<Setting>>, SpecError> {
    if let Some(axis) = grid.axes.first() {
        return Err(SpecError::Conflict {
            place: sources.name(axis.place),
            sentence: format!(
                "grid.{} has no effect beside [[variants]], which replace the grid's product: \
                 write the combinations out as variants, or remove one of the two",
                axis.path.join(".")
            ),
        });
    }
    let variants = grid::read_variants(field, sources)?;
    grid::bounded(Some(variants.len()), &sources.name(field.place))?;
    Ok(variants)
}

/// Takes the `--set`s apart: those for `[grid]` and `[tune]` go into these, the others are given back.
fn read_sets(
    sources: &Sources,
    grid: &mut Grid,
    tuned: &mut Option<Field>,
) -> Result<Vec<Setting>, SpecError> {
    let mut last = Vec::new();
    for (number, text) in sources.sets.iter().enumerate() {
        let place = Place::Set(number);
        let conflict = |sentence: &str| SpecError::Conflict {
            place: sources.name(place),
            sentence: sentence.to_owned(),
        };
        let (key, value) = text
            .split_once('=')
            .ok_or_else(|| conflict("a setting is KEY=VALUE, as in --set stream.tasks=10"))?;
        let path = grid::path(key);
        if path.iter().any(String::is_empty) {
            return Err(conflict("the key before the = is not a dotted key, as in stream.tasks"));
        }
        let value = tree::parse_value(value.trim(), place, sources)?;
        match path[0].as_str() {
            "grid" if path.len() > 1 => {
                let field = Field { key: key.trim().to_owned(), place, node: value };
                grid.add(&path[1..], &field, sources)?;
            }
            "tune" if path.len() > 1 => tune::lay(tuned, &path, place, value),
            "name" | "source" => last.push(Setting { path, place, value }),
            section if sections::SECTIONS.contains(&section) => last.push(Setting { path, place, value }),
            section => {
                let accepted =
                    || ["name", "source"].into_iter().chain(sections::SECTIONS).chain(["grid", "tune"]);
                return Err(SpecError::UnknownKey {
                    place: sources.name(place),
                    owner: "the spec".into(),
                    key: section.to_owned(),
                    hint: hint(nearest(section, accepted())),
                    accepted: takes(accepted()),
                });
            }
        }
    }
    Ok(last)
}

/// Lays a point's settings and the `--set`s over the base. A `--set` of a whole section comes before the
/// point's keys within it, and an axis that is itself a `--set` comes last, so that no axis is lost.
fn lay_all(root: &mut Table, point: &[Setting], last: &[Setting]) {
    let within =
        |set: &Setting| point.iter().any(|s| s.path.len() > set.path.len() && s.path.starts_with(&set.path));
    let (before, after): (Vec<_>, Vec<_>) = last.iter().partition(|set| within(set));
    let (of_sets, of_file): (Vec<_>, Vec<_>) =
        point.iter().cloned().partition(|setting| matches!(setting.place, Place::Set(_)));
    for setting in before {
        grid::apply(root, std::slice::from_ref(setting));
    }
    grid::apply(root, &of_file);
    for setting in after {
        grid::apply(root, std::slice::from_ref(setting));
    }
    grid::apply(root, &of_sets);
}

/// Checks every point; those that are the same run are taken once.
fn check(
    points: &[Vec<Setting>],
    plan: impl Fn(&[Setting]) -> Result<Plan, SpecError>,
) -> Result<Vec<Plan>, SpecError> {
    let mut seen = std::collections::BTreeSet::new();
    let mut plans = Vec::with_capacity(points.len());
    for point in points {
        let plan = plan(point)?;
        if seen.insert(plan.digest()) {
            plans.push(plan);
        }
    }
    debug_assert!(plans.len() <= MAX_RUNS);
    Ok(plans)
}
