//! One frame: the figures of a mechanism as pixels.

use plotters::prelude::*;

use crate::environments::Figure;

/// Pixels of a frame.
pub const WIDTH: u32 = 320;
/// Likewise.
pub const HEIGHT: u32 = 240;

const SKY: RGBColor = RGBColor(255, 255, 255);
const GROUND: RGBColor = RGBColor(204, 204, 204);
const MARK: RGBColor = RGBColor(153, 153, 153);
const BODY: RGBColor = RGBColor(51, 102, 204);
const EDGE: RGBColor = RGBColor(0, 51, 153);
const TARGET: RGBColor = RGBColor(204, 51, 51);

/// What part of the plane is seen: it moves along with what moves far.
pub struct Camera {
    /// Metres a pixel.
    scale: f64,
    /// Height of the middle.
    height: f64,
    /// Middle along the ground, for each frame.
    middles: Vec<f64>,
}

/// Least and largest place of all figures but the ground.
fn extent(figures: &[Figure]) -> Option<([f64; 2], [f64; 2])> {
    let mut all: Option<([f64; 2], [f64; 2])> = None;
    for figure in figures {
        let (places, radius) = match *figure {
            Figure::Ground { .. } => continue,
            Figure::Capsule { from, to, radius } => ([from, to], radius),
            Figure::Target { centre, radius } => ([centre, centre], radius),
        };
        for place in places {
            let (low, high) = (place.map(|x| x - radius), place.map(|x| x + radius));
            all = Some(all.map_or((low, high), |(least, most)| {
                (std::array::from_fn(|i| low[i].min(least[i])), std::array::from_fn(|i| high[i].max(most[i])))
            }));
        }
    }
    all
}

impl Camera {
    /// Sees all frames: as a whole, or along the ground each by itself if the figures move farther than they
    /// are wide. `None` if there is nothing to see.
    pub fn new(frames: &[Vec<Figure>]) -> Option<Self> {
        let extents: Vec<_> = frames.iter().map(|figures| extent(figures)).collect::<Option<_>>()?;
        let over = |axis: usize| {
            let low = extents.iter().map(|(low, _)| low[axis]).fold(f64::INFINITY, f64::min);
            let high = extents.iter().map(|(_, high)| high[axis]).fold(f64::NEG_INFINITY, f64::max);
            (low, high)
        };
        let ((left, right), (mut bottom, top)) = (over(0), over(1));
        for figure in frames.iter().flatten() {
            if let Figure::Ground { height } = figure {
                bottom = bottom.min(*height);
            }
        }
        let own = extents.iter().map(|(low, high)| high[0] - low[0]).fold(0.0, f64::max);
        let follows = right - left > 2.5 * own;
        let wide = if follows { 1.5 * own } else { right - left };
        let middle = |(low, high): &([f64; 2], [f64; 2])| {
            if follows { f64::midpoint(low[0], high[0]) } else { f64::midpoint(left, right) }
        };
        let scale = (wide / f64::from(WIDTH)).max((top - bottom) / f64::from(HEIGHT)) * 1.15;
        let sound = scale.is_finite() && scale > 0.0;
        let middles = extents.iter().map(middle).collect();
        sound.then_some(Self { scale, height: f64::midpoint(top, bottom), middles })
    }
}

/// Draws frame number `number`: rows of pixels, three bytes each.
pub fn draw(camera: &Camera, number: usize, figures: &[Figure]) -> Result<Vec<u8>, String> {
    let mut pixels = vec![0; (WIDTH * HEIGHT * 3) as usize];
    {
        let area = BitMapBackend::with_buffer(&mut pixels, (WIDTH, HEIGHT)).into_drawing_area();
        let failed = |error: &dyn std::fmt::Display| error.to_string();
        area.fill(&SKY).map_err(|e| failed(&e))?;
        let middle = camera.middles[number];
        let at = |[x, y]: [f64; 2]| {
            let right = (x - middle) / camera.scale + f64::from(WIDTH) / 2.0;
            let down = f64::from(HEIGHT) / 2.0 - (y - camera.height) / camera.scale;
            (right.round().clamp(-1e6, 1e6) as i32, down.round().clamp(-1e6, 1e6) as i32)
        };
        let pixels_of = |length: f64| ((length / camera.scale).round() as i32).max(1);
        // Bodies lie over targets, and both over the ground.
        let mut layers = figures.to_vec();
        layers.sort_by_key(|figure| match figure {
            Figure::Ground { .. } => 0,
            Figure::Target { .. } => 1,
            Figure::Capsule { .. } => 2,
        });
        for figure in layers {
            match figure {
                Figure::Ground { height } => {
                    let (_, top) = at([0.0, height]);
                    let corner = (WIDTH as i32, HEIGHT as i32);
                    area.draw(&Rectangle::new([(0, top), corner], GROUND.filled()))
                        .map_err(|e| failed(&e))?;
                    // A mark at every metre, so that one sees the ground go by.
                    let reach = f64::from(WIDTH) / 2.0 * camera.scale;
                    let (first, last) = ((middle - reach).ceil() as i64, (middle + reach).floor() as i64);
                    for metre in first..=last.min(first + i64::from(WIDTH)) {
                        let (x, y) = at([metre as f64, height]);
                        let mark = Rectangle::new([(x - 1, y), (x + 1, y + 6)], MARK.filled());
                        area.draw(&mark).map_err(|e| failed(&e))?;
                    }
                }
                Figure::Target { centre, radius } => {
                    let disc = Circle::new(at(centre), pixels_of(radius), TARGET.filled());
                    area.draw(&disc).map_err(|e| failed(&e))?;
                }
                Figure::Capsule { from, to, radius } => {
                    // The edge first, the body one pixel smaller over it.
                    for (colour, less) in [(EDGE, 0), (BODY, 1)] {
                        let thick = (pixels_of(radius) - less).max(1);
                        for end in [from, to] {
                            area.draw(&Circle::new(at(end), thick, colour.filled()))
                                .map_err(|e| failed(&e))?;
                        }
                        let length = libm::hypot(to[0] - from[0], to[1] - from[1]);
                        if length > 0.0 {
                            let wide = f64::from(thick) * camera.scale / length;
                            let side = [-(to[1] - from[1]) * wide, (to[0] - from[0]) * wide];
                            let corners = [
                                [from[0] + side[0], from[1] + side[1]],
                                [to[0] + side[0], to[1] + side[1]],
                                [to[0] - side[0], to[1] - side[1]],
                                [from[0] - side[0], from[1] - side[1]],
                            ];
                            let bar = Polygon::new(corners.map(at).to_vec(), colour.filled());
                            area.draw(&bar).map_err(|e| failed(&e))?;
                        }
                    }
                }
            }
        }
        area.present().map_err(|e| failed(&e))?;
    }
    Ok(pixels)
}
