//! What a unit approved once, so that its work goes on by itself: how registration batches are applied for, when
//! what is in the archive's range is handed over, and who signs. A person can always take a step by hand.

use serde::{Deserialize, Serialize};

use crate::{Invalid, Retention};

/// The rule of one unit, or the area's default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitPolicy {
    /// 规则版本, from 1; each change is another.
    pub version: u32,
    /// 登记
    pub registration: Mode,
    /// 移交进馆
    pub transfer: TransferRule,
    /// 进馆范围: what the archive takes. The rest stays with the unit.
    pub archive_range: Vec<Retention>,
    /// 立档单位 signs with these two.
    pub unit: Pair,
    /// 档案馆 signs with these two.
    pub archive: Pair,
    /// 登记机关: accepts and checks.
    pub registrar: String,
    /// 登记机关: decides; another person than who accepts.
    pub reviewer: String,
}

/// By itself, or by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// 按规则自动办理
    Automatic,
    /// 登记台办理
    Desk,
}

/// When what is in the archive's range is handed over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransferRule {
    /// 即时移交: as soon as it is certified.
    AtOnce,
    /// 按月移交: on the first day of the next month.
    Monthly,
    /// 按年限移交: so many full years after the year of closing.
    AfterYears(u16),
    /// 人工移交
    ByHand,
}

/// Two different people: 填表人 and 审核人.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// 填表人
    pub filled_by: String,
    /// 审核人
    pub reviewed_by: String,
}

impl UnitPolicy {
    /// What holds until a unit says otherwise: everything by itself, permanent and 30 years to the archive.
    pub fn default_rule() -> Self {
        let pair = |body: &str| Pair {
            filled_by: format!("{body}经办（规则代签）"),
            reviewed_by: format!("{body}审核（规则代签）"),
        };
        Self {
            version: 1,
            registration: Mode::Automatic,
            transfer: TransferRule::AtOnce,
            archive_range: vec![Retention::Permanent, Retention::ThirtyYears],
            unit: pair("立档单位"),
            archive: pair("档案馆"),
            registrar: "登记机关经办（规则代办）".into(),
            reviewer: "登记机关审核（规则代办）".into(),
        }
    }

    /// Whether items of this retention go to the archive.
    pub fn takes(&self, retention: Retention) -> bool {
        self.archive_range.contains(&retention)
    }

    /// Refuses what no office may decide.
    ///
    /// # Errors
    /// [`Invalid`] when one person would check their own work, or a name is empty.
    pub fn check(&self) -> Result<(), Invalid> {
        let pairs = [
            (&self.unit.filled_by, &self.unit.reviewed_by),
            (&self.archive.filled_by, &self.archive.reviewed_by),
            (&self.registrar, &self.reviewer),
        ];
        for (one, other) in pairs {
            if one.trim().is_empty() || other.trim().is_empty() {
                return Err(Invalid::new("签字人 signatory", "empty"));
            }
            if one == other {
                return Err(Invalid::new(
                    "签字人 signatory",
                    format!("{one}: 不得审核本人经办 / reviews own work"),
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_reviews_their_own_work() {
        let mut policy = UnitPolicy::default_rule();
        assert!(policy.check().is_ok());
        policy.unit.reviewed_by = policy.unit.filled_by.clone();
        assert!(policy.check().is_err());
        policy.unit.reviewed_by = " ".into();
        assert!(policy.check().is_err());
    }

    #[test]
    fn ten_years_stay_with_the_unit() {
        let policy = UnitPolicy::default_rule();
        let takes =
            [Retention::Permanent, Retention::ThirtyYears, Retention::TenYears].map(|r| policy.takes(r));
        assert_eq!(takes, [true, true, false]);
    }
}
