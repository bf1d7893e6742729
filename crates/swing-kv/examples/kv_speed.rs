//! Nanoseconds per operation of the calls that a kernel makes most, for people: medians of a few rounds, on disk.
//!
//! `cargo run --release -p swing-kv --example kv_speed`
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use swing_core::Session;
use swing_core::roles::KvStore as _;
use swing_core::session::{Location, OpenOptions};
use swing_kv::{KvState, TABLES};

type Done = Result<(), Box<dyn Error>>;

const ROWS: usize = 200_000;
const ROUNDS: usize = 7;

struct Bench {
    session: Session,
    state: KvState,
    keys: Vec<String>,
    random: u64,
    /// Changed before each block: SQLite does not even touch a page for a row that is set to what it is.
    value: String,
}

impl Bench {
    fn pick(&mut self) -> usize {
        // Xorshift: the same picks on every run.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        usize::try_from(self.random % ROWS as u64).unwrap_or_default()
    }

    fn picks(&mut self, count: usize) -> Vec<String> {
        (0..count)
            .map(|_| {
                let at = self.pick();
                self.keys[at].clone()
            })
            .collect()
    }

    fn commit(&mut self) -> Done {
        self.session.commit(&mut [&mut self.state])?;
        let number = self.pick();
        self.value.replace_range(22..32, &format!("{number:010}"));
        Ok(())
    }

    /// Prints the median time of an operation; `round` does some and says how many and in what time.
    fn row(
        &mut self,
        name: &str,
        mut round: impl FnMut(&mut Self) -> Result<(usize, Duration), Box<dyn Error>>,
    ) -> Done {
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let (count, time) = round(self)?;
            times.push(time.as_secs_f64() * 1e9 / count as f64);
        }
        times.sort_by(f64::total_cmp);
        println!("{name:<52} {:>8.0} ns   (best {:.0})", times[ROUNDS / 2], times[0]);
        Ok(())
    }

    /// The same, for one call per key, within a block.
    fn calls(&mut self, name: &str, keys: &[String], mut call: impl FnMut(&mut Self, &str) -> Done) -> Done {
        self.row(name, |bench| {
            bench.session.begin()?;
            let start = Instant::now();
            for key in keys {
                call(bench, key)?;
            }
            let time = start.elapsed();
            bench.commit()?;
            Ok((keys.len(), time))
        })
    }
}

fn get(bench: &mut Bench, key: &str) -> Done {
    black_box(bench.state.bind(&mut bench.session).get(key)?);
    Ok(())
}

fn has(bench: &mut Bench, key: &str) -> Done {
    black_box(bench.state.bind(&mut bench.session).has(key)?);
    Ok(())
}

fn set(bench: &mut Bench, key: &str) -> Done {
    Ok(bench.state.bind(&mut bench.session).set(key, &bench.value)?)
}

const VALUE: &str =
    r##"{"body":"#{\"value\":\"+123456789\",\"brand\":\"$0.Alleged: IST brand\"}","slots":["o+d12/34"]}"##;

fn main() -> Done {
    let dir = tempfile::tempdir()?;
    let file = dir.path().join("swingstore.sqlite");
    let session = Session::open(Location::File(file), &OpenOptions::default(), TABLES)?;
    let keys: Vec<String> = (0..ROWS).map(|at| format!("v{}.vs.vom.o+d{}/{at}", at % 60, at % 37)).collect();
    let random = 0x9e37_79b9_7f4a_7c15;
    let mut bench = Bench { session, state: KvState::default(), keys: keys.clone(), random, value: VALUE.to_owned() };
    for key in &keys {
        bench.state.bind(&mut bench.session).set(key, VALUE)?;
    }
    bench.commit()?;
    println!("{ROWS} rows, keys of {} bytes, values of {}", keys[ROWS / 2].len(), VALUE.len());

    reads(&mut bench)?;
    walks(&mut bench)?;
    sets(&mut bench)
}

fn reads(bench: &mut Bench) -> Done {
    let hot: Vec<String> = bench.picks(100);
    let hot: Vec<String> = hot.iter().cycle().take(100_000).cloned().collect();
    let random = bench.picks(100_000);
    let absent: Vec<String> = random.iter().map(|key| format!("{key}!")).collect();
    bench.calls("get, hot keys", &hot, get)?;
    bench.calls("get, hot keys, changed in the block", &hot[..10_000], |bench, key| {
        set(bench, key)?;
        get(bench, key)
    })?;
    bench.calls("get, random of 200 k", &random, get)?;
    bench.calls("has, random of 200 k", &random, has)?;
    bench.row("get, random, first time", |bench| {
        bench.state = KvState::default();
        bench.session.begin()?;
        let start = Instant::now();
        random[..20_000].iter().try_for_each(|key| get(bench, key))?;
        Ok((20_000, start.elapsed()))
    })?;
    bench.row("get of an absent key, first time", |bench| {
        bench.state = KvState::default();
        let start = Instant::now();
        absent[..20_000].iter().try_for_each(|key| get(bench, key))?;
        Ok((20_000, start.elapsed()))
    })?;
    bench.calls("get of an absent key, again", &absent[..20_000], get)?;
    bench.commit()?;
    bench.row("get, hot keys, outside a block", |bench| {
        let start = Instant::now();
        hot[..20_000].iter().try_for_each(|key| get(bench, key))?;
        Ok((20_000, start.elapsed()))
    })
}

fn walks(bench: &mut Bench) -> Done {
    let random = bench.picks(50_000);
    let walk = |bench: &mut Bench, from: &str, most: usize| -> Result<(usize, Duration), Box<dyn Error>> {
        let start = Instant::now();
        let mut at = bench.state.bind(&mut bench.session).get_next_key(from)?;
        for step in 0..most {
            let Some(key) = &at else { return Ok((step, start.elapsed())) };
            at = bench.state.bind(&mut bench.session).get_next_key(key)?;
        }
        Ok((most, start.elapsed()))
    };
    bench.session.begin()?;
    bench.row("getNextKey, walking", |bench| walk(bench, "", 100_000))?;
    bench.calls("getNextKey, random", &random, |bench, key| {
        black_box(bench.state.bind(&mut bench.session).get_next_key(key)?);
        Ok(())
    })?;
    bench.row("getNextKey, walking 5 from a random key", |bench| {
        bench.session.begin()?;
        let start = Instant::now();
        for key in &random[..10_000] {
            walk(bench, key, 4)?;
        }
        Ok((50_000, start.elapsed()))
    })?;
    bench.session.begin()?;
    let changed = bench.picks(1_000);
    changed.iter().try_for_each(|key| set(bench, key))?;
    bench.row("getNextKey, walking, 1,000 keys changed", |bench| walk(bench, "", 100_000))?;
    bench.row("getNextKey + delete, clearing", |bench| {
        let start = Instant::now();
        for _ in 0..5_000 {
            let mut kv = bench.state.bind(&mut bench.session);
            let Some(key) = kv.get_next_key("v3")? else { break };
            kv.delete(&key)?;
        }
        Ok((5_000, start.elapsed()))
    })?;
    bench.commit()
}

fn sets(bench: &mut Bench) -> Done {
    let hot: Vec<String> = bench.picks(100);
    let hot: Vec<String> = hot.iter().cycle().take(100_000).cloned().collect();
    bench.calls("set, hot keys", &hot, set)?;
    for name in ["set in cranks (50 a crank, 20 a block), the call", "... with its share of the commit"] {
        bench.row(name, |bench| {
            let mut time = Duration::ZERO;
            for _ in 0..10 {
                let keys = bench.picks(1_000);
                let start = Instant::now();
                for crank in keys.chunks(50) {
                    bench.session.savepoint("t0", &mut [&mut bench.state])?;
                    crank.iter().try_for_each(|key| set(bench, key))?;
                    bench.session.release(&mut [&mut bench.state])?;
                }
                let called = start.elapsed();
                bench.commit()?;
                time += if name.starts_with("set") { called } else { start.elapsed() };
            }
            Ok((10_000, time))
        })?;
    }
    bench.row("set of 1,000 new keys in order, with the commit", |bench| {
        let at = bench.pick();
        let keys: Vec<String> = (0..1_000).map(|key| format!("v99.vs.{at:06}.{key:06}")).collect();
        let start = Instant::now();
        keys.iter().try_for_each(|key| set(bench, key))?;
        bench.commit()?;
        Ok((1_000, start.elapsed()))
    })
}
