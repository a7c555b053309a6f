//! Oracles: what has to hold for any input, however odd. Each takes bytes, walks a part of the road or all of it, and
//! panics where a promise of the lake is broken; that is how a fuzzer and a test are told.
//!
//! | oracle | takes | holds it against |
//! |---|---|---|
//! | [`object::check`] | a raw object of a source | an independent count of its records, and itself on other ways |
//! | [`frame::check`] | decoded bytes | themselves in other pieces, and what lies between the records |
//! | [`decode::check`] | a stored object | flate2 and zstd |
//! | [`notification::check`] | the body of a message | another decoding of keys, and itself in other shapes |
//!
//! The fuzz targets in `fuzz/` are one call each; `tests/fixtures.rs` calls the same oracles on samples, events and
//! fixtures with every test run.

#![allow(clippy::unwrap_used, clippy::panic, reason = "an oracle speaks by panicking")]

pub mod decode;
pub mod expect;
pub mod frame;
pub mod memory;
pub mod notification;
pub mod object;
pub mod output;
pub mod panics;
pub mod road;
pub mod subject;
