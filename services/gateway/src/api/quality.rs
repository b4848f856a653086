//! `GET /v1/quality`: what arrives and how it fares, as JSON ([`shown`]) or as one of its tables in CSV ([`table`]).

mod shown;
mod table;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use self::shown::QualityFigures;
use super::not_a_query;
use super::problems::Problems;
use crate::problem::Refusal;
use crate::quality::{self, Period};
use crate::service::Gateway;

/// How it is written.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub(crate) struct Written {
    /// csv, json; else by Accept
    #[serde(default)]
    format: String,
    /// Of CSV: closings, matters, units, departments, weeks, days, failed, sources
    #[serde(default)]
    table: String,
}

/// The quality monitor: what arrives against what was closed, and how it fares
#[utoipa::path(get, path = "/v1/quality", operation_id = "getQuality", tag = "quality", params(Period, Written),
    responses((status = 200, description = "by matter, unit, office, source, week, day and check; or one of the tables as CSV", body = QualityFigures), Problems))]
pub(crate) async fn quality(
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    period: Result<Query<Period>, QueryRejection>,
    written: Result<Query<Written>, QueryRejection>,
) -> Result<Response, Refusal> {
    let Query(period) = period.map_err(|e| not_a_query(&e))?;
    let Query(written) = written.map_err(|e| not_a_query(&e))?;
    let monitor = quality::of(&gateway.peers, &period).await?;
    let accepted = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let is_csv = match written.format.as_str() {
        "" => accepted.starts_with("text/csv"),
        format => format == "csv",
    };
    if is_csv {
        table::csv(&monitor, &written.table)
    } else {
        Ok(Json(QualityFigures::from(&monitor)).into_response())
    }
}
