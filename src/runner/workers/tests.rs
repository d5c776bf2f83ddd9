//! The runner under a mock executor.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Condvar, Mutex};

use anyhow::bail;

use super::*;
use crate::record::RunStatus;
use crate::runner::Shard;
use crate::runner::test_plans::plan;
use crate::train::signals::{Progress, ScoreKind};

/// Does by the seed what a test has said; every other run is done at once.
#[derive(Default)]
struct Mock {
    acts: BTreeMap<u64, Act>,
    interrupt: Arc<AtomicBool>,
    /// Seeds in the order in which they were begun.
    begun: Mutex<Vec<u64>>,
}

#[derive(Clone, Copy)]
enum Act {
    Panic,
    Error,
    Diverge,
    /// Raises the flag, then ends as a run does that sees it.
    Interrupt,
    Report,
    /// Does what a second process might meanwhile: finishes the run of the next seed.
    Overtake,
    /// Spoils its own run.toml, so that no status can be written.
    Spoil,
}

impl Mock {
    fn with(acts: impl IntoIterator<Item = (u64, Act)>) -> Self {
        Self { acts: acts.into_iter().collect(), ..Self::default() }
    }

    fn begun(&self) -> Vec<u64> {
        self.begun.lock().unwrap().clone()
    }
}

fn task(task: usize, step: usize) -> Progress {
    Progress {
        task,
        tasks: 50,
        step,
        steps: 100,
        steps_per_second: 912.4,
        score: Some(0.8731),
        score_kind: ScoreKind::OnlineAccuracy,
        task_ended: step == 100,
    }
}

impl Executor for Mock {
    fn execute(&self, plan: &Plan, dir: &Path, control: &Signals) -> anyhow::Result<Outcome> {
        self.begun.lock().unwrap().push(plan.seed);
        RunStatus::begin("", "cpu", 1, "").write(dir, &plan.to_toml())?;
        fs::OpenOptions::new().create(true).append(true).open(dir.join("tasks.csv"))?.write_all(b"row\n")?;
        match self.acts.get(&plan.seed) {
            None => {}
            Some(Act::Panic) => panic!("index out of range in run {}", plan.seed),
            Some(Act::Error) => bail!("no room left"),
            Some(Act::Diverge) => return Ok(Outcome::Diverged { task: 3, step: 17 }),
            Some(Act::Interrupt) => {
                self.interrupt.store(true, Ordering::Relaxed);
                assert!(control.interrupted());
                return Ok(Outcome::Interrupted);
            }
            Some(Act::Report) => {
                for progress in [task(0, 50), task(0, 100), task(1, 100)] {
                    control.report(&progress);
                }
            }
            Some(Act::Overtake) => {
                let next = Plan { seed: plan.seed + 1, ..plan.clone() };
                let dir = dir.with_file_name(next.slug());
                fs::create_dir_all(&dir)?;
                status::mark(&next, &dir, Status::Done, 0.0, None)?;
            }
            Some(Act::Spoil) => fs::write(dir.join("run.toml"), "status = ")?,
        }
        Ok(Outcome::Done)
    }
}

fn plans(seeds: u64) -> Vec<Plan> {
    (0..seeds).map(|seed| plan("relu", seed)).collect()
}

fn go(plans: &[Plan], mock: &Mock, options: &Options) -> Summary {
    run_on(plans, mock, options, Display::Quiet).unwrap()
}

fn counts(summary: &Summary) -> [usize; 6] {
    let s = summary;
    [s.done, s.diverged, s.failed, s.skipped, s.busy, s.interrupted]
}

fn run_toml(summary: &Summary, index: usize) -> toml::Table {
    let text = fs::read_to_string(summary.runs[index].dir.join("run.toml")).unwrap();
    text.parse::<toml::Table>().unwrap()["run"].as_table().unwrap().clone()
}

fn rows(summary: &Summary, index: usize) -> usize {
    fs::read_to_string(summary.runs[index].dir.join("tasks.csv")).unwrap().lines().count()
}

#[test]
fn a_panic_and_an_error_fail_their_own_run_alone_and_are_written_down() {
    let out = tempfile::tempdir().unwrap();
    let options = Options { jobs: 2, ..Options::new(out.path()) };
    let mock = Mock::with([(1, Act::Panic), (2, Act::Error), (3, Act::Diverge)]);
    let summary = go(&plans(6), &mock, &options);
    assert_eq!(counts(&summary), [3, 1, 2, 0, 0, 0]);
    let panic = run_toml(&summary, 1);
    assert_eq!(panic["status"].as_str(), Some("failed"));
    let reason = panic["error"].as_str().unwrap();
    assert!(reason.contains("tests.rs:") && reason.ends_with("index out of range in run 1"), "{reason}");
    assert_eq!(rows(&summary, 1), 1, "a failed run keeps its rows");
    assert_eq!(run_toml(&summary, 2)["error"].as_str(), Some("no room left"));
    let diverged = run_toml(&summary, 3);
    assert_eq!(diverged["status"].as_str(), Some("diverged"));
    assert_eq!(diverged["error"].as_str(), Some("diverged in task 3 at step 17"));
    assert_eq!(run_toml(&summary, 5)["status"].as_str(), Some("done"));
    let failures: Vec<_> = summary.failures.iter().map(|(dir, _)| dir).collect();
    assert_eq!(failures, [&summary.runs[1].dir, &summary.runs[2].dir]);
}

#[test]
fn a_second_call_skips_what_is_finished_and_goes_on_with_the_rest() {
    let out = tempfile::tempdir().unwrap();
    let options = Options::new(out.path());
    let first = Mock::with([(0, Act::Error), (1, Act::Diverge), (2, Act::Panic)]);
    go(&plans(4), &first, &options);
    let second = Mock::default();
    let summary = go(&plans(5), &second, &options);
    assert_eq!(counts(&summary), [3, 0, 0, 2, 0, 0]);
    assert_eq!(second.begun(), [0, 2, 4]);
    assert_eq!(rows(&summary, 0), 2, "a failed run goes on from what it left");
    assert!(!run_toml(&summary, 0).contains_key("error"), "an old error does not outlive its cure");
    assert_eq!(rows(&summary, 1), 1, "a diverged run is left as it is");
    assert_eq!(counts(&go(&plans(5), &Mock::default(), &options)), [0, 0, 0, 5, 0, 0]);
}

#[test]
fn failed_runs_are_left_alone_on_request_and_still_count_as_failed() {
    let out = tempfile::tempdir().unwrap();
    let mut options = Options::new(out.path());
    let first = Mock::with([(0, Act::Error), (1, Act::Diverge)]);
    go(&plans(3), &first, &options);
    options.retry = false;
    let second = Mock::default();
    let summary = go(&plans(4), &second, &options);
    assert_eq!(counts(&summary), [1, 0, 1, 2, 0, 0]);
    assert_eq!(second.begun(), [3]);
    assert_eq!(summary.failures[0].1, "before, and was left alone: no room left");
    options.retry = true;
    assert_eq!(counts(&go(&plans(4), &Mock::default(), &options)), [1, 0, 0, 3, 0, 0]);
}

#[test]
fn fresh_removes_old_results_of_these_runs_alone() {
    let out = tempfile::tempdir().unwrap();
    let mut options = Options::new(out.path());
    let before = go(&plans(3), &Mock::default(), &options);
    options.fresh = true;
    let summary = go(&plans(2), &Mock::default(), &options);
    assert_eq!(counts(&summary), [2, 0, 0, 0, 0, 0]);
    assert_eq!([rows(&before, 0), rows(&before, 1), rows(&before, 2)], [1, 1, 1]);
}

#[test]
fn fresh_and_then_interrupted_leaves_no_old_result_that_looks_new() {
    let out = tempfile::tempdir().unwrap();
    let mut options = Options::new(out.path());
    go(&plans(3), &Mock::default(), &options);
    let mock = Mock::with([(0, Act::Interrupt)]);
    options.fresh = true;
    options.interrupt = Arc::clone(&mock.interrupt);
    assert_eq!(counts(&go(&plans(3), &mock, &options)), [0, 0, 0, 0, 0, 3]);
    let after = Mock::default();
    assert_eq!(counts(&go(&plans(3), &after, &Options::new(out.path()))), [3, 0, 0, 0, 0, 0]);
}

#[test]
fn fresh_removes_nothing_while_one_of_the_runs_is_being_run() {
    let out = tempfile::tempdir().unwrap();
    let mut options = Options::new(out.path());
    let before = go(&plans(2), &Mock::default(), &options);
    let held = before.runs[1].claim().unwrap();
    options.fresh = true;
    let error = run_on(&plans(2), &Mock::default(), &options, Display::Quiet).unwrap_err().to_string();
    assert!(error.contains(&before.runs[1].label()) && error.contains("nothing was removed"), "{error}");
    assert_eq!([rows(&before, 0), rows(&before, 1)], [1, 1]);
    drop(held);
}

#[test]
fn an_interrupt_ends_the_run_and_the_queue_and_a_later_call_goes_on() {
    let out = tempfile::tempdir().unwrap();
    let mock = Mock::with([(1, Act::Interrupt)]);
    let options = Options { interrupt: Arc::clone(&mock.interrupt), ..Options::new(out.path()) };
    let summary = go(&plans(4), &mock, &options);
    assert_eq!(counts(&summary), [1, 0, 0, 0, 0, 3]);
    assert_eq!(mock.begun(), [0, 1]);
    assert_eq!(run_toml(&summary, 1)["status"].as_str(), Some("running"));
    let summary = go(&plans(4), &Mock::default(), &Options::new(out.path()));
    assert_eq!(counts(&summary), [3, 0, 0, 1, 0, 0]);
}

#[test]
fn a_run_held_by_another_is_left_alone() {
    let out = tempfile::tempdir().unwrap();
    let options = Options::new(out.path());
    let runs = folders::select(&plans(3), &options).unwrap();
    let held = runs[1].claim().unwrap();
    let mock = Mock::default();
    assert_eq!(counts(&go(&plans(3), &mock, &options)), [2, 0, 0, 0, 1, 0]);
    assert_eq!(mock.begun(), [0, 2]);
    assert!(!runs[1].dir.exists());
    drop(held);
    assert_eq!(counts(&go(&plans(3), &mock, &options)), [1, 0, 0, 2, 0, 0]);
}

/// Lets go of a run that it holds as soon as another run begins: a process that is killed meanwhile.
struct Release {
    held: Mutex<Option<Claim>>,
    mock: Mock,
}

impl Executor for Release {
    fn execute(&self, plan: &Plan, dir: &Path, control: &Signals) -> anyhow::Result<Outcome> {
        drop(self.held.lock().unwrap().take());
        self.mock.execute(plan, dir, control)
    }
}

#[test]
fn a_run_whose_process_has_ended_meanwhile_is_taken_over() {
    let out = tempfile::tempdir().unwrap();
    let options = Options::new(out.path());
    let runs = folders::select(&plans(3), &options).unwrap();
    let held = Mutex::new(Some(runs[0].claim().unwrap()));
    let release = Release { held, mock: Mock::default() };
    let summary = run_on(&plans(3), &release, &options, Display::Quiet).unwrap();
    assert_eq!(counts(&summary), [3, 0, 0, 0, 0, 0]);
    assert_eq!(release.mock.begun(), [1, 2, 0]);
}

#[test]
fn a_run_that_another_process_writes_to_keeps_the_status_that_this_one_gives_it() {
    /// Fails as the recorder does, after the other process has written its status.
    struct Overrun;
    impl Executor for Overrun {
        fn execute(&self, plan: &Plan, dir: &Path, _: &Signals) -> anyhow::Result<Outcome> {
            status::mark(plan, dir, Status::Done, 1.0, None)?;
            let foreign = RecordError::Foreign { path: dir.join("tasks.csv"), found: 2, left: 1 };
            Err(anyhow::Error::new(foreign).context("the run could not be recorded"))
        }
    }
    let out = tempfile::tempdir().unwrap();
    let summary = run_on(&plans(1), &Overrun, &Options::new(out.path()), Display::Quiet).unwrap();
    assert_eq!(counts(&summary), [0, 0, 1, 0, 0, 0]);
    assert!(summary.failures[0].1.contains("another process writes to the same run"));
    assert_eq!(run_toml(&summary, 0)["status"].as_str(), Some("done"));
}

#[test]
fn a_run_that_another_process_finishes_meanwhile_is_not_done_again() {
    let out = tempfile::tempdir().unwrap();
    let mock = Mock::with([(0, Act::Overtake)]);
    assert_eq!(counts(&go(&plans(3), &mock, &Options::new(out.path()))), [2, 0, 0, 1, 0, 0]);
    assert_eq!(mock.begun(), [0, 2]);
}

#[test]
fn an_unreadable_status_fails_the_run_and_is_not_overwritten() {
    let out = tempfile::tempdir().unwrap();
    let options = Options::new(out.path());
    let spoilt = go(&plans(1), &Mock::with([(0, Act::Spoil)]), &options);
    assert_eq!(counts(&spoilt), [0, 0, 1, 0, 0, 0]);
    let mock = Mock::default();
    let again = go(&plans(1), &mock, &options);
    assert_eq!(counts(&again), [0, 0, 1, 0, 0, 0]);
    assert!(again.failures[0].1.contains("run.toml"), "{}", again.failures[0].1);
    assert_eq!(mock.begun(), [] as [u64; 0]);
    assert_eq!(rows(&again, 0), 1);
}

#[test]
fn the_longest_runs_are_begun_first() {
    let out = tempfile::tempdir().unwrap();
    let options = Options {
        estimate: |plan| Some([2.0, 9.0, 2.0, 5.0][plan.seed as usize]),
        ..Options::new(out.path())
    };
    let mock = Mock::default();
    let summary = go(&plans(4), &mock, &options);
    assert_eq!(mock.begun(), [1, 3, 0, 2]);
    let seeds: Vec<u64> = summary.runs.iter().map(|run| run.plan.seed).collect();
    assert_eq!(seeds, [0, 1, 2, 3], "the summary keeps the order of the grid");
}

#[test]
fn shards_make_up_the_grid_whatever_is_finished() {
    let out = tempfile::tempdir().unwrap();
    let mock = Mock::default();
    for index in 1..=3 {
        let options = Options { shard: Some(Shard::new(index, 3).unwrap()), ..Options::new(out.path()) };
        let summary = go(&plans(7), &mock, &options);
        assert_eq!(summary.skipped, 0);
        assert_eq!(summary.done, if index == 1 { 3 } else { 2 });
    }
    assert_eq!(mock.begun(), [0, 3, 6, 1, 4, 2, 5]);
}

#[test]
fn a_plan_that_stands_twice_in_the_grid_is_run_once() {
    let out = tempfile::tempdir().unwrap();
    let mock = Mock::default();
    let summary = go(&[plans(2), plans(2)].concat(), &mock, &Options::new(out.path()));
    assert_eq!(counts(&summary), [2, 0, 0, 0, 0, 0]);
}

/// Ends only when two runs are inside at once; fails where they never are.
#[derive(Default)]
struct Pair {
    inside: Mutex<usize>,
    both: Condvar,
}

impl Executor for Pair {
    fn execute(&self, _: &Plan, _: &Path, _: &Signals) -> anyhow::Result<Outcome> {
        let mut inside = self.inside.lock().unwrap();
        *inside += 1;
        self.both.notify_all();
        let limit = Duration::from_secs(20);
        let (_inside, waited) = self.both.wait_timeout_while(inside, limit, |n| *n < 2).unwrap();
        if waited.timed_out() {
            bail!("alone");
        }
        Ok(Outcome::Done)
    }
}

#[test]
fn two_jobs_run_side_by_side() {
    let out = tempfile::tempdir().unwrap();
    let options = Options { jobs: 2, ..Options::new(out.path()) };
    let summary = run_on(&plans(2), &Pair::default(), &options, Display::Quiet).unwrap();
    assert_eq!(summary.done, 2, "{:?}", summary.failures);
}

#[test]
fn an_output_folder_that_cannot_be_written_is_said_before_the_first_run() {
    let out = tempfile::tempdir().unwrap();
    let file = out.path().join("results");
    fs::write(&file, "a file in the way").unwrap();
    let mock = Mock::default();
    let error = run_on(&plans(1), &mock, &Options::new(&file), Display::Quiet).unwrap_err().to_string();
    assert!(error.contains(&file.display().to_string()) && error.contains("--out"), "{error}");
    assert!(mock.begun().is_empty());
}

/// Where plain lines go, to be read again.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn plain_lines_tell_of_tasks_and_faults() {
    let out = tempfile::tempdir().unwrap();
    let paper = Paper::default();
    let mock = Mock::with([(1, Act::Report), (2, Act::Diverge), (3, Act::Error)]);
    go(&plans(1), &Mock::default(), &Options::new(out.path()));
    let display = Display::Lines(Mutex::new(Box::new(paper.clone())));
    let summary = run_on(&plans(4), &mock, &Options::new(out.path()), display).unwrap();
    let name = |index: usize| summary.runs[index].label();
    let text = String::from_utf8(paper.0.lock().unwrap().clone()).unwrap();
    let expected = format!(
        "\
4 runs, 1 finished before, 1 at a time
[2/4] {one} task 1/50 online 0.873 912 steps/s
[2/4] {one} task 2/50 online 0.873 912 steps/s
[3/4] {two} diverged in task 3 at step 17
[4/4] {three} failed: no room left
",
        one = name(1),
        two = name(2),
        three = name(3)
    );
    assert_eq!(text, expected);
}
