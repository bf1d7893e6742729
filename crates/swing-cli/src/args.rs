//! The command line. Nothing outside this module knows clap.

mod diff;
mod digest;
mod export;
mod import;
mod migrate;
mod replay;
mod stat;
mod values;
mod verify;

use std::ffi::OsString;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::console::{Console, Format};

/// A command and its options, in the program's own words.
pub(crate) enum Command {
    Stat(crate::stat::Options),
    Verify(crate::verify::Options),
    Diff(crate::diff::Options),
    Export(crate::export::Options),
    Import(crate::import::Options),
    Migrate(crate::migrate::Options),
    Digest(crate::digest::Options),
    Replay(crate::replay::Options),
}

/// Looks into, checks, compares, exports, imports and replays the store of a SwingSet kernel.
///
/// A store is a directory that holds `swingstore.sqlite`; on a chain's node it is data/agoric in the node's home. This
/// program and the node's own software read and write the same file.
#[derive(Parser)]
#[command(name = "swing-store", version, arg_required_else_help = true, after_help = AFTER)]
struct Cli {
    #[command(subcommand)]
    command: Subcommands,
    /// Print the result as one line of JSON.
    #[arg(long, global = true)]
    json: bool,
}

const AFTER: &str = "\
Exit codes:
  0  done, and all is well
  1  done, and something is wrong with what was looked at (verify, replay, export in debug mode), or differs (diff)
  2  the command line makes no sense
  3  could not be done: the error names the file or record, and a hint says what to do

Results go to standard output, errors and progress to standard error. Reading a store (stat, verify, diff, export) takes no \
lock and may be done beside a running node: it sees the last block that was committed.

Examples:
  swing-store stat ~/.agoric/data/agoric
  swing-store export ~/.agoric/data/agoric dataset --artifact-mode replay
  swing-store import dataset clone && swing-store verify clone --trusted dataset
  swing-store diff GOOD BAD";

#[derive(Subcommand)]
enum Subcommands {
    Stat(stat::Args),
    Verify(verify::Args),
    Diff(diff::Args),
    Export(export::Args),
    Import(import::Args),
    Migrate(migrate::Args),
    Digest(digest::Args),
    Replay(replay::Args),
}

/// Parses a command line.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<(Console, Command), clap::Error> {
    let mut clap = Cli::command();
    let cli = Cli::from_arg_matches(&clap.try_get_matches_from_mut(arguments)?)?;
    let command = match cli.command {
        Subcommands::Stat(args) => Command::Stat(args.options()),
        Subcommands::Verify(args) => Command::Verify(args.options()),
        Subcommands::Diff(args) => Command::Diff(args.options()),
        Subcommands::Export(args) => Command::Export(args.options()),
        Subcommands::Import(args) => Command::Import(args.options(&mut clap)?),
        Subcommands::Migrate(args) => Command::Migrate(args.options()),
        Subcommands::Digest(args) => Command::Digest(args.options()),
        Subcommands::Replay(args) => Command::Replay(args.options()),
    };
    let format = if cli.json { Format::Json } else { Format::Human };
    Ok((Console { format }, command))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::import::{Options, Task};

    #[test]
    fn clap_finds_no_fault_with_the_command_line() {
        Cli::command().debug_assert();
    }

    fn usage(words: &str) -> String {
        match parse(words.split(' ').map(OsString::from)) {
            Ok(_) => panic!("{words} was accepted"),
            Err(error) => {
                assert!(error.use_stderr(), "{words}");
                error.to_string()
            }
        }
    }

    #[test]
    fn json_may_stand_anywhere() {
        for words in ["swing-store --json stat d", "swing-store stat --json d", "swing-store stat d --json"] {
            let (console, _) = parse(words.split(' ').map(OsString::from)).unwrap();
            assert_eq!(console.format, Format::Json, "{words}");
        }
    }

    #[test]
    fn an_import_waits_for_seconds_or_for_as_long_as_it_takes() {
        for (words, expected) in [
            ("swing-store import a b", None),
            ("swing-store import a b --wait 0", Some(Duration::ZERO)),
            ("swing-store import a b --wait 90", Some(Duration::from_secs(90))),
        ] {
            let (_, command) = parse(words.split(' ').map(OsString::from)).unwrap();
            let Command::Import(Options { task: Task::Import { wait, .. }, .. }) = command else { panic!("{words}") };
            assert_eq!(wait, expected, "{words}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_a_reason() {
        for (words, reason) in [
            ("swing-store stat", "<DIR>"),
            ("swing-store dance", "dance"),
            ("swing-store export a b --artifact-mode some", "operational"),
            ("swing-store export a b --export-data-mode repair-metadata", "all"),
            ("swing-store export a b --dialect c", "js"),
            ("swing-store export a b --check-block-height 9007199254740992", "9007199254740992"),
            ("swing-store import a b --export-data-mode skip", "artifacts alone"),
            ("swing-store import a b --export-data-mode repair-metadata --artifact-mode debug", "no artifacts"),
            ("swing-store import a b --check-block-height -1", "-1"),
            ("swing-store import a b --wait -1", "-1"),
            ("swing-store import a b --export-data-mode repair-metadata --wait 1", "waits for nobody"),
            ("swing-store import a b --export-data-mode repair-metadata --replace", "replaces nothing"),
        ] {
            let said = usage(words);
            assert!(said.contains(reason), "{words}: {said}");
        }
    }
}
