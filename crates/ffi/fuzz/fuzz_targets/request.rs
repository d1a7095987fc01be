//! The request decoder of every call, under libFuzzer.
#![no_main]

mod judge;

libfuzzer_sys::fuzz_target!(|input: &[u8]| judge::judge(input));
