//! Colour, dash and marker of a series.

/// An sRGB colour.
pub type Rgb = (u8, u8, u8);

/// Okabe & Ito's colours without yellow and black: blue, vermilion, green, purple, orange, sky blue.
const COLOURS: [Rgb; 6] =
    [(0, 114, 178), (213, 94, 0), (0, 158, 115), (204, 121, 167), (230, 159, 0), (86, 180, 233)];
/// On and off lengths in pixels; 7 patterns beside 6 colours make 42 different lines.
const DASHES: [&[f64]; 7] =
    [&[], &[9.0, 4.0], &[2.0, 3.0], &[9.0, 3.0, 2.0, 3.0], &[14.0, 4.0], &[5.0, 3.0], &[2.0, 6.0]];

/// How a series is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Style {
    /// Of lines and markers.
    pub colour: Rgb,
    /// On and off lengths; empty is solid.
    pub dash: &'static [f64],
    /// Which of the ten markers: five shapes filled, then the same hollow.
    pub marker: usize,
}

/// Of the markers that [`super::pen::Pen::marker`] knows.
pub const MARKERS: usize = 10;

impl Style {
    /// The style of series number `index`, the same in every plot.
    #[must_use]
    pub fn of(index: usize) -> Self {
        Self {
            colour: COLOURS[index % COLOURS.len()],
            dash: DASHES[index % DASHES.len()],
            marker: index % MARKERS,
        }
    }

    /// Of lines behind others: grey.
    #[must_use]
    pub fn behind() -> Self {
        Self { colour: (170, 170, 170), dash: &[], marker: 0 }
    }

    /// The colour of a moment, `share` in [0, 1] of the way: orange to blue, of which neither end is lost
    /// on a white ground or a dark one.
    #[must_use]
    pub fn moment(share: f64) -> Rgb {
        mixed([(226, 160, 40), (214, 110, 70), (190, 70, 120), (130, 80, 175), (75, 100, 205)], share)
    }

    /// A step of a ramp from light to dark, `share` in [0, 1]: cividis, which grows darker in print and to
    /// every eye.
    #[must_use]
    pub fn ramp(share: f64) -> Rgb {
        mixed([(232, 213, 87), (184, 163, 113), (124, 123, 120), (66, 78, 108), (0, 34, 78)], share)
    }
}

fn mixed(stops: [Rgb; 5], share: f64) -> Rgb {
    let at = share.clamp(0.0, 1.0) * (stops.len() - 1) as f64;
    let below = (at as usize).min(stops.len() - 2);
    let (a, b, t) = (stops[below], stops[below + 1], at - below as f64);
    let mix = |a: u8, b: u8| (f64::from(a) + t * (f64::from(b) - f64::from(a))).round() as u8;
    (mix(a.0, b.0), mix(a.1, b.1), mix(a.2, b.2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_series_differ_without_colour_too() {
        let told = |index| (Style::of(index).dash, Style::of(index).marker);
        for a in 0..MARKERS * DASHES.len() {
            assert!((0..a).all(|b| told(a) != told(b)), "{a}");
        }
    }

    #[test]
    fn colours_of_a_chart_keep_apart_from_white_in_print() {
        for (r, g, b) in COLOURS {
            let luma = 0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b);
            assert!(luma < 175.0, "{r} {g} {b} is as light as paper: {luma}");
        }
    }
}
