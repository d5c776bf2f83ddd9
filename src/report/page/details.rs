//! What the figures are made of: every variant with its runs and specs, and where all of it comes from.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::record::Status;
use crate::report::metric::METRICS;
use crate::report::ranking::Shown;
use crate::report::tables::escape;
use crate::results::{Cell, Results, Run};
use crate::spec::Work;

/// Variants that are unfolded at most.
const VARIANTS: usize = 100;

/// One fold a variant: its runs, and the resolved spec of the first.
pub fn variants(results: &Results, benchmark: usize) -> String {
    let mut out = String::from("<h3>Variants</h3>\n");
    let source = results.of(benchmark).next().map(|cell| cell.plan().source.clone()).unwrap_or_default();
    if !source.is_empty() {
        let _ = writeln!(out, "<p class=\"note\">Protocol: {}</p>", escape(&source));
    }
    let shown = Shown::of(results, benchmark, VARIANTS);
    if shown.left_out > 0 {
        let _ = writeln!(out, "<p class=\"note\">{}</p>", escape(&shown.note()));
    }
    for cell in shown.cells {
        let tally = cell.tally();
        let _ = writeln!(
            out,
            "<details><summary>{} <small>{} of {} runs finished</small></summary>\n{}{}</details>",
            escape(&results.variants[cell.variant]),
            tally.done,
            tally.runs(),
            runs(cell),
            specs(cell)
        );
    }
    out
}

fn runs(cell: &Cell) -> String {
    let metrics: Vec<_> =
        METRICS.iter().filter(|m| cell.runs.values().any(|run| run.metrics.contains_key(m.name))).collect();
    let mut out = String::from("<div class=\"scroll\"><table class=\"sortable\"><thead><tr>");
    let heads = ["seed", "status", "tasks"].into_iter().chain(metrics.iter().map(|m| m.title));
    for head in heads.chain(["seconds", "folder"]) {
        let label = if head == "folder" { " class=\"label\"" } else { "" };
        let _ =
            write!(out, "<th scope=\"col\"{label}><button type=\"button\">{}</button></th>", escape(head));
    }
    out += "</tr></thead><tbody>\n";
    for (seed, run) in &cell.runs {
        let status = word(run);
        let _ = write!(out, "<tr><td data-v=\"{seed}\">{seed}</td><td class=\"{status}\">{status}</td>");
        let _ = write!(out, "<td data-v=\"{0}\">{0}</td>", run.tasks);
        for metric in &metrics {
            let value = run.metrics.get(metric.name);
            out += &value.map_or("<td></td>".into(), |x| format!("<td data-v=\"{x}\">{x:.4}</td>"));
        }
        let _ = writeln!(
            out,
            "<td data-v=\"{0}\">{0:.1}</td><td class=\"label\"><code>{1}</code></td></tr>",
            run.status.seconds,
            escape(&run.folder.file_name().unwrap_or_default().to_string_lossy())
        );
    }
    out += "</tbody></table></div>\n";
    for run in cell.runs.values() {
        if let Some(error) = &run.status.error {
            let _ = writeln!(out, "<p class=\"problem\">seed {}: {}</p>", run.plan.seed, escape(error));
        }
    }
    out
}

fn word(run: &Run) -> &'static str {
    match run.status.status {
        Status::Done if run.damage.is_some() => "damaged",
        Status::Done => "done",
        Status::Diverged => "diverged",
        Status::Failed => "failed",
        Status::Running => "unfinished",
    }
}

/// One spec for all the runs, which differ in their seeds alone.
fn specs(cell: &Cell) -> String {
    let seeds: Vec<String> = cell.runs.keys().map(ToString::to_string).collect();
    let spec = cell.plan().to_toml();
    let one = format!("seeds = [{}]", cell.plan().seed);
    let all = spec.replace(&one, &format!("seeds = [{}]", seeds.join(", ")));
    format!(
        "<p class=\"note\">Resolved spec: saved as spec.toml, it runs as \
         <code>plasticity-bench run spec.toml</code></p>\n<pre>{}</pre>\n",
        escape(&all)
    )
}

/// A name, and what a run says under it.
type Fact = (&'static str, fn(&Run) -> String);

/// Builds, machines and data that the runs came from, each with the number of its runs.
pub fn provenance(results: &Results) -> String {
    let facts: [Fact; 6] = [
        ("version", |run| run.status.version.clone()),
        ("commit", |run| run.status.commit.clone().unwrap_or_else(|| "unknown".into())),
        ("data (SHA-256 of the decoded set)", |run| match &run.plan.work {
            Work::Supervised { data, .. } => format!("{} {}", data.dataset, run.status.data_checksum),
            Work::Control(control) => format!("environment {}", control.environment),
            Work::Diagnostic(diagnostic) => format!("diagnostic {}", diagnostic.name),
        }),
        ("device", |run| run.status.device.clone()),
        ("threads of a step", |run| run.status.threads.to_string()),
        ("kernels", |run| run.status.kernels.clone()),
    ];
    let mut out = String::from("<section id=\"provenance\"><h2>Provenance</h2>\n<dl>\n");
    for (name, of) in facts {
        let mut values: BTreeMap<String, usize> = BTreeMap::new();
        results.runs().for_each(|run| *values.entry(of(run)).or_default() += 1);
        let _ = writeln!(out, "<dt>{}</dt>", escape(name));
        for (value, count) in values {
            let _ = writeln!(out, "<dd><code>{}</code> <small>{count} runs</small></dd>", escape(&value));
        }
    }
    let started = results.runs().map(|run| run.status.started.as_str()).min().unwrap_or_default();
    let finished = results.runs().filter_map(|run| run.status.finished.as_deref()).max().unwrap_or_default();
    let _ = writeln!(out, "<dt>run between</dt><dd>{} and {}</dd>", escape(started), escape(finished));
    let seconds: f64 = results.runs().map(|run| run.status.seconds).sum();
    let _ = writeln!(out, "<dt>computing</dt><dd>{:.2} hours</dd>\n</dl></section>", seconds / 3600.0);
    out
}
