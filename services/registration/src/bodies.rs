//! The two bodies that papers name: 登记机关 who registers, 档案馆 who takes transfers. Their names are configured;
//! without, the area's code says which.

use dengbei_kit::Names;
use dengbei_records::AreaCode;
use dengbei_records::papers::Body;

/// Both, as papers name them.
#[derive(Debug)]
pub(crate) struct Bodies {
    /// 登记机关
    pub(crate) administration: Body,
    /// 档案馆
    pub(crate) archive: Body,
}

impl Bodies {
    /// The bodies of `area`.
    pub(crate) fn of(area: &AreaCode, names: &Names) -> Self {
        let level = match area.as_str() {
            code if code.ends_with("0000") => "省级",
            code if code.ends_with("00") => "市级",
            _ => "县级",
        };
        let body = |name: &str, generic: &str, mark: &str| Body {
            name: if name.is_empty() { format!("{generic}（{area}）") } else { name.to_owned() },
            code: area.to_string(),
            mark: mark.into(),
        };
        Self {
            administration: body(&names.administration, "档案登记机关", level),
            archive: body(&names.archive, "档案馆", "综合档案馆"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn papers_name_the_bodies_as_configured_and_else_by_the_area() {
        let area = "330382".parse().unwrap();
        let generic = Bodies::of(&area, &Names::default());
        assert_eq!(generic.administration.name, "档案登记机关（330382）");
        assert_eq!(
            (generic.administration.mark.as_str(), generic.archive.name.as_str()),
            ("县级", "档案馆（330382）")
        );
        let names = Names { administration: "某市档案局".into(), archive: "某市档案馆".into() };
        let named = Bodies::of(&area, &names);
        assert_eq!((&*named.administration.name, &*named.archive.name), ("某市档案局", "某市档案馆"));
        assert_eq!(named.archive.code, "330382");
    }
}
