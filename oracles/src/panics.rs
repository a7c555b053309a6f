//! Panics under a fuzzer, whose own hook ends the process at once, even where the road catches a panic: a reader of
//! Parquet files may panic over a damaged one, and that is an error like any other.

use std::cell::{Cell, RefCell};

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Keeps the fuzzer from what panics under [`quietly`]. A fuzz target calls it once, when it starts.
pub fn take_over() {
    let of_fuzzer = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| match QUIET.get() {
        true => LAST.set(panic.to_string()),
        false => of_fuzzer(panic),
    }));
}

/// Does something that catches its own panics and reports them.
pub fn quietly<T>(work: impl FnOnce() -> T) -> T {
    QUIET.set(true);
    let done = work();
    QUIET.set(false);
    done
}

/// The last panic that was kept from the fuzzer, with its place.
pub fn last() -> String {
    LAST.with_borrow(Clone::clone)
}
