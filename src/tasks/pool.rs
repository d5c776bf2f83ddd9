//! The examples of one split that a run works with, before any task changes how they look.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::augmentation::Crop;
use super::scaling::Table;
use crate::data::{DataSet, Images};
use crate::random::Stream;

/// Scaled copies are kept up to this size. They turn a batch into a few `memcpy`s (16 × 784 inputs:
/// about 1.4 µs, against 8 to 10 µs by table); larger sets would cost every concurrent run that memory.
pub const COPY_LIMIT: usize = 16 << 20;

/// Which split of the data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    Train,
    Test,
}

/// The run's examples of one split: row r of a pool is the r-th example of the run.
#[derive(Debug)]
pub struct Pool {
    data: Arc<DataSet>,
    split: Split,
    /// Index in the split of each row; `None` stands for all of the split in its own order.
    chosen: Option<Vec<u32>>,
    tables: Arc<Vec<Table>>,
    /// All rows scaled, where they fit [`COPY_LIMIT`].
    scaled: Option<Arc<[f32]>>,
}

impl Pool {
    /// The rows `chosen` of a split.
    pub fn new(data: Arc<DataSet>, split: Split, chosen: Option<Vec<u32>>, tables: Arc<Vec<Table>>) -> Self {
        let mut pool = Self { data, split, chosen, tables, scaled: None };
        pool.scaled = pool.copy(None);
        pool
    }

    pub fn images(&self) -> &Images {
        match self.split {
            Split::Train => &self.data.train,
            Split::Test => &self.data.test,
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.chosen.as_ref().map_or(self.images().len(), Vec::len)
    }

    /// Channels, height, width.
    pub fn dims(&self) -> (usize, usize, usize) {
        let images = self.images();
        (images.channels, images.height, images.width)
    }

    /// The data set's own labels, row by row.
    pub fn labels(&self) -> Vec<u32> {
        let labels = &self.images().labels;
        match &self.chosen {
            None => labels.clone(),
            Some(chosen) => chosen.iter().map(|&index| labels[index as usize]).collect(),
        }
    }

    /// All rows, scaled.
    pub fn scaled(&self) -> Option<&Arc<[f32]>> {
        self.scaled.as_ref()
    }

    /// All rows scaled and with their pixels moved, or `None` where that exceeds [`COPY_LIMIT`].
    pub fn copy(&self, source: Option<&[u32]>) -> Option<Arc<[f32]>> {
        let values = self.len() * self.images().size();
        if values * size_of::<f32>() > COPY_LIMIT {
            return None;
        }
        let mut copy = Vec::with_capacity(values);
        (0..self.len()).for_each(|row| self.append(row, source, &mut copy));
        Some(copy.into())
    }

    /// Appends a crop of one row.
    pub fn append_cropped(&self, row: usize, crop: Crop, out: &mut Vec<f32>) {
        let images = self.images();
        let plane = images.height * images.width;
        let image = images.image(self.index(row));
        for (plane, table) in image.chunks_exact(plane).zip(self.tables.iter()) {
            crop.append(plane, (images.height, images.width), table, out);
        }
    }

    /// The bytes of one row.
    #[inline]
    pub fn bytes(&self, row: usize) -> &[u8] {
        self.images().image(self.index(row))
    }

    /// The image's number in its split.
    fn index(&self, row: usize) -> usize {
        self.chosen.as_ref().map_or(row, |chosen| chosen[row] as usize)
    }

    /// Appends one row by table: channel by channel, position p from position `source[p]`.
    #[inline]
    pub fn append(&self, row: usize, source: Option<&[u32]>, out: &mut Vec<f32>) {
        let images = self.images();
        let area = images.height * images.width;
        for (plane, table) in images.image(self.index(row)).chunks_exact(area).zip(self.tables.iter()) {
            match source {
                None => out.extend(plane.iter().map(|&byte| table[usize::from(byte)])),
                Some(source) => {
                    out.extend(source.iter().map(|&from| table[usize::from(plane[from as usize])]));
                }
            }
        }
    }
}

/// From this share on, a draw without replacement fills a list of all items.
const DENSE: usize = 16;

/// `count` of `0..n` without replacement, in the order drawn (Fisher–Yates from the front): a larger
/// draw from the same generator begins with the smaller one. Small draws take O(count · log count).
pub fn draw(stream: &mut Stream, n: usize, count: usize) -> Vec<u32> {
    assert!(count <= n, "cannot draw {count} of {n} without replacement");
    if count < n / DENSE { draw_few(stream, n, count) } else { draw_many(stream, n, count) }
}

/// The same draw with a list of only those items that are not in their own place.
fn draw_few(stream: &mut Stream, n: usize, count: usize) -> Vec<u32> {
    let mut moved: BTreeMap<usize, u32> = BTreeMap::new();
    let draw = |place| {
        let other = place + stream.below((n - place) as u64) as usize;
        let here = moved.remove(&place).unwrap_or(place as u32);
        // What lies before the next place is never looked at again.
        if other == place { here } else { moved.insert(other, here).unwrap_or(other as u32) }
    };
    (0..count).map(draw).collect()
}

fn draw_many(stream: &mut Stream, n: usize, count: usize) -> Vec<u32> {
    let mut items: Vec<u32> = (0..n as u32).collect();
    for place in 0..count {
        let other = place + stream.below((n - place) as u64) as usize;
        items.swap(place, other);
    }
    items.truncate(count);
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draw_has_no_repeats_and_extends_the_smaller_one() {
        let small = draw(&mut Stream::new(3, "data", 0), 500, 60);
        let large = draw(&mut Stream::new(3, "data", 0), 500, 500);
        assert_eq!(small, large[..60]);
        let mut sorted = large.clone();
        sorted.sort_unstable();
        assert!(sorted.iter().enumerate().all(|(i, &x)| i == x as usize));
        assert_ne!(sorted, large);
    }

    #[test]
    fn a_draw_of_few_is_that_of_many() {
        for (n, count) in [(1, 0), (1, 1), (7, 7), (40, 20), (500, 30), (100_000, 64)] {
            for index in 0..20 {
                let mut streams = [(); 2].map(|()| Stream::new(9, "test", index));
                let few = draw_few(&mut streams[0], n, count);
                assert_eq!(few, draw_many(&mut streams[1], n, count), "{count} of {n}");
                assert_eq!(streams[0].position(), streams[1].position());
            }
        }
    }

    #[test]
    fn every_item_is_equally_likely_to_be_drawn() {
        let mut counts = [0u32; 20];
        for index in 0..20_000 {
            for item in draw(&mut Stream::new(0, "test", index), 20, 5) {
                counts[item as usize] += 1;
            }
        }
        // Binomial(20000, 1/4): mean 5000, standard deviation 61; five of them either way.
        assert!(counts.iter().all(|c| (4_695..=5_305).contains(c)), "{counts:?}");
    }
}
