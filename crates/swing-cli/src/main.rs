//! The `swing-store` program; what it does is in the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    swing_cli::run(std::env::args_os()).into()
}
