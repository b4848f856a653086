//! Sites' keys (备份点密钥): `keys/sites/<name>.pub`. A receipt counts only when the site's own key signed it: the present
//! one, or a former one, because receipts of long ago are read again from the log.

use std::io;
use std::path::{Path, PathBuf};

use dengbei_bus::HandleError;
use dengbei_chain::facts::{SiteReceipt, Witness};
use dengbei_kit::seals;
use dengbei_records::{AreaCode, ErrorClass};
use ed25519_dalek::{Signature, VerifyingKey};

/// The folder of sites' keys.
#[derive(Debug, Clone)]
pub(crate) struct SiteKeys {
    folder: PathBuf,
    area: AreaCode,
}

impl SiteKeys {
    /// Keys under the deployment's key folder.
    pub(crate) fn new(keys: &Path, area: AreaCode) -> Self {
        Self { folder: keys.join("sites"), area }
    }

    /// Checks a receipt's signature, and that it is the site's key where that is known here. Blocking, but short.
    ///
    /// # Errors
    /// Invalid when the receipt is not the site's; Unavailable when the key cannot be read now.
    pub(crate) fn verify(&self, receipt: &SiteReceipt) -> Result<(), HandleError> {
        let wrong = |what: &str| {
            HandleError::invalid(format!(
                "备份回执无效 / the receipt of {} is not valid: {what}",
                receipt.site
            ))
        };
        let Witness::Signed { key, signature } = &receipt.witness else {
            return Err(wrong("无备份点签名 / not signed by the site"));
        };
        if let Some(known) = self.known(&receipt.site)?
            && !known.contains(key)
        {
            return Err(wrong("不是该备份点的密钥 / not the site's key"));
        }
        let signer = VerifyingKey::from_bytes(key).map_err(|_| wrong("密钥无效 / not a key"))?;
        let text = receipt.signed_text(&self.area);
        signer
            .verify_strict(text.as_bytes(), &Signature::from_bytes(signature))
            .map_err(|_| wrong("签名不符 / the signature is wrong"))
    }

    /// The site's keys as this deployment knows them; `None`: none was ever brought here, and replication vouches for it.
    fn known(&self, site: &str) -> Result<Option<Vec<[u8; 32]>>, HandleError> {
        let is_name =
            !site.is_empty() && site.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !is_name {
            return Err(HandleError::invalid(format!("备份点名无效 / not a site's name: {site}")));
        }
        seals::known(&self.folder, site).map_err(|e| {
            let is_damaged = e.kind() == io::ErrorKind::InvalidData;
            let class = if is_damaged { ErrorClass::Internal } else { ErrorClass::Unavailable };
            HandleError::new(class, anyhow::Error::from(e).context(site.to_owned()))
        })
    }
}

#[cfg(test)]
mod tests {
    use dengbei_chain::facts::Purpose;
    use dengbei_kit::seals::{SealKeys, change};
    use dengbei_records::{PackNumber, Sha256, Timestamp};

    use super::*;

    fn receipt(keys: &Path) -> SiteReceipt {
        let signer = SealKeys::open_or_make(&keys.join("sites"), "archive").unwrap();
        let mut receipt = SiteReceipt {
            site: "archive".into(),
            class: "archive".into(),
            purpose: Purpose::Backup,
            pack: PackNumber::new(1),
            generation: 1,
            digest: Sha256::of(b"pack"),
            versions_root: Sha256::of(b"root"),
            bytes: 4,
            stored_at: Timestamp::from_millis(5),
            witness: Witness::ObservedBy(String::new()),
        };
        let signature = signer.sign(&receipt.signed_text(&"330382".parse().unwrap()));
        receipt.witness = Witness::Signed { key: signer.public(), signature };
        receipt
    }

    #[test]
    fn what_a_former_key_signed_still_counts_and_what_a_stranger_signed_never_does() {
        let folder = tempfile::tempdir().unwrap();
        let keys = SiteKeys::new(folder.path(), "330382".parse().unwrap());
        let before = receipt(folder.path());
        change(&folder.path().join("sites"), "archive").unwrap();
        let after = receipt(folder.path());
        keys.verify(&before).unwrap();
        keys.verify(&after).unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        keys.verify(&receipt(elsewhere.path())).unwrap_err();
    }
}
