//! How a grid is cut for an engine: into chunks, each one `--shard` of it.

use super::super::folders::{self, Run, select};
use super::super::shard::{Shard, cut};
use super::super::{Options, memory, status};
use crate::spec::Plan;

/// Seconds that a chunk should take: an engine's own cost for a task (a second or so for Slurm) is
/// nothing beside it, and it fits the shortest queues of most clusters.
const AIM: f64 = 3600.0;
/// Most chunks unless more are asked for: Slurm's `MaxArraySize` is 1001 where nobody has changed it.
const MOST: usize = 1000;

/// A grid's chunks.
#[derive(Clone, Debug, PartialEq)]
pub struct Chunks {
    /// The N of `--shard I/N`.
    pub count: usize,
    /// The shares in which something is left to do.
    pub left: Vec<Shard>,
    /// Runs that are left in them.
    pub runs: usize,
    /// Seconds on one core for all of them, and for the chunk that takes longest; `None` where unknown.
    pub seconds: Option<(f64, f64)>,
    /// Bytes that a chunk needs at the most; `None` where unknown.
    pub bytes: Option<f64>,
}

/// Cuts the grid into `count` chunks, or as many as take about an hour each, for processes with
/// `options.jobs` workers. A function of the whole grid, whatever of it is done: so a later submission
/// cuts in the same way and only leaves out the chunks in which nothing is left.
///
/// # Errors
/// If two different plans share a folder.
pub fn chunks(plans: &[Plan], options: &Options, count: Option<usize>) -> anyhow::Result<Chunks> {
    let runs = select(plans, options)?;
    let workers = options.jobs.max(1);
    let count = count.unwrap_or_else(|| aimed_at(&runs, options));
    let done = |run: &Run| folders::is_finished(run) || (!options.retry && status::has_failed(&run.dir));
    let (mut left, mut all, mut heaviest, mut bytes) = (Vec::new(), Some(0.0), Some(0.0_f64), Some(0.0_f64));
    let mut unfinished = 0;
    for (index, share) in cut(&folders::weights(&runs, options), count).iter().enumerate() {
        let rest: Vec<&Run> =
            share.iter().map(|&position| &runs[position]).filter(|run| !done(run)).collect();
        if rest.is_empty() {
            continue;
        }
        left.push(Shard::new(index + 1, count).expect("counted from 1"));
        unfinished += rest.len();
        let seconds: Option<Vec<f64>> = rest.iter().map(|run| (options.estimate)(&run.plan)).collect();
        let busiest = seconds.as_ref().map(|seconds| {
            let load = |worker: &Vec<usize>| worker.iter().map(|&i| seconds[i]).sum::<f64>();
            cut(seconds, workers).iter().map(load).fold(0.0, f64::max)
        });
        all = all.zip(seconds).map(|(sum, seconds)| sum + seconds.iter().sum::<f64>());
        heaviest = heaviest.zip(busiest).map(|(most, seconds)| most.max(seconds));
        bytes = bytes.zip(memory::of_process(&rest, workers)).map(|(most, bytes)| most.max(bytes));
    }
    Ok(Chunks { count, left, runs: unfinished, seconds: all.zip(heaviest), bytes })
}

/// No more chunks than keep every worker at work.
fn aimed_at(runs: &[Run], options: &Options) -> usize {
    let workers = options.jobs.max(1);
    let most = runs.len().div_ceil(workers).clamp(1, MOST);
    let seconds: Option<f64> = runs.iter().map(|run| (options.estimate)(&run.plan)).sum();
    seconds.map_or(most, |seconds| ((seconds / (AIM * workers as f64)).ceil() as usize).clamp(1, most))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Status;
    use crate::runner::test_plans::plan;
    use proptest::prelude::*;

    fn grid(seeds: u64) -> Vec<Plan> {
        (0..seeds).map(|seed| plan("relu", seed)).collect()
    }

    fn options(out: &std::path::Path, jobs: usize) -> Options {
        Options { jobs, estimate: |plan| Some(600.0 + plan.seed as f64), ..Options::new(out) }
    }

    #[test]
    fn a_chunk_takes_about_an_hour_and_no_worker_is_idle() {
        let out = tempfile::tempdir().unwrap();
        let cut = |seeds, jobs| chunks(&grid(seeds), &options(out.path(), jobs), None).unwrap();
        let six_hours = cut(36, 1);
        assert_eq!((six_hours.count, six_hours.left.len(), six_hours.runs), (7, 7, 36));
        let (all, heaviest) = six_hours.seconds.unwrap();
        assert_eq!(all, 36.0 * 600.0 + 35.0 * 18.0);
        assert!((3000.0..4000.0).contains(&heaviest), "{heaviest}");
        assert_eq!(cut(36, 4).count, 2);
        assert_eq!(cut(3, 4).count, 1);
        let unknown = Options { estimate: |_| None, ..options(out.path(), 4) };
        let unknown = chunks(&grid(9), &unknown, None).unwrap();
        assert_eq!((unknown.count, unknown.seconds), (3, None));
        let many = Options { estimate: |_| Some(1e5), ..options(out.path(), 1) };
        assert_eq!(chunks(&grid(1200), &many, None).unwrap().count, MOST);
        assert_eq!(chunks(&grid(1200), &many, Some(1200)).unwrap().count, 1200);
    }

    #[test]
    fn chunks_without_anything_to_do_are_left_out_and_the_others_stay_the_same() {
        let out = tempfile::tempdir().unwrap();
        let (plans, mut options) = (grid(6), options(out.path(), 1));
        let whole = chunks(&plans, &options, Some(3)).unwrap();
        let runs = select(&plans, &options).unwrap();
        let of = |shard: Shard| {
            let options = Options { shard: Some(shard), ..options.clone() };
            select(&plans, &options).unwrap()
        };
        for run in of(whole.left[1]) {
            status::mark(&run.plan, &run.dir, Status::Done, 1.0, None).unwrap();
        }
        let failed = &of(whole.left[2])[0];
        status::mark(&failed.plan, &failed.dir, Status::Failed, 1.0, Some("no room")).unwrap();
        let rest = chunks(&plans, &options, Some(3)).unwrap();
        assert_eq!(rest.left, [whole.left[0], whole.left[2]]);
        assert_eq!((rest.count, rest.runs), (3, runs.len() - 2));
        options.retry = false;
        assert_eq!(chunks(&plans, &options, Some(3)).unwrap().runs, runs.len() - 3);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]

        #[test]
        fn chunks_are_disjoint_cover_the_grid_and_come_out_the_same_again(
            seeds in 1_u64..40, jobs in 1_usize..5, wanted in prop::option::of(1_usize..50),
        ) {
            let out = tempfile::tempdir().unwrap();
            let (plans, options) = (grid(seeds), options(out.path(), jobs));
            let cut = chunks(&plans, &options, wanted).unwrap();
            prop_assert_eq!(&cut, &chunks(&plans, &options, wanted).unwrap());
            let mut seen: Vec<u64> = Vec::new();
            for &shard in &cut.left {
                let runs = select(&plans, &Options { shard: Some(shard), ..options.clone() }).unwrap();
                prop_assert!(!runs.is_empty());
                seen.extend(runs.iter().map(|run| run.plan.seed));
            }
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..seeds).collect::<Vec<_>>());
            prop_assert_eq!(cut.left.len(), cut.count.min(seeds as usize));
        }
    }
}
