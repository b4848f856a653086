//! What a sender states of its upload's bytes: `Repr-Digest` and `Content-Digest` as RFC 9530 writes them,
//! `sha-256=:BASE64:`, and `sm3` beside those. Ingest compares them; what is of another algorithm is passed over.

use axum::http::HeaderMap;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dengbei_proto::v1::StatedDigest;

use crate::problem::Refusal;

const HEADERS: [&str; 2] = ["repr-digest", "content-digest"];
/// Algorithms with the bytes that their digests have.
const KNOWN: [(&str, usize); 3] = [("sha-256", 32), ("sha-512", 64), ("sm3", 32)];

/// Every digest of an algorithm that ingest computes.
///
/// # Errors
/// [`Refusal`] when a header is not of the form: a sender that states something is not passed over.
pub(super) fn of(headers: &HeaderMap) -> Result<Vec<StatedDigest>, Refusal> {
    let lines = HEADERS.iter().flat_map(|name| headers.get_all(*name));
    let mut stated = Vec::new();
    for line in lines {
        let line = line.to_str().map_err(|_| malformed())?;
        for member in line.split(',').map(str::trim).filter(|member| !member.is_empty()) {
            stated.extend(one(member)?);
        }
    }
    Ok(stated)
}

fn one(member: &str) -> Result<Option<StatedDigest>, Refusal> {
    let (algorithm, value) = member.split_once('=').ok_or_else(malformed)?;
    let encoded = value.trim().strip_prefix(':').and_then(|v| v.strip_suffix(':')).ok_or_else(malformed)?;
    let digest = STANDARD.decode(encoded).map_err(|_| malformed())?;
    let algorithm = algorithm.trim().to_ascii_lowercase();
    match KNOWN.iter().find(|(known, _)| *known == algorithm) {
        None => Ok(None),
        Some((_, length)) if *length != digest.len() => Err(malformed()),
        Some(_) => Ok(Some(StatedDigest { algorithm, digest: digest.into() })),
    }
}

fn malformed() -> Refusal {
    Refusal::invalid(
        "request.digest",
        "Repr-Digest 或 Content-Digest 格式无效，应为 sha-256=:BASE64:",
        "Repr-Digest or Content-Digest is malformed; sha-256=:BASE64: is wanted",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(value: &str) -> HeaderMap {
        [("repr-digest".parse().unwrap(), value.parse().unwrap())].into_iter().collect()
    }

    #[test]
    fn digests_of_known_algorithms_are_read_and_others_passed_over() {
        let zeros = STANDARD.encode([0; 32]);
        let stated = of(&headers(&format!("SHA-256=:{zeros}:, md5=:AAAA:, sm3=:{zeros}:"))).unwrap();
        let names: Vec<_> = stated.iter().map(|d| d.algorithm.as_str()).collect();
        assert_eq!(names, ["sha-256", "sm3"]);
        assert!(of(&HeaderMap::new()).unwrap().is_empty());
    }

    #[test]
    fn what_is_malformed_is_refused() {
        for value in ["sha-256", "sha-256=abc", "sha-256=:!!:", "sha-256=:AAAA:"] {
            assert_eq!(of(&headers(value)).unwrap_err().problem().code, "request.digest", "{value}");
        }
    }
}
