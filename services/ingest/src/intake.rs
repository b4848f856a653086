//! gRPC `Intake`: where submissions come from, and what sources state they closed. Parse, ask the store, render.

use std::sync::Arc;

use chrono::{Datelike as _, NaiveDate};
use dengbei_kit::status;
use dengbei_proto::v1;
use dengbei_proto::v1::intake_server::Intake;
use dengbei_records::{Clock, ErrorClass, MatterCode, Problem, SourceSystem};
use sqlx::postgres::PgPool;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::error::IngestError;
use crate::store::expectations::{self, Asked, Expectation};
use crate::store::origins;

/// Origins at once.
const MOST_ORIGINS: usize = 1_000;
/// Statements at once.
const MOST_STATED: usize = 10_000;
/// Largest count of one day.
const MOST_COUNT: u32 = 10_000_000;
/// Statements that are shown at once.
const MOST_SHOWN: i64 = 20_000;

/// Answers from ingest's tables.
#[derive(Clone)]
pub(crate) struct Intaken {
    pub(crate) pool: PgPool,
    pub(crate) clock: Arc<dyn Clock>,
}

#[tonic::async_trait]
impl Intake for Intaken {
    async fn origins(
        &self,
        request: Request<v1::OriginsRequest>,
    ) -> Result<Response<v1::OriginsReply>, Status> {
        let asked = request.into_inner().submissions;
        if asked.len() > MOST_ORIGINS {
            return Err(refuse(&invalid("intake.too_many", "一次最多 1000 件", "at most 1,000 at once")));
        }
        let ids: Vec<Uuid> = asked.iter().filter_map(|id| Uuid::from_slice(id).ok()).collect();
        let found = origins::of(&self.pool, &ids).await.map_err(|e| refuse(&e.into()))?;
        let origins = found.into_iter().map(|(id, o)| v1::Origin {
            submission: id.as_bytes().to_vec().into(),
            source_system: o.source_system,
            matter_code: o.matter_code,
            unit_uscc: o.unit_uscc,
            department: o.department,
            closed_on: o.closed_on,
        });
        Ok(Response::new(v1::OriginsReply { origins: origins.collect() }))
    }

    async fn expect(&self, request: Request<v1::ExpectRequest>) -> Result<Response<v1::ExpectReply>, Status> {
        let stated = request.into_inner().expectations;
        let put = self.put(&stated).await.map_err(|e| refuse(&e))?;
        let expectations::Put { stated, replaced, unchanged } = put;
        Ok(Response::new(v1::ExpectReply { stated, replaced, unchanged }))
    }

    async fn expectations(
        &self,
        request: Request<v1::ExpectationsRequest>,
    ) -> Result<Response<v1::ExpectationsReply>, Status> {
        let v1::ExpectationsRequest { from, to, source_system, matter_code } = request.into_inner();
        let asked = Asked { from, to, source_system, matter_code };
        let found = expectations::of(&self.pool, &asked, MOST_SHOWN).await.map_err(|e| refuse(&e.into()))?;
        let truncated = i64::try_from(found.len()).unwrap_or(i64::MAX) >= MOST_SHOWN;
        Ok(Response::new(v1::ExpectationsReply {
            expectations: found.into_iter().map(render).collect(),
            truncated,
        }))
    }
}

impl Intaken {
    async fn put(&self, stated: &[v1::Expectation]) -> Result<expectations::Put, IngestError> {
        if stated.is_empty() || stated.len() > MOST_STATED {
            return Err(invalid(
                "expectation.count_of_rows",
                "一次须有 1 至 10000 行",
                "1 to 10,000 rows at once",
            ));
        }
        let now = self.clock.now().millis();
        let rows = stated.iter().map(|row| read(row, now)).collect::<Result<Vec<_>, _>>()?;
        let mut tx = self.pool.begin().await?;
        let put = expectations::put(&mut tx, &rows).await?;
        tx.commit().await?;
        Ok(put)
    }
}

/// A statement that can be kept, or what is wrong with it.
fn read(row: &v1::Expectation, now: i64) -> Result<Expectation, IngestError> {
    let source: SourceSystem = row
        .source_system
        .parse()
        .map_err(|_| invalid("expectation.source_system", "来源系统无效", "not a source system"))?;
    let matter: MatterCode = row.matter_code.parse().map_err(|_| {
        invalid("expectation.matter_code", "权力事项编码无法识别", "the matter code cannot be read")
    })?;
    if !is_day(&row.day) {
        let (zh, en) = ("日期应写作 YYYY-MM-DD", "the day is not YYYY-MM-DD");
        return Err(invalid("expectation.day", zh, en));
    }
    let count = i32::try_from(row.count).ok().filter(|_| row.count <= MOST_COUNT);
    let count = count
        .ok_or_else(|| invalid("expectation.count", "件数超出 10000000", "the count is over 10,000,000"))?;
    Ok(Expectation {
        source_system: source.to_string(),
        matter_code: matter.to_string(),
        day: row.day.clone(),
        count,
        stated_at: now,
    })
}

/// `2026-11-22`, a day that the calendar has, written in no other way.
fn is_day(text: &str) -> bool {
    const DAY: &str = "%Y-%m-%d";
    NaiveDate::parse_from_str(text, DAY)
        .is_ok_and(|day| (1990..=9999).contains(&day.year()) && day.format(DAY).to_string() == text)
}

fn render(e: Expectation) -> v1::Expectation {
    v1::Expectation {
        source_system: e.source_system,
        matter_code: e.matter_code,
        day: e.day,
        count: e.count.cast_unsigned(),
        stated_at: e.stated_at,
    }
}

fn invalid(code: &str, zh: &str, en: &str) -> IngestError {
    IngestError::Refused(Problem::new(code, ErrorClass::Invalid, zh, en))
}

fn refuse(error: &IngestError) -> Status {
    status::report(&error.problem(), error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_one_of_the_calendar() {
        for day in ["2026-11-22", "2024-02-29", "1999-12-31"] {
            assert!(is_day(day), "{day}");
        }
        for day in ["2026-02-29", "2026-13-01", "2026-1-1", "2026/11/22", "", "20261122", "２０２６-11-22"]
        {
            assert!(!is_day(day), "{day}");
        }
    }
}
