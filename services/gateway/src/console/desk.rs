//! What the desk decides: the forms' way to registration. Each leads back to what it was about.

use axum::Form;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use bytes::Bytes;

use super::view::View;
use crate::api::registrations::Decision;
use crate::api::transfers::Signing;
use crate::api::{self, uuid};
use crate::json;
use crate::problem::Refusal;

/// Fields of a form, in order; a name may stand more than once.
type Fields = Form<Vec<(String, String)>>;

fn one(fields: &Fields, name: &str) -> String {
    fields.iter().find(|(n, _)| n == name).map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
}

fn all(fields: &Fields, name: &str) -> Vec<String> {
    let values = fields.iter().filter(|(n, _)| n == name).map(|(_, value)| value.trim());
    values.filter(|value| !value.is_empty()).map(ToOwned::to_owned).collect()
}

/// 申请登记 by hand, for packs that are chosen.
pub(super) async fn apply(view: View, fields: Fields) -> Response {
    let packs: Vec<u64> = all(&fields, "pack").iter().filter_map(|n| n.parse().ok()).collect();
    if packs.is_empty() {
        let (zh, en) = ("未选择存储包", "no pack is chosen");
        return view.refused(Refusal::invalid("batch.no_packs", zh, en), "/registrations");
    }
    let decision = Decision { step: "apply".into(), by: one(&fields, "by"), ..Decision::default() };
    decided(&view, (Bytes::new(), packs), decision).await
}

/// One step of a batch.
pub(super) async fn decide(view: View, Path(batch): Path<String>, fields: Fields) -> Response {
    let batch = match uuid(&batch) {
        Ok(batch) => batch,
        Err(refusal) => return view.refused(refusal, "/registrations"),
    };
    let decision = Decision {
        step: one(&fields, "step"),
        by: one(&fields, "by"),
        note: one(&fields, "note"),
        reasons: all(&fields, "reason"),
    };
    decided(&view, (batch, Vec::new()), decision).await
}

async fn decided(view: &View, about: (Bytes, Vec<u64>), decision: Decision) -> Response {
    match api::registrations::decide(&view.gateway, &view.who, about, decision).await {
        Ok(reply) => {
            let id = reply.batch.and_then(|batch| json::id(&batch.batch)).unwrap_or_default();
            Redirect::to(&view.l.link(&format!("/registrations/{id}"))).into_response()
        }
        Err(refusal) => view.refused(refusal, "/registrations"),
    }
}

/// 移交 by hand: what is certified is put together.
pub(super) async fn propose(view: View, fields: Fields) -> Response {
    let batches: Result<Vec<_>, Refusal> = all(&fields, "batch").iter().map(|id| uuid(id)).collect();
    let batches = match batches {
        Ok(batches) if batches.is_empty() => {
            let (zh, en) = ("未选择登记批", "no batch is chosen");
            return view.refused(Refusal::invalid("transfer.no_batches", zh, en), "/transfers");
        }
        Ok(batches) => batches,
        Err(refusal) => return view.refused(refusal, "/transfers"),
    };
    let signing = Signing { step: "propose".into(), filled_by: one(&fields, "by"), ..Signing::default() };
    transferred(&view, (String::new(), batches), signing).await
}

/// Signs one side of a transfer, or sends it back.
pub(super) async fn sign(view: View, Path(transfer_no): Path<String>, fields: Fields) -> Response {
    let signing = Signing {
        step: one(&fields, "step"),
        filled_by: one(&fields, "filled_by"),
        reviewed_by: one(&fields, "reviewed_by"),
        note: one(&fields, "note"),
        reasons: all(&fields, "reason"),
    };
    transferred(&view, (transfer_no, Vec::new()), signing).await
}

async fn transferred(view: &View, about: (String, Vec<Bytes>), signing: Signing) -> Response {
    match api::transfers::decide(&view.gateway, &view.who, about, signing).await {
        Ok(reply) => {
            let number = reply.transfer.unwrap_or_default().transfer_no;
            Redirect::to(&view.l.link(&format!("/transfers/{number}"))).into_response()
        }
        Err(refusal) => view.refused(refusal, "/transfers"),
    }
}
