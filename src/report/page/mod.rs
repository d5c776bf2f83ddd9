//! One self-contained page: no request leaves it, so that it can be mailed and kept.

mod details;
mod figure;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::lead::lead;
use super::metric::Metric;
use super::plots::Chart;
use super::tables::{Rank, Table, escape, html};
use crate::record;
use crate::results::{Cell, Results};
use crate::spec::Work;
use crate::words::counted;

/// Specs that the title names.
const NAMED: usize = 3;

/// The page: what holds for all benchmarks, then each of them (its sentence, its figure, its tables, its
/// other figures, its variants), then what was asked for, definitions and provenance.
pub fn page(results: &Results, tables: &[Table], charts: &[Chart]) -> anyhow::Result<String> {
    let title = title(results);
    let asked: Vec<&Table> = tables.iter().filter(|table| table.rank == Rank::Asked).collect();
    let shared: Vec<&Table> =
        tables.iter().filter(|table| table.benchmark.is_none() && table.rank != Rank::Asked).collect();
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{}</title>\n<style>{}</style></head>\n<body>\n<header><h1>{}</h1>\n{}</header>\n<main>\n",
        escape(&title),
        include_str!("style.css"),
        escape(&title),
        summary(results, !shared.is_empty(), !asked.is_empty()),
    );
    if !shared.is_empty() {
        out += "<section id=\"all\"><h2>All benchmarks</h2>\n";
        for table in &shared {
            out += &titled(table);
        }
        for chart in charts.iter().filter(|chart| chart.benchmark.is_none()) {
            out += &figure::figure(chart)?;
        }
        out += "</section>\n";
    }
    for benchmark in 0..results.benchmarks.len() {
        section(&mut out, results, benchmark, tables, charts)?;
    }
    if !asked.is_empty() {
        out += "<section id=\"published\">\n";
        for table in &asked {
            let _ = write!(out, "<h2>{}</h2>\n{}", escape(&table.title), html(table));
        }
        out += "</section>\n";
    }
    out += &definitions(tables);
    out += &details::provenance(results);
    let _ = write!(
        out,
        "</main>\n<script>{}\n{}</script>\n</body></html>\n",
        include_str!("sort.js"),
        include_str!("figures.js")
    );
    Ok(out)
}

/// What the report is of: its specs, and how many benchmarks each of several makes. The links below name them all.
fn title(results: &Results) -> String {
    let plan = |benchmark: usize| results.of(benchmark).next().map(Cell::plan);
    let mut specs: Vec<(&str, Vec<usize>)> = Vec::new();
    for benchmark in 0..results.benchmarks.len() {
        let name = plan(benchmark).map_or(results.benchmarks[benchmark].as_str(), |plan| &plan.name);
        match specs.iter_mut().find(|(known, _)| *known == name) {
            Some((_, own)) => own.push(benchmark),
            None => specs.push((name, vec![benchmark])),
        }
    }
    let environment = |&benchmark: &usize| match &plan(benchmark)?.work {
        Work::Control(control) => Some(control.environment.as_str()),
        Work::Supervised { .. } | Work::Diagnostic(_) => None,
    };
    let said = |(name, own): &(&str, Vec<usize>)| {
        let environments: BTreeSet<&str> = own.iter().filter_map(environment).collect();
        let noun = if environments.len() == own.len() { "environment" } else { "benchmark" };
        if own.len() == 1 { (*name).to_owned() } else { format!("{name} ({})", counted(own.len(), noun)) }
    };
    let more = specs.len().saturating_sub(NAMED);
    let mut said: Vec<String> = specs.iter().take(NAMED).map(said).collect();
    if more > 0 {
        said.push(format!("{more} more"));
    }
    format!("plasticity-bench: {}", said.join(", "))
}

fn titled(table: &Table) -> String {
    format!("<h3>{}</h3>\n{}", escape(&table.title), html(table))
}

fn section(
    out: &mut String,
    results: &Results,
    benchmark: usize,
    tables: &[Table],
    charts: &[Chart],
) -> anyhow::Result<()> {
    let name = &results.benchmarks[benchmark];
    let _ = writeln!(out, "<section id=\"b{benchmark}\"><h2>{}</h2>", escape(name));
    let _ = writeln!(out, "<p class=\"lead\">{}</p>", escape(&lead(results, benchmark)));
    let own = || charts.iter().filter(move |chart| chart.benchmark == Some(benchmark));
    let mut major = own().filter(|chart| !chart.minor);
    if let Some(first) = major.next() {
        *out += &figure::figure(first)?;
    }
    for table in tables.iter().filter(|table| table.benchmark == Some(benchmark)) {
        *out += &if table.title == *name { html(table) } else { titled(table) };
    }
    for chart in major {
        *out += &figure::figure(chart)?;
    }
    let minor: Vec<String> =
        own().filter(|chart| chart.minor).map(figure::figure).collect::<Result<_, _>>()?;
    if !minor.is_empty() {
        let _ = writeln!(
            out,
            "<details><summary>{}</summary>\n{}</details>",
            counted(minor.len(), "more plot"),
            minor.concat()
        );
    }
    *out += &details::variants(results, benchmark);
    *out += "</section>\n";
    Ok(())
}

/// What each metric of the tables is.
fn definitions(tables: &[Table]) -> String {
    let mut metrics: Vec<&Metric> = Vec::new();
    for metric in tables.iter().flat_map(|table| &table.metrics) {
        if !metrics.contains(metric) {
            metrics.push(metric);
        }
    }
    let mut out = String::from("<section id=\"definitions\"><h2>Definitions</h2>\n<dl>\n");
    for metric in metrics {
        let _ = writeln!(
            out,
            "<dt>{} <small><code>{}</code></small></dt><dd>{}.</dd>",
            escape(metric.title),
            metric.name,
            escape(metric.definition)
        );
    }
    out += "</dl>\n<p class=\"note\">With formulas and sources: docs/definitions.md of \
            plasticity-bench.</p></section>\n";
    out
}

fn summary(results: &Results, shared: bool, asked: bool) -> String {
    let mut counts = [0; 5];
    for tally in results.cells.iter().map(Cell::tally) {
        let here = [tally.done, tally.diverged, tally.failed, tally.unfinished, tally.damaged];
        counts.iter_mut().zip(here).for_each(|(sum, count)| *sum += count);
    }
    let words = ["finished", "diverged", "failed", "unfinished", "damaged"];
    let told = counts.iter().zip(words).filter(|(count, word)| **count > 0 || *word == "finished");
    let told: Vec<String> = told.map(|(count, word)| format!("{count} {word}")).collect();
    let mut out = format!(
        "<p>{} of {} on {}: {}. Figures are of the finished ones.</p>\n<nav>",
        counted(counts.iter().sum(), "run"),
        counted(results.variants.len(), "variant"),
        counted(results.benchmarks.len(), "benchmark"),
        told.join(", ")
    );
    if shared {
        out += "<a href=\"#all\">All benchmarks</a>";
    }
    for (index, name) in results.benchmarks.iter().enumerate() {
        let _ = write!(out, " <a href=\"#b{index}\">{}</a>", escape(name));
    }
    if asked {
        out += " <a href=\"#published\">Published figures</a>";
    }
    out += " <a href=\"#definitions\">Definitions</a> <a href=\"#provenance\">Provenance</a></nav>\n";
    for problem in &results.problems {
        let _ = writeln!(out, "<p class=\"problem\">{}</p>", escape(problem));
    }
    let short = |commit: &str| commit.chars().take(12).collect::<String>();
    let commit = record::commit().map_or_else(String::new, |commit| format!(", commit {}", short(commit)));
    let _ = writeln!(out, "<p class=\"note\">Made by plasticity-bench {}{commit}.</p>", record::version());
    out
}
