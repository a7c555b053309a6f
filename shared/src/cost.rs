//! What a batch costs at AWS, about: so that the cost of a gigabyte is a metric, and a change that makes it dearer is
//! seen.
//!
//! Public list prices of us-east-1 in micro US dollars, as on the pages aws.amazon.com/{lambda,sqs,s3,dynamodb}/pricing,
//! without free tiers and discounts. Other regions cost up to twice as much; what it is for is comparing, not accounting.
//!
//! | what | price | counted as |
//! |---|---|---|
//! | Lambda, arm64 | 13.3334 a GB-second | memory of the function by the time from start to end of the batch |
//! | Lambda | 0.2 a request | one |
//! | SQS | 0.4 a request | a message is sent, and received and deleted with nine others |
//! | S3 | 0.4 a GET or HEAD | one a raw object, and one where the notification does not say which content it means |
//! | S3 | 5 a PUT | one an object written; one a part of 8 MiB and two more for a large one |
//! | DynamoDB, on demand | 0.125 a read unit | one an object, one more for the group it is in |
//! | DynamoDB, on demand | 0.625 a write unit | twice for transactions; a group's entry is a unit for every four members |
//!
//! Left out: Glue, which is called for new partitions alone and whose first million calls a month are free; storage,
//! logs, KMS and calls that were repeated.

/// Parts of a large object that is written, in bytes.
const PART: u64 = 8 << 20;

/// Requests to the services around the function.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requests {
    /// GET and HEAD of S3.
    pub store_reads: u64,
    /// PUT of S3.
    pub store_writes: u64,
    /// Read units of the ledger's table.
    pub ledger_reads: u64,
    /// Write units of the ledger's table.
    pub ledger_writes: u64,
}

impl Requests {
    /// Adds others.
    pub fn add(&mut self, other: Self) {
        self.store_reads += other.store_reads;
        self.store_writes += other.store_writes;
        self.ledger_reads += other.ledger_reads;
        self.ledger_writes += other.ledger_writes;
    }

    /// Adds an object of so many bytes that was written.
    pub fn add_written(&mut self, bytes: u64) {
        self.store_writes += if bytes < PART { 1 } else { bytes.div_ceil(PART) + 2 };
    }
}

/// Write units of the entry of a group of so many members.
pub fn group_units(members: usize) -> u64 {
    1 + members as u64 / 4
}

/// Write units of the transaction that claims a group.
pub fn claim(members: usize) -> u64 {
    2 * (members as u64 + group_units(members))
}

/// Write units of the transaction that decides who leaves a group.
pub fn decide(members: usize, left_out: usize) -> u64 {
    2 * (left_out as u64 + group_units(members))
}

/// What a batch of `messages` costs, in micro US dollars: a function with `memory_mb` MB that took `millis` milliseconds.
pub fn of_batch(memory_mb: u64, millis: i64, messages: usize, requests: Requests) -> f64 {
    let gb_seconds = memory_mb as f64 / 1024.0 * millis.max(0) as f64 / 1000.0;
    let sqs_requests = messages as f64 * 1.2;
    13.3334 * gb_seconds
        + 0.2
        + 0.4 * sqs_requests
        + 0.4 * requests.store_reads as f64
        + 5.0 * requests.store_writes as f64
        + 0.125 * requests.ledger_reads as f64
        + 0.625 * requests.ledger_writes as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_request_has_its_price() {
        let cost = |memory, millis, messages, requests| of_batch(memory, millis, messages, requests);
        let none = Requests::default();
        assert!((cost(1024, 0, 0, none) - 0.2).abs() < 1e-9);
        assert!((cost(512, 3_000, 0, none) - 20.2001).abs() < 1e-9);
        assert!((cost(0, 0, 10, none) - 5.0).abs() < 1e-9);
        let mut requests = Requests { store_reads: 10, ledger_reads: 8, ledger_writes: 8, ..none };
        assert!((cost(0, 0, 0, requests) - 10.2).abs() < 1e-9);
        requests.add_written(PART - 1);
        requests.add_written(3 * PART);
        assert_eq!(requests.store_writes, 6);
        assert_eq!((group_units(1), group_units(99)), (1, 25));
        assert_eq!((claim(3), decide(3, 1)), (8, 4));
    }
}
