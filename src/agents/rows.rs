//! Rows of a replay buffer: an observation, and a few numbers behind it.
//!
//! Pictures arrive as parts of 255. A buffer of pictures keeps each of their features as a byte, from which the
//! very f32 comes back. The first observation that is no such picture turns it into one of f32.

use crate::state::{StateDict, StateError, Values};

/// Rows that are allocated together: memory grows with what is stored, and nothing is copied.
const CHUNK: usize = 4096;

/// The rows.
#[derive(Clone, Debug)]
pub(super) struct Rows {
    features: usize,
    /// Numbers behind an observation.
    behind: usize,
    capacity: usize,
    /// Chunks of those, and of observations too where there are no pictures: (observation, numbers) row after
    /// row.
    floats: Vec<Box<[f32]>>,
    /// Chunks of observations that are pictures.
    pictures: Option<Vec<Box<[u8]>>>,
}

/// The f32 of a pixel.
fn pixel(byte: u8) -> f32 {
    (f64::from(byte) / 255.0) as f32
}

/// The byte whose [`pixel`] this is, if there is one.
fn byte(x: f64) -> Option<u8> {
    let byte = (x * 255.0).round().clamp(0.0, 255.0) as u8;
    (pixel(byte) == x as f32).then_some(byte)
}

impl Rows {
    /// None yet.
    pub fn new(features: usize, behind: usize, capacity: usize) -> Self {
        Self { features, behind, capacity, floats: Vec::new(), pictures: None }
    }

    /// The same for pictures.
    pub fn of_pictures(self) -> Self {
        Self { pictures: Some(Vec::new()), ..self }
    }

    /// Features that lie among the floats.
    fn within(&self) -> usize {
        if self.pictures.is_some() { 0 } else { self.features }
    }

    fn width(&self) -> usize {
        self.within() + self.behind
    }

    fn floats(&self, row: usize) -> &[f32] {
        &self.floats[row / CHUNK][row % CHUNK * self.width()..][..self.width()]
    }

    fn floats_mut(&mut self, row: usize) -> &mut [f32] {
        let width = self.width();
        &mut self.floats[row / CHUNK][row % CHUNK * width..][..width]
    }

    /// The numbers behind an observation.
    pub fn behind(&self, row: usize) -> &[f32] {
        &self.floats(row)[self.within()..]
    }

    /// The same, to be written.
    pub fn behind_mut(&mut self, row: usize) -> &mut [f32] {
        let within = self.within();
        &mut self.floats_mut(row)[within..]
    }

    /// Writes the observation of a row, which may be the first one beyond what was used so far.
    pub fn write(&mut self, row: usize, observation: &[f64]) {
        self.reserve(row);
        let features = self.features;
        if let Some(chunks) = &mut self.pictures {
            let to = &mut chunks[row / CHUNK][row % CHUNK * features..][..features];
            let bytes = to.iter_mut().zip(observation);
            if bytes.map(|(to, &x)| byte(x).map(|byte| *to = byte)).all(|written| written.is_some()) {
                return;
            }
            self.widen();
        }
        for (to, &x) in self.floats_mut(row).iter_mut().zip(observation) {
            *to = x as f32;
        }
    }

    /// Makes room for a row.
    fn reserve(&mut self, row: usize) {
        while row / CHUNK >= self.floats.len() {
            let rows = CHUNK.min(self.capacity - self.floats.len() * CHUNK);
            self.floats.push(vec![0.0; rows * self.width()].into_boxed_slice());
            if let Some(chunks) = &mut self.pictures {
                chunks.push(vec![0; rows * self.features].into_boxed_slice());
            }
        }
    }

    /// Keeps observations as f32 from now on.
    fn widen(&mut self) {
        let Some(pictures) = self.pictures.take() else { return };
        let (features, behind) = (self.features, self.behind);
        for (floats, pictures) in self.floats.iter_mut().zip(pictures) {
            let rows = pictures.chunks_exact(features).zip(floats.chunks_exact(behind));
            *floats = rows
                .flat_map(|(picture, rest)| picture.iter().map(|&b| pixel(b)).chain(rest.iter().copied()))
                .collect();
        }
    }

    /// Whether the row's observation is this one.
    pub fn holds(&self, row: usize, observation: &[f64]) -> bool {
        match self.picture(row) {
            Some(picture) => picture.iter().zip(observation).all(|(&a, &b)| pixel(a) == b as f32),
            None => self.floats(row).iter().zip(observation).all(|(&a, &b)| a == b as f32),
        }
    }

    fn picture(&self, row: usize) -> Option<&[u8]> {
        let chunks = self.pictures.as_ref()?;
        Some(&chunks[row / CHUNK][row % CHUNK * self.features..][..self.features])
    }

    /// Appends the row's observation.
    pub fn extend(&self, row: usize, to: &mut Vec<f32>) {
        match self.picture(row) {
            Some(picture) => to.extend(picture.iter().map(|&byte| pixel(byte))),
            None => to.extend_from_slice(&self.floats(row)[..self.features]),
        }
    }

    /// Adds the first `used` rows to a state: `rows`, and `pictures` where there are any.
    pub fn save(&self, used: usize, state: &mut StateDict) {
        let mut rows = Vec::with_capacity(used * self.width());
        (0..used).for_each(|row| rows.extend_from_slice(self.floats(row)));
        state.insert("rows", Values::F32(rows));
        if self.pictures.is_some() {
            let mut bytes = Vec::with_capacity(used * self.features);
            (0..used).for_each(|row| bytes.extend(self.picture(row).into_iter().flatten()));
            state.insert("pictures", Values::Bytes(bytes));
        }
    }

    /// Takes them back.
    pub fn load(&mut self, used: usize, state: &StateDict) -> Result<(), StateError> {
        let pictures = match state.get("pictures") {
            Some(_) => Some(state.bytes("pictures")?),
            None => None,
        };
        let behind = self.behind + if pictures.is_some() { 0 } else { self.features };
        let rows = state.f32s("rows")?;
        let fits = pictures.is_none_or(|bytes| bytes.len() == used * self.features);
        if rows.len() != used * behind || !fits {
            let why = "has another size than this buffer's".to_owned();
            return Err(StateError { entry: "rows".to_owned(), why });
        }
        *self = Self::new(self.features, self.behind, self.capacity);
        self.pictures = pictures.map(|_| Vec::new());
        for (row, values) in rows.chunks_exact(behind).enumerate() {
            self.reserve(row);
            self.floats_mut(row).copy_from_slice(values);
        }
        if let (Some(chunks), Some(bytes)) = (&mut self.pictures, pictures) {
            let features = self.features;
            for (row, picture) in bytes.chunks_exact(features).enumerate() {
                chunks[row / CHUNK][row % CHUNK * features..][..features].copy_from_slice(picture);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn observation(rows: &Rows, row: usize) -> Vec<f32> {
        let mut values = Vec::new();
        rows.extend(row, &mut values);
        values
    }

    #[test]
    fn every_pixel_comes_back_as_the_number_that_it_was() {
        for value in 0..=255u8 {
            let x = f64::from(value) / 255.0;
            assert_eq!(byte(x), Some(value));
            assert_eq!(pixel(value).to_bits(), (x as f32).to_bits());
        }
        for x in [-1e-3, 1.001, 0.5, 1e-4, f64::NAN, f64::INFINITY] {
            assert_eq!(byte(x), None, "{x}");
        }
    }

    #[test]
    fn a_picture_takes_a_byte_a_feature_until_something_else_comes() {
        let (mut rows, mut plain) = (Rows::new(3, 2, 9000).of_pictures(), Rows::new(3, 2, 9000));
        let picture = |row: usize| [0.0, (row % 256) as f64 / 255.0, 1.0];
        let both = |rows: &mut Rows, row: usize, observation: &[f64]| {
            rows.write(row, observation);
            rows.behind_mut(row).copy_from_slice(&[row as f32, -1.0]);
        };
        for row in 0..5000 {
            both(&mut rows, row, &picture(row));
            both(&mut plain, row, &picture(row));
        }
        assert_eq!(rows.width(), 2);
        let same = |rows: &Rows, plain: &Rows, used: usize| {
            for row in 0..used {
                assert_eq!(observation(rows, row), observation(plain, row));
                assert_eq!(rows.behind(row), plain.behind(row));
            }
        };
        same(&rows, &plain, 5000);
        assert!(rows.holds(77, &picture(77)) && !rows.holds(77, &picture(78)));
        let mut state = StateDict::default();
        rows.save(5000, &mut state);
        let mut again = Rows::new(3, 2, 9000);
        again.load(5000, &state).unwrap();
        same(&again, &plain, 5000);
        assert_eq!(again.width(), 2);
        assert!(again.load(4999, &state).is_err());

        both(&mut rows, 5000, &[0.3, 0.0, 7.0]);
        both(&mut plain, 5000, &[0.3, 0.0, 7.0]);
        assert_eq!(rows.width(), 5);
        same(&rows, &plain, 5001);
        assert!(rows.holds(5000, &[0.3, 0.0, 7.0]));
    }
}
