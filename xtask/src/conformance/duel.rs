//! A sequence of calls put to two sides, and what they say compared.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use fs_err as fs;
use serde_json::json;
use swing_core::ArtifactMode;
use swing_core::session::store_file;

use super::answer::{Answer, expect_same};
use super::call::{Call, End, How, Options, Place};
use super::checks;
use super::differences::{Owed, refused_by_us_alone, step_over_host_key};
use super::driver::Driver;
use super::player::Player;
use super::tally::{Fate, Tally};
use crate::shell::root;

/// Who plays against whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Game {
    /// Ours and the reference, each on its own store.
    Lockstep,
    /// Ours alone on one store, against ours and the reference taking turns on another: one closes it, the other opens it.
    Turns,
    /// The same with both having it open all the time: after a commit it is the other's turn.
    Shared,
}

/// What is played.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    /// The fixture to begin with; a new store if there is none.
    pub(crate) start: Option<&'static str>,
    pub(crate) options: Options,
    pub(crate) calls: Vec<Call>,
}

/// The players, used for one case after the other.
pub(crate) struct Bench {
    pub(crate) ours: Box<dyn Player>,
    /// Takes turns with the reference.
    pub(crate) ours_too: Box<dyn Player>,
    pub(crate) reference: Driver,
    /// Looks at files. A process of its own: one that has a store open loses its locks when it closes the file again.
    pub(crate) witness: Driver,
    pub(crate) tally: Tally,
}

/// One case under way.
pub(crate) struct Duel<'b> {
    pub(crate) bench: &'b mut Bench,
    game: Game,
    /// Whether it is the reference's turn.
    reference_plays: bool,
    pub(crate) our_place: Place,
    pub(crate) their_place: Place,
    pub(crate) scratch: PathBuf,
    owed: Owed,
    /// How many calls the case has.
    length: usize,
}

/// Plays a case in the empty folder `scratch`. Fails where the two sides differ; answers where our store is then, if the
/// reference can be asked to judge it.
pub(crate) fn play(bench: &mut Bench, game: Game, case: &Case, scratch: &Path) -> Result<Option<PathBuf>> {
    let place = |name: &str| Place { dir: scratch.join(name), archive: scratch.join(format!("{name}-archive")) };
    let mut duel = Duel {
        bench,
        game,
        reference_plays: game == Game::Lockstep,
        our_place: place("ours"),
        their_place: place("theirs"),
        scratch: scratch.to_owned(),
        owed: Owed::default(),
        length: case.calls.len(),
    };
    duel.close()?;
    let played = duel.start(case).and_then(|()| {
        for (number, call) in case.calls.iter().enumerate() {
            duel.step(call).with_context(|| format!("call {number}: {}", duel.shown(call)))?;
        }
        checks::finished(&mut duel).context("after the last call")
    });
    let closed = duel.close();
    let judge = played?;
    closed?;
    Ok(Some(duel.our_place.dir).filter(|_| judge))
}

impl Duel<'_> {
    /// Whoever plays against ours now.
    pub(crate) fn rival(&mut self) -> &mut dyn Player {
        if self.reference_plays { &mut self.bench.reference } else { self.bench.ours_too.as_mut() }
    }

    /// Closes all stores, abandoning what is not committed.
    pub(crate) fn close(&mut self) -> Result<()> {
        self.bench.ours.close().context("closing ours")?;
        self.bench.ours_too.close().context("closing ours")?;
        self.bench.reference.close().context("closing the reference's")?;
        self.reference_plays = self.game == Game::Lockstep;
        Ok(())
    }

    /// Whether this case is one of those in which something is done in this mode.
    pub(crate) fn has_turn(&self, mode: ArtifactMode) -> bool {
        mode as usize % 2 == self.length % 2
    }

    /// A mode other than this one, not the same in all cases.
    pub(crate) fn another(&self, than: ArtifactMode) -> ArtifactMode {
        let all = ArtifactMode::ALL;
        all[(than as usize + 1 + self.length % (all.len() - 1)) % all.len()]
    }

    fn shown(&self, call: &Call) -> String {
        super::answer::shortened(&call.line(&self.our_place)).to_string()
    }

    fn start(&mut self, case: &Case) -> Result<()> {
        if let Some(fixture) = case.start {
            let from = store_file(&root().join("fixtures").join(fixture).join("store"));
            for place in [&self.our_place, &self.their_place] {
                fs::create_dir_all(&place.dir)?;
                fs::copy(&from, store_file(&place.dir))?;
            }
        }
        let mut options = case.options.clone();
        let left_behind = case.start == Some("pending-exports");
        options.callback |= left_behind;
        self.step(&Call::Open(How::Open, options)).context("the first opening")?;
        if left_behind {
            // A commit with nothing to commit hands the rows over here and not there; endCrank without a transaction
            // takes them out of its file for good. So first of all a commit with something to commit.
            for call in [Call::Set(End::Host, "host.first".into(), "1".into()), Call::Commit] {
                self.step(&call).context("the first commit")?;
            }
        }
        Ok(())
    }

    fn step(&mut self, call: &Call) -> Result<()> {
        match call {
            // The reference has nothing left to fail on, or somebody else may be the next to call back.
            Call::FailCallback if !self.owed.is_empty() || self.game == Game::Shared => return Ok(()),
            Call::Open(how, options) => {
                self.owed.clear();
                self.hand_over(*how, options)?;
            }
            Call::Kill(options) => {
                let place = self.their_place.clone();
                self.rival().kill(&place)?;
                return self.step(&Call::Open(How::Open, options.clone()));
            }
            // What is hashed outside cranks is hashed by whoever wrote it.
            Call::Commit if self.game == Game::Shared => self.put(&Call::EmitHashes).map(drop)?,
            _ => {}
        }
        let committed = self.put(call)? && matches!(call, Call::Commit);
        if committed {
            checks::committed(self).context("after this commit")?;
        }
        if committed && self.game == Game::Shared {
            self.reference_plays = !self.reference_plays;
        }
        Ok(())
    }

    /// Before their store is opened: by the other side, or in a shared game by both.
    fn hand_over(&mut self, how: How, options: &Options) -> Result<()> {
        if self.game == Game::Lockstep {
            return Ok(());
        }
        self.bench.ours_too.close()?;
        self.bench.reference.close()?;
        self.reference_plays = !self.reference_plays;
        if self.game == Game::Shared {
            let place = self.their_place.clone();
            self.rival().call(&place, &Call::Open(how, options.clone()))?.value("opening first")?;
            self.reference_plays = !self.reference_plays;
        }
        Ok(())
    }

    /// Makes a call and answers whether it was done. One that changes nothing here may not be made there.
    fn put(&mut self, call: &Call) -> Result<bool> {
        let ours = self.bench.ours.call(&self.our_place, call)?;
        if refused_by_us_alone(call, &ours) {
            self.count(call, Fate::RefusedByUsAlone);
            return Ok(false);
        }
        self.count(call, if ours.outcome.is_ok() { Fate::Done } else { Fate::RefusedByBoth });
        let place = self.their_place.clone();
        let there = match (self.game, call) {
            // Whoever opens it first has erased what there was.
            (Game::Shared, Call::Open(How::Init, options)) => Call::Open(How::Open, options.clone()),
            _ => call.clone(),
        };
        let mut theirs = self.rival().call(&place, &there)?;
        while let Some(further) = step_over_host_key(call, &theirs) {
            theirs = self.rival().call(&place, &further)?;
        }
        self.compare(&ours, theirs)?;
        Ok(ours.outcome.is_ok())
    }

    fn count(&mut self, call: &Call, fate: Fate) {
        let line = call.line(&self.our_place);
        self.bench.tally.count(line[0].as_str().unwrap_or_default(), fate);
    }

    fn compare(&mut self, ours: &Answer, mut theirs: Answer) -> Result<()> {
        theirs.exports = self.owed.expected(ours, theirs.exports);
        match (&ours.outcome, &theirs.outcome) {
            (Ok(ours), Ok(theirs)) => expect_same("answers", ours, theirs)?,
            (Err(_), Err(_)) => {}
            _ => bail!("one succeeded, the other failed\n    ours:      {ours}\n    reference: {theirs}"),
        }
        ensure!(theirs.strays.is_empty(), "the reference failed beside the call: {theirs}");
        expect_same("export batches", &json!(ours.exports), &json!(theirs.exports))
    }
}
