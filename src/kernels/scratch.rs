//! Per-thread buffers: a convolution's temporaries are too large to allocate and zero at every step.

use std::cell::RefCell;

/// A float type with buffers of its own on every thread.
pub trait Scratch: Sized {
    /// Takes a buffer of `len` values, which may be anything: NaN in tests and debug builds, so that a
    /// kernel that leaves out an element is found.
    fn take(len: usize) -> Vec<Self>;
    /// Gives it back for the next call.
    fn put(buffer: Vec<Self>);
    /// How many lie ready.
    #[cfg(test)]
    fn kept() -> usize;
}

macro_rules! scratch {
    ($t:ident, $buffers:ident) => {
        thread_local! {
            static $buffers: RefCell<Vec<Vec<$t>>> = const { RefCell::new(Vec::new()) };
        }

        impl Scratch for $t {
            fn take(len: usize) -> Vec<Self> {
                // The smallest that is large enough, so that each call finds the one it had before: first among those
                // that need no zeros at their end and of which not more than half would lie idle.
                let mut buffer = $buffers.with_borrow_mut(|free| {
                    let fits = free.iter().enumerate().filter(|(_, b)| b.capacity() >= len);
                    let best =
                        fits.min_by_key(|(_, b)| (b.len() < len || b.capacity() > 2 * len, b.capacity()));
                    best.map(|(i, _)| i).map(|i| free.swap_remove(i)).unwrap_or_default()
                });
                buffer.resize(len, 0.0);
                if cfg!(any(test, debug_assertions)) {
                    buffer.fill($t::NAN);
                }
                buffer
            }

            fn put(buffer: Vec<Self>) {
                // Where nothing was taken there is nothing to keep, or the list would grow with every call.
                if buffer.capacity() > 0 {
                    $buffers.with_borrow_mut(|free| free.push(buffer));
                }
            }

            #[cfg(test)]
            fn kept() -> usize {
                $buffers.with_borrow(Vec::len)
            }
        }
    };
}
scratch!(f32, F32_BUFFERS);
scratch!(f64, F64_BUFFERS);
