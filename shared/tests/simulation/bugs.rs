//! Mistakes that a system of this kind is made with.

/// A deliberate mistake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    /// Messages are acknowledged when they are received.
    AcknowledgeFirst,
    /// A failure of the invocation is not told to the queue.
    ForgetFailures,
    /// Names of objects come from a counter, as from a clock or a random number.
    NameFromClock,
    /// There is no ledger: batches regroup.
    NoLedger,
    /// Claims are written down when the group is finished, not before.
    ClaimAfterWrite,
    /// Who has left a group is not written down.
    ForgetDecision,
    /// A group is marked as done before its rows are visible.
    FinishFirst,
    /// A group is marked as done when its objects are complete, before its partitions are registered.
    FinishBeforeRegister,
    /// A partition that could not be registered counts as registered.
    SkipRegistration,
    /// An object can be seen while it is being written.
    VisibleWhileWritten,
    /// An object is known by its place alone, so an overwritten one counts as known.
    IdentityIsThePlace,
    /// Whoever was in a group counts as done with it, even if it left while it was looked up. Chance finds it once in ten
    /// thousand runs, so it has a test of its own.
    ForgetWhoLeft,
    /// A group is run again with the settings of today.
    IgnoreGroupSettings,
    /// Keys of outputs are not written down, so what another version of the code has named otherwise stays.
    ForgetOutputs,
    /// Who leaves a group for lack of time, or because it cannot be read, is not free afterwards.
    ForgetToFree,
    /// A lease is given back together with the claims, though rows of the group may be visible.
    FreeOnRelease,
    /// Runs of a group that did not come to an end are not counted.
    ForgetRuns,
    /// What was left for lack of time is acknowledged.
    AcknowledgeLeft,
    /// What was seen last is what came last, though it may be older.
    SeenMovesBack,
    /// The same object is two objects if one notification tells its entity tag and another does not.
    IdentityFromNotification,
}

impl Bug {
    pub(crate) const ALL: &'static [Self] = &[
        Self::AcknowledgeFirst,
        Self::ForgetFailures,
        Self::NameFromClock,
        Self::NoLedger,
        Self::ClaimAfterWrite,
        Self::ForgetDecision,
        Self::FinishFirst,
        Self::FinishBeforeRegister,
        Self::SkipRegistration,
        Self::ForgetToFree,
        Self::FreeOnRelease,
        Self::ForgetRuns,
        Self::AcknowledgeLeft,
        Self::SeenMovesBack,
        Self::VisibleWhileWritten,
        Self::IdentityIsThePlace,
        Self::IgnoreGroupSettings,
        Self::ForgetOutputs,
        Self::IdentityFromNotification,
    ];
}
