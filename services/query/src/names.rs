//! The names of states that scripts see (domain.md 8c), and back.

use dengbei_records::{Access, Preservation, Registration};

/// 登记
pub(crate) const fn registration(state: Registration) -> &'static str {
    match state {
        Registration::Unregistered => "unregistered",
        Registration::Applied => "applied",
        Registration::Registered => "registered",
        Registration::BackedUp => "backed_up",
        Registration::Certified => "certified",
    }
}

/// Reads the name.
pub(crate) fn to_registration(name: &str) -> Option<Registration> {
    let all = [
        Registration::Unregistered,
        Registration::Applied,
        Registration::Registered,
        Registration::BackedUp,
        Registration::Certified,
    ];
    all.into_iter().find(|state| registration(*state) == name)
}

/// 保存
pub(crate) const fn preservation(state: Preservation) -> &'static str {
    match state {
        Preservation::None => "none",
        Preservation::Stored => "stored",
        Preservation::Secured => "secured",
        Preservation::Suspect => "suspect",
    }
}

/// Reads the name.
pub(crate) fn to_preservation(name: &str) -> Option<Preservation> {
    let all = [Preservation::None, Preservation::Stored, Preservation::Secured, Preservation::Suspect];
    all.into_iter().find(|state| preservation(*state) == name)
}

/// 利用
pub(crate) const fn access(state: Access) -> &'static str {
    match state {
        Access::Closed => "closed",
        Access::Open => "open",
        Access::Controlled => "controlled",
    }
}
