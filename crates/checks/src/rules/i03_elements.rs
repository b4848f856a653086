//! I-03 元数据项完整: every element of the layout is there, even if empty. What DB33's own writers leave out
//! (申请时间, 统一社会信用代码, 行政区划, 办理结果) is derived or I-04's.

use super::{Judged, PackageView};
use crate::Finding;

const ELEMENTS: [(&str, &str); 15] = [
    ("projid", "业务流水号"),
    ("documentnumber", "电子文件号"),
    ("deptname", "立档单位名称"),
    ("deptid", "部门编码"),
    ("retentionperiod", "保管期限"),
    ("eventtype", "权力事项类型"),
    ("applyname", "行政相对人名称"),
    ("contactidcard", "证件号码"),
    ("projectname", "办件名称"),
    ("receivedepartmentname", "承办单位"),
    ("receivetime", "受理（立案）时间"),
    ("transacttime", "办结时间"),
    ("servicetype", "事项类型"),
    ("servicecode", "权力事项编码"),
    ("servicename", "权力事项名称"),
];

pub(super) fn run(view: &PackageView<'_>) -> Judged {
    let mut judged = Judged::of(ELEMENTS.len());
    for (element, name) in ELEMENTS {
        if !view.package.elements.iter().any(|e| e == element) {
            let found = Finding::new(
                element,
                format!("缺少元数据项 {element}（{name}）"),
                format!("element {element} is missing"),
            );
            judged.fault(found.remedy(
                format!("把 <{element}> 补入基本信息描述"),
                format!("add <{element}> to the basic description"),
            ));
        }
    }
    judged
}
