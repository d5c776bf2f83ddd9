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
/// There are rows only for streams whose tasks have classes of their own. Elsewhere the tasks contradict
/// each other, and over hundreds of them the matrix would cost more than the training.
///
/// # Errors
/// If a tensor operation fails.
pub fn line(
    run: &str,
    through: usize,
    stream: &dyn TaskStream,
    network: View<'_>,
) -> anyhow::Result<Vec<RetentionRow>> {
    let own: Vec<Arc<[u32]>> = (0..=through).map_while(|task| stream.task_classes(task)).collect();
    if own.len() <= through {
        return Ok(Vec::new());
    }
    let seen: BTreeSet<u32> = own.iter().flat_map(|classes| classes.iter().copied()).collect();
    let seen: Arc<[u32]> = seen.into_iter().collect();
    let mut rows = Vec::new();
    for (evaluated, own) in own.iter().enumerate() {
        let Some(test) = stream.test_set(evaluated) else { continue };
        let (head, among) = evaluate_with(network, &test, &[Arc::clone(&seen), Arc::clone(own)])?;
        rows.push(RetentionRow {
            run: run.to_owned(),
            trained_through: through,
            evaluated,
            accuracy: head.accuracy,
            loss: head.loss,
            class_incremental_accuracy: Some(among[0].accuracy),
            task_incremental_accuracy: Some(among[1].accuracy),
        });
    }
    Ok(rows)
}
