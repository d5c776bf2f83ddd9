//! A panic inside a run becomes that run's failure, with text and place.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// `Some` while this thread is inside [`contain`]; then the place of the last panic.
    static PLACE: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Calls `body`; a panic in it comes back as a sentence.
///
/// # Errors
/// If `body` panics.
pub fn contain<R>(body: impl FnOnce() -> R) -> Result<R, String> {
    listen();
    PLACE.set(Some(String::new()));
    // What a panicking run has touched is its own and is dropped with it, or behind a lock that
    // poisons: nothing half-changed is seen by the others.
    let result = panic::catch_unwind(AssertUnwindSafe(body));
    let place = PLACE.take().unwrap_or_default();
    result.map_err(|payload| format!("the run panicked{place}: {}", text(payload.as_ref())))
}

/// The payload that `catch_unwind` gives has no place in it; only the hook gets it. Ours is put in
/// front of the one before it once, and keeps quiet for contained panics alone.
fn listen() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let contained = PLACE.with_borrow_mut(|place| {
                let Some(place) = place else { return false };
                *place = info.location().map(|at| format!(" at {at}")).unwrap_or_default();
                true
            });
            if !contained || std::env::var_os("RUST_BACKTRACE").is_some_and(|wanted| wanted != "0") {
                before(info);
            }
        }));
    });
}

fn text(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("(no text)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_place_of_a_panic_come_back() {
        let message = contain(|| panic!("index {} is out of range", 7)).unwrap_err();
        assert!(message.starts_with("the run panicked at src/runner/panics.rs:"), "{message}");
        assert!(message.ends_with(": index 7 is out of range"), "{message}");
        assert_eq!(contain(|| 3), Ok(3));
    }

    #[test]
    fn a_payload_that_is_no_text_is_said_to_be_none() {
        let message = contain(|| panic::panic_any(7)).unwrap_err();
        assert!(message.ends_with("(no text)"), "{message}");
    }
}
