//! The accuracy matrix: how much of each task is still known after each.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::record::RetentionRow;
use crate::tasks::TaskStream;
use crate::train::evaluate_with;
use crate::trained::View;

/// Line `through` of the matrix: `network`, trained up to that task, on the test sets of the tasks so far,
/// by the run's own head and by the two choices of classes. Each test set goes through the network once.
///
/// There are rows for streams whose tasks have classes of their own, and for others where the plan asks for
/// them (`probes.retention`): over hundreds of tasks the matrix costs more than the training. Without classes of
/// their own, tasks have an accuracy by the run's own head alone.
///
/// # Errors
/// If a tensor operation fails.
pub fn line(
    run: &str,
    through: usize,
    stream: &dyn TaskStream,
    network: View<'_>,
    asked_for: bool,
) -> anyhow::Result<Vec<RetentionRow>> {
    let own: Vec<Option<Arc<[u32]>>> = (0..=through).map(|task| stream.task_classes(task)).collect();
    if !asked_for && own.iter().any(Option::is_none) {
        return Ok(Vec::new());
    }
    let seen: BTreeSet<u32> = own.iter().flatten().flat_map(|classes| classes.iter().copied()).collect();
    let seen: Arc<[u32]> = seen.into_iter().collect();
    let mut rows = Vec::new();
    for (evaluated, own) in own.iter().enumerate() {
        let Some(test) = stream.test_set(evaluated) else { continue };
        let lists: Vec<Arc<[u32]>> =
            own.iter().flat_map(|own| [Arc::clone(&seen), Arc::clone(own)]).collect();
        let (head, among) = evaluate_with(network, &test, &lists)?;
        rows.push(RetentionRow {
            run: run.to_owned(),
            trained_through: through,
            evaluated,
            accuracy: head.accuracy,
            loss: head.loss,
            class_incremental_accuracy: among.first().map(|among| among.accuracy),
            task_incremental_accuracy: among.get(1).map(|among| among.accuracy),
        });
    }
    Ok(rows)
}
