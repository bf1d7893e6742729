//! libFuzzer's end of `swing_fuzz::bundle_b1`, which says what must hold.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| swing_fuzz::bundle_b1(data));
