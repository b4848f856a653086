//! A-10 元数据值合理性: 申请 ≤ 受理 ≤ 办结 ≤ 归档 ≤ now; area, retention, type and unit fit the matter.

use dengbei_records::{EventType, Retention};

use super::{Judged, PackageView, shown};
use crate::times::{self, Moment};
use crate::{Finding, Parameters};

pub(super) fn run(view: &PackageView<'_>, with: &Parameters) -> Judged {
    let mut judged = Judged::new();
    order_of_times(view, with.a10.clock_ahead_minutes, &mut judged);
    area(view, &mut judged);
    with_table(view, &mut judged);
    with_matter(view, &mut judged);
    judged
}

/// Times that cannot be read are A-08's.
fn order_of_times(view: &PackageView<'_>, ahead_minutes: i64, judged: &mut Judged) {
    let m = &view.package.metadata;
    let all = [
        ("apply_time", "申请时间", &m.apply_time),
        ("accept_time", "受理时间", &m.accept_time),
        ("close_time", "办结时间", &m.close_time),
        ("archive_time", "归档时间", &m.archive_time),
    ];
    let read: Vec<(&str, &str, Moment)> =
        all.iter().filter_map(|(key, name, text)| Some((*key, *name, times::parse(text).ok()?))).collect();
    for pair in read.windows(2) {
        let ((_, earlier, first), (key, later, second)) = (pair[0], pair[1]);
        judged.count();
        if second.is_before(&first) {
            let found = Finding::new(
                key,
                format!("{later}早于{earlier}"),
                format!("{key} is before the step that precedes it"),
            );
            judged.fault(found.remedy(
                format!("把{later}、{earlier}换成实际时间"),
                format!("write both times as they were: {key} and the one before"),
            ));
        }
    }
    let Some(now) = Moment::of(view.context.now).map(|now| now.plus_minutes(ahead_minutes)) else { return };
    for (key, name, at) in read {
        judged.count();
        if now.is_before(&at) {
            let found = Finding::new(key, format!("{name}在将来"), format!("{key} lies in the future"));
            judged.fault(found.remedy(
                format!("把{name}换成实际时间，并核对发送方时钟"),
                format!("write {key} as it was, and set the sender's clock"),
            ));
        }
    }
}

fn area(view: &PackageView<'_>, judged: &mut Judged) {
    let (Some(area), code) = (&view.context.area, view.package.metadata.area_code.as_str()) else { return };
    if code.is_empty() {
        return;
    }
    judged.count();
    if code != area.as_str() {
        let code = shown(code);
        let zh = format!("行政区划“{code}”不属本地（{area}）");
        let found = Finding::new("area_code", zh, format!("area {code} is not this deployment's ({area})"));
        judged.fault(found.remedy(
            format!("把“{code}”换成“{area}”，或报送到该地的登记备份中心"),
            format!("replace \"{code}\" by \"{area}\", or send it to that area's centre"),
        ));
    }
}

/// The two documents of a package must tell the same of the item.
fn with_table(view: &PackageView<'_>, judged: &mut Judged) {
    let (m, table) = (&view.package.metadata, &view.package.table);
    let same_event = m.event_type.parse::<EventType>().ok() == table.event_type.parse::<EventType>().ok();
    let same_retention =
        Retention::from_source(&m.retention).ok() == Retention::from_source(&table.retention).ok();
    let pairs = [
        (
            "service_code",
            "权力事项编码",
            &m.service_code,
            &table.service_code,
            m.service_code == table.service_code,
        ),
        ("dept_code", "部门编码", &m.dept_code, &table.dept_code, m.dept_code == table.dept_code),
        ("event_type", "权力事项类型", &m.event_type, &table.event_type, same_event),
        ("retention", "保管期限", &m.retention, &table.retention, same_retention),
    ];
    for (key, name, here, there, is_same) in pairs {
        if here.is_empty() || there.is_empty() {
            continue;
        }
        judged.count();
        if !is_same {
            let (here, there) = (shown(here), shown(there));
            let zh = format!("{name}在基本信息描述中为“{here}”，在归档配置表中为“{there}”");
            let found = Finding::new(key, zh, format!("{key} differs between the package's documents"));
            judged.fault(found.remedy(
                format!("把两处{name}换成一致的值"),
                format!("write the same {key} in both documents"),
            ));
        }
    }
}

fn with_matter(view: &PackageView<'_>, judged: &mut Judged) {
    let (Some(matter), m) = (&view.context.matter, &view.package.metadata) else { return };
    if let Ok(retention) = Retention::from_source(&m.retention) {
        judged.count();
        if retention != matter.retention {
            let (here, there) = (shown(&m.retention), matter.retention.word());
            let zh = format!("保管期限“{here}”与归档范围和保管期限表（{there}）不符");
            let found = Finding::new("retention", zh, "the retention period differs from the matter's table");
            judged.fault(
                found
                    .remedy(format!("把“{here}”换成“{there}”"), format!("replace \"{here}\" by \"{there}\"")),
            );
        }
    }
    if let (Ok(here), Ok(there)) = (m.event_type.parse::<EventType>(), matter.event_type.parse::<EventType>())
    {
        judged.count();
        if here != there {
            let zh = format!("权力事项类型“{}”与事项目录（{}）不符", here.word(), there.word());
            let found = Finding::new("event_type", zh, "the type differs from the matter's");
            judged.fault(found.remedy(
                format!("把“{}”换成“{}”", here.word(), there.word()),
                format!("replace \"{}\" by \"{}\"", here.word(), there.word()),
            ));
        }
    }
    if !m.unit_uscc.is_empty() {
        judged.count();
        if m.unit_uscc != matter.unit_uscc.as_str() {
            let (here, there) = (shown(&m.unit_uscc), &matter.unit_uscc);
            let zh = format!("统一社会信用代码“{here}”不是该事项的立档单位（{there}）");
            let found = Finding::new("unit_uscc", zh, "the unit is not the matter's");
            judged.fault(
                found
                    .remedy(format!("把“{here}”换成“{there}”"), format!("replace \"{here}\" by \"{there}\"")),
            );
        }
    }
}
