//! From result folders to tables, plots and one HTML page.
//!
//! [`crate::results`] has gathered runs into variants × benchmarks × seeds; [`statistics`] says how sure a
//! figure is, [`mod@tables`], [`plots`] and [`page`] show it, [`published`] sets it beside others' and [`export`] gives
//! the numbers to other programs.

pub mod export;
mod files;
mod lead;
pub mod metric;
pub mod page;
pub mod plots;
pub mod published;
mod ranking;
pub mod search;
pub mod statistics;
pub mod tables;

#[cfg(test)]
mod tests;

use std::fs;
use std::path::Path;

use anyhow::Context;

use crate::results::Results;
use tables::Table;

/// The tables of a report, in order: all benchmarks, each of them, settings that were tried, each against its best, ours beside
/// published ones.
#[must_use]
pub fn tables(results: &Results, published: &[published::Published]) -> Vec<Table> {
    let benchmarks = || 0..results.benchmarks.len();
    let mut all: Vec<Table> = tables::overview(results);
    all.extend(benchmarks().map(|benchmark| tables::benchmark(results, benchmark)));
    all.extend(results.searches.iter().map(|search| tables::search(results, search)));
    all.extend(benchmarks().filter_map(|benchmark| tables::improvement(results, benchmark)));
    if !published.is_empty() {
        all.push(published::table(results, published));
    }
    all
}

/// Writes index.html, tables.md, tables.tex, tables.csv and plots/ into `out`.
pub fn write(results: &Results, tables: &[Table], out: &Path) -> anyhow::Result<()> {
    let plots = out.join("plots");
    let failed = |path: &Path| {
        format!("the report cannot be written to {}; name another folder with --out", path.display())
    };
    fs::create_dir_all(&plots).with_context(|| failed(&plots))?;
    let put = |path: &Path, text: &str| fs::write(path, text).with_context(|| failed(path));
    let join = |of: fn(&Table) -> String| tables.iter().map(of).collect::<Vec<_>>().join("\n");
    let definitions = tables::definitions(tables);
    put(&out.join("tables.md"), &format!("{}\n{definitions}", join(tables::markdown)))?;
    put(&out.join("tables.tex"), &join(tables::latex))?;
    put(&out.join("tables.csv"), &tables::csv(results))?;
    let charts = plots::charts(results);
    let earlier = files::earlier(&plots);
    let mut written = Vec::new();
    for chart in &charts {
        let [svg, png] = ["svg", "png"].map(|ending| format!("{}.{ending}", chart.file));
        put(&plots.join(&svg), &plots::svg(chart)?)?;
        plots::png(chart, &plots.join(&png))?;
        written.extend([svg, png]);
    }
    files::replace(&plots, &earlier, &written).with_context(|| failed(&plots))?;
    put(&out.join("index.html"), &page::page(results, tables, &charts)?)
}
