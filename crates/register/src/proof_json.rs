//! Judges the JSON proof files of transparency-dev/merkle (inclusion and consistency), for
//! `dengbei validate proof`. What the file itself expects (`wantErr`) is not looked at.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::hash::NodeHash;
use crate::tree::{ProofError, verify_consistency, verify_inclusion};

/// The longest file that is read: a proof in a tree of any size stays far below.
pub const MAX_FILE: usize = 1_000_000;

/// What is to be thought of a proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It proves what it says.
    Valid,
    /// It does not.
    Invalid,
    /// It is no proof file of a kind known here.
    Unverifiable,
}

/// The verdict over one file, in the shape every validator prints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// The verdict.
    #[serde(rename = "verdict")]
    pub outcome: Outcome,
    /// Stable codes of what is wrong: `proof.*`.
    pub codes: Vec<&'static str>,
    /// What is wrong, Chinese and English.
    pub detail: Vec<String>,
}

impl Verdict {
    fn refused(outcome: Outcome, code: &'static str, detail: impl Into<String>) -> Self {
        Self { outcome, codes: vec![code], detail: vec![detail.into()] }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct InclusionFile {
    leaf_idx: u64,
    tree_size: u64,
    root: Option<String>,
    leaf_hash: Option<String>,
    proof: Option<Vec<Option<String>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConsistencyFile {
    size1: u64,
    size2: u64,
    root1: Option<String>,
    root2: Option<String>,
    proof: Option<Vec<Option<String>>>,
}

/// Judges a proof file by its own numbers and hashes.
pub fn check_proof_file(bytes: &[u8]) -> Verdict {
    if bytes.len() > MAX_FILE {
        let detail = "文件过大 / the file is too large";
        return Verdict::refused(Outcome::Unverifiable, "proof.too_large", detail);
    }
    let file: Value = match serde_json::from_slice(bytes) {
        Ok(file) => file,
        Err(error) => return unreadable(&error),
    };
    let judged = if file.get("leafIdx").is_some() {
        serde_json::from_value(file).map(|file| judge_inclusion(&file))
    } else if file.get("size1").is_some() {
        serde_json::from_value(file).map(|file| judge_consistency(&file))
    } else {
        let detail = "既非包含证明也非一致性证明 / neither an inclusion nor a consistency proof";
        return Verdict::refused(Outcome::Unverifiable, "proof.unknown_kind", detail);
    };
    match judged {
        Ok(Ok(())) => Verdict { outcome: Outcome::Valid, codes: Vec::new(), detail: Vec::new() },
        Ok(Err(fault)) => Verdict::refused(Outcome::Invalid, fault.code(), fault.to_string()),
        Err(error) => unreadable(&error),
    }
}

fn unreadable(error: &serde_json::Error) -> Verdict {
    let detail = format!("无法读取证明文件 / the proof file cannot be read: {error}");
    Verdict::refused(Outcome::Unverifiable, "proof.unreadable", detail)
}

#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("{0}不是散列值 / {0} is not a hash")]
    NotAHash(&'static str),
    #[error("{0}")]
    Proof(ProofError),
}

impl Fault {
    const fn code(&self) -> &'static str {
        match self {
            Self::NotAHash(_) => "proof.not_a_hash",
            Self::Proof(ProofError::OutOfRange { .. }) => "proof.out_of_range",
            Self::Proof(ProofError::Reversed { .. }) => "proof.sizes_reversed",
            Self::Proof(ProofError::WrongLength { .. }) => "proof.wrong_length",
            Self::Proof(ProofError::RootDiffers) => "proof.root_differs",
            Self::Proof(ProofError::OldRootDiffers) => "proof.old_root_differs",
        }
    }
}

fn judge_inclusion(file: &InclusionFile) -> Result<(), Fault> {
    let (leaf, root) = (hash(file.leaf_hash.as_ref(), "leafHash")?, hash(file.root.as_ref(), "root")?);
    let path = hashes(file.proof.as_deref())?;
    verify_inclusion(&leaf, file.leaf_idx, file.tree_size, &path, &root).map_err(Fault::Proof)
}

fn judge_consistency(file: &ConsistencyFile) -> Result<(), Fault> {
    let (old, new) = (hash(file.root1.as_ref(), "root1")?, hash(file.root2.as_ref(), "root2")?);
    let proof = hashes(file.proof.as_deref())?;
    verify_consistency(file.size1, file.size2, &proof, &old, &new).map_err(Fault::Proof)
}

fn hashes(texts: Option<&[Option<String>]>) -> Result<Vec<NodeHash>, Fault> {
    texts.unwrap_or_default().iter().map(|text| hash(text.as_ref(), "proof")).collect()
}

fn hash(text: Option<&String>, what: &'static str) -> Result<NodeHash, Fault> {
    let bytes = text.and_then(|text| BASE64.decode(text).ok()).ok_or(Fault::NotAHash(what))?;
    bytes.as_slice().try_into().map_err(|_| Fault::NotAHash(what))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_is_no_proof_is_unverifiable() {
        let too_large = vec![b' '; MAX_FILE + 1];
        let files: [(&[u8], &str); 6] = [
            (b"", "proof.unreadable"),
            (b"[1]", "proof.unknown_kind"),
            (b"{}", "proof.unknown_kind"),
            (br#"{"leafIdx":-1,"treeSize":2}"#, "proof.unreadable"),
            (br#"{"size1":1}"#, "proof.unreadable"),
            (&too_large, "proof.too_large"),
        ];
        for (file, code) in files {
            let verdict = check_proof_file(file);
            assert_eq!((verdict.outcome, verdict.codes), (Outcome::Unverifiable, vec![code]));
        }
    }

    #[test]
    fn verdict_has_the_shape_of_the_validators() {
        let file = br#"{"leafIdx":2,"treeSize":1,"root":"","leafHash":"","proof":null}"#;
        let verdict = serde_json::to_value(check_proof_file(file)).unwrap();
        assert_eq!(verdict["verdict"], "invalid");
        assert_eq!(verdict["codes"][0], "proof.not_a_hash");
    }

    proptest! {
        #[test]
        fn judging_never_panics(index: u64, size: u64, count in 0usize..70, is_inclusion: bool) {
            let hash = BASE64.encode([7; 32]);
            let proof = vec![hash.clone(); count];
            let file = if is_inclusion {
                serde_json::json!({"leafIdx": index, "treeSize": size, "root": hash, "leafHash": hash, "proof": proof})
            } else {
                serde_json::json!({"size1": index, "size2": size, "root1": hash, "root2": hash, "proof": proof})
            };
            check_proof_file(file.to_string().as_bytes());
        }
    }
}
