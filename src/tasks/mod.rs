//! Streams of tasks: what a network is asked to learn, one task after the other.
//!
//! A family (one file each) turns a run's examples and its seed into tasks. Any task follows from the
//! seed and its own number alone, so a run that resumes, a fresh reference network and an accuracy
//! matrix can all ask for task 37 without replaying the 36 before it.

mod augmentation;
mod base;
mod batches;
mod class_order;
mod class_tasks;
mod continual_binary;
mod easy_hard;
mod error;
mod export;
mod heads;
mod incremental_classes;
mod inputs;
mod noisy_labels;
mod permuted_alphabet;
mod permuted_pixels;
mod pool;
mod random_labels;
mod remapped_classes;
mod scaling;
mod served;
mod shuffled_labels;
mod split_classes;
mod stream;
mod tensors;

#[cfg(test)]
pub(crate) mod fixture;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use augmentation::{Crop, CropFlip, Crops, PADDING};
pub use base::Base;
pub use batches::{Batches, stream_index};
pub use error::{ExportError, TaskError};
pub use export::{Summary, export};
pub use inputs::{Answers, Examples, Inputs};
pub use stream::{Task, TaskStream};

pub(crate) use pool::draw;
pub use served::Served;

use self::class_tasks::Classes;
use self::heads::OwnHeads;
use self::stream::Built;
use crate::data::{Content, DataSet, Manifest};
use crate::spec::{Augmentation, Entry, Head, Plan, Scaling, StreamPlan};

/// A family: its entry in the catalogue and how its stream is made.
struct Family {
    entry: Entry,
    relation: Relation,
    /// Classes of each task where they are numbered from 0 in every task; `None` where labels are class ids.
    renumbered: Option<usize>,
    /// Whether its tasks have a test set: one means nothing where labels are memorised.
    tested: bool,
    /// The classes of each task on a data set of so many; `None` where every task has all of them. The
    /// error is a sentence.
    classes: fn(&Plan, usize) -> Result<Option<Classes>, String>,
    build: fn(&Plan, Base) -> Built,
}

/// How the tasks of a family differ from each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// In their classes: no two tasks contradict each other.
    OwnClasses,
    /// In their classes, and each task has the examples of all before it.
    Growing,
    /// In the labels of the same images.
    OtherLabels,
    /// In the places of the pixels of the same images.
    MovedPixels,
    /// In the numbers of the characters of the same text.
    OtherCharacters,
    /// In their images, of which each may come back in a later task under another label.
    OtherImages,
}

/// Every family. A new one is its file and its line here.
const FAMILIES: &[Family] = &[
    shuffled_labels::FAMILY,
    random_labels::FAMILY,
    remapped_classes::FAMILY,
    permuted_pixels::FAMILY,
    permuted_alphabet::FAMILY,
    split_classes::FAMILY,
    incremental_classes::FAMILY,
    easy_hard::FAMILY,
    noisy_labels::FAMILY,
    continual_binary::FAMILY,
];

/// The catalogue's section `families`.
#[must_use]
pub fn entries() -> Vec<Entry> {
    FAMILIES.iter().map(|family| family.entry).collect()
}

fn family(name: &str) -> Result<&'static Family, TaskError> {
    FAMILIES.iter().find(|family| family.entry.name == name).ok_or_else(|| {
        let known: Vec<&str> = FAMILIES.iter().map(|family| family.entry.name).collect();
        TaskError::UnknownFamily { name: name.to_owned(), known: known.join(", ") }
    })
}

/// How the tasks of the plan's family differ from each other.
///
/// # Errors
/// If there is no such family.
pub fn relation(plan: &Plan) -> Result<Relation, TaskError> {
    Ok(family(&plan.stream().family.name)?.relation)
}

/// The stream of tasks that `plan` asks for, on `data`.
pub fn stream(plan: &Plan, data: Arc<DataSet>) -> Result<Box<dyn TaskStream>, TaskError> {
    let family = family(&plan.stream().family.name)?;
    let shares = (family.classes)(plan, data.train.classes).map_err(TaskError::Classes)?.is_none();
    let stream = (family.build)(plan, Base::new(plan, data)?)?;
    Ok(if shares && plan.stream().head == Head::Multi {
        Box::new(OwnHeads { inner: stream })
    } else {
        stream
    })
}

/// Whether the plan's family, head and counts go together on a data set of this shape, before it is
/// loaded. The error is a sentence.
pub fn check(plan: &Plan, manifest: &Manifest) -> Result<(), String> {
    let stream = &plan.stream();
    let family = family(&stream.family.name).map_err(|error| error.to_string())?;
    check_content(plan, family.relation, manifest)?;
    if plan.data().augmentation != Augmentation::None && family.relation == Relation::MovedPixels {
        return Err(format!(
            "data.augmentation = \"crop-flip\" has no meaning for {}, whose images have no neighbouring \
             pixels: leave it out",
            stream.family.name
        ));
    }
    served::check(plan, family.relation)?;
    if family.renumbered.is_some_and(|own| own > manifest.classes) {
        return Err(format!("{} has too few classes for {}", manifest.name, stream.family.name));
    }
    let classes = (family.classes)(plan, manifest.classes)?;
    if classes.is_none() && stream.head == Head::Masked {
        return Err(format!(
            "head = \"masked\" leaves nothing out for {}, whose every task has all classes: take \"single\", or \
             \"multi\" for a head a task",
            stream.family.name
        ));
    }
    if plan.probes.retention {
        check_retention(stream, family, classes.is_some())?;
    }
    if let Some(count) = class_order::optional_count(&stream.family, "examples_per_class") {
        if stream.examples.is_some() {
            return Err(
                "stream.examples and stream.examples_per_class both say how many examples are taken: \
                        keep one"
                    .into(),
            );
        }
        if count * manifest.classes > manifest.train {
            return Err(TaskError::TooFewOfClass {
                asked: count,
                available: manifest.train / manifest.classes,
                dataset: manifest.name.to_owned(),
            }
            .to_string());
        }
    }
    Ok(())
}

/// Whether family and settings suit what the data set holds. The error is a sentence.
fn check_content(plan: &Plan, relation: Relation, manifest: &Manifest) -> Result<(), String> {
    let (family, text) = (&plan.stream().family.name, manifest.content == Content::Characters);
    if text != (relation == Relation::OtherCharacters) {
        let (holds, cure) = if text {
            ("text", "take stream.family = \"permuted-alphabet\"")
        } else {
            ("images", "take data.dataset = \"generated-text\" or \"text\", or another family")
        };
        return Err(format!("{} holds {holds}, of which {family} makes no tasks: {cure}", manifest.name));
    }
    // The scaling that a spec has which names none is symmetric.
    let unusual = [
        ("data.scaling", plan.data().scaling != Scaling::Symmetric),
        ("data.augmentation", plan.data().augmentation != Augmentation::None),
        ("stream.scaling_shock", plan.stream().scaling_shock.is_some()),
    ];
    match unusual.into_iter().find(|(_, set)| text && *set) {
        None => Ok(()),
        Some((key, _)) => Err(format!(
            "{key} changes brightnesses, and {} holds characters, which are places in an alphabet: leave it out",
            manifest.name
        )),
    }
}

/// Whether `probes.retention` asks for something that is there and would not be otherwise.
fn check_retention(stream: &StreamPlan, family: &Family, own_classes: bool) -> Result<(), String> {
    let name = &stream.family.name;
    if !family.tested {
        return Err(format!(
            "probes.retention tests on all tasks so far, and tasks of {name} have no test set: leave it out"
        ));
    }
    if own_classes || stream.head == Head::Multi {
        let with = if own_classes { "" } else { " with a head a task" };
        return Err(format!(
            "probes.retention asks for the accuracy matrix, which {name}{with} has in any case: leave it out"
        ));
    }
    Ok(())
}

/// Rough sizes of the plan's tasks, from its data set's manifest alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Sizes {
    /// Training examples of each task.
    pub train: Vec<f64>,
    /// Test examples of each task.
    pub test: Vec<f64>,
    /// Width of the network's head.
    pub classes: usize,
    /// Whether every task so far is tested after each: tasks have classes of their own, or it is asked for.
    pub retention: bool,
}

/// The sizes of the plan's tasks as they would be if all classes had the same number of examples.
#[must_use]
pub fn sizes(plan: &Plan, manifest: &Manifest) -> Sizes {
    let stream = &plan.stream();
    let total = manifest.classes as f64;
    let per_class = class_order::optional_count(&stream.family, "examples_per_class");
    let examples =
        per_class.map_or(stream.examples.unwrap_or(manifest.train), |n| n * manifest.classes) as f64;
    let known = family(&stream.family.name).ok();
    let divided = known.and_then(|family| (family.classes)(plan, manifest.classes).ok()).flatten();
    let share = known.and_then(|family| family.renumbered).map_or(1.0, |own| own as f64 / total);
    let shares: Vec<f64> = match &divided {
        Some(classes) => classes.of.iter().map(|own| own.len() as f64 / total).collect(),
        None => vec![share; stream.tasks],
    };
    let tested = known.is_none_or(|family| family.tested);
    let test = if tested { manifest.test as f64 } else { 0.0 };
    let heads = if divided.is_none() && stream.head == Head::Multi { stream.tasks } else { 1 };
    Sizes {
        train: shares.iter().map(|share| share * examples).collect(),
        test: shares.iter().map(|share| share * test).collect(),
        classes: heads * known.and_then(|family| family.renumbered).unwrap_or(manifest.classes),
        retention: divided.is_some() || plan.probes.retention,
    }
}
