//! From the command line to the exit code.

use std::ffi::OsString;

use anyhow::Result;

use crate::args::{self, Command};
use crate::console::Console;
use crate::exit::Exit;
use crate::{diff, digest, export, import, migrate, replay, stat, verify};

/// Runs the program with these arguments, the first of which is its own name.
///
/// Results go to standard output, all else to standard error. It never panics on what it is given.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let (console, command) = match args::parse(arguments) {
        Ok(parsed) => parsed,
        Err(error) => {
            // Nobody may be listening.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Ok };
        }
    };
    perform(console, &command).unwrap_or_else(|error| {
        console.failure(&error);
        Exit::Failed
    })
}

fn perform(console: Console, command: &Command) -> Result<Exit> {
    match command {
        Command::Stat(options) => stat::command(options, console),
        Command::Verify(options) => verify::command(options, console),
        Command::Diff(options) => diff::command(options, console),
        Command::Export(options) => export::command(options, console),
        Command::Import(options) => import::command(options, console),
        Command::Migrate(options) => migrate::command(options, console),
        Command::Digest(options) => digest::command(options, console),
        Command::Replay(options) => replay::command(options, console),
    }
}
