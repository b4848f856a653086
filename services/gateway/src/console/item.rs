//! `GET /items/{id}`: one item: state, code, files, what failed and how to mend it, and its history.

use axum::extract::{Path, Query, State};
use axum::response::{Html, IntoResponse, Response};
use dengbei_proto::v1::ItemSummary;
use dengbei_records::{FileEntry, Record};
use maud::{Markup, html};

use super::items::or_code;
use super::{Language, Page, Spoken, refused, station, words};
use crate::api::item_id;
use crate::api::items::{Known, known};
use crate::findings::Finding;
use crate::json;
use crate::service::Gateway;

/// The page.
pub(crate) async fn show(
    State(gateway): State<Gateway>,
    Path(id): Path<String>,
    Query(spoken): Query<Spoken>,
) -> Response {
    let language = spoken.language();
    let found = match item_id(&id) {
        Ok(item) => known(&gateway.peers, item).await,
        Err(refusal) => Err(refusal),
    };
    match found {
        Ok(known) => page(&known, &id, &gateway.area, language).into_response(),
        Err(refusal) => refused(&refusal, language),
    }
}

fn page(known: &Known, id: &str, area: &str, l: Language) -> Html<String> {
    let item = &known.item;
    let record: Option<Record> = known.holding.as_ref().and_then(|h| serde_json::from_slice(&h.record).ok());
    let title = if item.archival_code.is_empty() { id } else { &item.archival_code };
    let body = html! {
        div.columns {
            div {
                section.card { (facts(item, record.as_ref(), l)) }
                (checks(&known.findings, &item.failed, l))
                @if let Some(record) = &record { (files(&record.files, l)) }
                @if known.holding.is_none() {
                    section.card.notice { (l.say("登记服务无应答，文件与检测报告暂不可见。", "Registration does not answer: files and report cannot be shown.")) }
                }
            }
            section.card {
                h2 { (l.say("经过", "History")) }
                (station::line(&known.history, l))
            }
        }
    };
    Page::new(l, title).at(area, "/items").switching_to(format!("/items/{id}")).render(&body)
}

fn facts(item: &ItemSummary, record: Option<&Record>, l: Language) -> Markup {
    let id = json::id(&item.item).unwrap_or_default();
    html! {
        dl.facts {
            dt { (l.say("状态", "State")) } dd { (words::custody(&item.custody, l)) }
            dt { (l.say("标识", "Id")) } dd.mono { (id) }
            @if let Some(record) = record { dt { (l.say("题名", "Title")) } dd { (record.metadata.title) } }
            dt { (l.say("事项", "Matter")) } dd { (or_code(&item.matter_name, &item.matter_code)) " " @if !item.matter_name.is_empty() { span.mono.quiet { (item.matter_code) } } }
            dt { (l.say("立档单位", "Unit")) } dd { (or_code(&item.unit_name, &item.unit_uscc)) " " @if !item.unit_name.is_empty() { span.mono.quiet { (item.unit_uscc) } } }
            dt { (l.say("保管期限", "Kept")) } dd { (words::retention(&item.retention, l)) }
            dt { (l.say("数据版本", "Data version")) } dd { (item.data_version) }
            dt { (l.say("来源系统", "Source system")) } dd { (or_code(&item.source_system, "")) }
            @if item.pack > 0 { dt { (l.say("存储包", "Pack")) } dd.mono { (format!("{:08}", item.pack)) } }
            @if item.pack > 0 {
                dt { (l.say("取用", "Get")) }
                dd { a href={ "/v1/items/" (id) "/package" } { (l.say("存档信息包", "package")) } " · " a href={ "/v1/items/" (id) "/receipt" } { (l.say("存证回执", "receipt")) } }
            }
        }
    }
}

fn checks(found: &[Finding], failed: &[String], l: Language) -> Markup {
    let bare: Vec<&String> = failed.iter().filter(|id| !found.iter().any(|f| f.id == **id)).collect();
    if found.is_empty() && bare.is_empty() {
        return html! {};
    }
    html! {
        section.card {
            h2 { (l.say("检测发现", "Findings")) }
            table {
                thead { tr { th { (l.say("检测项", "Check")) } th { (l.say("位置", "Where")) } th { (l.say("说明", "What")) } th { (l.say("改正", "Remedy")) } } }
                tbody {
                    @for f in found {
                        tr {
                            td.code { span class={ "tag " (if f.is_blocking() { "bad" } else { "wait" }) } { (f.id) } }
                            td { (f.place) } td { (l.say(&f.message, &f.message_en)) } td { (f.remedy) }
                        }
                    }
                    @for id in bare { tr { td.code { span.tag.bad { (id) } } td colspan="3" {} } }
                }
            }
        }
    }
}

fn files(files: &[FileEntry], l: Language) -> Markup {
    html! {
        section.card {
            h2 { (l.say("归档文件", "Files")) }
            table {
                thead { tr {
                    th.number { (l.say("序号", "No.")) } th { (l.say("材料", "Material")) } th { (l.say("文件", "File")) }
                    th { (l.say("格式", "Format")) } th.number { (l.say("大小", "Size")) } th { "SM3" }
                } }
                tbody { @for entry in files { (file(entry, l)) } }
            }
        }
    }
}

fn file(entry: &FileEntry, l: Language) -> Markup {
    html! {
        tr {
            td.number { (entry.order) }
            td { (entry.material) span.quiet { " " (entry.range) } }
            @match &entry.file {
                Some(file) => {
                    td { (file.path) } td { (file.format) } td.number { (words::size(file.bytes)) }
                    td.mono title=(file.sm3) { (file.sm3.to_string().get(..12).unwrap_or_default()) "…" }
                },
                None => td.quiet colspan="4" { (l.say("纸质", "on paper")) },
            }
        }
    }
}
