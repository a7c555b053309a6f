//! The crate that every function of the lake stands on: from an S3 notification to a registered partition.
//!
//! The data's road, and the room of each step:
//!
//! | step | room |
//! |---|---|
//! | the SQS message says which objects | [`handler`], [`notification`] |
//! | bytes are fetched and decoded | [`store`], [`decode`] |
//! | records are found and read in place | [`frame`], [`json`] |
//! | a source maps each to rows, or it goes to quarantine | [`source`], [`mod@record`], [`cloudwatch`], [`ocsf`], [`rows`], [`table`], [`quarantine`] |
//! | rows of a partition become a Parquet object | [`writer`], [`layout`] |
//! | the partition is registered | [`catalog`] |
//!
//! [`pipeline`] walks the road. Only `store` and `catalog` touch the network; everything between is a function of
//! bytes.

pub mod catalog;
pub mod cloudwatch;
#[cfg(feature = "aws")]
pub mod config;
pub mod cost;
pub mod deadline;
pub mod decode;
pub mod frame;
#[cfg(feature = "aws")]
pub mod function;
pub mod handler;
pub mod intake;
pub mod json;
pub mod layout;
pub mod ledger;
pub mod metrics;
pub mod notification;
pub mod ocsf;
pub mod pipeline;
pub mod quarantine;
pub mod record;
pub mod rows;
pub mod source;
pub mod store;
pub mod table;
#[cfg(feature = "aws")]
pub mod telemetry;
pub mod time;
pub mod writer;
