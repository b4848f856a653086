//! `GET /v1/figures`: how many items are where, by state, unit, day and failed check.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use dengbei_proto::v1;
use serde::Serialize;
use utoipa::ToSchema;

use super::problems::Problems;
use crate::json::Unit;
use crate::peers::{answered, question};
use crate::problem::Refusal;
use crate::service::Gateway;

/// One unit's items: 应归, 已归 and what came of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UnitFigures {
    unit: Unit,
    prefiled: u64,
    filed: u64,
    returned: u64,
    certified: u64,
    accessioned: u64,
}

/// One day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DayFigures {
    /// YYYY-MM-DD, Beijing time
    day: String,
    prefiled: u64,
    filed: u64,
    returned: u64,
    accessioned: u64,
}

/// How many items are where.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Figures {
    /// By 保管权
    custody: BTreeMap<String, u64>,
    /// By 登记
    registration: BTreeMap<String, u64>,
    /// By 保存
    preservation: BTreeMap<String, u64>,
    units: Vec<UnitFigures>,
    days: Vec<DayFigures>,
    /// Items returned or refused, by check id
    failed: BTreeMap<String, u64>,
    events: u64,
    log_index: u64,
}

/// How many items are where
#[utoipa::path(get, path = "/v1/figures", operation_id = "getFigures", tag = "operations",
    responses((status = 200, description = "by state, unit, day and failed check", body = Figures), Problems))]
pub(crate) async fn figures(State(gateway): State<Gateway>) -> Result<Json<Figures>, Refusal> {
    let f = answered(gateway.peers.query().figures(question(v1::FiguresRequest {})).await)?;
    let unit = |u: v1::UnitFigures| UnitFigures {
        unit: Unit { uscc: u.unit_uscc, name: u.unit_name },
        prefiled: u.prefiled,
        filed: u.filed,
        returned: u.returned,
        certified: u.certified,
        accessioned: u.accessioned,
    };
    let day = |d: v1::Day| DayFigures {
        day: d.day,
        prefiled: d.prefiled,
        filed: d.filed,
        returned: d.returned,
        accessioned: d.accessioned,
    };
    Ok(Json(Figures {
        custody: f.custody.into_iter().collect(),
        registration: f.registration.into_iter().collect(),
        preservation: f.preservation.into_iter().collect(),
        units: f.units.into_iter().map(unit).collect(),
        days: f.days.into_iter().map(day).collect(),
        failed: f.failed.into_iter().collect(),
        events: f.events,
        log_index: f.log_index,
    }))
}
