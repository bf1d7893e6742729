//! Plots: lines over a logarithmic axis, as SVG that says what it shows without any library.

use std::fmt::Write as _;

use super::table::Unit;

const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 320.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 170.0;
const TOP: f64 = 36.0;
const BOTTOM: f64 = 44.0;
const COLOURS: [&str; 6] = ["#1f6f8b", "#c8553d", "#4c956c", "#8338ec", "#bc8a00", "#555555"];

/// A line of a plot.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) name: String,
    /// Where, and how much.
    pub(crate) points: Vec<(f64, f64)>,
}

/// A plot of times or sizes, both axes logarithmic.
pub(crate) struct Plot<'p> {
    pub(crate) title: &'p str,
    /// What the lower axis counts.
    pub(crate) across: &'p str,
    /// What the left axis counts.
    pub(crate) unit: Unit,
    pub(crate) lines: Vec<Line>,
}

impl Plot<'_> {
    /// The plot as a file's content.
    pub(crate) fn to_svg(&self) -> String {
        let points = || self.lines.iter().flat_map(|line| line.points.iter().copied());
        let (x, y) = (decades(points().map(|point| point.0)), decades(points().map(|point| point.1)));
        let at_x = |value: f64| LEFT + (value.log10() - x.0) / (x.1 - x.0) * (WIDTH - LEFT - RIGHT);
        let at_y = |value: f64| HEIGHT - BOTTOM - (value.log10() - y.0) / (y.1 - y.0) * (HEIGHT - TOP - BOTTOM);
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n\
             <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" fill=\"white\"/>\n<text x=\"{LEFT}\" y=\"20\" font-size=\"14\">{}</text>\n",
            escaped(self.title)
        );
        let mut text = |x: f64, y: f64, anchor: &str, what: &str| {
            let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>", escaped(what));
        };
        text((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 8.0, "middle", self.across);
        for decade in whole(x) {
            text(at_x(10_f64.powi(decade)), HEIGHT - BOTTOM + 16.0, "middle", &count(10_f64.powi(decade)));
        }
        for decade in whole(y) {
            text(LEFT - 8.0, at_y(10_f64.powi(decade)) + 4.0, "end", &self.unit.show(10_f64.powi(decade)));
        }
        for decade in whole(y) {
            let y = at_y(10_f64.powi(decade));
            let _ = writeln!(svg, "<path d=\"M{LEFT} {y:.1}H{:.1}\" stroke=\"#ddd\"/>", WIDTH - RIGHT);
        }
        for (line, colour) in self.lines.iter().zip(COLOURS.iter().cycle()) {
            let path: Vec<_> = line.points.iter().map(|(x, y)| format!("{:.1} {:.1}", at_x(*x), at_y(*y))).collect();
            let _ =
                writeln!(svg, "<path d=\"M{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>", path.join("L"));
            for (x, y) in &line.points {
                let _ =
                    writeln!(svg, "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{colour}\"/>", at_x(*x), at_y(*y));
            }
        }
        let mut names: Vec<_> = self.lines.iter().zip(COLOURS.iter().cycle()).collect();
        let end = |line: &Line| line.points.last().map_or(0.0, |(_, y)| at_y(*y));
        names.sort_by(|(a, _), (b, _)| end(a).total_cmp(&end(b)));
        let mut free = TOP;
        for (line, colour) in names {
            // Below the name above it, if their ends are close.
            let y = (end(line) + 4.0).max(free);
            free = y + 14.0;
            let x = WIDTH - RIGHT + 10.0;
            let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"{colour}\">{}</text>", escaped(&line.name));
        }
        svg.push_str("</svg>\n");
        svg
    }
}

/// The decades that hold all values, as powers of ten.
fn decades(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (least, most) = values.fold((f64::MAX, f64::MIN), |(least, most), value| (value.min(least), value.max(most)));
    let (low, high) = (least.log10().floor(), most.log10().ceil());
    (low, if high > low { high } else { low + 1.0 })
}

fn whole(range: (f64, f64)) -> std::ops::RangeInclusive<i32> {
    range.0 as i32..=range.1 as i32
}

fn count(value: f64) -> String {
    match value {
        value if value >= 1e6 => format!("{} M", value / 1e6),
        value if value >= 1e3 => format!("{} k", value / 1e3),
        value => format!("{value}"),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plot_has_its_lines_and_names_and_stays_inside() {
        let line = |name: &str, points: &[(f64, f64)]| Line { name: name.to_owned(), points: points.to_vec() };
        let lines = vec![line("get", &[(1e4, 30.0), (1e6, 35.0)]), line("a < b", &[(1e4, 2e3), (1e6, 9e4)])];
        let svg = Plot { title: "t", across: "rows", unit: Unit::Time, lines }.to_svg();
        assert!(svg.contains(">get</text>") && svg.contains(">a &lt; b</text>") && svg.contains(">1 M</text>"));
        assert_eq!(svg.matches("<circle").count(), 4);
        let ys = svg.split("cy=\"").skip(1).map(|rest| rest.split('"').next().unwrap().parse::<f64>().unwrap());
        assert!(ys.into_iter().all(|y| (TOP..=HEIGHT - BOTTOM).contains(&y)));
    }
}
