//! The rule about flushing, as a test of its own: the engine `syscalls` with no call made to fail.
#![cfg(target_os = "linux")]

use std::process::Command;

/// Blocks, also where another store was erased, archives, imports (where nothing is, over a closed store, over one whose log nobody has recovered, over one
/// that is being read, so that a commit is refused and made again) and exports; among it that an import replaces a store only when it is durable that the old log is gone.
#[test]
fn what_is_acknowledged_is_flushed_in_file_and_directory() {
    let engine =
        Command::new(env!("CARGO_BIN_EXE_swing-crash")).args(["syscalls", "--stride", "1000000"]).output().unwrap();
    let said = String::from_utf8_lossy(&engine.stdout).into_owned();
    assert!(engine.status.success(), "{said}{}", String::from_utf8_lossy(&engine.stderr));
    assert!(said.contains("\"unflushed\":0"), "{said}");
}
