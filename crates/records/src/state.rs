//! The four regions of an item's state, side by side (domain.md 8c). Each region has one writer.

use serde::{Deserialize, Serialize};

/// 保管权: who decides about the item. Until `Prefiled` ingest does, from then on registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Custody {
    /// 待配置: the matter has no filing scope in force.
    Parked,
    /// 已预归档: received, checked at the door, not yet decided.
    Prefiled,
    /// 待归档: passed the filing checks, waiting for or in a pack.
    Planned,
    /// 已归档.
    Filed,
    /// 已退回, with reasons.
    Returned,
    /// 已被替代: a higher data version came before filing.
    Superseded,
    /// 已进馆.
    Accessioned,
}

impl Custody {
    /// The snake-case name that scripts see.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Parked => "parked",
            Self::Prefiled => "prefiled",
            Self::Planned => "planned",
            Self::Filed => "filed",
            Self::Returned => "returned",
            Self::Superseded => "superseded",
            Self::Accessioned => "accessioned",
        }
    }

    /// The word that offices see.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Parked => "待配置",
            Self::Prefiled => "已预归档",
            Self::Planned => "待归档",
            Self::Filed => "已归档",
            Self::Returned => "已退回",
            Self::Superseded => "已被替代",
            Self::Accessioned => "已进馆",
        }
    }

    /// Reads the snake-case name.
    pub fn from_name(name: &str) -> Option<Self> {
        [
            Self::Parked,
            Self::Prefiled,
            Self::Planned,
            Self::Filed,
            Self::Returned,
            Self::Superseded,
            Self::Accessioned,
        ]
        .into_iter()
        .find(|c| c.name() == name)
    }

    /// Whether a submission of this item is still being decided about.
    pub const fn is_in_flight(self) -> bool {
        matches!(self, Self::Prefiled | Self::Planned)
    }
}

/// 登记.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Registration {
    /// 未登记
    #[default]
    Unregistered,
    /// 已申请
    Applied,
    /// 已登记
    Registered,
    /// 已备份达标
    BackedUp,
    /// 已发证
    Certified,
}

/// 保存, rolled up over the copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Preservation {
    /// No copy yet.
    #[default]
    None,
    /// 已存储: written and read back on the primary site.
    Stored,
    /// 备份达标: enough receipts from other sites.
    Secured,
    /// 存疑: a copy failed inspection.
    Suspect,
}

/// 利用.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// 未鉴定: closed until appraised.
    #[default]
    Closed,
    /// 开放
    Open,
    /// 控制
    Controlled,
}

/// The public status of an item: its four regions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ItemState {
    /// 保管权
    pub custody: Custody,
    /// 登记
    pub registration: Registration,
    /// 保存
    pub preservation: Preservation,
    /// 利用
    pub access: Access,
}

impl ItemState {
    /// A state with this custody: stored once filed, all else as it begins.
    pub fn of(custody: Custody) -> Self {
        let preservation = match custody {
            Custody::Filed | Custody::Accessioned => Preservation::Stored,
            _ => Preservation::None,
        };
        Self { custody, registration: Registration::default(), preservation, access: Access::default() }
    }
}
