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
                assert_eq!(row[2] / plan.stream().batch_size, step % batches.steps_per_epoch());
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
            let theirs: Vec<u32> =
                table(&out.join(TEST_LABELS)).iter().filter(|l| l[0] == task).map(|l| l[2] as u32).collect();
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
            plan.stream_mut().examples = Some(37);
            plan.stream_mut().examples_from = crate::spec::ExamplesFrom::Seed;
        });
        rebuilt_batches_equal_ours(family, fixture::data(60, 1, 4, 5, 10), |plan| {
            plan.stream_mut().examples = None;
            plan.stream_mut().length = Length::Steps(6);
        });
    }
}

/// The crops in the file, made by hand from the exported inputs, are the batches of the training.
#[test]
fn other_frameworks_get_the_augmented_batches_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    let mut plan = fixture::plan("split-classes");
    plan.stream_mut().tasks = 2;
    plan.data_mut().augmentation = crate::spec::Augmentation::CropFlip;
    let data = Arc::new(fixture::data(60, 3, 5, 6, 10));
    plan.stream_mut().examples = None;
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
                        if inside { inputs[order[3] * 90 + channel * 30 + y * 6 + x] } else { black[channel] }
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
        let message = export(&plan, Arc::clone(&data), start..end, folder.path()).unwrap_err().to_string();
        assert!(message.contains(&format!("{start}..{end}")) && message.contains("0..10"), "{message}");
    }
}
