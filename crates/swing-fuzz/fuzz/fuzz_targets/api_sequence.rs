//! libFuzzer's end of `swing_fuzz::api_sequence`, which says what must hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| swing_fuzz::api_sequence(data));
