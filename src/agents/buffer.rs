//! The replay buffer: what an agent has seen, observations stored once.
//!
//! A ring of rows in the order of time. The row of a transition holds the observation that it began with,
//! the action and the reward; the observation that it led to stands in the row after it. Where an episode
//! ends, that row holds the true last observation and nothing else, whether the episode terminated or was
//! cut off: a next observation is never taken from the reset that follows. An episode of n steps takes
//! n + 1 rows of the ring.
//!
//! A row is 4·(features + actions + 1) + 1 bytes: a million of cheetah's (17 features, 6 actions) are 97 MB.
//! Pictures are kept as bytes, a quarter of that.

use super::rows::Rows;
use crate::random::Stream;
use crate::state::{StateDict, StateError, Stateful, Values};

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
enum Kind {
    /// An observation without an action: an episode's last, or the one that the agent stands at.
    Last = 0,
    /// A transition whose end has a value.
    Step = 1,
    /// A transition into a state after which nothing follows.
    Terminal = 2,
}

/// What one step of an environment was.
#[derive(Clone, Copy, Debug)]
pub struct Transition<'a> {
    /// (features) before the step.
    pub observation: &'a [f64],
    /// The action in the agent's own scale: numbers of ±1, or the number of a discrete one.
    pub action: &'a [f32],
    /// Reward.
    pub reward: f64,
    /// (features) after the step: the true one also where the episode ends.
    pub next_observation: &'a [f64],
    /// The state after it has the value 0.
    pub terminated: bool,
    /// The episode was cut off there; its state has a value.
    pub truncated: bool,
}

/// Transitions side by side, as an update takes them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    /// Transitions.
    pub rows: usize,
    /// (rows, features)
    pub observations: Vec<f32>,
    /// (rows, actions)
    pub actions: Vec<f32>,
    /// (rows)
    pub rewards: Vec<f32>,
    /// (rows, features)
    pub next_observations: Vec<f32>,
    /// (rows): 1 where the next state has a value, 0 where the episode terminated.
    pub continues: Vec<f32>,
}

/// The buffer.
#[derive(Clone, Debug)]
pub struct Buffer {
    features: usize,
    actions: usize,
    capacity: usize,
    /// Observation, action, reward of every row.
    rows: Rows,
    kinds: Vec<Kind>,
    /// Row that the next transition goes to.
    cursor: usize,
    transitions: usize,
}

impl Buffer {
    /// An empty one of `capacity` rows.
    ///
    /// # Panics
    /// If there is no room for a transition and its end.
    #[must_use]
    pub fn new(features: usize, actions: usize, capacity: usize) -> Self {
        assert!(capacity >= 2, "a transition takes two rows");
        let rows = Rows::new(features, actions + 1, capacity);
        Self { features, actions, capacity, rows, kinds: Vec::new(), cursor: 0, transitions: 0 }
    }

    /// The same for observations that are pictures: features in 256 steps from 0 to 1 take a byte each, as
    /// long as no other comes.
    #[must_use]
    pub fn of_pictures(self) -> Self {
        Self { rows: self.rows.of_pictures(), ..self }
    }

    /// Bytes of a full buffer.
    #[must_use]
    pub fn bytes(features: usize, actions: usize, capacity: usize) -> usize {
        capacity * (4 * (features + actions + 1) + 1)
    }

    /// Likewise of [pictures](Self::of_pictures).
    #[must_use]
    pub fn bytes_of_pictures(features: usize, actions: usize, capacity: usize) -> usize {
        capacity * (features + 4 * (actions + 1) + 1)
    }

    /// Transitions that can be drawn.
    #[must_use]
    pub fn len(&self) -> usize {
        self.transitions
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.transitions == 0
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.kinds.clear();
        (self.cursor, self.transitions) = (0, 0);
    }

    /// Stores a transition, in the place of the oldest one if the ring is full.
    ///
    /// # Panics
    /// If the lengths are not the buffer's.
    pub fn push(&mut self, transition: &Transition<'_>) {
        let Transition { observation, action, reward, next_observation, terminated, truncated } = *transition;
        assert_eq!((observation.len(), action.len()), (self.features, self.actions));
        assert_eq!(next_observation.len(), self.features);
        if !self.goes_on_from(observation) {
            // The episode before was left in its middle: its last observation keeps its row.
            self.cursor = self.after(self.cursor);
        }
        self.write(self.cursor, observation, if terminated { Kind::Terminal } else { Kind::Step });
        let row = self.rows.behind_mut(self.cursor);
        row[..action.len()].copy_from_slice(action);
        row[action.len()] = reward as f32;
        let next = self.after(self.cursor);
        self.write(next, next_observation, Kind::Last);
        self.cursor = if terminated || truncated { self.after(next) } else { next };
    }

    /// Whether the row that comes next is free or holds this very observation.
    fn goes_on_from(&self, observation: &[f64]) -> bool {
        let open = self.cursor < self.kinds.len() && self.kinds[self.cursor] == Kind::Last;
        // At an episode's end the cursor is past its last row: what stands there is old and can go.
        let stands_at = open && self.before(self.cursor).is_some_and(|row| self.kinds[row] == Kind::Step);
        !stands_at || self.rows.holds(self.cursor, observation)
    }

    /// A uniform draw of `rows` transitions with replacement, at a cost of the batch alone.
    ///
    /// # Panics
    /// If the buffer is empty.
    pub fn sample(&self, rows: usize, draws: &mut Stream) -> Batch {
        let picked: Vec<usize> = (0..rows).map(|_| self.draw(draws)).collect();
        self.gather(&picked)
    }

    /// Row of a uniformly drawn transition. Rows without one are few: at most every second.
    fn draw(&self, draws: &mut Stream) -> usize {
        assert!(self.transitions > 0, "a batch is drawn once there is something to draw from");
        loop {
            let row = draws.below(self.kinds.len() as u64) as usize;
            if self.kinds[row] != Kind::Last {
                return row;
            }
        }
    }

    /// The transitions in these rows.
    fn gather(&self, picked: &[usize]) -> Batch {
        let (rows, features, actions) = (picked.len(), self.features, self.actions);
        let mut batch = Batch {
            rows,
            observations: Vec::with_capacity(rows * features),
            actions: Vec::with_capacity(rows * actions),
            rewards: Vec::with_capacity(rows),
            next_observations: Vec::with_capacity(rows * features),
            continues: Vec::with_capacity(rows),
        };
        for &row in picked {
            let behind = self.rows.behind(row);
            self.rows.extend(row, &mut batch.observations);
            batch.actions.extend_from_slice(&behind[..actions]);
            batch.rewards.push(behind[actions]);
            self.rows.extend(self.after(row), &mut batch.next_observations);
            batch.continues.push(if self.kinds[row] == Kind::Terminal { 0.0 } else { 1.0 });
        }
        batch
    }

    fn after(&self, row: usize) -> usize {
        if row + 1 == self.capacity { 0 } else { row + 1 }
    }

    /// The row before, where there is one.
    fn before(&self, row: usize) -> Option<usize> {
        match row.checked_sub(1) {
            None if self.kinds.len() < self.capacity => None,
            before => Some(before.unwrap_or(self.capacity - 1)),
        }
    }

    /// Writes the observation of a row, which may be the first one beyond what was used so far.
    fn write(&mut self, row: usize, observation: &[f64], kind: Kind) {
        if row < self.kinds.len() {
            self.transitions -= usize::from(self.kinds[row] != Kind::Last);
            self.kinds[row] = kind;
        } else {
            self.kinds.push(kind);
        }
        self.transitions += usize::from(kind != Kind::Last);
        self.rows.write(row, observation);
    }
}

impl Stateful for Buffer {
    fn save(&self, state: &mut StateDict) {
        self.rows.save(self.kinds.len(), state);
        state.insert("kinds", Values::Bytes(self.kinds.iter().map(|&kind| kind as u8).collect()));
        state.insert_u64("cursor", self.cursor as u64);
    }

    fn load(&mut self, state: &StateDict) -> Result<(), StateError> {
        let wrong = |entry: &str, why: &str| StateError { entry: entry.to_owned(), why: why.to_owned() };
        let mut kinds = Vec::new();
        for &byte in state.bytes("kinds")? {
            kinds.push(match byte {
                0 => Kind::Last,
                1 => Kind::Step,
                2 => Kind::Terminal,
                _ => return Err(wrong("kinds", "names a kind of row that there is not")),
            });
        }
        let cursor = state.u64("cursor")? as usize;
        if kinds.len() > self.capacity {
            return Err(wrong("rows", "has another size than this buffer's"));
        }
        if cursor >= self.capacity || cursor > kinds.len() {
            return Err(wrong("cursor", "is beyond the rows"));
        }
        self.rows.load(kinds.len(), state)?;
        self.transitions = kinds.iter().filter(|&&kind| kind != Kind::Last).count();
        (self.kinds, self.cursor) = (kinds, cursor);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks episodes of the lengths given; the observation of time t is (t, -t), and every reset skips
    /// ten of them.
    fn walk(buffer: &mut Buffer, lengths: &[(usize, bool)]) {
        let mut time = 0.0;
        for &(length, terminated) in lengths {
            for step in 0..length {
                let ends = step + 1 == length;
                buffer.push(&Transition {
                    observation: &[time, -time],
                    action: &[time as f32 * 0.5],
                    reward: time * 2.0,
                    next_observation: &[time + 1.0, -time - 1.0],
                    terminated: ends && terminated,
                    truncated: ends && !terminated,
                });
                time += 1.0;
            }
            time += 10.0;
        }
    }

    /// What every transition of such a walk has to say of itself.
    fn holds_true(batch: &Batch) {
        for row in 0..batch.rows {
            let time = batch.observations[2 * row];
            assert_eq!(batch.observations[2 * row + 1], -time);
            assert_eq!(batch.next_observations[2 * row..][..2], [time + 1.0, -time - 1.0]);
            assert_eq!((batch.actions[row], batch.rewards[row]), (time * 0.5, time * 2.0));
        }
    }

    #[test]
    fn the_next_observation_is_the_true_one_also_where_an_episode_ends() {
        let mut buffer = Buffer::new(2, 1, 100);
        walk(&mut buffer, &[(3, false), (1, true), (4, true), (2, false)]);
        assert_eq!(buffer.len(), 10);
        let batch = buffer.sample(500, &mut Stream::new(0, "replay", 0));
        holds_true(&batch);
        // Steps at 0 1 2 | 13 | 24 25 26 27 | 38 39: those at 13 and 27 terminate.
        for row in 0..batch.rows {
            let terminal = [13.0, 27.0].contains(&batch.observations[2 * row]);
            assert_eq!(batch.continues[row], if terminal { 0.0 } else { 1.0 });
        }
        let mut seen: Vec<i64> = batch.observations.iter().step_by(2).map(|&t| t as i64).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen, [0, 1, 2, 13, 24, 25, 26, 27, 38, 39]);
    }

    #[test]
    fn a_full_ring_keeps_the_newest() {
        for capacity in [2, 3, 7, 20] {
            let mut buffer = Buffer::new(2, 1, capacity);
            walk(&mut buffer, &[(9, false), (1, true), (1, true), (30, true), (5, false)]);
            let batch = buffer.sample(300, &mut Stream::new(0, "replay", 0));
            holds_true(&batch);
            let oldest = batch.observations.iter().step_by(2).fold(f32::MAX, |a, &b| a.min(b));
            // The last episode begins at time 81 and ends at 85.
            assert!(oldest >= 85.0 - 2.0 * capacity as f32, "{capacity}: {oldest}");
            assert!(buffer.len() < capacity && buffer.kinds.len() == capacity);
        }
    }

    #[test]
    fn draws_are_uniform_over_transitions() {
        let mut buffer = Buffer::new(2, 1, 64);
        walk(&mut buffer, &[(1, true); 10]);
        let batch = buffer.sample(20_000, &mut Stream::new(1, "replay", 0));
        let mut counts = [0; 10];
        batch.observations.iter().step_by(2).for_each(|&time| counts[time as usize / 11] += 1);
        assert!(counts.iter().all(|count| (1800..2200).contains(count)), "{counts:?}");
    }

    #[test]
    fn an_episode_left_in_its_middle_keeps_its_last_observation() {
        let mut buffer = Buffer::new(1, 1, 10);
        let step = |observation: f64, next: f64| Transition {
            observation: Box::leak(Box::new([observation])),
            action: &[0.0],
            reward: 0.0,
            next_observation: Box::leak(Box::new([next])),
            terminated: false,
            truncated: false,
        };
        buffer.push(&step(1.0, 2.0));
        buffer.push(&step(7.0, 8.0));
        buffer.push(&step(8.0, 9.0));
        let batch = buffer.gather(&[0, 2, 3]);
        assert_eq!(batch.observations, [1.0, 7.0, 8.0]);
        assert_eq!(batch.next_observations, [2.0, 8.0, 9.0]);
    }

    #[test]
    fn a_saved_buffer_goes_on_as_if_it_had_never_stopped() {
        let lengths = [(9, false), (3, true), (4000, false), (300, true), (6, false)];
        for capacity in [50, 5000] {
            let mut straight = Buffer::new(2, 1, capacity);
            walk(&mut straight, &lengths);
            let mut state = StateDict::default();
            straight.save(&mut state);
            let mut resumed = Buffer::new(2, 1, capacity);
            resumed.load(&state).unwrap();
            walk(&mut straight, &lengths);
            walk(&mut resumed, &lengths);
            let mut states = [StateDict::default(), StateDict::default()];
            straight.save(&mut states[0]);
            resumed.save(&mut states[1]);
            assert_eq!(states[0], states[1]);
            let draw = |buffer: &Buffer| buffer.sample(99, &mut Stream::new(3, "replay", 0));
            assert_eq!(draw(&straight), draw(&resumed));
        }
        let error = Buffer::new(3, 1, 50).load(&{
            let mut state = StateDict::default();
            Buffer::new(2, 1, 50).save(&mut state);
            state.insert("rows", Values::F32(vec![0.0]));
            state
        });
        assert_eq!(error.unwrap_err().to_string(), "rows has another size than this buffer's");
    }

    #[test]
    fn a_million_transitions_of_cheetah_fit_110_megabytes() {
        assert!(Buffer::bytes(17, 6, 1_001_000) <= 110_000_000);
    }
}
