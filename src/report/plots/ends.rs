//! Names of lines at their ends: of many lines, a legend of dashes and markers tells none.

use plotters::prelude::*;

use super::pen::{Outcome, Pen};
use super::{Series, groups};

/// Between the end of a line and its name.
pub const ROOM: u32 = 40;
/// From one name to the next.
const LINE: f64 = 13.0;

/// Height of a panel that has room for so many names.
pub fn height(names: usize) -> u32 {
    (names as f64 * LINE) as u32 + 60
}

/// Draws each line's name right of `right`, as near to the height of its end as the others let it, and
/// joins the two.
pub fn draw<B: DrawingBackend>(
    pen: &Pen<'_, B>,
    lines: &[(&Series, (f64, f64))],
    right: f64,
    within: (f64, f64),
) -> Outcome<B> {
    let mut order: Vec<usize> = (0..lines.len()).collect();
    order.sort_by(|&a, &b| lines[a].1.1.total_cmp(&lines[b].1.1));
    let wanted: Vec<f64> = order.iter().map(|&index| lines[index].1.1).collect();
    for (&index, y) in order.iter().zip(spread(&wanted, within)) {
        let (series, end) = lines[index];
        pen.mark(&groups::key(&series.label))?;
        let name = right + f64::from(ROOM) - 12.0;
        pen.path(&[(end.0 + 3.0, end.1), (right + 4.0, y), (name - 10.0, y)], series.style, 1)?;
        pen.marker((name - 10.0, y), series.style)?;
        pen.text(&series.label, (name as i32, y as i32 - 4), 11, false)?;
        pen.mark(&groups::end())?;
    }
    Ok(())
}

/// Heights at least a line apart, near the wanted ones, which ascend; within bounds as far as there is room.
fn spread(wanted: &[f64], (top, bottom): (f64, f64)) -> Vec<f64> {
    let mut placed: Vec<f64> = Vec::with_capacity(wanted.len());
    let mut lowest = top;
    for &y in wanted {
        placed.push(y.max(lowest));
        lowest = placed[placed.len() - 1] + LINE;
    }
    // Those that were pushed below the bottom push back.
    let mut highest = bottom;
    for y in placed.iter_mut().rev() {
        *y = y.min(highest);
        highest = *y - LINE;
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_apart_and_near_their_ends() {
        assert_eq!(spread(&[10.0, 50.0, 200.0], (0.0, 300.0)), [10.0, 50.0, 200.0]);
        assert_eq!(spread(&[100.0, 101.0, 102.0], (0.0, 300.0)), [100.0, 113.0, 126.0]);
        assert_eq!(spread(&[298.0, 299.0, 300.0], (0.0, 300.0)), [274.0, 287.0, 300.0]);
        let crowded = spread(&[5.0; 20], (0.0, 260.0));
        assert!(crowded.windows(2).all(|pair| pair[1] - pair[0] >= LINE - 1e-9), "{crowded:?}");
    }
}
