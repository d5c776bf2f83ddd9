//! The files of a report.

use super::{entry, plans, put, results, run};
use crate::catalogue::catalogue;
use crate::record::Status;
use crate::report::{plots, tables, write};
use crate::results::gather;
use crate::spec::Value;

#[test]
fn a_second_report_removes_the_plots_of_the_first_and_nothing_else() {
    let root = tempfile::tempdir().unwrap();
    let all = results(root.path());
    let out = tempfile::tempdir().unwrap();
    write(&all, &tables(&all, &[]), out.path()).unwrap();
    std::fs::write(out.path().join("plots/mine.png"), "mine").unwrap();
    assert!(out.path().join("plots/online-accuracy-bench.svg").exists());
    let mut other = plans()[0].clone();
    other.name = "other".into();
    let elsewhere = tempfile::tempdir().unwrap();
    run(elsewhere.path(), &other, Status::Done, &[0.5, 0.5]);
    let second = gather(&[elsewhere.path().to_owned()], &catalogue()).unwrap();
    write(&second, &tables(&second, &[]), out.path()).unwrap();
    let there = |name: &str| out.path().join("plots").join(name).exists();
    assert!(!there("online-accuracy-bench.svg") && !there("profile-bench.png"));
    assert!(there("online-accuracy-other.svg") && there("mine.png"));
}

#[test]
fn many_lines_are_named_at_their_ends_and_in_groups_on_the_page() {
    let root = tempfile::tempdir().unwrap();
    for seed in 0..2 {
        for rate in 1..=13 {
            let mut plan = plans()[0].clone();
            plan.seed = seed;
            plan.optimizer.parameters.insert("learning_rate".into(), Value::Number(f64::from(rate)));
            run(root.path(), &plan, Status::Done, &[0.5, 0.5 + f64::from(rate) / 100.0]);
        }
    }
    let results = gather(&[root.path().to_owned()], &catalogue()).unwrap();
    let chart = plots::charts(&results).remove(0);
    assert!(chart.names_ends());
    let file = plots::svg(&chart).unwrap();
    assert!((1..=13).all(|rate| file.contains(&format!("relu lr={rate}\n"))), "{file}");
    assert!(!file.contains("<g ") && !file.contains('\u{E000}'), "files have no groups");
    let page = plots::grouped_svg(&chart).unwrap();
    assert_eq!(page.matches("<g class=\"series\"").count(), 13);
    assert_eq!(page.matches("<g class=\"key\"").count(), 13);
    assert_eq!(page.matches("<g ").count(), page.matches("</g>").count());
    assert!(page.contains("data-x=\"task\" data-y=\"online accuracy\""));
}

#[test]
fn the_report_is_whole_and_lets_no_markup_through() {
    let root = tempfile::tempdir().unwrap();
    let first = results(root.path()).runs().next().unwrap().folder.clone();
    put(&first, &[entry(0, 0), entry(1, 0), entry(1, 1)]);
    let results = gather(&[root.path().to_owned()], &catalogue()).unwrap();
    let out = root.path().join("report");
    write(&results, &tables(&results, &[]), &out).unwrap();
    let page = std::fs::read_to_string(out.join("index.html")).unwrap();
    assert!(page.contains("&lt;b&gt;&amp;&quot;paper&quot;") && !page.contains("<b>&"), "the source");
    assert!(page.contains("the loss is &lt;NaN&gt;"), "why a run diverged");
    assert!(page.contains("seeds = [0, 1, 2, 3]"), "the resolved spec");
    let outside = page.replace("http://www.w3.org/2000/svg", "");
    assert!(!outside.contains("http") && !outside.contains("src="), "no request leaves the page");
    for name in ["online-accuracy-bench", "profile-bench", "accuracy-matrix-bench", "trade-off-bench"] {
        let svg = std::fs::read_to_string(out.join(format!("plots/{name}.svg"))).unwrap();
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"), "{name}");
        let png = std::fs::read(out.join(format!("plots/{name}.png"))).unwrap();
        assert!(png.starts_with(b"\x89PNG") && png.len() > 2000, "{name}");
    }
    for name in ["tables.md", "tables.tex", "tables.csv"] {
        assert!(std::fs::read_to_string(out.join(name)).unwrap().contains("relu"), "{name}");
    }
}

/// A title once listed every environment.
#[test]
fn a_title_names_the_specs_and_counts_their_benchmarks() {
    let title = |benchmarks: &[(&str, &str)]| {
        let root = tempfile::tempdir().unwrap();
        for (name, environment) in benchmarks {
            let plan = super::agents::plan(name, environment);
            run(root.path(), &plan, Status::Diverged, &[]);
        }
        let results = gather(&[root.path().to_owned()], &catalogue()).unwrap();
        let page = crate::report::page::page(&results, &tables(&results, &[]), &[]).unwrap();
        assert!(benchmarks.iter().all(|(_, environment)| page.contains(environment)), "the text names all");
        page.split("<title>").nth(1).unwrap().split("</title>").next().unwrap().to_owned()
    };
    let (one, two, three) = ("reacher-easy", "reacher-hard", "walker-walk");
    assert_eq!(title(&[("a", one)]), "plasticity-bench: a");
    assert_eq!(title(&[("a", one), ("a", two), ("a", three)]), "plasticity-bench: a (3 environments)");
    let mixed = [("a", one), ("a", two), ("b", one), ("c", one), ("d", three)];
    assert_eq!(title(&mixed), "plasticity-bench: a (2 environments), b, c, 1 more");
}
