//! Numbers in the frames of `server.py`, which describes them.

use crate::environments::{ActionSpace, Spaces, Step};

/// What is still to be read of a frame.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn take(&mut self, bytes: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(bytes)?;
        self.0 = rest;
        Some(taken)
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn u32(&mut self) -> Option<usize> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?) as usize)
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn f64(&mut self) -> Option<f64> {
        Some(f64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn f64s(&mut self, count: usize) -> Option<Vec<f64>> {
        (0..count).map(|_| self.f64()).collect()
    }
}

/// Spaces, and why the environment cannot be saved in the middle of an episode, if it cannot.
pub fn introduction(frame: &[u8]) -> Option<(Spaces, Option<String>)> {
    let mut rest = Rest(frame.strip_prefix(b"I")?);
    let dimensions = rest.u32()?;
    let observation = (0..dimensions).map(|_| rest.u32()).collect::<Option<Vec<_>>>()?;
    let action = match rest.u8()? {
        0 => {
            let count = rest.u32()?;
            let bounds = (0..count).map(|_| Some((rest.f64()?, rest.f64()?))).collect::<Option<Vec<_>>>()?;
            ActionSpace::Continuous(bounds)
        }
        1 => ActionSpace::Discrete(rest.u32()?),
        _ => return None,
    };
    let limit = rest.u64()? as usize;
    let step_limit = (limit > 0).then_some(limit);
    let known = rest.u8()? == 1;
    let max_reward = Some(rest.f64()?).filter(|_| known);
    let why = String::from_utf8_lossy(rest.0).into_owned();
    let spaces = Spaces { observation, action, returns: None, max_reward, step_limit, random_return: None };
    Some((spaces, (!why.is_empty()).then_some(why)))
}

/// What a step, a reset or a state that was set brings.
pub struct Seen {
    /// Reward and flags.
    pub step: Step,
    /// Positions, where the environment is a mechanism.
    pub qpos: Vec<f64>,
    /// Velocities.
    pub qvel: Vec<f64>,
    /// What the task drew besides.
    pub target: Vec<f64>,
    /// The observation.
    pub observation: Vec<f64>,
}

/// Reads it.
pub fn seen(frame: &[u8]) -> Option<Seen> {
    let mut rest = Rest(frame.strip_prefix(b"O")?);
    let reward = rest.f64()?;
    let (terminated, truncated) = (rest.u8()? == 1, rest.u8()? == 1);
    let success = match rest.u8()? {
        0 => None,
        said => Some(said == 2),
    };
    let counts = [rest.u32()?, rest.u32()?, rest.u32()?];
    let (qpos, qvel, target) = (rest.f64s(counts[0])?, rest.f64s(counts[1])?, rest.f64s(counts[2])?);
    let observation = match rest.u8()? {
        0 => rest.0.chunks_exact(8).map(|b| f64::from_le_bytes(b.try_into().expect("eight"))).collect(),
        1 => rest
            .0
            .chunks_exact(4)
            .map(|b| f64::from(f32::from_le_bytes(b.try_into().expect("four"))))
            .collect(),
        // Pixels: a network takes them in [0, 1] (Mnih et al. 2015).
        2 => rest.0.iter().map(|&byte| f64::from(byte) / 255.0).collect(),
        _ => return None,
    };
    // What is over is no bootstrap's.
    let step = Step { reward, terminated, truncated: truncated && !terminated, success };
    Some(Seen { step, qpos, qvel, target, observation })
}

/// A letter and numbers behind it.
pub fn numbers(letter: u8, head: &[u8], parts: &[&[f64]]) -> Vec<u8> {
    let mut frame = vec![letter];
    frame.extend(head);
    for part in parts {
        frame.extend(part.iter().flat_map(|x| x.to_le_bytes()));
    }
    frame
}
