//! What a strategy's confidence is worth: measured on problems with known answers, then used to abstain.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The version of the file's form.
const VERSION: u32 = 1;

/// For each strategy, how often it was right at each confidence it gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The version of this form.
    pub version: u32,
    /// The model it was measured on.
    pub model: String,
    /// What it was measured on, for people.
    pub source: String,
    /// By strategy: a non-decreasing curve.
    pub curves: BTreeMap<String, Curve>,
}

/// A non-decreasing, piecewise linear map from confidence to the share of right answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// (confidence, share right), by rising confidence.
    pub points: Vec<(f64, f64)>,
    /// Problems it was fitted on.
    pub problems: usize,
}

impl Calibration {
    /// A calibration with no curves yet.
    pub fn new(model: impl Into<String>, source: impl Into<String>) -> Self {
        Calibration {
            version: VERSION,
            model: model.into(),
            source: source.into(),
            curves: BTreeMap::new(),
        }
    }

    /// Reads the JSON form.
    ///
    /// # Errors
    /// The text is no calibration of this version, or a curve is not one from 0 to 1.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let read: Calibration = serde_json::from_str(text).map_err(|e| format!("not a calibration ({e})"))?;
        if read.version != VERSION {
            return Err(format!(
                "it has version {}, this program reads {VERSION}",
                read.version
            ));
        }
        for (name, curve) in &read.curves {
            let rising = curve
                .points
                .windows(2)
                .all(|w| w[0].0 <= w[1].0 && w[0].1 <= w[1].1);
            let inside = curve
                .points
                .iter()
                .all(|(c, a)| (0.0..=1.0).contains(c) && (0.0..=1.0).contains(a));
            if !rising || !inside {
                return Err(format!("the curve of '{name}' does not rise from 0 to 1"));
            }
        }
        Ok(read)
    }

    /// The measured share of right answers at this confidence; the confidence itself where nothing was measured.
    pub fn apply(&self, strategy: &str, confidence: f64) -> f64 {
        self.curves
            .get(strategy)
            .and_then(|c| c.at(confidence))
            .unwrap_or(confidence)
    }
}

impl Curve {
    /// Isotonic regression by pooling adjacent violators (Ayer et al. 1955; for calibration, Zadrozny and Elkan
    /// 2002, section 3.2) of (confidence, whether right).
    pub fn fit(pairs: &[(f64, bool)]) -> Curve {
        let mut sorted: Vec<(f64, bool)> = pairs.iter().copied().filter(|(c, _)| c.is_finite()).collect();
        sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
        // (sum of confidences, right, count), first one block for each distinct confidence.
        let mut blocks: Vec<(f64, f64, f64)> = Vec::new();
        let mut last = None;
        for &(confidence, right) in &sorted {
            let right = f64::from(u8::from(right));
            match blocks.last_mut().filter(|_| last == Some(confidence)) {
                Some(block) => {
                    block.0 += confidence;
                    block.1 += right;
                    block.2 += 1.0;
                }
                None => blocks.push((confidence, right, 1.0)),
            }
            last = Some(confidence);
        }
        let mut pooled: Vec<(f64, f64, f64)> = Vec::new();
        for block in blocks {
            pooled.push(block);
            while let [.., a, b] = pooled.as_slice()
                && a.1 / a.2 > b.1 / b.2
            {
                let merged = (a.0 + b.0, a.1 + b.1, a.2 + b.2);
                pooled.truncate(pooled.len() - 2);
                pooled.push(merged);
            }
        }
        Curve {
            points: pooled
                .iter()
                .map(|b| ((b.0 / b.2).clamp(0.0, 1.0), b.1 / b.2))
                .collect(),
            problems: sorted.len(),
        }
    }

    /// The value of the curve, linear between points and level beyond them; `None` without points.
    pub fn at(&self, confidence: f64) -> Option<f64> {
        let after = self.points.iter().position(|p| p.0 >= confidence);
        match after {
            None => self.points.last().map(|p| p.1),
            Some(0) => Some(self.points[0].1),
            Some(i) => {
                let (a, b) = (self.points[i - 1], self.points[i]);
                let share = if b.0 > a.0 {
                    (confidence - a.0) / (b.0 - a.0)
                } else {
                    1.0
                };
                Some(a.1 + share * (b.1 - a.1))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn violators_are_pooled() {
        let pairs = [(0.1, false), (0.2, true), (0.3, false), (0.9, true)];
        let curve = Curve::fit(&pairs);
        assert_eq!(curve.points, [(0.1, 0.0), (0.25, 0.5), (0.9, 1.0)]);
        assert_eq!(curve.at(0.0), Some(0.0));
        assert_eq!(curve.at(0.25), Some(0.5));
        assert_eq!(curve.at(1.0), Some(1.0));
        assert_eq!(Curve::fit(&[]).at(0.5), None);
    }

    proptest! {
        #[test]
        fn the_curve_rises_and_keeps_the_mean(pairs in proptest::collection::vec((0.0f64..1.0, any::<bool>()), 1..60)) {
            let curve = Curve::fit(&pairs);
            prop_assert!(curve.points.windows(2).all(|w| w[0].0 <= w[1].0 && w[0].1 <= w[1].1));
            let mut calibration = Calibration::new("m", "s");
            calibration.curves.insert("majority".into(), curve);
            let json = serde_json::to_string(&calibration).unwrap();
            let read = Calibration::from_json(&json).unwrap();
            for c in [0.0, 0.3, 1.0] {
                prop_assert!((0.0..=1.0).contains(&read.apply("majority", c)));
            }
        }
    }
}
