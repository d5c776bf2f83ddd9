//! `tasks export`: the stream as files, so that any framework can train on the identical tasks.
//!
//! | file | content |
//! |---|---|
//! | `inputs.safetensors` | `inputs` and, where there is a test set, `test_inputs`: (examples, channels, height, width), f32, scaled, *before* any task moves pixels. Metadata: name, family, dataset, scaling, seed, classes, `batch_size` |
//! | `labels.csv` | task, index, label: the task's label for row `index` of `inputs` |
//! | `test_labels.csv` | the same for `test_inputs` |
//! | `permutations.csv` | task, position, source: where the family moves pixels, pixel `position` (row-major, in every channel) shows pixel `source` of `inputs` |
//! | `order.csv` | task, epoch, position, index: row `index` of `inputs` is served at place `position` of the epoch. Batch b of an epoch is positions b · `batch_size` to (b + 1) · `batch_size`, the last one maybe shorter; a task that ends within an epoch has only the positions served |
//! | `crops.csv` | task, epoch, position, top, left, mirrored: with `augmentation = "crop-flip"`, the image served there is rows `top`.. and columns `left`.. of `inputs` padded by 4 pixels of black (what byte 0 is scaled to: the metadata's `black`, channel by channel), mirrored if 1. `inputs` are as they are without |
//!
//! All files are written beside their places and renamed into them at the end; a file of an earlier
//! export that this stream does not have is removed, lest it be taken for part of it.

use std::fs;
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Batches, CropFlip, ExportError, Inputs, TaskStream, scaling, tensors};
use crate::atomic::Staged;
use crate::data::DataSet;
use crate::spec::{Plan, Scaling};

const INPUTS: &str = "inputs.safetensors";
const LABELS: &str = "labels.csv";
const TEST_LABELS: &str = "test_labels.csv";
const PERMUTATIONS: &str = "permutations.csv";
const ALPHABETS: &str = "alphabets.csv";
const ORDER: &str = "order.csv";
const CROPS: &str = "crops.csv";

/// What an export wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Tasks exported.
    pub tasks: Range<usize>,
    /// Training examples of the run.
    pub examples: usize,
    /// Test examples; 0 where the family has no test set.
    pub test_examples: usize,
    /// Training steps over all exported tasks.
    pub steps: usize,
    /// Files written, in a fixed order.
    pub files: Vec<PathBuf>,
}

/// Writes the tasks numbered `tasks` of the stream that `plan` asks for into the folder `out`, which is
/// created where it is missing. Memory stays at one task's labels and order.
pub fn export(
    plan: &Plan,
    data: Arc<DataSet>,
    tasks: Range<usize>,
    out: &Path,
) -> Result<Summary, ExportError> {
    if plan.stream().transition.is_some() || plan.stream().scaling_shock.is_some() {
        return Err(ExportError::Served);
    }
    let black = scaling::tables(plan.data().scaling, &data)?
        .iter()
        .map(|table| table[0].to_string())
        .collect::<Vec<_>>();
    let stream = super::stream(plan, data)?;
    if tasks.is_empty() || tasks.end > stream.tasks() {
        let Range { start, end } = tasks;
        return Err(ExportError::NoSuchTasks { start, end, tasks: stream.tasks() });
    }
    fs::create_dir_all(out).map_err(|source| ExportError::Unwritable { path: out.to_owned(), source })?;

    let first = stream.task(tasks.start);
    let train = first.train.inputs.whole();
    let test = first.test.map(|test| test.inputs.whole());
    let moves_pixels = first.train.inputs.pixel_source().is_some();

    let mut folder = Folder { out, staged: Vec::new() };
    folder.stage(INPUTS, |file| {
        let mut tensors = vec![("inputs", &train)];
        tensors.extend(test.as_ref().map(|test| ("test_inputs", test)));
        let mut metadata = metadata(plan, stream.classes());
        if CropFlip::of(plan, 0).is_some() {
            metadata.push(("black", black.join(" ")));
        }
        tensors::write(&metadata, &tensors, file)
    })?;
    folder.stage(LABELS, |file| write_labels(&*stream, tasks.clone(), false, file))?;
    if test.is_some() {
        folder.stage(TEST_LABELS, |file| write_labels(&*stream, tasks.clone(), true, file))?;
    }
    if moves_pixels {
        folder.stage(PERMUTATIONS, |file| write_permutations(&*stream, tasks.clone(), file))?;
    }
    if first.train.inputs.alphabet().is_some() {
        folder.stage(ALPHABETS, |file| write_alphabets(&*stream, tasks.clone(), file))?;
    }
    let mut steps = 0;
    folder.stage(ORDER, |file| {
        steps = write_order(plan, &*stream, tasks.clone(), file)?;
        Ok(())
    })?;
    if CropFlip::of(plan, 0).is_some() {
        folder.stage(CROPS, |file| write_crops(plan, &*stream, tasks.clone(), file))?;
    }
    let files = folder.commit()?;
    let test_examples = test.as_ref().map_or(0, Inputs::len);
    Ok(Summary { tasks, examples: train.len(), test_examples, steps, files })
}

/// Files waiting to be put in their places together.
struct Folder<'a> {
    out: &'a Path,
    staged: Vec<(PathBuf, Staged)>,
}

impl Folder<'_> {
    fn stage(
        &mut self,
        name: &str,
        content: impl FnOnce(&mut io::BufWriter<fs::File>) -> io::Result<()>,
    ) -> Result<(), ExportError> {
        let path = self.out.join(name);
        match Staged::write(&path, content) {
            Ok(staged) => self.staged.push((path, staged)),
            Err(source) => return Err(ExportError::Unwritable { path, source }),
        }
        Ok(())
    }

    fn commit(self) -> Result<Vec<PathBuf>, ExportError> {
        for name in [INPUTS, LABELS, TEST_LABELS, PERMUTATIONS, ALPHABETS, ORDER, CROPS] {
            let path = self.out.join(name);
            if self.staged.iter().all(|(staged, _)| *staged != path)
                && let Err(source) = fs::remove_file(&path)
                && source.kind() != io::ErrorKind::NotFound
            {
                return Err(ExportError::Unwritable { path, source });
            }
        }
        let mut files = Vec::new();
        for (path, staged) in self.staged {
            staged.commit().map_err(|source| ExportError::Unwritable { path: path.clone(), source })?;
            files.push(path);
        }
        Ok(files)
    }
}

fn metadata(plan: &Plan, classes: usize) -> Vec<(&'static str, String)> {
    let scaling = match plan.data().scaling {
        Scaling::Unit => "unit",
        Scaling::Symmetric => "symmetric",
        Scaling::Standardize => "standardize",
    };
    vec![
        ("name", plan.name.clone()),
        ("family", plan.stream().family.name.clone()),
        ("dataset", plan.data().dataset.clone()),
        ("scaling", scaling.to_owned()),
        ("seed", plan.seed.to_string()),
        ("classes", classes.to_string()),
        ("batch_size", plan.stream().batch_size.to_string()),
    ]
}

fn write_labels(
    stream: &dyn TaskStream,
    tasks: Range<usize>,
    test: bool,
    file: &mut impl Write,
) -> io::Result<()> {
    writeln!(file, "task,index,label")?;
    for task in tasks {
        let examples = if test { stream.test_set(task) } else { Some(stream.task(task).train) };
        let examples = examples.expect("the first task has such a set, so all have");
        for (position, label) in (0u32..).zip(examples.labels.iter()) {
            writeln!(file, "{task},{},{label}", examples.inputs.row(position))?;
        }
    }
    Ok(())
}

fn write_permutations(stream: &dyn TaskStream, tasks: Range<usize>, file: &mut impl Write) -> io::Result<()> {
    writeln!(file, "task,position,source")?;
    for task in tasks {
        let inputs = stream.probe_inputs(task, 1);
        let sources = inputs.pixel_source().expect("the first task moves pixels, so all do");
        for (position, source) in sources.iter().enumerate() {
            writeln!(file, "{task},{position},{source}")?;
        }
    }
    Ok(())
}

fn write_alphabets(stream: &dyn TaskStream, tasks: Range<usize>, file: &mut impl Write) -> io::Result<()> {
    writeln!(file, "task,character,shown")?;
    for task in tasks {
        let inputs = stream.probe_inputs(task, 1);
        let alphabet = inputs.alphabet().expect("the first task renumbers characters, so all do");
        for (character, shown) in alphabet.iter().enumerate() {
            writeln!(file, "{task},{character},{shown}")?;
        }
    }
    Ok(())
}

fn write_crops(
    plan: &Plan,
    stream: &dyn TaskStream,
    tasks: Range<usize>,
    file: &mut impl Write,
) -> io::Result<()> {
    writeln!(file, "task,epoch,position,top,left,mirrored")?;
    for task in tasks {
        let augmentation = CropFlip::of(plan, task).expect("asked before");
        let mut batches = Batches::new(plan, stream.task(task).train.len(), task);
        for step in 0..batches.steps() {
            let epoch = step / batches.steps_per_epoch();
            let start = step % batches.steps_per_epoch() * plan.stream().batch_size;
            let mut crops = augmentation.crops(step);
            for position in start..start + batches.batch(step).len() {
                let crop = crops.draw();
                let mirrored = u8::from(crop.mirrored);
                writeln!(file, "{task},{epoch},{position},{},{},{mirrored}", crop.top, crop.left)?;
            }
        }
    }
    Ok(())
}

/// Returns the number of steps.
fn write_order(
    plan: &Plan,
    stream: &dyn TaskStream,
    tasks: Range<usize>,
    file: &mut impl Write,
) -> io::Result<usize> {
    writeln!(file, "task,epoch,position,index")?;
    let mut steps = 0;
    for task in tasks {
        let train = stream.task(task).train;
        let mut batches = Batches::new(plan, train.len(), task);
        for step in 0..batches.steps() {
            let epoch = step / batches.steps_per_epoch();
            let start = step % batches.steps_per_epoch() * plan.stream().batch_size;
            for (position, &index) in (start..).zip(batches.batch(step)) {
                writeln!(file, "{task},{epoch},{position},{}", train.inputs.row(index))?;
            }
        }
        steps += batches.steps();
    }
    Ok(steps)
}

#[cfg(test)]
mod tests;
