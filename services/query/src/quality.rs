//! gRPC `Quality`: what the counters say of a period, and how every source stands. No decisions: the rules of alarms are
//! `alarm.rs`, the counters `store/quality.rs`.

use std::collections::BTreeMap;
use std::sync::Arc;

use dengbei_kit::{Drain, measure, status};
use dengbei_proto::v1;
use dengbei_proto::v1::quality_server::Quality;
use dengbei_records::{Clock, Timestamp};
use sqlx::PgPool;
use tonic::{Request, Response, Status};

use crate::alarm::{self, Day, Standing};
use crate::error::QueryError;
use crate::metrics;
use crate::store::quality::{self, Asked, By, FlowRow, MOST};
use crate::store::tallies::{day_name, day_number};

/// Answers from the counters.
#[derive(Clone)]
pub struct QualityService {
    pool: PgPool,
    clock: Arc<dyn Clock>,
    log_index: Arc<dyn Fn() -> u64 + Send + Sync>,
}

impl QualityService {
    /// Over the service's own database.
    pub fn new(pool: PgPool, clock: Arc<dyn Clock>) -> Self {
        Self { pool, clock, log_index: Arc::new(|| 0) }
    }

    /// Says, beside its counts, up to which log index everything is applied.
    #[must_use]
    pub fn caught_up(mut self, log_index: impl Fn() -> u64 + Send + Sync + 'static) -> Self {
        self.log_index = Arc::new(log_index);
        self
    }

    fn today(&self) -> i32 {
        day_number(self.clock.now().millis())
    }

    async fn of(&self, request: v1::QualityRequest) -> Result<v1::QualityReply, QueryError> {
        let asked = self.asked(request)?;
        let (pool, asked) = (&self.pool, &asked);
        let (matters, units, departments, weeks, days) = tokio::try_join!(
            quality::flow(pool, By::Matters, asked),
            quality::flow(pool, By::Units, asked),
            quality::flow(pool, By::Departments, asked),
            quality::flow(pool, By::Weeks, asked),
            quality::flow(pool, By::Days, asked),
        )?;
        let (failed, closings, unplaced) = tokio::try_join!(
            quality::failed(pool, asked),
            quality::closings(pool, asked),
            quality::count_unplaced(pool),
        )?;
        let is_full = |n: usize| i64::try_from(n).unwrap_or(i64::MAX) >= MOST;
        let truncated = is_full(days.len()) || is_full(closings.len()) || is_full(matters.len());
        let mut reply = v1::QualityReply {
            matters: matters.into_iter().map(row).collect(),
            units: units.into_iter().map(row).collect(),
            departments: departments.into_iter().map(row).collect(),
            weeks: weeks.into_iter().map(dated).collect(),
            days: days.into_iter().map(dated).collect(),
            failed: failed.into_iter().map(failed_row).collect(),
            closings: closings.into_iter().map(closing).collect(),
            sources: self.standings().await?.into_iter().map(source).collect(),
            unplaced: unplaced.unsigned_abs(),
            log_index: (self.log_index)(),
            truncated,
        };
        self.name(&mut reply).await?;
        Ok(reply)
    }

    /// Names of matters and units, as the newest filing table has them.
    async fn name(&self, reply: &mut v1::QualityReply) -> Result<(), QueryError> {
        let rows: Vec<(String, String, String, String)> = sqlx::query_as(
            "select distinct on (matter_code) matter_code, matter_name, unit_uscc, unit_name from query.matters
             where matter_code = any($1) or unit_uscc = any($2)
             order by matter_code, in_force_from desc, scope_version desc",
        )
        .bind(reply.matters.iter().map(|row| row.second.as_str()).collect::<Vec<_>>())
        .bind(reply.units.iter().map(|row| row.key.as_str()).collect::<Vec<_>>())
        .fetch_all(&self.pool)
        .await?;
        let matters: BTreeMap<&str, &str> = rows.iter().map(|r| (r.0.as_str(), r.1.as_str())).collect();
        let units: BTreeMap<&str, &str> = rows.iter().map(|r| (r.2.as_str(), r.3.as_str())).collect();
        let named =
            |of: &BTreeMap<&str, &str>, key: &str| of.get(key).copied().unwrap_or_default().to_owned();
        for row in &mut reply.matters {
            row.name = named(&matters, &row.second);
        }
        for row in reply.units.iter_mut().chain(&mut reply.departments) {
            row.name = named(&units, &row.key);
        }
        Ok(())
    }

    fn asked(&self, request: v1::QualityRequest) -> Result<Asked, QueryError> {
        let today = self.today();
        let read = |text: &str, or: i32| match text {
            "" => Ok(or),
            text => day_of(text).ok_or_else(|| QueryError::Invalid(format!("日期 day: {text}"))),
        };
        let to = read(&request.to, today)?;
        let from = read(&request.from, to - alarm::BEFORE + 1)?;
        Ok(Asked {
            days: (from, to),
            dates: (day_name(from.into()), day_name(to.into())),
            source_system: request.source_system,
            matter_code: request.matter_code,
            unit_uscc: request.unit_uscc,
            department: request.department,
        })
    }

    /// Every source that sent within nine weeks.
    async fn standings(&self) -> Result<Vec<(String, Standing)>, QueryError> {
        let today = self.today();
        let rows = quality::sources(&self.pool, today - alarm::WEEK - alarm::BEFORE + 1).await?;
        let mut days: BTreeMap<String, Vec<Day>> = BTreeMap::new();
        for r in rows {
            let (day, received, refused, returned, filed) =
                (r.day, r.received, r.refused, r.returned, r.filed);
            days.entry(r.source_system).or_default().push(Day { day, received, refused, returned, filed });
        }
        Ok(days.into_iter().map(|(name, days)| (name, alarm::judge(&days, today))).collect())
    }

    /// Measures how sources stand until the drain.
    ///
    /// # Errors
    /// Never of itself; a look that fails is told and made again.
    pub(crate) async fn measure(self, drain: Drain) -> anyhow::Result<()> {
        measure::every(&drain, || async {
            let unplaced = quality::count_unplaced(&self.pool).await?;
            metrics::sources(&self.standings().await?, unplaced);
            Ok(())
        })
        .await
    }
}

#[tonic::async_trait]
impl Quality for QualityService {
    async fn quality(
        &self,
        request: Request<v1::QualityRequest>,
    ) -> Result<Response<v1::QualityReply>, Status> {
        let outcome = self.of(request.into_inner()).await;
        outcome.map(Response::new).map_err(|error| status::report(&error.problem(), &error))
    }
}

/// The number of a day since 1970, of `2026-11-22`.
fn day_of(text: &str) -> Option<i32> {
    let mut parts = text.splitn(3, '-').map(|part| part.parse::<i32>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    // Years begin in March, so that the leap day comes last.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let number = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719_468;
    (day_name(number.into()) == text).then_some(number)
}

fn flow(r: &FlowRow) -> v1::Flow {
    v1::Flow {
        received: r.received.max(0).unsigned_abs(),
        refused: r.refused.max(0).unsigned_abs(),
        returned: r.returned.max(0).unsigned_abs(),
        filed: r.filed.max(0).unsigned_abs(),
    }
}

fn row(r: FlowRow) -> v1::FlowRow {
    let flow = Some(flow(&r));
    v1::FlowRow { key: r.key, second: r.second, third: r.third, name: String::new(), flow }
}

/// A row whose key is a day's number.
fn dated(r: FlowRow) -> v1::FlowRow {
    let day = r.key.parse::<i64>().map(day_name).unwrap_or_default();
    v1::FlowRow { key: day, ..row(r) }
}

fn failed_row((check, source_system, n): (String, String, i64)) -> v1::FailedRow {
    v1::FailedRow { check, source_system, submissions: n.max(0).unsigned_abs() }
}

fn closing(
    (day, source_system, matter_code, received, filed, returned, refused): quality::Closing,
) -> v1::ClosingRow {
    let n = |n: i64| n.max(0).unsigned_abs();
    v1::ClosingRow {
        day,
        source_system,
        matter_code,
        received: n(received),
        filed: n(filed),
        returned: n(returned),
        refused: n(refused),
    }
}

fn source((source_system, s): (String, Standing)) -> v1::SourceStanding {
    let flow = |d: &Day| v1::Flow {
        received: d.received.max(0).unsigned_abs(),
        refused: d.refused.max(0).unsigned_abs(),
        returned: d.returned.max(0).unsigned_abs(),
        filed: d.filed.max(0).unsigned_abs(),
    };
    v1::SourceStanding {
        source_system,
        week: Some(flow(&s.week)),
        before: Some(flow(&s.before)),
        fails_more: s.fails_more,
        is_silent: s.is_silent,
        last_received_at: s.last.map_or(0, |day| midnight(day).millis()),
        usual_days: s.usual,
        silent_days: s.silent,
    }
}

/// When a day begins in Beijing.
fn midnight(day: i32) -> Timestamp {
    Timestamp::from_millis(i64::from(day) * 86_400_000 - 8 * 3_600_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_one_number() {
        for number in [0, 59, 11_016, 19_782, 20_779, 30_000] {
            assert_eq!(day_of(&day_name(number.into())), Some(number));
        }
        for text in ["2026-02-30", "2026-2-3", "", "2026-11", "1969-12-31", "x-y-z"] {
            assert_eq!(day_of(text), None, "{text}");
        }
    }
}
