//! How much of the work is done, and the time that the rest will take.

/// Progress of all runs of this process together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Eta {
    /// Runs that have ended, skipped ones included.
    pub ended: usize,
    /// Share of this process's work that is done, in [0, 1].
    pub fraction: f64,
    /// Seconds left at the pace so far, once there is one.
    pub seconds_left: Option<f64>,
}

/// A length of time for people: the two largest units that matter.
#[must_use]
pub fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    let (days, hours, minutes) = (whole / 86_400, whole / 3600 % 24, whole / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{whole} s"),
        (0, 0, _) => format!("{minutes} min {:02} s", whole % 60),
        (0, _, _) => format!("{hours} h {minutes:02} min"),
        (_, _, _) => format!("{days} d {hours:02} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_show_two_units() {
        let shown = [4.4, 61.0, 3599.6, 8000.0, 200_000.0].map(duration);
        assert_eq!(shown, ["4 s", "1 min 01 s", "1 h 00 min", "2 h 13 min", "2 d 07 h"]);
    }
}
