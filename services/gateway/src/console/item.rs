//! `GET /items/{id}`: one item: how far it has come, its files, what was checked, where its copies are, its history.

use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use dengbei_proto::v1::{self, ItemSummary};
use dengbei_records::{FileEntry, Problem, Record};
use maud::{Markup, html};

use super::pieces::{self, Step, or_code, or_dash};
use super::view::{View, away};
use super::words::{self, Of};
use super::{Language, asked, pack, rechecks, report, station};
use crate::api::item_id;
use crate::api::items::{Known, known, saw};
use crate::json;

/// The page.
pub(super) async fn show(view: View, Path(id): Path<String>) -> Response {
    let found = match item_id(&id) {
        Ok(item) => known(view.peers(), item).await,
        Err(refusal) => Err(refusal),
    };
    let known = match found {
        Ok(known) => known,
        Err(refusal) => return view.refused(refusal, "/items"),
    };
    if let Ok(item) = item_id(&id) {
        saw(&view.gateway, &view.who, "item.view", item);
    }
    let copies = match known.item.pack {
        0 => None,
        number => Some(asked::copies(view.peers(), number).await),
    };
    let looked = match item_id(&id) {
        Ok(item) => rechecks::look(&view, item, known.holding.as_ref()).await,
        Err(_) => None,
    };
    let looked = looked.map(|looked| rechecks::card(&looked, &id, view.person(), view.l));
    let title = if known.item.archival_code.is_empty() { &id } else { &known.item.archival_code };
    let body = body(&known, copies.as_ref(), looked.as_ref(), view.l);
    let page = view.page(title, "/items").under("", title).beside(actions(&known.item, view.l));
    page.render(&body).into_response()
}

fn actions(item: &ItemSummary, l: Language) -> Markup {
    let id = json::id(&item.item).unwrap_or_default();
    html! {
        a.button href=(l.link(&format!("/items/{id}/report"))) { (l.say("检测报告", "Report of checks")) }
        @if item.pack > 0 {
            a.button href={ "/v1/items/" (id) "/receipt" } download { (l.say("存证回执", "Evidence receipt")) }
            a.button href={ "/v1/items/" (id) "/package" } download { (l.say("下载信息包", "Package")) }
        }
    }
}

fn body(
    known: &Known,
    copies: Option<&Result<v1::CopiesReply, Problem>>,
    looked: Option<&Markup>,
    l: Language,
) -> Markup {
    let item = &known.item;
    let record: Option<Record> = known.holding.as_ref().and_then(|h| serde_json::from_slice(&h.record).ok());
    html! {
        section.card { (stages(known, l)) }
        div.columns {
            div {
                section.card { (facts(item, record.as_ref(), l)) }
                (report::findings(&known.findings, &item.failed, l))
                @if let Some(record) = &record { (files(&record.files, l)) }
                @match copies {
                    Some(Ok(copies)) => (pack::copies(copies, l)),
                    Some(Err(problem)) => (away(l.say("副本", "Copies"), problem, l)),
                    None => {},
                }
                @match &known.holding {
                    Some(holding) => (report::whole(&holding.report, &json::id(&item.item).unwrap_or_default(), l)),
                    None => section.card.notice { (l.say("登记服务无应答，文件与检测报告暂不可见。", "Registration does not answer: files and report cannot be shown.")) },
                }
                @if let Some(looked) = looked { (looked) }
            }
            section.card {
                h2 { (l.say("经过", "History")) span.unit { (known.history.len()) (l.say(" 步", " steps")) } }
                (station::line(&known.history, l))
            }
        }
    }
}

/// How far it has come. What the archive does not take ends with its certificate.
fn stages(known: &Known, l: Language) -> Markup {
    let item = &known.item;
    let at = |fact: &str| known.history.iter().rfind(|e| e.fact == fact).map_or(0, |e| e.recorded_at);
    let custody = |names: &[&str]| names.contains(&item.custody.as_str());
    let registered = |names: &[&str]| names.contains(&item.registration.as_str());
    let mut steps = vec![
        (
            l.say("预归档", "Pre-filed"),
            "item.prefiled",
            custody(&["prefiled", "planned", "filed", "accessioned"]),
        ),
        (l.say("正式归档", "Filed"), "item.filed", custody(&["filed", "accessioned"])),
        (
            l.say("登记", "Registered"),
            "batch.registered",
            registered(&["registered", "backed_up", "certified"]),
        ),
        (l.say("备份达标", "Backed up"), "pack.secured", registered(&["backed_up", "certified"])),
        (l.say("发证", "Certified"), "certificate.issued", registered(&["certified"])),
    ];
    if item.in_archive_range {
        steps.push((l.say("进馆", "Accessioned"), "item.accessioned", custody(&["accessioned"])));
    }
    let steps: Vec<Step<'_>> =
        steps.into_iter().map(|(word, fact, is_done)| Step { word, at: at(fact), is_done }).collect();
    pieces::steps(&steps, l)
}

fn facts(item: &ItemSummary, record: Option<&Record>, l: Language) -> Markup {
    let id = json::id(&item.item).unwrap_or_default();
    let code = |name: &str, code: &str| html! { (or_code(name, code)) @if !name.is_empty() { " " span.mono.quiet { (code) } } };
    html! {
        dl.facts {
            dt { (l.say("状态", "State")) }
            dd {
                (words::tag(Of::Custody, &item.custody, l)) " " (words::tag(Of::Registration, &item.registration, l)) " "
                (words::tag(Of::Preservation, &item.preservation, l))
            }
            @if let Some(record) = record { dt { (l.say("题名", "Title")) } dd { (record.metadata.title) } }
            dt { (l.say("事项", "Matter")) } dd { (code(&item.matter_name, &item.matter_code)) }
            dt { (l.say("立档单位", "Unit")) } dd { (code(&item.unit_name, &item.unit_uscc)) }
            @if let Some(record) = record {
                dt { (l.say("全宗、年度", "Fonds, year")) } dd { span.mono { (record.fonds_no) } " · " (record.year) }
                dt { (l.say("办结", "Closed")) } dd { (or_dash(&record.metadata.close_time)) " " (record.metadata.result) }
            }
            dt { (l.say("保管期限", "Kept")) }
            dd { (words::retention(&item.retention, l)) @if !item.in_archive_range && !item.retention.is_empty() { " " span.quiet { (l.say("（不属进馆范围，由立档单位保管）", "(stays with the unit)")) } } }
            dt { (l.say("存储包", "Pack")) } dd { (pieces::pack(item.pack, l)) }
            dt { (l.say("登记", "Registration")) } dd { (pieces::batch(&item.batch, &item.registration_no, l)) }
            dt { (l.say("登记证书", "Certificate")) } dd { (pieces::certificate(&item.certificate_no, l)) }
            dt { (l.say("移交", "Transfer")) } dd { (pieces::transfer(&item.transfer_no, l)) }
            dt { (l.say("来源系统", "Source system")) } dd { (or_dash(&item.source_system)) " · " (l.say("数据版本 ", "data version ")) (item.data_version) }
            dt { (l.say("对象标识", "Id")) } dd.mono { (id) }
        }
    }
}

fn files(files: &[FileEntry], l: Language) -> Markup {
    html! {
        section.card {
            h2 { (l.say("归档文件", "Files")) span.unit { (files.len()) (l.say(" 份", " rows")) } }
            div.scroll tabindex="0" {
                table {
                    thead { tr {
                        th.number { (l.say("序号", "No.")) } th { (l.say("材料", "Material")) } th { (l.say("文件", "File")) }
                        th { (l.say("格式", "Format")) } th.number { (l.say("大小", "Size")) } th { "SM3" } th { "SHA-512" }
                    } }
                    tbody { @for entry in files { (file(entry, l)) } }
                }
            }
        }
    }
}

fn file(entry: &FileEntry, l: Language) -> Markup {
    html! {
        tr {
            td.number { (entry.order) }
            td { (entry.material) " " span.quiet { (entry.range) } }
            @match &entry.file {
                Some(file) => {
                    td { (file.path) } td.short { (file.format) } td.number { (words::size(file.bytes)) }
                    td.code { (digest(&file.sm3.to_string())) } td.code { (digest(&file.sha512.to_string())) }
                },
                None => td.quiet colspan="5" { (l.say("纸质", "on paper")) },
            }
        }
    }
}

fn digest(text: &str) -> Markup {
    html! { span.mono title=(text) { (text.get(..10).unwrap_or(text)) "…" } }
}
