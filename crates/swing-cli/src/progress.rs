//! A progress bar on a terminal, for whatever takes longer than a second.

use std::cell::Cell;
use std::io::IsTerminal as _;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use swing_export::Step;

use crate::console::complain;
use crate::text::{Bytes, Grouped, plural};

/// What is over sooner needs no bar.
const PATIENCE: Duration = Duration::from_secs(1);
const TICK: Duration = Duration::from_millis(125);

/// Shows how far a command has come. Removed when dropped.
pub struct Meter {
    /// `None` where nobody looks: not on a terminal.
    shown: Option<Shown>,
    artifacts: Cell<(u64, u64)>,
    expected: Cell<Option<u64>>,
}

swing_core::opaque!(Meter);

struct Shown {
    bar: ProgressBar,
    // Dropped to wake the thread that waits for the second to pass.
    over: Option<mpsc::Sender<()>>,
    watcher: Option<JoinHandle<()>>,
}

impl Meter {
    /// A meter on standard error, if that is a terminal.
    #[must_use]
    pub fn stderr(task: &'static str) -> Self {
        let shown = std::io::stderr().is_terminal().then(|| Shown::begin(task));
        Self { shown, artifacts: Cell::default(), expected: Cell::default() }
    }

    /// A meter that shows nothing.
    #[must_use]
    pub fn silent() -> Self {
        Self { shown: None, artifacts: Cell::default(), expected: Cell::default() }
    }

    /// How many artifacts there will be.
    pub fn expect_artifacts(&self, count: u64) {
        self.expected.set(Some(count));
    }

    /// Shows a step.
    pub fn step(&self, step: Step<'_>) {
        let Some(Shown { bar, .. }) = &self.shown else { return };
        match step {
            Step::Stage(name) => bar.set_message(name.to_owned()),
            Step::Records(count) => bar.set_message(plural(count, "record")),
            Step::Artifact { name, bytes } => {
                let (count, total) = self.artifacts.get();
                let (count, total) = (count + 1, total + bytes);
                self.artifacts.set((count, total));
                let of = self.expected.get().map_or(String::new(), |expected| format!(" of {}", Grouped(expected)));
                bar.set_message(format!("{}{of} artifacts, {}: {name}", Grouped(count), Bytes(total)));
            }
        }
    }

    /// Prints a line, whether there is a bar or not.
    pub(crate) fn say(&self, line: &str) {
        match &self.shown {
            Some(Shown { bar, .. }) => bar.suspend(|| complain(line)),
            None => complain(line),
        }
    }

    /// Shows a share of a whole that is known.
    pub fn share(&self, done: u64, whole: u64, message: impl FnOnce() -> String) {
        let Some(Shown { bar, .. }) = &self.shown else { return };
        if bar.length() != Some(whole) {
            bar.set_length(whole);
            bar.set_style(style("{prefix} {wide_bar} {percent}% {msg} {eta}"));
        }
        bar.set_position(done);
        bar.set_message(message());
    }
}

impl Shown {
    fn begin(task: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden())
            .with_style(style("{spinner} {prefix} [{elapsed}] {wide_msg}"))
            .with_prefix(task);
        let (over, waiting) = mpsc::channel::<()>();
        let late = bar.clone();
        let watcher = std::thread::spawn(move || {
            if waiting.recv_timeout(PATIENCE) == Err(mpsc::RecvTimeoutError::Timeout) {
                late.set_draw_target(ProgressDrawTarget::stderr());
                late.enable_steady_tick(TICK);
            }
        });
        Self { bar, over: Some(over), watcher: Some(watcher) }
    }
}

impl Drop for Shown {
    fn drop(&mut self) {
        drop(self.over.take());
        if let Some(watcher) = self.watcher.take() {
            // It cannot panic; and if it did, there would be no bar and nothing else amiss.
            let _ = watcher.join();
        }
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
