//! What holds for all subcommands: help, usage errors, a listener who goes away.

use std::io::Read as _;
use std::process::Stdio;

use crate::sandbox::Sandbox;

const COMMANDS: [&str; 6] = ["stat", "verify", "export", "import", "migrate", "replay"];

#[test]
fn help_tells_of_every_command_with_examples_and_its_json() {
    let sandbox = Sandbox::new();
    let help = sandbox.run(&["--help"]);
    assert_eq!(help.code, 0, "{help:?}");
    for command in COMMANDS {
        assert!(help.stdout.contains(command), "{command}");
        let help = sandbox.run(&[command, "--help"]);
        assert_eq!((help.code, help.stderr.as_str()), (0, ""), "{help:?}");
        for word in ["Examples:", "In JSON:", "--json"] {
            assert!(help.stdout.contains(word), "{command}: no {word}");
        }
        assert!(help.stdout.lines().all(|line| line.chars().count() <= 130), "{command}: a line is too long");
    }
}

#[test]
fn a_command_line_that_makes_no_sense_exits_with_2_and_does_nothing() {
    let sandbox = Sandbox::with_store("worked-example");
    let before = sandbox.tree();
    for args in [
        &[][..],
        &["fly"],
        &["stat"],
        &["stat", "store", "more"],
        &["export", "store", "dataset", "--artifact-mode", "most"],
        &["export", "store", "dataset", "--export-data-mode", "repair-metadata"],
        &["export", "store", "dataset", "--dialect", "perl"],
        &["import", "dataset", "store", "--export-data-mode", "skip"],
        &["import", "dataset", "store", "--check-block-height", "many"],
        &["verify", "store", "--height", "9007199254740992"],
    ] {
        let run = sandbox.run(args);
        assert_eq!((run.code, run.stdout.as_str()), (2, ""), "{args:?}: {run:?}");
        assert!(!run.stderr.is_empty(), "{args:?}");
    }
    assert_eq!(sandbox.tree(), before);
}

#[test]
fn nobody_listening_is_no_reason_to_panic() {
    let sandbox = Sandbox::with_store("archival");
    for args in [&["stat", "store"][..], &["verify", "store", "--json"], &["--help"], &["stat", "absent"]] {
        let mut child = sandbox.command(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let status = child.wait().unwrap();
        assert!(!said.contains("panicked"), "{args:?}: {said}");
        let expected = if args.contains(&"absent") { 3 } else { 0 };
        assert_eq!(status.code(), Some(expected), "{args:?}: {said}");
    }
}

#[test]
fn nothing_but_results_is_said_where_there_is_no_terminal() {
    let sandbox = Sandbox::with_store("archival");
    for args in [&["stat", "store"][..], &["verify", "store"], &["export", "store", "a"], &["import", "a", "b"]] {
        let run = sandbox.run(args);
        assert_eq!((run.code, run.stderr.as_str()), (0, ""), "{args:?}");
        assert!(!run.stdout.is_empty() && run.stdout.ends_with('\n'), "{args:?}");
    }
}
