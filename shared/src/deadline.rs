//! How long an invocation may go on, so that it stops by itself before it is ended.
//!
//! Lambda ends an invocation at its deadline wherever it stands. Nothing is lost by that, but the queue hides the whole
//! batch for a long while and the ledger's leases have to run out. So work stops in time: see
//! [`intake`](crate::intake).

use std::fmt;

/// Tells the time, in milliseconds since the epoch.
pub type Clock<'a> = &'a (dyn Fn() -> i64 + Send + Sync);

/// When to begin no more work. Times are milliseconds since the epoch, by the clock that it was made with.
#[derive(Clone, Copy)]
pub struct Deadline<'a> {
    clock: Clock<'a>,
    stop: i64,
}

impl fmt::Debug for Deadline<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Deadline").field("stop", &self.stop).finish_non_exhaustive()
    }
}

impl<'a> Deadline<'a> {
    /// For work that nobody ends.
    pub fn never(clock: Clock<'a>) -> Self {
        Self { clock, stop: i64::MAX }
    }

    /// For an invocation that begins now and is ended at `end`: it stops `reserve` milliseconds before, which are for
    /// completing what it has begun. Half the time is for work in any case: a reserve that is as long as the whole
    /// invocation must not keep it from ever beginning.
    pub fn before(clock: Clock<'a>, end: i64, reserve: i64) -> Self {
        let half = end.saturating_sub(clock()) / 2;
        Self { clock, stop: end.saturating_sub(reserve.min(half)) }
    }

    /// The time now.
    pub fn now(&self) -> i64 {
        (self.clock)()
    }

    /// True if it is time to stop.
    pub fn is_over(&self) -> bool {
        !self.has(0)
    }

    /// True if work that takes `millis` milliseconds would be done in time.
    pub fn has(&self, millis: i64) -> bool {
        self.now().saturating_add(millis) < self.stop
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    #[test]
    fn work_stops_before_the_end() {
        let time = AtomicI64::new(1_000);
        let clock = || time.load(Ordering::Relaxed);
        let deadline = Deadline::before(&clock, 301_000, 20_000);
        assert!(!deadline.is_over() && deadline.has(279_999) && !deadline.has(280_000));
        time.store(280_999, Ordering::Relaxed);
        assert!(!deadline.is_over());
        time.store(281_000, Ordering::Relaxed);
        assert!(deadline.is_over() && deadline.now() == 281_000);
    }

    #[test]
    fn half_the_time_is_for_work() {
        let clock = || 0;
        assert!(Deadline::before(&clock, 10_000, 20_000).has(4_999));
        assert!(!Deadline::before(&clock, 10_000, 20_000).has(5_000));
        assert!(Deadline::never(&clock).has(i64::MAX - 1));
    }
}
