#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| oracles::frame::check(bytes));
