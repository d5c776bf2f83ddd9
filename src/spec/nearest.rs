//! The known name that was probably meant, and the list of those that would have been taken.

/// Below this likeness a suggestion would be a guess.
const ALIKE: f64 = 0.7;

/// The candidate most like `name` (Jaro–Winkler, which favours a common beginning), case and the
/// choice between `-`, `_` and space aside.
pub(super) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace(['_', ' '], "-");
    let name = plain(name);
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&name, &plain(candidate)), candidate))
        .filter(|(likeness, _)| *likeness >= ALIKE)
        // Of equally like ones the first, which max_by alone would not give.
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|(_, candidate)| candidate)
}

/// `; did you mean `tasks`?`, or a full stop.
pub(super) fn hint(nearest: Option<&str>) -> String {
    nearest.map_or_else(|| ".".into(), |nearest| format!("; did you mean `{nearest}`?"))
}

/// `It takes a, b.`
pub(super) fn takes<'a>(keys: impl IntoIterator<Item = &'a str>) -> String {
    let keys: Vec<&str> = keys.into_iter().collect();
    if keys.is_empty() { "It takes none.".into() } else { format!("It takes {}.", keys.join(", ")) }
}

/// `Known are a, b.`
pub(super) fn known<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    if names.is_empty() {
        "This build knows none.".into()
    } else {
        format!("Known are {}.", names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_and_abbreviations_find_their_key_and_others_nothing() {
        let keys = ["tasks", "batch_size", "learning_rate", "order", "tail-slope"];
        let find = |name| nearest(name, keys);
        assert_eq!(find("taks"), Some("tasks"));
        assert_eq!(find("BatchSize"), Some("batch_size"));
        assert_eq!(find("lr"), Some("learning_rate"));
        assert_eq!(find("tail_slope"), Some("tail-slope"));
        assert_eq!(find("momentum"), None);
        assert_eq!(nearest("x", []), None);
    }
}
