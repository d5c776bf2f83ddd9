//! Accuracy and loss on a set of examples, in evaluation mode.

use std::sync::Arc;

use candle_core::Result;

use crate::kernels::loss::{Targets, cross_entropy};
use crate::nn::{batch, places};
use crate::tasks::Examples;
use crate::trained::View;

/// Examples per forward pass: large enough for a quick product, small enough for the cache.
const BATCH: usize = 256;

/// Accuracy and mean loss over a set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evaluation {
    /// Share of examples (of text: of characters) whose largest logit is the label's.
    pub accuracy: f64,
    /// Mean cross-entropy.
    pub loss: f64,
}

/// Evaluates `network` on all of `examples`, by the answers that count for them.
///
/// # Errors
/// If candle refuses an operation.
pub fn evaluate(network: View<'_>, examples: &Examples) -> Result<Evaluation> {
    Ok(through(network, examples, 1, |targets| vec![targets])?[0])
}

/// Evaluates `network` on all of `examples` by the answers that count for them, and once more for each list
/// of classes (ascending) that it may choose from, whatever those answers are. Each batch goes through the
/// network once.
///
/// With the classes seen so far a list gives class-incremental evaluation, with those of the examples' own
/// task task-incremental evaluation (docs/definitions.md, section 3).
///
/// # Errors
/// If an example's label is not in a list, or a class lies beyond the network's head.
pub fn evaluate_with(
    network: View<'_>,
    examples: &Examples,
    candidates: &[Arc<[u32]>],
) -> Result<(Evaluation, Vec<Evaluation>)> {
    let mut all = through(network, examples, 1 + candidates.len(), |targets| {
        let rows = targets.labels.len();
        let among = |classes: &Arc<[u32]>| Targets {
            labels: Arc::clone(&targets.labels),
            among: Some(Arc::new(vec![Arc::clone(classes); rows])),
        };
        let lists: Vec<Targets> = candidates.iter().map(among).collect();
        [vec![targets], lists].concat()
    })?;
    let lists = all.split_off(1);
    Ok((all[0], lists))
}

/// One pass over `examples`, each batch of which is measured against every one of the `count` targets
/// that `views` makes of its own.
fn through(
    network: View<'_>,
    examples: &Examples,
    count: usize,
    views: impl Fn(Targets) -> Vec<Targets>,
) -> Result<Vec<Evaluation>> {
    let positions: Vec<u32> = (0..examples.labels.len() as u32).collect();
    let (mut sums, mut answers) = (vec![(0, 0.0); count], 0);
    for positions in positions.chunks(BATCH) {
        let (inputs, targets) = batch(examples, positions)?;
        let logits = network.outputs(&inputs)?;
        let targets = places(&inputs, &logits, targets)?;
        answers += targets.labels.len();
        for ((correct, loss), targets) in sums.iter_mut().zip(views(targets)) {
            let batch = cross_entropy(&logits, targets)?;
            *correct += batch.correct;
            *loss += f64::from(batch.loss.to_scalar::<f32>()?) * positions.len() as f64;
        }
    }
    let n = positions.len() as f64;
    Ok(sums
        .into_iter()
        .map(|(hits, loss)| Evaluation { accuracy: hits as f64 / answers as f64, loss: loss / n })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Stream;
    use crate::tasks::{Answers, fixture};

    /// By definition: the first largest logit of the candidates, -ln softmax over them alone.
    fn plain(logits: &[Vec<f32>], labels: &[u32], classes: &[u32]) -> Evaluation {
        let (mut hits, mut loss) = (0, 0.0);
        for (row, &label) in logits.iter().zip(labels) {
            let of = |class: &u32| f64::from(row[*class as usize]);
            let best = classes.iter().fold(classes[0], |best, c| if of(c) > of(&best) { *c } else { best });
            hits += usize::from(best == label);
            loss += classes.iter().map(|c| of(c).exp()).sum::<f64>().ln() - of(&label);
        }
        let n = labels.len() as f64;
        Evaluation { accuracy: hits as f64 / n, loss: loss / n }
    }

    #[test]
    fn every_list_of_candidates_is_measured_as_if_it_were_the_whole_head() {
        // 300 images are more than one batch; labels 2, 5, 7 are what a task of three classes has.
        let data = fixture::data(600, 1, 6, 7, 10);
        let stream =
            fixture::stream_of("shuffled-labels", 0, |plan| plan.stream_mut().examples = Some(300), data);
        let mut examples = stream.base().train();
        examples.labels = examples.labels.iter().map(|l| [2, 5, 7][*l as usize % 3]).collect();
        let plan = fixture::mlp_plan();
        let network = crate::nn::build(&plan, (1, 6, 7), 10, &mut Stream::new(0, "test", 0)).unwrap();

        let positions: Vec<u32> = (0..300).collect();
        let (inputs, targets) = batch(&examples, &positions).unwrap();
        let network = View::new(&*network);
        let output = network.outputs(&inputs).unwrap();
        let logits = output.to_vec2::<f32>().unwrap();
        let lists: [Arc<[u32]>; 3] = [[2, 5, 7].into(), [0, 1, 2, 5, 6, 7].into(), (0..10).collect()];
        let (own, measured) = evaluate_with(network, &examples, &lists).unwrap();
        assert_eq!(own, evaluate(network, &examples).unwrap());
        for (ours, list) in measured.iter().zip(&lists) {
            let expected = plain(&logits, &examples.labels, list);
            assert_eq!(ours.accuracy, expected.accuracy);
            assert!((ours.loss - expected.loss).abs() < 1e-6, "{ours:?} {expected:?}");
        }
        assert!(measured[0].accuracy > measured[2].accuracy, "fewer candidates, fewer mistakes");
        assert!(
            (measured[2].loss
                - f64::from(cross_entropy(&output, targets).unwrap().loss.to_scalar::<f32>().unwrap()))
            .abs()
                < 1e-6
        );

        // The examples' own answers are `evaluate`'s business, and the lists' all that counts here.
        assert_eq!(evaluate(network, &examples).unwrap().accuracy, measured[2].accuracy);
        let masked = Examples { answers: Answers::Among(Arc::clone(&lists[0])), ..examples.clone() };
        assert_eq!(evaluate(network, &masked).unwrap(), measured[0]);
        assert_eq!(evaluate_with(network, &masked, &lists).unwrap(), (measured[0], measured.clone()));
        assert!(evaluate_with(network, &examples, &[[2, 5].into()]).is_err(), "a label outside the list");
        assert!(evaluate_with(network, &examples, &[[2, 5, 7, 10].into()]).is_err(), "past the head");
    }
}
