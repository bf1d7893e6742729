//! Medians, and ratios with their spread.

/// The middle of what was measured; `None` of nothing.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        odd if odd % 2 == 1 => sorted.get(middle).copied(),
        _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
    }
}

/// The value below which this share of all lies; 0 of nothing.
pub(crate) fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().saturating_sub(1);
    sorted.get((last as f64 * share).round() as usize).copied().unwrap_or_default()
}

/// By how much what is measured grows with each step across: the line of least squares. 0 of fewer than two points.
pub(crate) fn slope(points: &[(f64, f64)]) -> f64 {
    let count = points.len().max(1) as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| points.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let across: f64 = points.iter().map(|point| (point.0 - x).powi(2)).sum();
    let along: f64 = points.iter().map(|point| (point.0 - x) * (point.1 - y)).sum();
    if across > 0.0 { along / across } else { 0.0 }
}

/// How often one goes into the other, round by round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ratio {
    pub(crate) median: f64,
    pub(crate) least: f64,
    pub(crate) most: f64,
}

impl Ratio {
    /// Of each pair that was measured in the same round; `None` if there is none.
    pub(crate) fn of(above: &[f64], below: &[f64]) -> Option<Self> {
        let ratios: Vec<_> = above.iter().zip(below).map(|(above, below)| above / below).collect();
        let median = median(&ratios)?;
        let (least, most) = ratios.iter().fold((f64::MAX, f64::MIN), |(least, most), r| (r.min(least), r.max(most)));
        Some(Self { median, least, most })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_the_middle_or_the_mean_of_two() {
        assert_eq!(
            [median(&[]), median(&[3.0]), median(&[9.0, 1.0, 2.0]), median(&[4.0, 1.0])],
            [None, Some(3.0), Some(2.0), Some(2.5)]
        );
    }

    #[test]
    fn ratios_are_of_the_same_round() {
        let ratio = Ratio::of(&[10.0, 30.0, 20.0], &[1.0, 2.0, 4.0]);
        assert_eq!(ratio, Some(Ratio { median: 10.0, least: 5.0, most: 15.0 }));
        assert_eq!(Ratio::of(&[], &[]), None);
    }

    #[test]
    fn a_slope_is_that_of_the_line_through_the_points() {
        assert_eq!(slope(&[(1.0, 5.0), (2.0, 7.0), (3.0, 9.0)]), 2.0);
        assert_eq!(slope(&[(1.0, 4.0), (2.0, 4.0), (3.0, 4.0)]), 0.0);
        assert_eq!([slope(&[]), slope(&[(1.0, 2.0)])], [0.0, 0.0]);
    }

    #[test]
    fn percentiles_reach_from_the_least_to_the_most() {
        let values: Vec<_> = (0..=100).map(f64::from).collect();
        assert_eq!([0.0, 0.5, 0.99, 1.0].map(|share| percentile(&values, share)), [0.0, 50.0, 99.0, 100.0]);
    }
}
