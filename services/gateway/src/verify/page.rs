//! `/verify`: the form, and what came of it, in both languages. A certificate's number alone (`?certificate=…`, as the
//! code on the paper says) fetches the paper that this deployment issued under it.

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use dengbei_proto::v1;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::Value;

use super::{Checked, ProvenReceipt, check as checked, form};
use crate::console::{Language, Page, refused};
use crate::peers::{answered, question};
use crate::problem::Refusal;
use crate::service::Gateway;

/// Which certificate, in which language.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    certificate: String,
    #[serde(default)]
    lang: String,
}

/// The form; with a certificate's number, that certificate and whether it holds.
pub(super) async fn show(State(gateway): State<Gateway>, Query(asked): Query<Asked>) -> Response {
    let l = Language::from_name(&asked.lang);
    let number = asked.certificate.trim();
    if number.is_empty() {
        return page(l, &html! {}).into_response();
    }
    match issued(&gateway, number).await.and_then(|paper| checked(&gateway.keys, &paper)) {
        Ok(checked) => page(l, &result(&checked, l)).into_response(),
        Err(refusal) => refused(&refusal, l),
    }
}

/// The certificate as it was issued. Only what is a certificate's number is asked for: other papers are not public.
async fn issued(gateway: &Gateway, number: &str) -> Result<Bytes, Refusal> {
    let number: dengbei_records::SerialNo = number.parse().map_err(|_| {
        Refusal::invalid("certificate.number", "证书号有误（校验位不符）", "not a certificate's number")
    })?;
    let request =
        v1::PaperRequest { kind: "certificate".into(), id: number.to_string(), format: "json".into() };
    Ok(answered(gateway.peers.registration().paper(question(request)).await)?.body)
}

/// Checks the file that was sent.
pub(super) async fn check(
    State(gateway): State<Gateway>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let l = Language::from_name(&asked.lang);
    let kind = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default().to_owned();
    let outcome = match body {
        Err(_) => Err(Refusal::invalid("verify.too_large", "文件过大", "the file is too large")),
        Ok(body) => {
            let keys = gateway.keys.clone();
            let work = tokio::task::spawn_blocking(move || checked(&keys, form::file(&kind, &body)));
            work.await.unwrap_or_else(|_| {
                Err(Refusal::invalid("verify.failed", "无法核验", "could not be checked"))
            })
        }
    };
    match outcome {
        Ok(checked) => page(l, &result(&checked, l)).into_response(),
        Err(refusal) => {
            let problem = refusal.problem();
            let told = html! { section.card role="alert" { span.tag.bad { (l.say(&problem.message, &problem.message_en)) } } };
            (refusal.status(), page(l, &told)).into_response()
        }
    }
}

fn page(l: Language, result: &Markup) -> axum::response::Html<String> {
    let body = html! {
        (result)
        section.card {
            p { (l.say("核验存证回执（*.receipt.json）、登记证书或交接表的数据文件。无需登录，文件不留存。", "Checks an evidence receipt (*.receipt.json), or the data file of a certificate or a handover. No account is needed and nothing is kept.")) }
            form method="post" enctype="multipart/form-data" action=(l.link("/verify")) {
                p { label { (l.say("文件", "File")) " " input type="file" name="file" accept=".json,application/json" required; } }
                button { (l.say("核验", "Check")) }
            }
        }
        section.card {
            form.filters method="get" action="/verify" {
                label { (l.say("证书号", "Certificate number")) input name="certificate" size="32" required; }
                @if l == Language::English { input type="hidden" name="lang" value="en"; }
                button { (l.say("查询证书", "Look up")) }
            }
            p.quiet { (l.say("离线核验：dengbei verify 文件 --key register.pub", "Offline: dengbei verify FILE --key register.pub")) }
            p { @match l {
                Language::Chinese => a href="/verify?lang=en" lang="en" { "English" },
                Language::English => a href="/verify" lang="zh-CN" { "中文" },
            } }
        }
    };
    Page::new(l, l.say("核验", "Check")).render(&body)
}

fn result(checked: &Checked, l: Language) -> Markup {
    let is_valid = checked.verdict == "valid";
    html! {
        section.card role="status" data-verdict=(checked.verdict) {
            h2 {
                @if is_valid { span.tag.good { (l.say("真实有效", "valid")) } } @else { span.tag.bad { (l.say("不成立", "invalid")) } }
                " " (kind(&checked.kind, l))
            }
            @if let Some(receipt) = &checked.receipt { (proven(receipt, l)) }
            @if is_valid && checked.receipt.is_none() { (paper(checked, l)) }
            @for fault in &checked.detail {
                p { span.tag.bad { (fault.code) } " " (l.say(&fault.message, &fault.message_en)) " " span.mono.quiet { (fault.place) } }
            }
        }
    }
}

fn kind(kind: &str, l: Language) -> &str {
    match kind {
        "receipt" => l.say("存证回执", "evidence receipt"),
        "certificate/1" => l.say("登记证书", "registration certificate"),
        "handover/1" => l.say("电子档案移交与接收登记表", "handover"),
        "application/1" => l.say("登记申请表", "application"),
        "decision/1" => l.say("登记决定", "decision"),
        "digests/1" => l.say("电子档案数字摘要表", "table of digests"),
        "catalogue/1" => l.say("移交目录", "catalogue"),
        "filing/1" => l.say("归档电子文件登记表", "filing form"),
        "paper" => l.say("签章文件", "sealed paper"),
        other => other,
    }
}

fn proven(r: &ProvenReceipt, l: Language) -> Markup {
    let optional = [
        (l.say("登记号", "Registration"), r.registration_no.as_deref()),
        (l.say("证书号", "Certificate"), r.certificate_no.as_deref()),
        (l.say("移交号", "Transfer"), r.transfer_no.as_deref()),
    ];
    html! {
        dl.facts {
            dt { (l.say("档号", "Archival code")) } dd { (r.archival_code) }
            dt { (l.say("环节", "Stage")) } dd { (l.say(&r.stage_word, &r.stage)) }
            @for (word, value) in optional { @if let Some(value) = value { dt { (word) } dd.mono { (value) } } }
            @if !r.copies.is_empty() { dt { (l.say("备份点", "Copies")) } dd { (r.copies.join(l.say("、", ", "))) } }
            dt { (l.say("对象标识", "Item")) } dd.mono { (r.item) " v" (r.data_version) }
            dt { (l.say("登记簿", "Log")) } dd.mono { (r.origin) " " (r.log_size) }
        }
    }
}

/// What a paper says, as far as it fits: its own plain fields, and who sealed it.
fn paper(checked: &Checked, l: Language) -> Markup {
    let text = |key: &str| match checked.body.get(key) {
        Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
        Some(Value::Number(number)) => Some(number.to_string()),
        Some(Value::Object(body)) => body.get("name").and_then(Value::as_str).map(str::to_owned),
        _ => None,
    };
    let fields = [
        (l.say("证书号", "Certificate"), "certificate_no"),
        (l.say("登记号", "Registration"), "registration_no"),
        (l.say("移交号", "Transfer"), "transfer_no"),
        (l.say("登记机关", "Administration"), "administration"),
        (l.say("单位", "Unit"), "unit"),
        (l.say("年度", "Year"), "year"),
        (l.say("件数", "Items"), "items"),
        (l.say("登记日期", "Registered on"), "registered_on"),
        (l.say("有效期至", "Valid until"), "valid_until"),
        (l.say("签发时间", "Issued at"), "issued_at"),
    ];
    html! {
        dl.facts {
            @for (word, key) in fields { @if let Some(value) = text(key) { dt { (word) } dd { (value) } } }
            @for seal in &checked.seals { dt { (l.say("签章", "Seal")) } dd { (seal.name) " " span.quiet { (seal.algorithm) " " (seal.at) } } }
            @if let Some(digest) = &checked.body_digest { dt { "SHA-256" } dd.mono { (digest) } }
        }
    }
}
