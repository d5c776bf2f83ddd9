//! `augmentation = "crop-flip"`: training images shifted and mirrored at random.
//!
//! As torchvision's `RandomCrop(size, padding=4)` and `RandomHorizontalFlip()`, in this order and before
//! the scaling: the padding is black (byte 0), which standardising turns into -mean/std. Every served
//! image draws anew, an offset of 0 to 8 pixels each way and the flip. The draws of a step follow from
//! the seed, the task and the step alone, so that a run goes on within a task without replaying it.
//! Test images, probe sets and the evaluation that ends a task are never augmented.

use super::batches::stream_index;
use crate::random::Stream;
use crate::spec::{Augmentation, Plan};

/// Black pixels on every side of the image that is cropped.
pub const PADDING: usize = 4;

/// The augmentation of one task.
#[derive(Clone, Copy, Debug)]
pub struct CropFlip {
    seed: u64,
    task: usize,
}

impl CropFlip {
    /// That of task number `task`, if the plan asks for one.
    #[must_use]
    pub fn of(plan: &Plan, task: usize) -> Option<Self> {
        (plan.data().augmentation == Augmentation::CropFlip).then_some(Self { seed: plan.seed, task })
    }

    /// The draws of step number `step`, one for each image in the order served.
    #[must_use]
    pub fn crops(self, step: usize) -> Crops {
        Crops(Stream::new(self.seed, "augmentation", stream_index(self.task, step)))
    }
}

/// The crops of one step, in the order of its images.
#[derive(Clone, Debug)]
pub struct Crops(Stream);

impl Crops {
    /// The next one.
    pub fn draw(&mut self) -> Crop {
        let mut offset = || self.0.below(2 * PADDING as u64 + 1) as usize;
        let (top, left) = (offset(), offset());
        Crop { top, left, mirrored: self.0.below(2) == 1 }
    }
}

/// Where an image is cut out of itself padded, and whether it is mirrored after that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crop {
    /// First row taken of the padded image; [`PADDING`] leaves the image where it is.
    pub top: usize,
    /// First column taken, likewise.
    pub left: usize,
    /// Whether left and right change places.
    pub mirrored: bool,
}

impl Crop {
    /// Appends the crop of one plane of bytes, (height, width), scaled by `table`.
    pub(super) fn append(
        self,
        plane: &[u8],
        (height, width): (usize, usize),
        table: &[f32; 256],
        out: &mut Vec<f32>,
    ) {
        let black = table[0];
        let right = 2 * PADDING - self.left;
        // Black columns on either side of what is seen of a line, and the columns that are seen.
        let before = PADDING.saturating_sub(self.left).min(width);
        let after = PADDING.saturating_sub(right).min(width);
        let seen = after..width - before;
        for y in self.top..self.top + height {
            let Some(row) = y.checked_sub(PADDING).filter(|&row| row < height) else {
                out.extend(std::iter::repeat_n(black, width));
                continue;
            };
            let line = &plane[row * width..][seen.clone()];
            let shown = line.iter().map(|&byte| table[usize::from(byte)]);
            if self.mirrored {
                out.extend(std::iter::repeat_n(black, after));
                out.extend(shown.rev());
                out.extend(std::iter::repeat_n(black, before));
            } else {
                out.extend(std::iter::repeat_n(black, before));
                out.extend(shown);
                out.extend(std::iter::repeat_n(black, after));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::fixture;

    /// `tests/reference/crop_flip.py`: torchvision's pad, crop and hflip of one plane of 6 × 7.
    const REFERENCE: &str = include_str!("../../tests/reference/crop_flip.csv");

    #[test]
    fn crops_are_torchvisions_to_the_byte_at_every_offset() {
        let plane: Vec<u8> = (0..42).map(|i| i * 5 + 1).collect();
        // Black is told from every pixel, as standardising does.
        let mut table = [0.0; 256];
        (0..256).for_each(|byte| table[byte] = byte as f32 - 0.5);
        let mut lines = REFERENCE.lines().filter(|l| !l.starts_with(['#', 't']));
        for (top, left, mirrored) in
            (0..9).flat_map(|t| (0..9).flat_map(move |l| [false, true].map(|m| (t, l, m))))
        {
            let cells: Vec<f32> = lines.next().unwrap().split(',').map(|c| c.parse().unwrap()).collect();
            assert_eq!(cells[..3], [top as f32, left as f32, f32::from(u8::from(mirrored))]);
            let expected: Vec<f32> = cells[3..].iter().map(|byte| byte - 0.5).collect();
            let mut ours = Vec::new();
            Crop { top, left, mirrored }.append(&plane, (6, 7), &table, &mut ours);
            assert_eq!(ours, expected, "top {top}, left {left}, mirrored {mirrored}");
        }
        assert!(lines.next().is_none());
    }

    #[test]
    fn offsets_are_uniform_and_half_the_images_are_mirrored() {
        let mut plan = fixture::plan("split-classes");
        plan.data_mut().augmentation = Augmentation::CropFlip;
        let task = CropFlip::of(&plan, 3).unwrap();
        let (mut offsets, mut mirrored) = ([[0u32; 9]; 2], 0u32);
        for step in 0..1000 {
            let mut crops = task.crops(step);
            for _ in 0..18 {
                let crop = crops.draw();
                offsets[0][crop.top] += 1;
                offsets[1][crop.left] += 1;
                mirrored += u32::from(crop.mirrored);
            }
        }
        // Binomial(18000, 1/9): mean 2000, standard deviation 42; and (18000, 1/2): 9000, 67. Five each way.
        assert!(offsets.iter().flatten().all(|n| (1_790..=2_210).contains(n)), "{offsets:?}");
        assert!((8_665..=9_335).contains(&mirrored), "{mirrored}");
    }

    #[test]
    fn every_step_task_and_seed_draws_its_own_and_any_can_be_entered() {
        let first = |seed, task, step| {
            let mut crops = CropFlip { seed, task }.crops(step);
            [(); 8].map(|()| crops.draw())
        };
        let all = [first(0, 0, 0), first(1, 0, 0), first(0, 1, 0), first(0, 0, 1)];
        for (i, a) in all.iter().enumerate() {
            assert!(all[i + 1..].iter().all(|b| a != b));
        }
        assert_eq!(all[3], first(0, 0, 1));
        assert!(CropFlip::of(&fixture::plan("split-classes"), 0).is_none());
    }
}
