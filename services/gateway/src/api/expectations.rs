//! `PUT /v1/expectations`: what sources state they closed (应归), for the quality monitor.

use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use dengbei_proto::v1;
use dengbei_records::{ErrorClass, Problem};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::not_json;
use super::problems::Problems;
use crate::accounts::Entry;
use crate::door::Who;
use crate::peers::{answered, question};
use crate::problem::Refusal;
use crate::service::Gateway;

/// What a source states it closed on a day.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expectation {
    /// 来源系统; empty: the one that the token is bound to
    #[serde(default)]
    source_system: String,
    /// 权力事项编码
    matter_code: String,
    /// 办结日, YYYY-MM-DD
    day: String,
    /// 办结件数
    count: u32,
}

/// Statements; a later one about the same source, matter and day replaces.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expectations {
    /// 1 to 10,000
    expectations: Vec<Expectation>,
}

/// What became of statements.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Stated {
    stated: u32,
    replaced: u32,
    unchanged: u32,
}

/// State how many items of a matter were closed on a day (应归)
#[utoipa::path(put, path = "/v1/expectations", operation_id = "putExpectations", tag = "quality",
    request_body(content = Expectations, description = "by source, matter and day"),
    responses((status = 200, description = "kept", body = Stated), Problems))]
pub(crate) async fn expect(
    State(gateway): State<Gateway>,
    who: Who,
    body: Result<Json<Expectations>, JsonRejection>,
) -> Result<Json<Stated>, Refusal> {
    let Json(body) = body.map_err(|e| not_json(&e))?;
    let expectations =
        body.expectations.into_iter().map(|e| in_its_name(e, who.source())).collect::<Result<Vec<_>, _>>()?;
    let detail = expectations.len().to_string();
    gateway
        .audit
        .does(&who, Entry { action: "quality.expect", object: "expectations", detail: &detail })
        .await?;
    let request = question(v1::ExpectRequest { expectations });
    let v1::ExpectReply { stated, replaced, unchanged } =
        answered(gateway.peers.intake().expect(request).await)?;
    Ok(Json(Stated { stated, replaced, unchanged }))
}

/// A system's own token speaks for that system alone.
fn in_its_name(e: Expectation, bound: &str) -> Result<v1::Expectation, Refusal> {
    let named = e.source_system.trim();
    if !bound.is_empty() && !named.is_empty() && named != bound {
        let zh = format!("此令牌属于来源系统 {bound}，不能代 {named} 填报");
        let en = format!("this token is the one of {bound}: it cannot state for {named}");
        let problem = Problem::new("expectation.other_source", ErrorClass::Invalid, zh, en);
        return Err(Refusal::with_status(StatusCode::FORBIDDEN, problem));
    }
    let source_system = if named.is_empty() { bound } else { named };
    Ok(v1::Expectation {
        source_system: source_system.to_owned(),
        matter_code: e.matter_code,
        day: e.day,
        count: e.count,
        stated_at: 0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_systems_token_states_for_that_system_alone() {
        let stated = |source: &str| Expectation {
            source_system: source.into(),
            matter_code: "m".into(),
            day: "2026-11-02".into(),
            count: 1,
        };
        assert_eq!(in_its_name(stated(""), "ZWFW").unwrap().source_system, "ZWFW");
        assert_eq!(in_its_name(stated("OA"), "").unwrap().source_system, "OA");
        assert_eq!(in_its_name(stated("OA"), "ZWFW").unwrap_err().status(), StatusCode::FORBIDDEN);
    }
}
