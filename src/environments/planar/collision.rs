//! Where shapes touch.

use super::frame::Frame;
use super::layout::{Capsule, GROUND, Layout, Touching};

/// Capsules are parallel, and have two contacts, if the square of the sine between their axes is below this:
/// MuJoCo's own bound (1e-4 for the sine).
const PARALLEL: f64 = 1e-8;
/// Points nearer than this are one point, likewise.
const SAME: f64 = 1e-15;

/// Two bodies that touch, or nearly.
#[derive(Clone, Copy, Debug)]
pub struct Contact {
    /// Which bodies. The normal points from the first to the second.
    pub bodies: [usize; 2],
    /// The place, relative to the frame's common point.
    pub place: [f64; 2],
    /// Unit vector. `None`: the axes of two capsules cross, and the normal leaves the plane.
    pub normal: Option<[f64; 2]>,
    /// Distance of the surfaces; negative where they overlap.
    pub distance: f64,
    /// What the two geoms share.
    pub touching: Touching,
}

/// Capsule in the world: middle and half axis.
#[derive(Clone, Copy, Debug, Default)]
pub struct Placed {
    middle: [f64; 2],
    arm: [f64; 2],
}

/// All contacts of a frame, in `contacts`; `placed` is scratch.
#[inline(always)]
pub fn collide<const N: usize>(
    layout: &Layout<N>,
    frame: &Frame<N>,
    placed: &mut Vec<Placed>,
    contacts: &mut Vec<Contact>,
) {
    contacts.clear();
    placed.clear();
    if layout.planes.is_empty() && layout.pairs.is_empty() {
        return;
    }
    let point = frame.point;
    placed.extend(layout.capsules.iter().map(|capsule| {
        let pose = &frame.poses[capsule.body];
        let [x, y] = pose.place(capsule.position);
        Placed { middle: [x - point[0], y - point[1]], arm: pose.rotate(capsule.arm) }
    }));
    for plane in &layout.planes {
        let capsule = &layout.capsules[plane.capsule];
        let Placed { middle, arm } = placed[plane.capsule];
        let height = plane.height - point[1];
        let lowest = middle[1] - arm[1].abs() - capsule.radius - height;
        if lowest > plane.touching.margin {
            continue;
        }
        let ends: &[f64] = if capsule.half_length > 0.0 { &[1.0, -1.0] } else { &[1.0] };
        for end in ends {
            let end = [middle[0] + end * arm[0], middle[1] + end * arm[1]];
            let distance = end[1] - height - capsule.radius;
            if distance <= plane.touching.margin {
                contacts.push(Contact {
                    bodies: [GROUND, capsule.body],
                    place: [end[0], end[1] - capsule.radius - distance / 2.0],
                    normal: Some([0.0, 1.0]),
                    distance,
                    touching: plane.touching,
                });
            }
        }
    }
    for pair in &layout.pairs {
        let ends = [pair.first, pair.second];
        let [a, b] = ends.map(|i| placed[i]);
        let [first, second] = ends.map(|i| &layout.capsules[i]);
        let apart = [b.middle[0] - a.middle[0], b.middle[1] - a.middle[1]];
        let reach =
            first.radius + second.radius + first.half_length + second.half_length + pair.touching.margin;
        // Not "greater": a place that is no number touches nothing.
        if apart[0] * apart[0] + apart[1] * apart[1] <= reach * reach {
            capsules((first, a), (second, b), &pair.touching, contacts);
        }
    }
}

/// Contacts of two capsules: one where their axes come nearest, two if the axes are parallel.
fn capsules(
    (first, a): (&Capsule, Placed),
    (second, b): (&Capsule, Placed),
    touching: &Touching,
    contacts: &mut Vec<Contact>,
) {
    let dot = |u: [f64; 2], v: [f64; 2]| u[0] * v[0] + u[1] * v[1];
    let apart = [b.middle[0] - a.middle[0], b.middle[1] - a.middle[1]];
    let along =
        |placed: Placed, s: f64| [placed.middle[0] + s * placed.arm[0], placed.middle[1] + s * placed.arm[1]];
    // Places on the axes are middle + s arm with s in [−1, 1]; the nearest to a place of the other axis.
    let (aa, ab, bb) = (dot(a.arm, a.arm), dot(a.arm, b.arm), dot(b.arm, b.arm));
    let (to_a, to_b) = (dot(a.arm, apart), -dot(b.arm, apart));
    let on_a = |t: f64| if aa > 0.0 { (to_a + t * ab) / aa } else { 0.0 };
    let on_b = |s: f64| if bb > 0.0 { (to_b + s * ab) / bb } else { 0.0 };
    let clip = |x: f64| x.clamp(-1.0, 1.0);
    let mut touch = |s: f64, t: f64, crossing: bool| {
        let (from, to) = (along(a, s), along(b, t));
        let way = [to[0] - from[0], to[1] - from[1]];
        let length = if crossing { 0.0 } else { dot(way, way).sqrt() };
        let distance = length - first.radius - second.radius;
        if distance > touching.margin {
            return;
        }
        let normal = (length >= SAME).then(|| [way[0] / length, way[1] / length]);
        let inward = first.radius + distance / 2.0;
        let place = normal.map_or(from, |n| [from[0] + n[0] * inward, from[1] + n[1] * inward]);
        let bodies = [first.body, second.body];
        contacts.push(Contact { bodies, place, normal, distance, touching: *touching });
    };
    let determinant = aa * bb - ab * ab;
    let point = first.half_length == 0.0 || second.half_length == 0.0;
    if !point && determinant < PARALLEL * aa * bb {
        // At both ends of the stretch over which they lie side by side. Where there is none, twice at the
        // nearest ends.
        for t in [-1.0, 1.0] {
            let s = on_a(t);
            if s.abs() <= 1.0 {
                touch(s, t, false);
            } else {
                touch(clip(s), clip(on_b(clip(s))), false);
            }
        }
        return;
    }
    if point {
        let (s, t) = if first.half_length == 0.0 { (0.0, clip(on_b(0.0))) } else { (clip(on_a(0.0)), 0.0) };
        touch(s, t, false);
        return;
    }
    let (s, t) = ((bb * to_a + ab * to_b) / determinant, (aa * to_b + ab * to_a) / determinant);
    if s.abs() <= 1.0 && t.abs() <= 1.0 {
        touch(s, t, true);
        return;
    }
    let (mut s, mut t) = if s.abs() > 1.0 { (clip(s), on_b(clip(s))) } else { (s, t) };
    if t.abs() > 1.0 {
        t = clip(t);
        s = clip(on_a(t));
    }
    touch(s, t, false);
}
