//! Every field of every paper is printed: what is in the data can be read on the page.
#![allow(missing_docs, clippy::unwrap_used, reason = "a test may fail where it stands")]

mod common;
mod pages;

use dengbei_papers::Press;
use serde_json::Value;

/// Where a value may stand on the page in other words.
fn printings(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => {
            let mut out = vec![text.clone()];
            out.extend(day(text));
            let words = [
                ("primary", "主站"),
                ("archive", "档案馆"),
                ("remote", "异地"),
                ("unit.filled_by", "填表人"),
                ("unit.reviewed_by", "审核人"),
                ("unit.seal", "印章"),
                ("archive.filled_by", "接收单位填表人"),
                ("archive.reviewed_by", "接收单位审核人"),
                ("archive.seal", "接收单位印章"),
                ("administration.accepted_by", "登记机关受理人"),
                ("administration.reviewed_by", "登记机关审核人"),
                ("administration.seal", "登记机关印章"),
            ];
            out.extend(words.iter().filter(|row| row.0 == text).map(|row| row.1.to_owned()));
            out
        }
        Value::Number(number) => vec![grouped(&number.to_string())],
        Value::Bool(true) => vec!["予以登记".into()],
        Value::Bool(false) => vec!["不予登记".into()],
        _ => Vec::new(),
    }
}

fn day(text: &str) -> Option<String> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<u32>().ok();
    let date = format!("{}年{}月{}日", number(0, 4)?, number(5, 7)?, number(8, 10)?);
    Some(text.get(11..19).map_or(date.clone(), |time| format!("{date} {time}")))
}

fn grouped(digits: &str) -> String {
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn leaves(path: &str, value: &Value, out: &mut Vec<(String, Value)>) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                leaves(&format!("{path}.{name}"), field, out);
            }
        }
        Value::Array(rows) => {
            for (n, row) in rows.iter().enumerate() {
                leaves(&format!("{path}[{n}]"), row, out);
            }
        }
        leaf => out.push((path.to_owned(), leaf.clone())),
    }
}

/// Not on the page on purpose: which kind of paper the data is, and the salt, which only the data needs.
const UNPRINTED: [&str; 2] = [".paper", ".salt"];

#[test]
fn every_field_of_every_paper_is_on_the_page() {
    let press = Press::open().unwrap();
    for (kind, json) in common::all() {
        let pdf = press.pdf(kind, &json).unwrap();
        let words = pages::words(&pdf);
        let mut fields = Vec::new();
        leaves("", &serde_json::from_slice(&json).unwrap(), &mut fields);
        assert!(fields.len() > 5, "{kind}: {fields:?}");
        for (path, value) in fields.iter().filter(|field| !UNPRINTED.contains(&field.0.as_str())) {
            let printings: Vec<String> = printings(value)
                .iter()
                .chain([&value.to_string().trim_matches('"').to_owned()])
                .map(|text| text.chars().filter(|c| !c.is_whitespace()).collect())
                .collect();
            assert!(
                printings.iter().any(|text| words.contains(text)),
                "{kind}{path}: {printings:?} in {words}"
            );
        }
    }
}

#[test]
fn a_paper_carries_its_data_byte_for_byte() {
    let press = Press::open().unwrap();
    for (kind, json) in common::all() {
        assert_eq!(pages::attachment(&press.pdf(kind, &json).unwrap()), json, "{kind}");
    }
}

#[test]
fn the_certificate_says_what_offices_look_for() {
    let words =
        pages::words(&dengbei_papers::pdf("certificate", &common::json(&common::certificate())).unwrap());
    for fact in [
        "登记证书",
        "证书号ZS-330411-2026-1-000017-6",
        "登记号DJ-330411-2026-1-000021-3",
        "秀洲区自然资源和规划局申请登记的下列电子档案",
        "统一社会信用代码11330411MAXX00017T",
        "全宗号J021",
        "723件",
        "2,169个文件",
        "0.121GB（120,662,528字节）",
        "第31—32、34号，共3个",
        "算法RFC6962-SM3",
        "含䶮、㛃、𬭎字人名",
        "登记日期2026年11月22日",
        "有效期至2027年6月30日",
        "备份副本primary（主站，在线）、archive（档案馆，在线）、remote（异地，在线）",
        "第1页共2页",
        "第2页共2页",
        "SM2-SM3",
    ] {
        assert!(words.contains(fact), "{fact} in {words}");
    }
}

#[test]
fn the_handover_form_has_one_sheet_for_each_side() {
    let words = pages::words(&dengbei_papers::pdf("handover", &common::json(&common::handover())).unwrap());
    for fact in [
        "第一联移交单位存",
        "第二联接收单位存",
        "本表一式两份",
        "准确性检验",
        "载体外观检验",
        "电子档案数字摘要表",
    ] {
        assert!(words.contains(fact), "{fact} in {words}");
    }
    assert_eq!(words.matches("填表人（签名）").count(), 2);
    assert_eq!(words.matches("移交载体类型、规格").count(), 2);
}

#[test]
fn a_digest_table_can_be_drawn_from_its_handover() {
    let words = pages::words(&dengbei_papers::pdf("digests", &common::json(&common::handover())).unwrap());
    for fact in ["电子档案数字摘要表", "移交号YJ-330411-2026-1-000004-9", "2026年11月23日", "接收单位印章"]
    {
        assert!(words.contains(fact), "{fact} in {words}");
    }
}

#[test]
fn a_refusal_says_so_and_names_no_registration_number() {
    let mut decision = common::decision();
    decision.body.is_registered = false;
    decision.body.registration_no = String::new();
    decision.body.reasons = vec!["digest.differs".into()];
    let words = pages::words(&dengbei_papers::pdf("registration", &common::json(&decision)).unwrap());
    for fact in ["不予登记决定书", "不予登记，不编登记号", "digest.differs"] {
        assert!(words.contains(fact), "{fact} in {words}");
    }
}

#[test]
fn a_form_without_signatures_is_drawn_with_room_for_them() {
    let mut handover = common::handover();
    handover.seals.clear();
    handover.body.unit.on = String::new();
    handover.body.archive.on = String::new();
    let words = pages::words(&dengbei_papers::pdf("handover", &common::json(&handover)).unwrap());
    assert_eq!(words.matches("（印章）（印章）").count(), 2, "{words}");
}
