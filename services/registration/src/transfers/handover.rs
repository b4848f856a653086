//! 电子档案移交与接收登记表 (domain.md 3.4), with the 数字摘要表 inside, under four people's signatures and two bodies'
//! seals. Blocking: reads keys. Its neighbours: `papers.rs` makes what it cites, `accept.rs` states it.

use std::path::Path;

use dengbei_chain::facts::TransferAccepted;
use dengbei_chain::{TransferCheck, TransferReport};
use dengbei_kit::seals::{SealKeys, Signed};
use dengbei_records::papers::{self, Body, Handover, HandoverCheck, Seal, Side};
use dengbei_records::{Sha256, Timestamp};

use super::papers::{Making, Papers, sealed};
use super::{WorkError, day};
use crate::store::documents::Held;
use crate::store::transfers::Signatories;

/// What the handover adds to the papers.
#[derive(Debug)]
pub(super) struct Signing {
    pub(super) unit: Signatories,
    pub(super) archive: Signatories,
    pub(super) unit_report: Option<TransferReport>,
    pub(super) archive_report: Option<TransferReport>,
}

/// The signed handover, and the two signatures that its event carries.
#[derive(Debug)]
pub(super) struct SignedHandover {
    pub(super) held: Held,
    pub(super) unit: ([u8; 32], [u8; 64]),
    pub(super) archive: ([u8; 32], [u8; 64]),
}

/// Makes and signs the handover.
pub(super) fn sign(making: &Making, papers: &Papers, signing: &Signing) -> Result<SignedHandover, WorkError> {
    let body = body(making, papers, signing);
    let (unit, archive) = (body.unit.clone(), body.archive.clone());
    let unit_keys = making.unit_keys()?;
    let archive_keys = SealKeys::open_or_make(&making.key_folder, "archive")?;
    let held = sealed(papers::HANDOVER, body, |digest| {
        let mut seals = side_seals(making, digest, ("unit", &unit), &unit_keys)?;
        seals.extend(side_seals(making, digest, ("archive", &archive), &archive_keys)?);
        Ok(seals)
    })?;
    let number = &making.transfer.number;
    let text = TransferAccepted::signed_text(&making.area, number, &papers.root(), &held.digest);
    Ok(SignedHandover {
        unit: (unit_keys.public(), unit_keys.sign(&text)),
        archive: (archive_keys.public(), archive_keys.sign(&text)),
        held,
    })
}

/// 填表人, 审核人 and the body's seal of one side, in this order.
fn side_seals(
    making: &Making,
    body: &Sha256,
    (role, side): (&str, &Side),
    seal: &SealKeys,
) -> Result<Vec<Seal>, WorkError> {
    let at = making.now;
    let person = |which: &str, name: &str| {
        let keys = person_keys(&making.key_folder, &side.body, name)?;
        let role = format!("{role}.{which}");
        Ok::<_, WorkError>(keys.seal_ed25519(&Signed {
            paper: papers::HANDOVER,
            body,
            role: &role,
            name,
            at,
        })?)
    };
    let role = format!("{role}.seal");
    let what = Signed { paper: papers::HANDOVER, body, role: &role, name: &side.body.name, at };
    Ok(vec![
        person("filled_by", &side.filled_by)?,
        person("reviewed_by", &side.reviewed_by)?,
        seal.seal_sm2(&what)?,
    ])
}

/// A person's own key: made at their first signature.
fn person_keys(folder: &Path, body: &Body, name: &str) -> Result<SealKeys, WorkError> {
    let digest = Sha256::of(format!("{}\n{name}", body.name).as_bytes()).to_string();
    let name = digest.get(..16).unwrap_or_default().to_owned();
    Ok(SealKeys::open_or_make(&folder.join("people"), &name)?)
}

fn body(making: &Making, papers: &Papers, signing: &Signing) -> Handover {
    let number = making.transfer.number.to_string();
    let side = |body: Body, who: &Signatories| Side {
        body,
        filled_by: who.filled_by.clone(),
        reviewed_by: who.reviewed_by.clone(),
        on: day(who.at),
    };
    Handover {
        title: title(making),
        content: content(making, papers),
        items: papers.items(),
        files: papers.rows.iter().map(|row| u64::from(row.files)).sum(),
        bytes: papers.bytes,
        gigabytes: papers::gigabytes(papers.bytes),
        carriers: carriers(papers),
        carrier: "在线".into(),
        checks: checks(papers, signing),
        unit: side(making.unit.clone(), &signing.unit),
        archive: side(making.archive.clone(), &signing.archive),
        copies: 2,
        catalogue: papers.catalogue.digest.to_string(),
        root: papers.root().to_string(),
        digests: papers.table.clone(),
        transfer_no: number,
    }
}

/// 交接工作名称: unit and fonds, years, batch.
fn title(making: &Making) -> String {
    let years: Vec<u16> = making.packs.iter().map(|p| p.year).collect();
    let span = match (years.iter().min(), years.iter().max()) {
        (Some(first), Some(last)) if first != last => format!("{first}-{last}"),
        (Some(first), _) => first.to_string(),
        _ => String::new(),
    };
    let Body { name, mark, .. } = &making.unit;
    format!("{name}（全宗{mark}）{span}年度电子档案移交进馆（{}）", making.transfer.number)
}

/// 内容描述: how much of which retention, and under which certificates.
fn content(making: &Making, papers: &Papers) -> String {
    let mut classes: Vec<(&str, usize)> = Vec::new();
    for row in &papers.rows {
        match classes.iter_mut().find(|(word, _)| *word == row.retention) {
            Some((_, count)) => *count += 1,
            None => classes.push((&row.retention, 1)),
        }
    }
    let classes: Vec<String> = classes.into_iter().map(|(word, count)| format!("{word}{count}件")).collect();
    let certificates: Vec<String> =
        making.transfer.certificates.iter().map(|c| c.number.to_string()).collect();
    format!("政务服务办件，{}；登记证书{}", classes.join("、"), certificates.join("、"))
}

/// 载体起止顺序号: the first and last pack.
fn carriers(papers: &Papers) -> String {
    let number = |at: Option<&dengbei_records::PackNumber>| at.map(ToString::to_string).unwrap_or_default();
    format!("{}—{}", number(papers.packs.first()), number(papers.packs.last()))
}

/// 检验内容, each side's finding.
fn checks(papers: &Papers, signing: &Signing) -> Vec<HandoverCheck> {
    let both = |property: &str, of: &dyn Fn(&TransferReport) -> String| {
        let side = |report: &Option<TransferReport>| report.as_ref().map(of).unwrap_or_else(|| "合格".into());
        HandoverCheck {
            property: property.into(),
            unit: side(&signing.unit_report),
            archive: side(&signing.archive_report),
        }
    };
    let mut lines: Vec<HandoverCheck> = [
        ("准确性", "authenticity"),
        ("完整性", "integrity"),
        ("可用性", "usability"),
        ("安全性", "security"),
    ]
    .iter()
    .map(|(word, property)| both(word, &|report| finding(report, property)))
    .collect();
    lines.push(both("载体外观", &|_| "在线移交，无实体载体".into()));
    lines.push(both("数字摘要", &|report| {
        format!(
            "SHA-256，核对存储包{}个，与摘要表一致{}个",
            report.receipts.len().max(papers.packs.len()),
            papers.packs.len()
        )
    }));
    lines
}

/// What a side found of one property: the unfit are out, so what is handed over is sound.
fn finding(report: &TransferReport, property: &str) -> String {
    let of_this: Vec<&TransferCheck> = report.checks.iter().filter(|c| c.property == property).collect();
    let unfit = report.unfit.iter().filter(|u| u.failed.iter().any(|id| of_this.iter().any(|c| c.id == *id)));
    match unfit.count() {
        0 => format!("合格（检测{}件，{}项，方案{}）", report.checked, of_this.len(), report.scheme),
        out => format!(
            "合格（检测{}件，{}项，方案{}；不合格{out}件已剔除）",
            report.checked,
            of_this.len(),
            report.scheme
        ),
    }
}

/// When the rule signs: now.
pub(super) fn by_rule(pair: &dengbei_records::policy::Pair, at: Timestamp) -> Signatories {
    Signatories { filled_by: pair.filled_by.clone(), reviewed_by: pair.reviewed_by.clone(), at }
}
