//! A-01 信息包摘要一致: the package as it arrived has the digest that the other side states. Strong algorithms decide; MD5
//! and SHA-1, which forms still name, are extra evidence only.

use super::{Judged, PackageView};
use crate::Finding;
use crate::facts::NamedDigest;

const STRONG: [&str; 4] = ["sm3", "sha256", "sha384", "sha512"];

pub(super) fn run(view: &PackageView<'_>) -> Judged {
    let Some(digests) = view.context.digests.as_ref().filter(|d| !d.stated.is_empty()) else {
        return Judged::not_applicable(
            "另一方没有给出信息包摘要",
            "the other side states no digest of the package",
        );
    };
    let mut judged = Judged::new();
    let mut is_decided = false;
    for stated in &digests.stated {
        let name = plain(&stated.algorithm);
        let Some(found) = digests.found.iter().find(|f| plain(&f.algorithm) == name) else { continue };
        judged.count();
        judged.evidence(format!("stated.{name}"), stated.hex.to_ascii_lowercase());
        judged.evidence(format!("found.{name}"), found.hex.to_ascii_lowercase());
        is_decided |= STRONG.contains(&name.as_str());
        if !stated.hex.trim().eq_ignore_ascii_case(found.hex.trim()) {
            judged.fault(differs(stated, found));
        }
    }
    if !is_decided && judged.faults.is_empty() {
        let names: Vec<&str> = digests.stated.iter().map(|d| d.algorithm.as_str()).collect();
        let names = super::shown(&names.join("、"));
        judged.open(Finding::new(
            "digitalSummary",
            format!("只有 {names} 摘要，不足以证明信息包一致"),
            format!("only digests by {names}: no proof that the package is the same"),
        ));
    }
    judged
}

fn differs(stated: &NamedDigest, found: &NamedDigest) -> Finding {
    let (name, stated, found) =
        (super::shown(&stated.algorithm), super::shown(&stated.hex), super::shown(&found.hex));
    Finding::new(
        "digitalSummary",
        format!("信息包摘要（{name}）不符：应为 {stated:.16}…，实为 {found:.16}…"),
        format!("the package's {name} differs: expected {stated:.16}…, found {found:.16}…"),
    )
    .remedy("核对后重新传送该信息包", "compare both sides, then send the package again")
}

/// `SHA-512` and `sha512` are one.
fn plain(algorithm: &str) -> String {
    algorithm.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}
