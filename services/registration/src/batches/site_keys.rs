//! Sites' keys (备份点密钥): `keys/sites/<name>.pub`. A receipt counts only when the site's own key signed it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use dengbei_bus::HandleError;
use dengbei_chain::facts::{SiteReceipt, Witness};
use dengbei_records::{AreaCode, ErrorClass};
use ed25519_dalek::pkcs8::DecodePublicKey as _;
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
            && known != *key
        {
            return Err(wrong("不是该备份点的密钥 / not the site's key"));
        }
        let signer = VerifyingKey::from_bytes(key).map_err(|_| wrong("密钥无效 / not a key"))?;
        let text = receipt.signed_text(&self.area);
        signer
            .verify_strict(text.as_bytes(), &Signature::from_bytes(signature))
            .map_err(|_| wrong("签名不符 / the signature is wrong"))
    }

    /// The site's key as this deployment knows it; `None`: it was never brought here, and replication vouches for it.
    fn known(&self, site: &str) -> Result<Option<[u8; 32]>, HandleError> {
        let is_name =
            !site.is_empty() && site.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !is_name {
            return Err(HandleError::invalid(format!("备份点名无效 / not a site's name: {site}")));
        }
        let path = self.folder.join(format!("{site}.pub"));
        match fs::read_to_string(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(e) => Err(HandleError::new(ErrorClass::Unavailable, e)),
            Ok(pem) => {
                let key = VerifyingKey::from_public_key_pem(&pem).map_err(|_| {
                    HandleError::new(ErrorClass::Internal, anyhow::anyhow!("{}: not a key", path.display()))
                })?;
                Ok(Some(key.to_bytes()))
            }
        }
    }
}
