//! The metadata keys of domain.md 8b that a filing package carries: length, form, obligation., I-04 read this table.

use dengbei_records::Metadata;

/// What form a value must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Any text, or a value that A-09 judges.
    Text,
    /// A moment, as offices write it.
    Time,
    /// The 办件编号: digits, as many as the scheme says.
    ItemNumber,
    /// Digits, this many.
    Digits(usize),
    /// Digits only.
    AllDigits,
    /// 18 digits and capital letters.
    UnitCode,
}

/// From which stage on a value must be there (I-04).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// From the door on.
    Always,
    /// From filing on.
    Filing,
    /// Never.
    Optional,
}

/// One metadata key.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Key of domain.md 8b
    pub key: &'static str,
    /// Chinese name
    pub name: &'static str,
    /// Element of the package that carries it
    pub element: &'static str,
    /// Characters, at most
    pub max: usize,
    pub(crate) need: Need,
    pub(crate) form: Form,
    pub(crate) get: fn(&Metadata) -> &str,
}

const fn field(
    key: &'static str,
    name: &'static str,
    element: &'static str,
    get: fn(&Metadata) -> &str,
) -> Field {
    Field { key, name, element, max: 256, need: Need::Always, form: Form::Text, get }
}

impl Field {
    const fn max(mut self, max: usize) -> Self {
        self.max = max;
        self
    }
    const fn form(mut self, form: Form) -> Self {
        self.form = form;
        self
    }
    const fn need(mut self, need: Need) -> Self {
        self.need = need;
        self
    }
}

/// Every key, in the order of the table.
///
/// `service_code` is longer than the table's 33: codes of real matters with area and unit in them have 53
/// characters, so the bound is what a matter code may have at all (64).
pub const FIELDS: &[Field] = &[
    field("proj_id", "办件编号", "projid", |m| &m.proj_id).max(64).form(Form::ItemNumber),
    field("record_no", "电子文件号", "documentnumber", |m| &m.record_no).max(64).need(Need::Filing),
    field("unit_name", "立档单位名称", "deptname", |m| &m.unit_name).max(128),
    field("unit_uscc", "统一社会信用代码", "organizationcode", |m| &m.unit_uscc).max(18).form(Form::UnitCode),
    field("dept_code", "部门编码", "deptid", |m| &m.dept_code).max(32).form(Form::AllDigits),
    field("area_code", "行政区划", "areacode", |m| &m.area_code).max(6).form(Form::Digits(6)),
    field("retention", "保管期限", "retentionperiod", |m| &m.retention).max(16),
    field("title", "办件名称", "projectname", |m| &m.title).max(512),
    field("service_code", "权力事项编码", "servicecode", |m| &m.service_code).max(64),
    field("service_name", "权力事项名称", "servicename", |m| &m.service_name).max(256),
    field("event_type", "权力事项类型", "eventtype", |m| &m.event_type).max(16),
    field("handle_kind", "办件类型", "servicetype", |m| &m.handle_kind).max(16),
    field("applicant_type", "申请人类型", "userprop", |m| &m.applicant_type).max(16),
    field("applicant_name", "行政相对人名称", "applyname", |m| &m.applicant_name).max(256),
    field("applicant_id_type", "证件类型", "contactidcardtype", |m| &m.applicant_id_type).max(16),
    field("applicant_id_no", "证件号码", "contactidcard", |m| &m.applicant_id_no).max(32),
    field("applicant_mobile", "手机", "mobile", |m| &m.applicant_mobile).max(20).need(Need::Optional),
    field("applicant_addr", "地址", "address", |m| &m.applicant_addr).max(256).need(Need::Optional),
    field("apply_time", "申请时间", "applytime", |m| &m.apply_time).max(25).form(Form::Time),
    field("accept_time", "受理（立案）时间", "receivetime", |m| &m.accept_time).max(25).form(Form::Time),
    field("close_time", "办结时间", "transacttime", |m| &m.close_time).max(25).form(Form::Time),
    field("archive_time", "归档时间", "archivetime", |m| &m.archive_time)
        .max(25)
        .form(Form::Time)
        .need(Need::Optional),
    field("result", "办理结果", "result", |m| &m.result).max(128),
    field("result_no", "结果/证照编号", "resultcode", |m| &m.result_no).max(128).need(Need::Optional),
    field("responsible", "承办单位", "receivedepartmentname", |m| &m.responsible).max(256),
    field("security", "密级", "security", |m| &m.security).max(16),
    field("lang", "语种", "lang", |m| &m.lang).max(8).need(Need::Optional),
];
