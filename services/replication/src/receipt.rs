//! Whether a site's receipt is what was asked for, by the key that is known: nothing else is ever stored or stated.

use dengbei_chain::facts::{Purpose, SiteReceipt, Witness};
use dengbei_records::{AreaCode, ErrorClass, Problem};
use ed25519_dalek::{Signature, VerifyingKey};

use crate::error::SiteFault;
use crate::store::packs::Pack;

/// A site as it is known: the name and class configured, the key seen first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) name: String,
    pub(crate) class: String,
    pub(crate) key: [u8; 32],
}

/// Verifies a receipt for one pack.
///
/// # Errors
/// [`SiteFault::Site`] when another key signed; [`SiteFault::Pack`] when it is about something else, or unsigned.
pub(crate) fn verify(
    area: &AreaCode,
    known: &Known,
    pack: &Pack,
    purpose: Purpose,
    receipt: &SiteReceipt,
) -> Result<(), SiteFault> {
    let Witness::Signed { key, signature } = &receipt.witness else {
        return Err(invalid("unsigned"));
    };
    if *key != known.key {
        return Err(key_changed(&known.name));
    }
    let is_about_this = (receipt.site.as_str(), receipt.class.as_str()) == (&known.name, &known.class)
        && (receipt.pack, receipt.generation) == (pack.number, pack.generation)
        && (receipt.digest, receipt.versions_root, receipt.bytes)
            == (pack.digest, pack.versions_root, pack.bytes)
        && receipt.purpose == purpose;
    if !is_about_this {
        return Err(invalid("about something else"));
    }
    let key = VerifyingKey::from_bytes(key).map_err(invalid)?;
    let text = receipt.signed_text(area);
    key.verify_strict(text.as_bytes(), &Signature::from_bytes(signature)).map_err(invalid)
}

fn invalid(why: impl std::fmt::Display) -> SiteFault {
    SiteFault::pack(
        "replication.receipt_invalid",
        "备份回执不可采信",
        format!("the receipt is not believed: {why}"),
    )
}

/// The site shows another key than before.
pub(crate) fn key_changed(site: &str) -> SiteFault {
    let problem = Problem::new(
        "replication.key_changed",
        ErrorClass::Conflict,
        format!("备份点 {site} 的密钥与首次所见不同，不予采信"),
        format!("site {site} shows another key than the one seen first and is not believed"),
    );
    SiteFault::site(
        problem.with_remedy("核实后恢复该备份点的密钥 / find out why, and restore the site's key"),
    )
}

#[cfg(test)]
mod tests {
    use dengbei_records::{EventHash, PackNumber, Sha256, Timestamp};
    use ed25519_dalek::{Signer as _, SigningKey};

    use super::*;

    fn pack() -> Pack {
        Pack {
            number: PackNumber::new(7),
            generation: 1,
            digest: Sha256::of(b"pack"),
            versions_root: Sha256::of(b"root"),
            bytes: 4,
            origin: EventHash::of(b"filed"),
        }
    }

    fn signed(key: &SigningKey, change: impl FnOnce(&mut SiteReceipt)) -> SiteReceipt {
        let pack = pack();
        let mut receipt = SiteReceipt {
            site: "remote".into(),
            class: "remote".into(),
            purpose: Purpose::Backup,
            pack: pack.number,
            generation: 1,
            digest: pack.digest,
            versions_root: pack.versions_root,
            bytes: pack.bytes,
            stored_at: Timestamp::from_millis(5),
            witness: Witness::ObservedBy(String::new()),
        };
        change(&mut receipt);
        let text = receipt.signed_text(&"330382".parse().unwrap());
        let signature = key.sign(text.as_bytes()).to_bytes();
        receipt.witness = Witness::Signed { key: key.verifying_key().to_bytes(), signature };
        receipt
    }

    fn check(receipt: &SiteReceipt, key: &SigningKey) -> Result<(), SiteFault> {
        let key = key.verifying_key().to_bytes();
        let known = Known { name: "remote".into(), class: "remote".into(), key };
        verify(&"330382".parse().unwrap(), &known, &pack(), Purpose::Backup, receipt)
    }

    #[test]
    fn only_what_the_known_key_signed_about_this_very_pack_is_believed() {
        let (key, stranger) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
        assert!(check(&signed(&key, |_| {}), &key).is_ok());
        let other = check(&signed(&stranger, |_| {}), &key).unwrap_err();
        assert_eq!((other.code(), other.is_of_site()), ("replication.key_changed", true));
        let changes: [fn(&mut SiteReceipt); 7] = [
            |r| r.site = "archive".into(),
            |r| r.class = "archive".into(),
            |r| r.purpose = Purpose::Storage,
            |r| r.pack = PackNumber::new(8),
            |r| r.generation = 2,
            |r| r.digest = Sha256::of(b"other"),
            |r| r.bytes = 5,
        ];
        for change in changes {
            let fault = check(&signed(&key, change), &key).unwrap_err();
            assert_eq!((fault.code(), fault.is_of_site()), ("replication.receipt_invalid", false));
        }
        let mut altered = signed(&key, |_| {});
        altered.stored_at = Timestamp::from_millis(6);
        assert_eq!(check(&altered, &key).unwrap_err().code(), "replication.receipt_invalid");
    }
}
