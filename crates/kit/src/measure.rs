//! What is measured: a metric is declared once, with its unit, its help in both languages and its closed label lists.
//!
//! Names end in their unit (`_seconds`, `_bytes`; counters in `_total`). Counters begin at 0 for every label value there
//! is, so that the first increment is seen as one. What comes from a database is read every [`EVERY`] by one task a
//! process, never when somebody scrapes; every replica shows the same then, and rules take the greatest.
//! Neighbours: `admin` shows what is measured; docs/operating/metrics.md lists it.

use std::future::Future;
use std::time::Duration;

use metrics::{Label, SharedString, Unit};

use crate::Drain;

pub mod database;
pub(crate) mod process;

/// How often a process looks at how things stand.
pub const EVERY: Duration = Duration::from_secs(15);

/// What kind of number it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Only rises while the process lives.
    Counter,
    /// Stands where it stands.
    Gauge,
    /// Many, in buckets.
    Histogram,
}

/// A metric as it is declared.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    name: &'static str,
    kind: Kind,
    zh: &'static str,
    en: &'static str,
    labels: &'static [Values],
}

/// A label and every value that it can have. No values: they come from the configuration (sites) or the interface
/// (routes, methods).
pub type Values = (&'static str, &'static [&'static str]);

impl Metric {
    /// A number that only rises.
    pub const fn counter(name: &'static str, zh: &'static str, en: &'static str) -> Self {
        Self { name, kind: Kind::Counter, zh, en, labels: &[] }
    }

    /// A number that stands where it stands.
    pub const fn gauge(name: &'static str, zh: &'static str, en: &'static str) -> Self {
        Self { name, kind: Kind::Gauge, zh, en, labels: &[] }
    }

    /// Many numbers, in buckets.
    pub const fn histogram(name: &'static str, zh: &'static str, en: &'static str) -> Self {
        Self { name, kind: Kind::Histogram, zh, en, labels: &[] }
    }

    /// By these labels.
    #[must_use]
    pub const fn by(self, labels: &'static [Values]) -> Self {
        Self { labels, ..self }
    }

    /// As its name ends.
    fn unit(&self) -> Unit {
        let name = self.name.trim_end_matches("_total");
        if name.ends_with("_seconds") {
            Unit::Seconds
        } else if name.ends_with("_bytes") {
            Unit::Bytes
        } else {
            Unit::Count
        }
    }

    fn help(&self) -> String {
        format!("{} / {}", self.zh, self.en)
    }
}

/// Says what each is, once at start, and begins its counters. `open` gives the values of labels that come from the
/// configuration.
pub fn describe(metrics: &'static [Metric], open: &[(&str, Vec<String>)]) {
    for metric in metrics {
        match metric.kind {
            Kind::Counter => {
                metrics::describe_counter!(metric.name, metric.unit(), metric.help());
                for labels in combinations(metric.labels, open) {
                    metrics::counter!(metric.name, labels).increment(0);
                }
            }
            Kind::Gauge => metrics::describe_gauge!(metric.name, metric.unit(), metric.help()),
            Kind::Histogram => metrics::describe_histogram!(metric.name, metric.unit(), metric.help()),
        }
    }
}

/// Every combination of label values; none when a label's values are not known yet.
fn combinations(labels: &[Values], open: &[(&str, Vec<String>)]) -> Vec<Vec<Label>> {
    let mut all: Vec<Vec<Label>> = vec![Vec::new()];
    for (name, closed) in labels {
        let configured = open.iter().find(|(label, _)| label == name).map(|(_, values)| values.as_slice());
        let closed = closed.iter().map(|value| SharedString::from(*value));
        let configured = configured.unwrap_or_default().iter().map(|value| SharedString::from(value.clone()));
        let values: Vec<SharedString> = closed.chain(configured).collect();
        let with = |value: &SharedString, before: &[Label]| {
            let mut labels = before.to_vec();
            labels.push(Label::new(*name, value.clone()));
            labels
        };
        all = values.iter().flat_map(|value| all.iter().map(move |before| with(value, before))).collect();
    }
    all
}

/// Looks now and every [`EVERY`] until the drain.
///
/// # Errors
/// What `look` fails with: run it again.
pub async fn every<F>(drain: &Drain, look: impl Fn() -> F) -> anyhow::Result<()>
where
    F: Future<Output = anyhow::Result<()>>,
{
    loop {
        look().await?;
        if !drain.pause(EVERY).await {
            return Ok(());
        }
    }
}

/// Which configuration a role runs with: replicas of one role show one hash, except while it is changed. Secrets are
/// not in it.
pub fn configuration(config: &crate::RoleConfig) {
    use sha2::{Digest as _, Sha256};
    let hash = hex::encode(&Sha256::digest(format!("{config:?}").as_bytes())[..6]);
    let role = config.role.clone();
    metrics::gauge!("dengbei_config_info", "role" => role, "hash" => hash).set(1.0);
}

/// Seconds from `then` to `now`, both milliseconds since the epoch; 0 where there is no `then`.
#[allow(clippy::cast_precision_loss, reason = "a gauge")]
pub fn age(then: i64, now: i64) -> f64 {
    if then == 0 { 0.0 } else { now.saturating_sub(then).max(0) as f64 / 1000.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_begins_with_every_combination_of_its_labels() {
        let labels: &[Values] = &[("outcome", &["a", "b"]), ("site", &[])];
        assert!(combinations(labels, &[]).is_empty(), "sites are not known yet");
        let known = combinations(labels, &[("site", vec!["x".to_owned(), "y".to_owned()])]);
        assert_eq!(known.len(), 4);
        assert!(known.iter().all(|labels| labels.len() == 2));
        assert_eq!(combinations(&[], &[]), vec![Vec::new()]);
    }

    #[test]
    fn units_follow_names_and_help_is_in_both_languages() {
        let metric = Metric::counter("dengbei_x_bytes_total", "字节数", "bytes");
        assert_eq!((metric.unit(), metric.help().as_str()), (Unit::Bytes, "字节数 / bytes"));
        assert_eq!(Metric::gauge("dengbei_oldest_seconds", "", "").unit(), Unit::Seconds);
        assert_eq!(Metric::gauge("dengbei_packs", "", "").unit(), Unit::Count);
    }

    #[test]
    fn ages_are_never_negative_and_nothing_has_none() {
        assert_eq!((age(0, 5_000), age(2_000, 5_000), age(9_000, 5_000)), (0.0, 3.0, 0.0));
    }
}
