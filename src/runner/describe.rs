//! The dry run: what a grid amounts to, without running any of it.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use comfy_table::Table;

use super::eta::duration;
use super::folders::{self, Run, select};
use super::shard::cut;
use super::{Options, memory, status};
use crate::spec::{Length, Plan, Work, axes};
use crate::text_table;
use crate::words::counted;

/// The grid as text: its axes, the number and length of the runs, those already finished in
/// `options.out`, and the time that the rest is expected to take.
///
/// # Errors
/// If two different plans share a folder.
pub fn describe(plans: &[Plan], options: &Options) -> anyhow::Result<String> {
    let runs = select(plans, options)?;
    let all: Vec<&Plan> = runs.iter().map(|run| &run.plan).collect();
    let mut text = format!("{}\n{}\n", heading(&runs, options), axis_table(&all, options.width));
    let left: Vec<&Run> = runs.iter().filter(|run| options.fresh || !folders::is_finished(run)).collect();
    if left.len() < runs.len() {
        let _ = writeln!(text, "Finished before: {} of {}.", runs.len() - left.len(), runs.len());
    }
    let failed = left.iter().filter(|run| !options.fresh && status::has_failed(&run.dir)).count();
    if failed > 0 {
        let what = if options.retry { "to be tried again" } else { "to be left alone" };
        let _ = writeln!(text, "Failed before, {what}: {failed} of {}.", runs.len());
    }
    let left: Vec<&Run> = left
        .into_iter()
        .filter(|run| options.fresh || options.retry || !status::has_failed(&run.dir))
        .collect();
    if left.is_empty() {
        text.push_str("Nothing is left to do.\n");
    } else {
        text.push_str(&expected_time(&left, options));
        text.push_str(&expected_memory(&left, options));
    }
    Ok(text)
}

fn heading(runs: &[Run], options: &Options) -> String {
    let names: BTreeSet<&str> = runs.iter().map(|run| run.plan.name.as_str()).collect();
    let names = names.into_iter().collect::<Vec<_>>().join(", ");
    let share = options.shard.map(|shard| format!(" (shard {shard})")).unwrap_or_default();
    format!("{names}: {}{share}, into {}", counted(runs.len(), "run"), options.out.display())
}

fn axis_table(plans: &[&Plan], width: Option<u16>) -> Table {
    let mut grid = text_table::empty(["axis", "values"], width);
    for axis in axes(plans) {
        grid.add_row([axis.key, axis.values.join(", ")]);
    }
    let seeds: BTreeSet<u64> = plans.iter().map(|plan| plan.seed).collect();
    grid.add_row(["seeds".into(), ranges(&seeds.into_iter().collect::<Vec<_>>())]);
    let mut lengths: Vec<String> = Vec::new();
    for plan in plans {
        let length = length(plan);
        if !lengths.contains(&length) {
            lengths.push(length);
        }
    }
    grid.add_row(["each run".into(), lengths.join(", ")]);
    grid
}

fn length(plan: &Plan) -> String {
    let tasks = plan.tasks();
    match &plan.work {
        Work::Supervised { .. } => {}
        Work::Control(control) => {
            let steps = control.steps;
            let whole = tasks * steps;
            return format!("{} × {steps} environment steps = {whole} steps", counted(tasks, "task"));
        }
        Work::Diagnostic(diagnostic) => return format!("the diagnostic {}", diagnostic.name),
    }
    match plan.stream().length {
        Length::Steps(steps) => {
            format!("{} × {steps} steps = {} steps", counted(tasks, "task"), tasks * steps)
        }
        Length::Epochs(epochs) => format!("{} × {epochs} epochs", counted(tasks, "task")),
    }
}

fn expected_time(runs: &[&Run], options: &Options) -> String {
    let seconds: Option<Vec<f64>> = runs.iter().map(|run| (options.estimate)(&run.plan)).collect();
    let Some(seconds) = seconds else { return "Expected time: unknown.\n".into() };
    let whole: f64 = seconds.iter().sum();
    let jobs = options.jobs.max(1);
    // The queue hands out the longest first, which is how `cut` deals.
    let load = |share: &Vec<usize>| share.iter().map(|&i| seconds[i]).sum::<f64>();
    let busiest = cut(&seconds, jobs).iter().map(load).fold(0.0, f64::max);
    let mut text =
        format!("Expected time: about {} of computing ({:.2} core-hours)", duration(whole), whole / 3600.0);
    if jobs > 1 {
        let _ = write!(text, ", {} with {jobs} runs at a time", duration(busiest));
    }
    text + ".\n"
}

fn expected_memory(runs: &[&Run], options: &Options) -> String {
    let jobs = options.jobs.clamp(1, runs.len().max(1));
    let of = |jobs| memory::of_process(runs, jobs).map(memory::in_words);
    let (Some(one), Some(all)) = (of(1), of(jobs)) else { return "Expected memory: unknown.\n".into() };
    let mut text = format!("Expected memory: up to {one} with one run at a time");
    if jobs > 1 {
        let _ = write!(text, ", {all} with {jobs}");
    }
    text + ".\n"
}

/// `0..5` for 0, 1, 2, 3, 4, as in specs.
fn ranges(sorted: &[u64]) -> String {
    let parts = sorted.chunk_by(|a, b| a + 1 == *b).map(|run| match run {
        [one] => one.to_string(),
        [first, second] => format!("{first}, {second}"),
        [first, .., last] => format!("{first}..{}", last + 1),
        [] => String::new(),
    });
    parts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Status;
    use crate::runner::status;
    use crate::runner::test_plans::{plan, rational};

    #[test]
    fn a_grid_is_told_in_full() {
        let out = tempfile::tempdir().unwrap();
        let plans: Vec<Plan> =
            (0..3).flat_map(|seed| [plan("relu", seed), rational("tail-slope", Some(1.0), seed)]).collect();
        let mut options = Options::new(out.path());
        options.jobs = 2;
        options.estimate = |plan| Some(if plan.activation.name == "relu" { 60.0 } else { 90.0 });
        let first = select(&plans, &options).unwrap().swap_remove(0);
        status::mark(&first.plan, &first.dir, Status::Done, 0.0, None).unwrap();
        let text = describe(&plans, &options).unwrap().replace(&out.path().display().to_string(), "OUT");
        assert_eq!(
            text,
            "\
bench: 6 runs, into OUT
┌────────────────────────────────────────────────┐
│ axis         values                            │
╞════════════════════════════════════════════════╡
│ activation   relu, rational                    │
│ seeds        0..3                              │
│ each run     50 tasks × 100 steps = 5000 steps │
└────────────────────────────────────────────────┘
Finished before: 1 of 6.
Expected time: about 6 min 30 s of computing (0.11 core-hours), 3 min 30 s with 2 runs at a time.
Expected memory: up to 269 MiB with one run at a time, 324 MiB with 2.
"
        );
        for run in select(&plans, &options).unwrap() {
            status::mark(&run.plan, &run.dir, Status::Done, 0.0, None).unwrap();
        }
        let text = describe(&plans, &options).unwrap();
        assert!(text.ends_with("Finished before: 6 of 6.\nNothing is left to do.\n"), "{text}");
        options.fresh = true;
        options.estimate = |_| None;
        options.shard = Some(crate::runner::Shard::new(2, 2).unwrap());
        let text = describe(&plans, &options).unwrap();
        assert!(text.starts_with("bench: 3 runs (shard 2/2), into "), "{text}");
        assert!(text.contains("\nExpected time: unknown.\n"), "{text}");
    }

    #[test]
    fn seeds_are_told_as_ranges() {
        assert_eq!(ranges(&[0, 1, 2, 5, 7, 8]), "0..3, 5, 7, 8");
    }
}
