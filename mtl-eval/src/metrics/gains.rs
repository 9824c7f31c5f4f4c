//! Gains over baselines: Delta_m and RelaImpr.

/// One metric of a task, measured and at the baseline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gain {
    /// Measured.
    pub value: f64,
    /// Of the baseline: one model for each task, say.
    pub baseline: f64,
    /// Whether a larger value is better.
    pub higher_is_better: bool,
}

/// Delta_m (Maninis et al., CVPR 2019), in per cent: the mean over the tasks of the mean over each task's metrics of the relative
/// gain over the baseline. None without a task, where a task has no metric, and where a baseline is not above 0, because then there
/// is no relative gain.
pub fn delta_m(tasks: &[Vec<Gain>]) -> Option<f64> {
    let of_metric = |gain: &Gain| {
        let relative = (gain.value - gain.baseline) / gain.baseline;
        let defined = gain.baseline > 0.0 && relative.is_finite();
        defined.then_some(if gain.higher_is_better { relative } else { -relative })
    };
    let of_task = |gains: &Vec<Gain>| mean(gains.iter().map(of_metric));
    mean(tasks.iter().map(of_task)).map(|gain| 100.0 * gain)
}

/// The relative improvement of an AUC over a baseline's, in per cent of what the baseline has above chance (Zhou et al., KDD 2018).
/// None where the baseline is not above 0.5.
pub fn relative_improvement(auc: f64, baseline: f64) -> Option<f64> {
    (baseline > 0.5).then(|| 100.0 * ((auc - 0.5) / (baseline - 0.5) - 1.0))
}

fn mean(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    let values: Vec<f64> = values.collect::<Option<_>>()?;
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}
