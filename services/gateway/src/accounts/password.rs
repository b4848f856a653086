//! Passwords: Argon2id with its cost said openly, two at a time, so that a crowd at the door does not take the machine.

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::AccountError;

/// KiB of memory: what OWASP's table pairs with two passes (19 MiB).
const MEMORY: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// 字符: shorter ones are guessed.
const SHORTEST: usize = 12;
const LONGEST: usize = 256;
/// Both cores at most.
static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// Refuses a password that is too short, too long, or the account's own name.
pub(super) fn judge(password: &str, name: &str) -> Result<(), AccountError> {
    let length = password.chars().count();
    let is_one_sign = password.chars().all(|c| password.starts_with(c));
    if !(SHORTEST..=LONGEST).contains(&length) || is_one_sign || password.to_lowercase().contains(name) {
        return Err(AccountError::WeakPassword);
    }
    Ok(())
}

fn argon2() -> Result<Argon2<'static>, AccountError> {
    let params = Params::new(MEMORY, PASSES, LANES, None).map_err(|e| AccountError::Fault(e.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The PHC string of a password, under a fresh salt.
pub(super) async fn hash(password: String) -> Result<String, AccountError> {
    let _turn = AT_ONCE.acquire().await.map_err(|e| AccountError::Fault(e.to_string()))?;
    let hashed = spawn_blocking(move || {
        let hashed = argon2()?.hash_password(password.as_bytes());
        hashed.map(|phc| phc.to_string()).map_err(|e| AccountError::Fault(e.to_string()))
    });
    hashed.await.map_err(|e| AccountError::Fault(e.to_string()))?
}

/// Whether `password` is the one. Without a hash it takes as long and is not: nobody learns which names there are.
pub(super) async fn matches(password: String, hash: Option<String>) -> Result<bool, AccountError> {
    let _turn = AT_ONCE.acquire().await.map_err(|e| AccountError::Fault(e.to_string()))?;
    let matched = spawn_blocking(move || {
        let Some(hash) = hash else {
            let _as_long = argon2()?.hash_password(password.as_bytes());
            return Ok(false);
        };
        let hash = PasswordHash::new(&hash).map_err(|e| AccountError::Fault(e.to_string()))?;
        Ok(argon2()?.verify_password(password.as_bytes(), &hash).is_ok())
    });
    matched.await.map_err(|e| AccountError::Fault(e.to_string()))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_matches_its_hash_alone_and_the_cost_is_said() {
        let kept = hash("correct horse battery".into()).await.unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(matches("correct horse battery".into(), Some(kept.clone())).await.unwrap());
        assert!(!matches("correct horse batterz".into(), Some(kept)).await.unwrap());
        assert!(!matches("correct horse battery".into(), None).await.unwrap());
    }

    #[test]
    fn short_uniform_or_telling_passwords_are_refused() {
        for weak in ["elevenchars", "aaaaaaaaaaaaaaaa", "my name is lin mei", ""] {
            assert!(judge(weak, "lin mei").is_err(), "{weak}");
        }
        assert!(judge("十二个汉字也是一个好口令", "lin mei").is_ok());
    }
}
