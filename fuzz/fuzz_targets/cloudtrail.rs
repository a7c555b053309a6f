#![no_main]

use oracles::{object, panics, subject};

libfuzzer_sys::fuzz_target!(init: panics::take_over(), |object: &[u8]| object::check_some(&subject::CLOUDTRAIL, object));
