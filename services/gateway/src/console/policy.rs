//! `/policies/{unit}`: one unit's rule, to be looked at and changed.

use axum::Form;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use dengbei_records::policy::{Mode, Pair, TransferRule, UnitPolicy};
use dengbei_records::{ErrorClass, Problem, Retention};
use maud::{Markup, html};

use super::policies::{DEFAULT, mode, rule, transfer};
use super::view::View;
use super::{Language, words};
use crate::api;
use crate::problem::Refusal;

/// Years after closing that the form begins with.
const YEARS: u16 = 5;

/// The page.
pub(super) async fn show(view: View, Path(unit): Path<String>) -> Response {
    let l = view.l;
    match rule(&view, &unit).await {
        Ok((policy, is_default)) => {
            let body = html! {
                @if is_default && unit != DEFAULT { section.card.notice.calm { p { (l.say("该单位适用全区默认规则；保存后为其单立规则。", "The area's default holds for this unit; saving gives it a rule of its own.")) } } }
                section.card { (form(&unit, &policy, l)) }
            };
            let name =
                if unit == DEFAULT { l.say("全区默认规则", "The area's default") } else { &unit };
            view.page(name, "/policies").under("", name).render(&body).into_response()
        }
        Err(problem) => view.refused(problem, "/policies"),
    }
}

pub(super) fn unreadable() -> Problem {
    let (zh, en) = ("规则数据无法读取", "the rule's data cannot be read");
    Problem::new("policy.unreadable", ErrorClass::Internal, zh, en)
}

fn form(unit: &str, p: &UnitPolicy, l: Language) -> Markup {
    let years = if let TransferRule::AfterYears(n) = p.transfer { n } else { YEARS };
    let is_years = matches!(p.transfer, TransferRule::AfterYears(_));
    html! {
        form.rule method="post" action=(l.link(&format!("/policies/{unit}"))) {
            input type="hidden" name="version" value=(p.version);
            fieldset {
                legend { (l.say("登记", "Registration")) }
                @for (name, value) in [("automatic", Mode::Automatic), ("desk", Mode::Desk)] { (radio("registration", name, mode(value, l), p.registration == value)) }
            }
            fieldset {
                legend { (l.say("移交进馆", "Transfer to the archive")) }
                @for (name, value) in [("at_once", TransferRule::AtOnce), ("monthly", TransferRule::Monthly), ("by_hand", TransferRule::ByHand)] { (radio("transfer", name, &transfer(value, l), p.transfer == value)) }
                label.choice { input type="radio" name="transfer" value="after_years" checked[is_years]; (l.say("办结满", "after")) input type="number" name="years" value=(years) min="1" max="50" aria-label=(l.say("年数", "years")); (l.say("年移交", "years")) }
            }
            fieldset {
                legend { (l.say("进馆范围", "What the archive takes")) }
                @for (code, word) in words::retentions(l) {
                    label.choice { input type="checkbox" name="range" value=(code) checked[p.archive_range.iter().any(|r| r.code() == code)]; (word) }
                }
            }
            (signatories(p, l))
            div.go { button { (l.say("保存规则", "Save")) } a.button href=(l.link("/policies")) { (l.say("取消", "Cancel")) } span.quiet { (l.say("版本 ", "version ")) (p.version) } }
        }
    }
}

fn radio(name: &str, value: &str, word: &str, is_chosen: bool) -> Markup {
    html! { label.choice { input type="radio" name=(name) value=(value) checked[is_chosen]; (word) } }
}

fn signatories(p: &UnitPolicy, l: Language) -> Markup {
    let people = [
        ("unit_filled_by", l.say("立档单位填表人", "Unit: filled in by"), &p.unit.filled_by),
        ("unit_reviewed_by", l.say("立档单位审核人", "Unit: reviewed by"), &p.unit.reviewed_by),
        ("archive_filled_by", l.say("档案馆填表人", "Archive: filled in by"), &p.archive.filled_by),
        ("archive_reviewed_by", l.say("档案馆审核人", "Archive: reviewed by"), &p.archive.reviewed_by),
        ("registrar", l.say("登记机关经办", "Administration: registrar"), &p.registrar),
        ("reviewer", l.say("登记机关审核", "Administration: reviewer"), &p.reviewer),
    ];
    html! {
        fieldset.people {
            legend { (l.say("签字人（经办与审核须为两人）", "Signatories (two different people each)")) }
            @for (name, word, value) in people { label { (word) input name=(name) value=(value) required maxlength="64" autocomplete="off"; } }
        }
    }
}

/// Saves the rule as its next version and shows all.
pub(super) async fn save(
    view: View,
    Path(unit): Path<String>,
    fields: Form<Vec<(String, String)>>,
) -> Response {
    let policy = match read(&fields) {
        Ok(policy) => policy,
        Err(refusal) => return view.refused(refusal, "/policies"),
    };
    let unit = if unit == DEFAULT { "" } else { &unit };
    match api::policies::set(&view.gateway, &view.who, unit, &policy).await {
        Ok(_) => Redirect::to(&view.l.link("/policies")).into_response(),
        Err(refusal) => view.refused(refusal, "/policies"),
    }
}

fn read(fields: &[(String, String)]) -> Result<UnitPolicy, Refusal> {
    let one = |name: &str| fields.iter().find(|(n, _)| n == name).map_or("", |(_, value)| value.trim());
    let invalid = |what: &str| {
        Refusal::invalid("policy.field", format!("规则项无效：{what}"), format!("not valid: {what}"))
    };
    let number = |name: &str| one(name).parse::<u16>().map_err(|_| invalid(name));
    let pair = |side: &str| Pair {
        filled_by: one(&format!("{side}_filled_by")).into(),
        reviewed_by: one(&format!("{side}_reviewed_by")).into(),
    };
    let range = fields.iter().filter(|(name, _)| name == "range");
    let policy = UnitPolicy {
        version: u32::from(number("version")?) + 1,
        registration: match one("registration") {
            "automatic" => Mode::Automatic,
            "desk" => Mode::Desk,
            _ => return Err(invalid("registration")),
        },
        transfer: match one("transfer") {
            "at_once" => TransferRule::AtOnce,
            "monthly" => TransferRule::Monthly,
            "by_hand" => TransferRule::ByHand,
            "after_years" => TransferRule::AfterYears(number("years")?),
            _ => return Err(invalid("transfer")),
        },
        archive_range: range
            .map(|(_, code)| Retention::from_source(code).map_err(|_| invalid("range")))
            .collect::<Result<_, _>>()?,
        unit: pair("unit"),
        archive: pair("archive"),
        registrar: one("registrar").into(),
        reviewer: one("reviewer").into(),
    };
    policy
        .check()
        .map_err(|e| Refusal::invalid("policy.signatories", format!("签字人无效：{e}"), e.to_string()))?;
    Ok(policy)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let people = [
            "unit_filled_by",
            "unit_reviewed_by",
            "archive_filled_by",
            "archive_reviewed_by",
            "registrar",
            "reviewer",
        ];
        let people = people.map(|name| (name, name));
        pairs.iter().chain(&people).map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn a_form_is_read_as_the_next_version_of_the_rule() {
        let form = fields(&[
            ("version", "3"),
            ("registration", "desk"),
            ("transfer", "after_years"),
            ("years", "7"),
            ("range", "Y"),
            ("range", "D30"),
        ]);
        let policy = read(&form).unwrap();
        assert_eq!(
            (policy.version, policy.registration, policy.transfer),
            (4, Mode::Desk, TransferRule::AfterYears(7))
        );
        assert_eq!(policy.archive_range, [Retention::Permanent, Retention::ThirtyYears]);
    }

    #[test]
    fn nobody_is_let_review_their_own_work() {
        let mut form = fields(&[("version", "1"), ("registration", "automatic"), ("transfer", "at_once")]);
        form.iter_mut().filter(|(name, _)| name == "reviewer").for_each(|(_, v)| *v = "registrar".into());
        assert_eq!(read(&form).unwrap_err().problem().code, "policy.signatories");
        assert_eq!(read(&fields(&[("version", "x")])).unwrap_err().problem().code, "policy.field");
    }
}
