//! `cargo xtask bench growth`: what operations cost as the store grows, as a session goes on, and while something happens
//! beside. Ours alone: the reference's curves are of no use to us, and it takes too long to make them.

mod beside;
mod long;
mod memory;
mod vats;

use anyhow::{Result, ensure};
use fs_err as fs;

use super::ours::{Contents, Making};
use super::side::{Clock, Side};
use super::stores::{Stores, renew};
use super::svg::{Line, Plot};
use super::table::{Unit, markdown};
use super::task::build;
use super::work::{Figures, Work};
use crate::shell::{root, target};

/// Options of the task.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Up to 10 million rows, 40,000 spans, 10,000 vats, 100,000 blocks (a million cranks), in place of 1 million, 4,000, 1,000
    /// and 4,000. Half an hour, 8 GB of disk.
    #[arg(long)]
    large: bool,
    /// Only these: rows, spans, vats, blocks, beside, memory.
    #[arg(long, value_delimiter = ',')]
    only: Vec<String>,
    /// Puts the plots where the documentation shows them.
    #[arg(long)]
    write: bool,
    /// What the curves over the store's size count. Blocks are always timed on the wall.
    #[arg(long, value_enum, default_value_t = Clock::Wall)]
    clock: Clock,
}

struct Run {
    large: bool,
    clock: Clock,
    ours: Side,
    stores: Stores,
    plots: std::path::PathBuf,
}

pub(crate) fn run(args: &Args) -> Result<()> {
    let program = build()?;
    let plots = if args.write { root().join("docs/plots") } else { target().join("bench/plots") };
    fs::create_dir_all(&plots)?;
    let stores = Stores::new(target().join("bench/growth"), program.clone())?;
    let run = Run { large: args.large, clock: args.clock, ours: Side::ours(program), stores, plots };
    let unknown = args.only.iter().find(|name| PARTS.iter().all(|(known, _)| known != name));
    ensure!(unknown.is_none(), "{unknown:?} is nothing that grows");
    for (name, part) in PARTS {
        if args.only.is_empty() || args.only.iter().any(|wanted| wanted == name) {
            println!("{}", part(&run)?);
            run.stores.clear()?;
        }
    }
    fs::remove_dir_all(&run.stores.folder)?;
    println!("The plots are in {}.", run.plots.strip_prefix(root()).unwrap_or(&run.plots).display());
    Ok(())
}

type Part = fn(&Run) -> Result<String>;

/// What grows, and who looks at it.
const PARTS: [(&str, Part); 6] = [
    ("rows", Run::store_size),
    ("spans", Run::spans),
    ("vats", Run::vats),
    ("blocks", Run::blocks),
    ("beside", Run::beside),
    ("memory", Run::memory),
];

/// Figures at each size.
type Curve = Vec<(u64, Figures)>;

fn lines(curve: &Curve, named: &[(&str, &str)]) -> Vec<Line> {
    let line = |(figure, name): &(&str, &str)| {
        let points = curve.iter().filter_map(|(size, figures)| Some((*size as f64, *figures.get(*figure)?)));
        Line { name: (*name).to_owned(), points: points.collect() }
    };
    named.iter().map(line).collect()
}

fn table(curve: &Curve, what: &str, named: &[(&str, &str)]) -> String {
    let head: Vec<_> = std::iter::once(what).chain(named.iter().map(|(_, name)| *name)).collect();
    let shown = |figures: &Figures, figure: &str| {
        let unit = if figure.ends_with("Bytes") { Unit::Bytes } else { Unit::Time };
        figures.get(figure).map_or_else(String::new, |found| unit.show(*found))
    };
    let row = |(size, figures): &(u64, Figures)| {
        std::iter::once(size.to_string()).chain(named.iter().map(|(figure, _)| shown(figures, figure))).collect()
    };
    markdown(&head, &curve.iter().map(row).collect::<Vec<_>>())
}

impl Run {
    fn empty(&self, name: &str) -> Contents {
        Contents::empty(self.stores.place(name))
    }

    fn plot(&self, file: &str, title: &str, across: &str, lines: Vec<Line>) -> Result<()> {
        let plot = Plot { title, across, unit: Unit::Time, lines };
        Ok(fs::write(self.plots.join(file), plot.to_svg())?)
    }

    fn plot_bytes(&self, file: &str, title: &str, across: &str, lines: Vec<Line>) -> Result<()> {
        let plot = Plot { title, across, unit: Unit::Bytes, lines };
        Ok(fs::write(self.plots.join(file), plot.to_svg())?)
    }

    fn store_size(&self) -> Result<String> {
        let (template, turn) = (self.stores.place("size"), self.stores.place("turn"));
        let sizes: &[u64] =
            if self.large { &[10_000, 100_000, 1_000_000, 10_000_000] } else { &[10_000, 100_000, 1_000_000] };
        let mut curve = Curve::new();
        for rows in sizes {
            self.stores.clear()?;
            self.stores.make(Making::Store(Contents { rows: *rows, ..self.empty("size") }))?;
            let mut figures = self.ours.run(&Work::ExportData { dir: template.clone() }, self.clock)?;
            figures.extend(self.ours.run(&Work::Opening { dir: template.clone(), rounds: 10 }, self.clock)?);
            figures.extend(self.ours.run(&Work::ExporterReady { dir: template.clone(), rounds: 10 }, self.clock)?);
            renew(Some(&template), &turn)?;
            figures.extend(
                self.ours.run(&Work::Kv { dir: turn.clone(), rows: *rows, hot: 1000, gets: 50_000 }, self.clock)?,
            );
            curve.push((*rows, figures));
        }
        let named = [
            ("get", "get, hot"),
            ("getFirst", "get, first time"),
            ("next", "getNextKey"),
            ("set", "set"),
            ("setRandomCommit", "set, random, with commit"),
            ("each", "export, a record"),
            ("open", "open"),
            ("ready", "exporter ready"),
        ];
        self.plot("store-size.svg", "Cost of a call over the size of the store", "rows", lines(&curve, &named[..6]))?;
        Ok(table(&curve, "rows", &named))
    }

    fn spans(&self) -> Result<String> {
        let (template, turn) = (self.stores.place("spans"), self.stores.place("turn"));
        let sizes: &[u64] = if self.large { &[400, 4_000, 40_000] } else { &[40, 400, 4_000] };
        let mut curve = Curve::new();
        for spans in sizes {
            self.stores.clear()?;
            self.stores.make(Making::Store(Contents { vats: 1, spans: *spans, items: 20, ..self.empty("spans") }))?;
            let mut figures = Figures::new();
            for (name, budget, calls) in [("each", Some(5), 8), ("all", None, 1)] {
                renew(Some(&template), &turn)?;
                let deletion = Work::Deletion { dir: turn.clone(), vat: "v1".to_owned(), budget, calls };
                let cost = self.ours.run(&deletion, self.clock)?;
                figures.extend(cost.get("each").map(|each| (name.to_owned(), *each)));
            }
            curve.push((*spans, figures));
        }
        let named = [("each", "delete 5 spans, with commit"), ("all", "delete all, with commit")];
        self.plot(
            "spans.svg",
            "Deleting from a vat, over the number of its spans",
            "spans of 20 items",
            lines(&curve, &named),
        )?;
        Ok(table(&curve, "spans", &named))
    }
}
