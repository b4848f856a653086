//! A-08 元数据项类型格式: dates, numbers, codes by their form. What is empty is I-04's.

use super::{Judged, PackageView, shown};
use crate::fields::Form;
use crate::{FIELDS, Field, Finding, Parameters, times};

pub(super) fn run(view: &PackageView<'_>, with: &Parameters) -> Judged {
    let metadata = &view.package.metadata;
    let mut judged = Judged::new();
    for field in FIELDS {
        let text = (field.get)(metadata);
        if !text.is_empty() && field.form != Form::Text {
            judged.count();
            judge(&mut judged, field, text, with);
        }
    }
    for (number, step) in metadata.steps.iter().enumerate().filter(|(_, s)| !s.time.is_empty()) {
        judged.count();
        if let Err((zh, en, remedy)) = times::parse(&step.time) {
            judged.fault(
                Finding::new(format!("steps[{number}].time"), format!("{}环节的时间{zh}", step.node), en)
                    .remedy(remedy.0, remedy.1),
            );
        }
    }
    if view.package.version_text.is_some() {
        judged.count();
        if view.package.data_version().is_none() {
            let text = shown(view.package.version_text.as_deref().unwrap_or_default());
            judged.fault(
                Finding::new(
                    "data_version",
                    format!("数据版本“{text}”不是 1 至 999999 的整数"),
                    "the data version is no number from 1",
                )
                .remedy("把数据版本换成从 1 起的整数", "write the data version as a whole number from 1"),
            );
        }
    }
    judged
}

fn judge(judged: &mut Judged, field: &Field, text: &str, with: &Parameters) {
    let is_digits =
        |n: Option<usize>| text.bytes().all(|b| b.is_ascii_digit()) && n.is_none_or(|n| text.len() == n);
    let name = field.name;
    let wanted = match field.form {
        Form::Text => return,
        Form::Time => {
            if let Err((zh, en, remedy)) = times::parse(text) {
                judged.fault(
                    Finding::new(field.key, format!("{name}{zh}"), format!("{}: {en}", field.key))
                        .remedy(remedy.0, remedy.1),
                );
            }
            return;
        }
        Form::ItemNumber if is_digits(Some(with.a08.item_number_digits)) => return,
        Form::ItemNumber => digits(with.a08.item_number_digits),
        Form::Digits(n) if is_digits(Some(n)) => return,
        Form::Digits(n) => digits(n),
        Form::AllDigits if is_digits(None) => return,
        Form::AllDigits => ("数字".to_owned(), "digits".to_owned()),
        Form::UnitCode
            if text.len() == 18 && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase()) =>
        {
            return;
        }
        Form::UnitCode => ("18 位数字或大写字母".to_owned(), "18 digits or capital letters".to_owned()),
    };
    let text = shown(text);
    let found = Finding::new(
        field.key,
        format!("{name}“{text}”应为{}", wanted.0),
        format!("{} \"{text}\" should be {}", field.key, wanted.1),
    );
    judged.fault(
        found.remedy(format!("把“{text}”换成{}", wanted.0), format!("replace \"{text}\" by {}", wanted.1)),
    );
}

fn digits(n: usize) -> (String, String) {
    (format!("{n} 位数字"), format!("{n} digits"))
}
