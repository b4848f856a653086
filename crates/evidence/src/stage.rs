//! How far an item had come when its receipt was made.

/// The newest step that a receipt proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// 正式归档
    Filed,
    /// 登记申请
    Applied,
    /// 登记
    Registered,
    /// 备份达标
    Secured,
    /// 发证
    Certified,
    /// 交接
    Accepted,
    /// 进馆
    Accessioned,
}

impl Stage {
    const ALL: [(Self, &'static str, &'static str); 7] = [
        (Self::Filed, "filed", "已归档"),
        (Self::Applied, "applied", "已申请登记"),
        (Self::Registered, "registered", "已登记"),
        (Self::Secured, "secured", "备份达标"),
        (Self::Certified, "certified", "已发证"),
        (Self::Accepted, "accepted", "已交接"),
        (Self::Accessioned, "accessioned", "已进馆"),
    ];

    /// `filed`, `certified`, …
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// The word that offices see.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|row| row.0 == self).map_or("", |row| row.2)
    }
}
