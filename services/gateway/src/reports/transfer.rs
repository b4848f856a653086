//! 移交检测: one side's report of a transfer, whole or for one item of it.

use dengbei_chain::facts::{Side, TransferChecked};
use dengbei_chain::{TransferCheck, TransferReport, UnfitItem};
use dengbei_checks::{CheckId, Finding};
use dengbei_papers::report::{
    CheckLine, Part, Said, SchemeLine, UnfitLine, result_word, summary, verdict_word,
};
use dengbei_records::ItemId;

use super::time;

/// What one side's checks say about the whole of it.
pub(super) fn whole(report: &TransferReport, fact: &TransferChecked) -> Part {
    let checks: Vec<CheckLine> = report.checks.iter().map(line).collect();
    let verdict = if report.unfit.is_empty() { "passed" } else { "failed" };
    let (zh, en) = side(report.side);
    let (n, unfit) = (report.checked, report.unfit.len());
    let from: u32 = report.reused.iter().map(|r| r.items).sum();
    Part {
        title: Said::new(format!("移交检测（{zh}）"), format!("checks of a transfer, {en}")),
        stage: "Y".into(),
        verdict: verdict.into(),
        verdict_word: verdict_word(verdict),
        scheme: SchemeLine::read(&report.scheme),
        engine: report.engine.clone(),
        data_version: 0,
        began: String::new(),
        ended: time(report.checked_at),
        basis: Said::new(
            format!(
                "检测 {n} 件，不合格 {unfit} 件；在备份点 {} 的副本上进行。{from} 件沿用归档检测结论，其内容自归档起未变。",
                report.site
            ),
            format!(
                "{n} items, {unfit} unfit, on the copy of site {}. For {from} items the verdict of the filing run holds, as their bytes are the same.",
                report.site
            ),
        ),
        summary: summary(&checks),
        checks,
        persons: Vec::new(),
        rechecks: Vec::new(),
        sample: Said::default(),
        unfit: report.unfit.iter().map(unfit_line).collect(),
        digest: fact.report.digest.to_string(),
        digest_of: Said::new(
            "所附检测报告文档（stored 字段，规范 JSON）的 SHA-256，由 transfer.checked 事件引用；取用时已复算，相符。",
            "SHA-256 over the attached document (its field stored, in canonical JSON), cited by the event transfer.checked; recomputed when it was fetched: it agrees.",
        ),
        stored: serde_json::to_value(report).unwrap_or_default(),
    }
}

/// The same for one item: whether it was fit. The checks are those of the whole.
pub(super) fn about_item(report: &TransferReport, fact: &TransferChecked, item: ItemId) -> Part {
    let own: Vec<&UnfitItem> = report.unfit.iter().filter(|u| u.item == item).collect();
    let is_fit = own.is_empty() && report.list.members.iter().any(|m| m.item == item);
    let verdict = if is_fit { "passed" } else { "failed" };
    let all = whole(report, fact);
    let n = report.checked;
    Part {
        verdict: verdict.into(),
        verdict_word: verdict_word(verdict),
        basis: Said::new(
            format!(
                "该件{}；下列各项为移交 {} 全部 {n} 件的结果。{}",
                if is_fit { "合格" } else { "不合格，已剔除" },
                report.transfer_no,
                all.basis.zh
            ),
            format!(
                "This item is {}; the checks below are those of all {n} items of transfer {}. {}",
                if is_fit { "fit" } else { "unfit and was taken out" },
                report.transfer_no,
                all.basis.en
            ),
        ),
        unfit: own.into_iter().map(unfit_line).collect(),
        digest_of: Said::new(
            "移交检测报告文档（规范 JSON）的 SHA-256，由 transfer.checked 事件引用；全文见移交的检测报告。取用时已复算，相符。",
            "SHA-256 over the transfer's report (a document in canonical JSON), cited by the event transfer.checked; the transfer's own report holds it whole. Recomputed when it was fetched: it agrees.",
        ),
        stored: serde_json::Value::Null,
        ..all
    }
}

const fn side(side: Side) -> (&'static str, &'static str) {
    match side {
        Side::Unit => ("移交单位", "by the unit"),
        Side::Archive => ("接收单位", "by the archive"),
        Side::Storing => ("入库", "on storing"),
    }
}

fn line(c: &TransferCheck) -> CheckLine {
    let declared = c.id.parse::<CheckId>().ok().map(CheckId::declared);
    let basis = declared.map(|d| Said::new(d.basis, d.basis_en)).unwrap_or_default();
    let note = match c.reused.as_str() {
        "run" => Said::new("沿用归档检测结论", "the verdict of the filing run holds"),
        _ => Said::default(),
    };
    CheckLine {
        id: c.id.clone(),
        alias: c.alias.clone(),
        name: Said::new(&c.name, &c.name_en),
        property: c.property.clone(),
        severity: c.severity.clone(),
        result: c.result.clone(),
        result_word: result_word(&c.result),
        compared: c.compared,
        basis,
        evidence: Vec::new(),
        findings: c.findings.iter().map(|text| finding(text)).collect(),
        office: Said::default(),
        note,
    }
}

/// A line of a transfer's report: `中文 / English`.
fn finding(text: &str) -> Finding {
    let (zh, en) = text.split_once(" / ").unwrap_or((text, ""));
    Finding {
        place: String::new(),
        message: zh.into(),
        message_en: en.into(),
        remedy: String::new(),
        remedy_en: String::new(),
    }
}

fn unfit_line(u: &UnfitItem) -> UnfitLine {
    UnfitLine {
        code: u.archival_code.as_ref().map_or_else(|| u.item.to_string(), ToString::to_string),
        failed: u.failed.clone(),
        message: Said::new(&u.message, &u.message_en),
        remedy: u.remedy.clone(),
    }
}
