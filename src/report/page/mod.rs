//! One self-contained page: no request leaves it, so that it can be mailed and kept.

mod drill;
mod figure;

use std::fmt::Write as _;

use super::plots::Chart;
use super::tables::{Table, escape, html};
use crate::record;
use crate::results::Results;

/// The page. `tables` stand in order under the summary; `charts` under their benchmarks.
pub fn page(results: &Results, tables: &[Table], charts: &[Chart]) -> anyhow::Result<String> {
    let title = format!("plasticity-bench: {}", results.benchmarks.join(", "));
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<style>{}</style></head>\n<body>\n<header><h1>{}</h1>\n{}</header>\n<main>\n",
        escape(&title),
        include_str!("style.css"),
        escape(&title),
        summary(results),
    );
    out += "<section id=\"tables\"><h2>Tables</h2>\n";
    for table in tables {
        let _ = write!(out, "<h3>{}</h3>\n{}", escape(&table.title), html(table));
    }
    out += "</section>\n";
    for (benchmark, name) in results.benchmarks.iter().enumerate() {
        let _ = writeln!(out, "<section id=\"b{benchmark}\"><h2>{}</h2>", escape(name));
        let (mut minor, mut count) = (String::new(), 0);
        for chart in charts.iter().filter(|chart| chart.benchmark == benchmark) {
            let drawn = figure::figure(chart)?;
            if chart.minor {
                minor += &drawn;
                count += 1;
            } else {
                out += &drawn;
            }
        }
        if count > 0 {
            let _ = writeln!(out, "<details><summary>{count} more plots</summary>\n{minor}</details>");
        }
        out += &drill::variants(results, benchmark);
        out += "</section>\n";
    }
    out += &drill::provenance(results);
    let _ = write!(out, "</main>\n<script>{}</script>\n</body></html>\n", include_str!("sort.js"));
    Ok(out)
}

fn summary(results: &Results) -> String {
    let mut counts = [0; 4];
    for tally in results.cells.iter().map(crate::results::Cell::tally) {
        let here = [tally.done, tally.diverged, tally.failed, tally.unfinished];
        counts.iter_mut().zip(here).for_each(|(sum, count)| *sum += count);
    }
    let mut out = format!(
        "<p>Runs: {}; variants: {}; benchmarks: {}.</p><p>Of the runs, {} finished, {} diverged, {} failed, {} unfinished. \
         Figures are of the finished ones.</p>\n<nav><a href=\"#tables\">Tables</a>",
        counts.iter().sum::<usize>(),
        results.variants.len(),
        results.benchmarks.len(),
        counts[0],
        counts[1],
        counts[2],
        counts[3]
    );
    for (index, name) in results.benchmarks.iter().enumerate() {
        let _ = write!(out, " <a href=\"#b{index}\">{}</a>", escape(name));
    }
    out += " <a href=\"#provenance\">Provenance</a></nav>\n";
    for problem in &results.problems {
        let _ = writeln!(out, "<p class=\"problem\">{}</p>", escape(problem));
    }
    let commit = record::commit().map_or_else(String::new, |commit| format!(", commit {}", &commit[..12]));
    let _ = writeln!(out, "<p class=\"note\">Made by plasticity-bench {}{commit}.</p>", record::version());
    out
}
