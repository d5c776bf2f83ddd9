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
    let black = scaling::tables(plan.data.scaling, &data)?
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
        for name in [INPUTS, LABELS, TEST_LABELS, PERMUTATIONS, ORDER, CROPS] {
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
    let scaling = match plan.data.scaling {
        Scaling::Unit => "unit",
        Scaling::Symmetric => "symmetric",
        Scaling::Standardize => "standardize",
    };
    vec![
        ("name", plan.name.clone()),
        ("family", plan.stream.family.name.clone()),
        ("dataset", plan.data.dataset.clone()),
        ("scaling", scaling.to_owned()),
        ("seed", plan.seed.to_string()),
        ("classes", classes.to_string()),
        ("batch_size", plan.stream.batch_size.to_string()),
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
            let start = step % batches.steps_per_epoch() * plan.stream.batch_size;
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
            let start = step % batches.steps_per_epoch() * plan.stream.batch_size;
            for (position, &index) in (start..).zip(batches.batch(step)) {
                writeln!(file, "{task},{epoch},{position},{}", train.inputs.row(index))?;
            }
        }
        steps += batches.steps();
    }
    Ok(steps)
}

#[cfg(test)]
mod tests {
    use safetensors::SafeTensors;

    use super::*;
    use crate::spec::Length;
    use crate::tasks::fixture;

    fn table(path: &Path) -> Vec<Vec<usize>> {
        let mut reader = csv::Reader::from_path(path).unwrap();
        reader.records().map(|r| r.unwrap().iter().map(|cell| cell.parse().unwrap()).collect()).collect()
    }

    fn tensor(bytes: &[u8], name: &str) -> (Vec<usize>, Vec<f32>) {
        let tensors = SafeTensors::deserialize(bytes).unwrap();
        let view = tensors.tensor(name).unwrap();
        let values = view.data().as_chunks().0.iter().map(|c: &[u8; 4]| f32::from_le_bytes(*c)).collect();
        (view.shape().to_vec(), values)
    }

    /// Trains on the files as another framework would: rebuilds every batch of every task from them.
    fn rebuilt_batches_equal_ours(family: &str, data: DataSet, change: impl Fn(&mut Plan)) {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("new/folder");
        let mut plan = fixture::plan(family);
        plan.seed = 11;
        change(&mut plan);
        let data = Arc::new(data);
        let summary = export(&plan, Arc::clone(&data), 1..4, &out).unwrap();
        let stream = crate::tasks::stream(&plan, data).unwrap();

        let bytes = fs::read(out.join(INPUTS)).unwrap();
        let (shape, inputs) = tensor(&bytes, "inputs");
        let (channels, height, width) = stream.dims();
        assert_eq!(shape, [summary.examples, channels, height, width]);
        let (area, features) = (height * width, channels * height * width);
        let (labels, order) = (table(&out.join(LABELS)), table(&out.join(ORDER)));
        let permutations =
            if out.join(PERMUTATIONS).exists() { table(&out.join(PERMUTATIONS)) } else { Vec::new() };
        assert_eq!(permutations.is_empty(), family != "permuted-pixels");
        let present = |task: usize, row: usize, inputs: &[f32]| -> Vec<f32> {
            let image = &inputs[row * features..][..features];
            let moves: Vec<&Vec<usize>> = permutations.iter().filter(|r| r[0] == task).collect();
            let mut shown = image.to_vec();
            for channel in 0..channels {
                for r in &moves {
                    shown[channel * area + r[1]] = image[channel * area + r[2]];
                }
            }
            shown
        };

        let mut rows = order.iter();
        let (mut steps, mut ours) = (0, Vec::new());
        for task in 1..4 {
            let examples = stream.task(task).train;
            let mut batches = Batches::new(&plan, examples.len(), task);
            for step in 0..batches.steps() {
                let batch = batches.batch(step).to_vec();
                examples.inputs.gather(&batch, &mut ours);
                assert_eq!(ours.len(), batch.len() * features);
                for (i, position) in batch.iter().enumerate() {
                    let row = rows.next().unwrap();
                    assert_eq!(row[0], task);
                    assert_eq!(row[2] / plan.stream.batch_size, step % batches.steps_per_epoch());
                    let theirs = present(task, row[3], &inputs);
                    let bits = |x: &[f32]| x.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
                    assert_eq!(bits(&theirs), bits(&ours[i * features..][..features]));
                    let label = labels.iter().find(|l| l[0] == task && l[1] == row[3]).unwrap()[2];
                    assert_eq!(label, examples.labels[*position as usize] as usize);
                }
                steps += 1;
            }
            if let Some(test) = stream.test_set(task) {
                let (shape, inputs) = tensor(&bytes, "test_inputs");
                assert_eq!((shape[0], test.len()), (summary.test_examples, summary.test_examples));
                let shown: Vec<f32> = (0..test.len()).flat_map(|row| present(task, row, &inputs)).collect();
                assert_eq!(shown, fixture::rows(&test.inputs));
                let theirs: Vec<u32> = table(&out.join(TEST_LABELS))
                    .iter()
                    .filter(|l| l[0] == task)
                    .map(|l| l[2] as u32)
                    .collect();
                assert_eq!(theirs, test.labels[..]);
            } else {
                assert_eq!(summary.test_examples, 0);
                assert!(!out.join(TEST_LABELS).exists());
            }
        }
        assert!(rows.next().is_none(), "order.csv holds what is served and no more");
        assert_eq!(steps, summary.steps);
    }

    #[test]
    fn other_frameworks_get_the_stream_bit_for_bit() {
        for family in ["shuffled-labels", "random-labels", "remapped-classes", "permuted-pixels"] {
            rebuilt_batches_equal_ours(family, fixture::data(60, 3, 4, 5, 10), |plan| {
                plan.stream.examples = Some(37);
                plan.stream.examples_from = crate::spec::ExamplesFrom::Seed;
            });
            rebuilt_batches_equal_ours(family, fixture::data(60, 1, 4, 5, 10), |plan| {
                plan.stream.examples = None;
                plan.stream.length = Length::Steps(6);
            });
        }
    }

    /// The crops in the file, made by hand from the exported inputs, are the batches of the training.
    #[test]
    fn other_frameworks_get_the_augmented_batches_bit_for_bit() {
        let folder = tempfile::tempdir().unwrap();
        let mut plan = fixture::plan("split-classes");
        plan.stream.tasks = 2;
        plan.data.augmentation = crate::spec::Augmentation::CropFlip;
        let data = Arc::new(fixture::data(60, 3, 5, 6, 10));
        plan.stream.examples = None;
        let summary = export(&plan, Arc::clone(&data), 0..2, folder.path()).unwrap();
        let stream = crate::tasks::stream(&plan, data).unwrap();
        let bytes = fs::read(folder.path().join(INPUTS)).unwrap();
        let (_, inputs) = tensor(&bytes, "inputs");
        let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
        let black: Vec<f32> =
            metadata.metadata().as_ref().unwrap()["black"].split(' ').map(|b| b.parse().unwrap()).collect();
        assert_eq!(black, [-1.0; 3]);
        let (order, crops) = (table(&folder.path().join(ORDER)), table(&folder.path().join(CROPS)));
        assert_eq!((order.len(), summary.files.len()), (crops.len(), 5));
        let mut served = order.iter().zip(&crops);
        for task in 0..2 {
            let examples = stream.task(task).train;
            let mut batches = Batches::new(&plan, examples.len(), task);
            for step in 0..batches.steps() {
                let augmentation = CropFlip::of(&plan, task).unwrap().crops(step);
                let own = (&examples, &batches.batch(step).to_vec()[..]);
                let (ours, _) = crate::nn::training_batch(own, &[], Some(augmentation)).unwrap();
                for ours in ours.to_vec2::<f32>().unwrap() {
                    let (order, crop) = served.next().unwrap();
                    assert_eq!(order[..3], crop[..3]);
                    let theirs: Vec<f32> = (0..3 * 5 * 6)
                        .map(|at| {
                            let (channel, y, x) = (at / 30, at % 30 / 6, at % 6);
                            let x = if crop[5] == 1 { 5 - x } else { x };
                            let (y, x) = ((y + crop[3]).wrapping_sub(4), (x + crop[4]).wrapping_sub(4));
                            let inside = y < 5 && x < 6;
                            if inside {
                                inputs[order[3] * 90 + channel * 30 + y * 6 + x]
                            } else {
                                black[channel]
                            }
                        })
                        .collect();
                    assert_eq!(ours, theirs);
                }
            }
        }
        assert!(served.next().is_none());
    }

    #[test]
    fn files_of_an_earlier_export_do_not_linger_and_nothing_partial_stays() {
        let folder = tempfile::tempdir().unwrap();
        let names = || {
            let mut names: Vec<_> =
                fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
            names.sort();
            names
        };
        let data = Arc::new(fixture::mnist_like());
        export(&fixture::plan("permuted-pixels"), Arc::clone(&data), 0..1, folder.path()).unwrap();
        assert_eq!(names(), [INPUTS, LABELS, ORDER, PERMUTATIONS, TEST_LABELS]);
        let files = export(&fixture::plan("random-labels"), data, 0..1, folder.path()).unwrap().files;
        assert_eq!(names(), [INPUTS, LABELS, ORDER]);
        assert_eq!(files, [INPUTS, LABELS, ORDER].map(|name| folder.path().join(name)));
    }

    #[test]
    fn metadata_survives_names_that_need_escaping() {
        let folder = tempfile::tempdir().unwrap();
        let mut plan = fixture::plan("shuffled-labels");
        plan.name = "a \"quoted\" \\ name\nü𝄞".to_owned();
        export(&plan, Arc::new(fixture::mnist_like()), 0..1, folder.path()).unwrap();
        let bytes = fs::read(folder.path().join(INPUTS)).unwrap();
        let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
        let metadata = metadata.metadata().as_ref().unwrap();
        assert_eq!(metadata["name"], plan.name);
        assert_eq!((metadata["batch_size"].as_str(), metadata["classes"].as_str()), ("16", "10"));
    }

    #[test]
    fn what_cannot_be_written_or_is_not_there_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let (plan, data) = (fixture::plan("shuffled-labels"), Arc::new(fixture::mnist_like()));
        let blocked = folder.path().join("file");
        fs::write(&blocked, "in the way").unwrap();
        let message = export(&plan, Arc::clone(&data), 0..1, &blocked).unwrap_err().to_string();
        assert!(message.starts_with("cannot write ") && message.contains("--out"), "{message}");
        for (start, end) in [(0, 11), (3, 3), (10, 11)] {
            let message =
                export(&plan, Arc::clone(&data), start..end, folder.path()).unwrap_err().to_string();
            assert!(message.contains(&format!("{start}..{end}")) && message.contains("0..10"), "{message}");
        }
    }
}
