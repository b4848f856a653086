//! 质量监控: what query counted of a period beside what sources stated to ingest, put together for the page, the JSON and
//! the table. 应归 is stated by the source, 已到 and 已归 are counted by the closing day of the packages themselves.

use std::collections::BTreeMap;

use dengbei_proto::v1;
use dengbei_records::{Clock as _, Problem, SystemClock};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::json;
use crate::peers::{Peers, answered, question};

/// Which period, and what of it.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Period {
    /// First day, YYYY-MM-DD; 8 weeks before the last when not told
    #[serde(default)]
    pub(crate) from: String,
    /// Last day, YYYY-MM-DD; today when not told
    #[serde(default)]
    pub(crate) to: String,
    /// 来源系统
    #[serde(default)]
    pub(crate) source: String,
    /// 权力事项编码
    #[serde(default)]
    pub(crate) matter: String,
    /// 立档单位, 统一社会信用代码
    #[serde(default)]
    pub(crate) unit: String,
    /// 承办单位（科室）
    #[serde(default)]
    pub(crate) department: String,
}

/// Days that a period has when it is not told.
const DAYS: i64 = 56;

impl Period {
    /// With its days filled in.
    fn whole(&self) -> Self {
        let today = day(SystemClock.now().millis());
        let to = if self.to.trim().is_empty() { today } else { self.to.trim().to_owned() };
        let from = match self.from.trim() {
            "" => day(SystemClock.now().millis() - (DAYS - 1) * 86_400_000).min(to.clone()),
            from => from.to_owned(),
        };
        Self { from, to, ..self.clone() }
    }
}

fn day(millis: i64) -> String {
    json::time(millis).unwrap_or_default().chars().take(10).collect()
}

/// Items of one matter and source closed on one day.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Closing {
    pub(crate) day: String,
    pub(crate) source_system: String,
    pub(crate) matter_code: String,
    /// 应归, as the source stated it.
    pub(crate) expected: Option<u64>,
    /// 已到: items that arrived, also those that were refused.
    pub(crate) received: u64,
    pub(crate) filed: u64,
    pub(crate) returned: u64,
    pub(crate) refused: u64,
}

impl Closing {
    /// 未到: stated, and never seen.
    pub(crate) fn missing(&self) -> u64 {
        self.expected.unwrap_or(0).saturating_sub(self.received)
    }
}

/// Everything about a period.
#[derive(Debug, Clone, Default)]
pub(crate) struct Monitor {
    pub(crate) period: Period,
    pub(crate) counted: v1::QualityReply,
    pub(crate) closings: Vec<Closing>,
    /// Why what was stated is not known.
    pub(crate) unstated: Option<Problem>,
}

/// Asks query and ingest; without ingest nothing is expected, and it is said.
///
/// # Errors
/// [`Problem`] when query does not answer, or the period is none.
pub(crate) async fn of(peers: &Peers, period: &Period) -> Result<Monitor, Problem> {
    let period = period.whole();
    let (from, to) = (period.from.clone(), period.to.clone());
    let asked = v1::QualityRequest {
        from: from.clone(),
        to: to.clone(),
        source_system: period.source.trim().into(),
        matter_code: period.matter.trim().into(),
        unit_uscc: period.unit.trim().into(),
        department: period.department.trim().into(),
    };
    let stated = v1::ExpectationsRequest {
        from,
        to,
        source_system: asked.source_system.clone(),
        matter_code: asked.matter_code.clone(),
    };
    let (mut quality, mut intake) = (peers.quality(), peers.intake());
    let (counted, stated) =
        tokio::join!(quality.quality(question(asked)), intake.expectations(question(stated)));
    let counted = answered(counted)?;
    let (stated, unstated) = match answered(stated) {
        Ok(reply) => (reply.expectations, None),
        Err(problem) => (Vec::new(), Some(problem)),
    };
    let closings = together(&counted.closings, &stated);
    Ok(Monitor { period, counted, closings, unstated })
}

/// What was stated beside what arrived, newest day first.
fn together(counted: &[v1::ClosingRow], stated: &[v1::Expectation]) -> Vec<Closing> {
    let mut rows: BTreeMap<(String, String, String), Closing> = BTreeMap::new();
    let key = |day: &str, source: &str, matter: &str| (day.to_owned(), source.to_owned(), matter.to_owned());
    for c in counted {
        rows.insert(
            key(&c.day, &c.source_system, &c.matter_code),
            Closing {
                day: c.day.clone(),
                source_system: c.source_system.clone(),
                matter_code: c.matter_code.clone(),
                expected: None,
                received: c.received,
                filed: c.filed,
                returned: c.returned,
                refused: c.refused,
            },
        );
    }
    for e in stated {
        let row = rows.entry(key(&e.day, &e.source_system, &e.matter_code)).or_insert_with(|| Closing {
            day: e.day.clone(),
            source_system: e.source_system.clone(),
            matter_code: e.matter_code.clone(),
            ..Closing::default()
        });
        row.expected = Some(u64::from(e.count));
    }
    let mut rows: Vec<Closing> = rows.into_values().collect();
    rows.sort_by(|a, b| {
        (&b.day, &a.source_system, &a.matter_code).cmp(&(&a.day, &b.source_system, &b.matter_code))
    });
    rows
}

/// The same without days: by source and matter.
pub(crate) fn by_matter(closings: &[Closing]) -> BTreeMap<(String, String), Closing> {
    let mut sums: BTreeMap<(String, String), Closing> = BTreeMap::new();
    for c in closings {
        let sum = sums.entry((c.source_system.clone(), c.matter_code.clone())).or_default();
        sum.source_system.clone_from(&c.source_system);
        sum.matter_code.clone_from(&c.matter_code);
        sum.expected = match (sum.expected, c.expected) {
            (a, b) if a.is_some() || b.is_some() => Some(a.unwrap_or(0) + b.unwrap_or(0)),
            _ => None,
        };
        sum.received += c.received;
        sum.filed += c.filed;
        sum.returned += c.returned;
        sum.refused += c.refused;
    }
    sums
}

/// What is missing, day by day: a surplus of one day does not hide what another lacks.
pub(crate) fn missing(closings: &[Closing], source: &str, matter: &str) -> u64 {
    let own = closings.iter().filter(|c| c.source_system == source && c.matter_code == matter);
    own.map(Closing::missing).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stated_and_never_came_is_missing_and_a_surplus_elsewhere_does_not_hide_it() {
        let counted = |day: &str, received| v1::ClosingRow {
            day: day.into(),
            source_system: "ZWFW".into(),
            matter_code: "m".into(),
            received,
            ..Default::default()
        };
        let stated = |day: &str, count| v1::Expectation {
            day: day.into(),
            source_system: "ZWFW".into(),
            matter_code: "m".into(),
            count,
            stated_at: 1,
        };
        let rows = together(
            &[counted("2026-11-02", 9), counted("2026-11-03", 2)],
            &[stated("2026-11-02", 7), stated("2026-11-03", 5), stated("2026-11-04", 1)],
        );
        let days: Vec<(&str, u64)> = rows.iter().map(|c| (c.day.as_str(), c.missing())).collect();
        assert_eq!(days, [("2026-11-04", 1), ("2026-11-03", 3), ("2026-11-02", 0)]);
        assert_eq!(missing(&rows, "ZWFW", "m"), 4);
        let sums = by_matter(&rows);
        let sum = &sums[&("ZWFW".to_owned(), "m".to_owned())];
        assert_eq!((sum.expected, sum.received), (Some(13), 11));
    }
}
