//! Who asks: by the door's token, by an account, or nobody that the door knows. The door decides once and hands it on;
//! handlers take it as an argument.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use anyhow::Context as _;
use axum::extract::{ConnectInfo, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use bytes::Bytes;
use dengbei_kit::durable;
use dengbei_records::{ErrorClass, Problem};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::accounts::Account;
use crate::problem::Refusal;

/// How the token itself is named where somebody must be.
const BY_TOKEN: &str = "门户令牌";

/// Who asks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Who {
    account: Option<Account>,
    is_token: bool,
    /// 来源系统 whose token was shown; empty: none.
    source: String,
    /// Where from, as far as it can be told.
    pub(crate) address: Option<IpAddr>,
    actor: Bytes,
}

impl Who {
    /// Nobody yet, from the address that the request came from.
    pub(super) fn stranger(request: &Request) -> Self {
        Self { address: address(request), ..Self::default() }
    }

    pub(super) fn by_token(mut self, key: &ActorKey) -> Self {
        (self.is_token, self.actor) = (true, key.blind("token"));
        self
    }

    pub(super) fn by_source(mut self, system: &str, key: &ActorKey) -> Self {
        self.actor = key.blind(&format!("source {system}"));
        system.clone_into(&mut self.source);
        self
    }

    pub(super) fn with_account(mut self, account: Account, key: &ActorKey) -> Self {
        self.actor = key.blind(&account.id.to_string());
        self.account = Some(account);
        self
    }

    /// The account, when a person has signed in with one.
    pub(crate) fn account(&self) -> Option<&Account> {
        self.account.as_ref()
    }

    /// Whether the door's token was shown.
    pub(crate) fn is_token(&self) -> bool {
        self.is_token
    }

    /// The system whose own token was shown; empty for anybody else.
    pub(crate) fn source(&self) -> &str {
        &self.source
    }

    /// The person's name as papers print it, the token's, or nothing.
    pub(crate) fn name(&self) -> &str {
        match &self.account {
            Some(account) => &account.display_name,
            None if self.is_token => BY_TOKEN,
            None => &self.source,
        }
    }

    /// As events name who did something: 16 bytes that only this deployment can relate to an account; empty for nobody.
    pub(crate) fn actor(&self) -> Bytes {
        self.actor.clone()
    }

    /// The name that a decision is made under. A person decides in their own name alone; the token, which systems carry,
    /// in the name that it gives.
    ///
    /// # Errors
    /// [`Refusal`] when a person gives another's name.
    pub(crate) fn decides_as(&self, given: &str) -> Result<String, Refusal> {
        let given = given.trim();
        match &self.account {
            Some(account) if given.is_empty() || given == account.display_name => {
                Ok(account.display_name.clone())
            }
            Some(_) => Err(not_you()),
            None if given.is_empty() => Ok(self.name().to_owned()),
            None => Ok(given.to_owned()),
        }
    }

    /// Who vouches for what they saw: as documents name them, and as events do. The token acts for the person that it
    /// names; its own mark would say nothing of them.
    ///
    /// # Errors
    /// [`Refusal`] when nobody is named, or a person gives another's name.
    pub(crate) fn vouches_as(&self, given: &str) -> Result<(String, Bytes), Refusal> {
        if self.account.is_none() && given.trim().is_empty() {
            let (zh, en) =
                ("签字须由登录的人员办理，或写明签字人", "a signed-in person signs, or the person is named");
            return Err(Refusal::invalid("task.no_person", zh, en));
        }
        let actor = self.account.as_ref().map(|_| self.actor()).unwrap_or_default();
        Ok((self.decides_as(given)?, actor))
    }

    /// The names of two people who sign: a signed-in person is one of them.
    ///
    /// # Errors
    /// [`Refusal`] when neither name is the person's.
    pub(crate) fn signs_as(&self, filled_by: &str, reviewed_by: &str) -> Result<(String, String), Refusal> {
        let (mut filled_by, reviewed_by) = (filled_by.trim().to_owned(), reviewed_by.trim().to_owned());
        if let Some(account) = &self.account {
            if filled_by.is_empty() {
                filled_by.clone_from(&account.display_name);
            }
            if filled_by != account.display_name && reviewed_by != account.display_name {
                return Err(not_you());
            }
        }
        Ok((filled_by, reviewed_by))
    }
}

fn not_you() -> Refusal {
    let (zh, en) = ("只能以本人姓名办理", "you can decide in your own name alone");
    let problem = Problem::new("decision.not_you", ErrorClass::Invalid, zh, en);
    Refusal::with_status(StatusCode::FORBIDDEN, problem)
}

impl<S: Send + Sync> FromRequestParts<S> for Who {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// The peer's address; behind a proxy of our own network, the one that the proxy names last.
fn address(request: &Request) -> Option<IpAddr> {
    let ConnectInfo(peer) = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
    let peer = peer.ip();
    let is_ours = match peer {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local(),
    };
    Some(if is_ours { forwarded(request.headers()).unwrap_or(peer) } else { peer })
}

fn forwarded(headers: &HeaderMap) -> Option<IpAddr> {
    let last = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
    last.rsplit(',').next()?.trim().parse().ok()
}

/// The key under which actors are blinded: `<keys>/actor.key`, 32 bytes in hexadecimal. Of its own, so that the door
/// never holds the key under which items are named.
#[derive(Clone, Default)]
pub(crate) struct ActorKey(Option<[u8; 32]>);

impl ActorKey {
    /// Reads it, or makes it once. Without a folder of keys there is none, and actors stay empty.
    ///
    /// # Errors
    /// When it is damaged (another one would name everybody anew) or cannot be written.
    pub(crate) fn open_or_make(keys: &Path) -> anyhow::Result<Self> {
        if keys.as_os_str().is_empty() {
            return Ok(Self::default());
        }
        let path = keys.join("actor.key");
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => make(&path)?,
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        let key = hex::decode(text.trim()).ok().and_then(|bytes| bytes.try_into().ok());
        let damaged = || format!("{} 不是 32 字节的十六进制 / is not 32 bytes in hex", path.display());
        Ok(Self(Some(key.with_context(damaged)?)))
    }

    fn blind(&self, who: &str) -> Bytes {
        let Some(key) = &self.0 else { return Bytes::new() };
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Bytes::new() };
        mac.update(b"dengbei/actor/v1\n");
        mac.update(who.as_bytes());
        Bytes::copy_from_slice(&mac.finalize().into_bytes()[..16])
    }
}

/// Durable before anything is blinded with it. Who comes second uses what the first wrote.
fn make(path: &Path) -> anyhow::Result<String> {
    let mut key = [0; 32];
    getrandom::fill(&mut key).map_err(|e| anyhow::anyhow!("{e}"))?;
    durable::create(path, format!("{}\n", hex::encode(key)).as_bytes(), 0o600)
        .with_context(|| path.display().to_string())?;
    Ok(std::fs::read_to_string(path)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lin() -> Account {
        let (name, display_name) = ("lin".into(), "林梅".into());
        Account { id: uuid::Uuid::from_u128(7), name, display_name, created_at: 0 }
    }

    #[test]
    fn a_person_decides_in_their_own_name_and_the_token_in_the_name_it_gives() {
        let key = ActorKey(Some([7; 32]));
        let lin = Who::default().with_account(lin(), &key);
        assert_eq!(lin.decides_as("").unwrap(), "林梅");
        assert!(lin.decides_as("王强").is_err());
        assert_eq!(lin.signs_as("", "王强").unwrap(), ("林梅".into(), "王强".into()));
        assert!(lin.signs_as("王强", "李四").is_err());
        let token = Who::default().by_token(&key);
        assert_eq!((token.decides_as("王强").unwrap().as_str(), token.name()), ("王强", BY_TOKEN));
        assert_eq!(lin.vouches_as("").unwrap(), ("林梅".into(), lin.actor()));
        assert_eq!(token.vouches_as("王强").unwrap(), ("王强".into(), Bytes::new()));
        assert!(token.vouches_as(" ").is_err() && lin.vouches_as("王强").is_err());
        assert_ne!(lin.actor(), token.actor());
        assert_eq!(lin.actor().len(), 16);
        assert!(Who::default().actor().is_empty() && Who::default().name().is_empty());
    }

    #[test]
    fn the_actor_key_is_made_once_and_a_damaged_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) =
            (ActorKey::open_or_make(folder.path()).unwrap(), ActorKey::open_or_make(folder.path()).unwrap());
        assert_eq!(one.blind("x"), two.blind("x"));
        std::fs::write(folder.path().join("actor.key"), "abcd").unwrap();
        assert!(ActorKey::open_or_make(folder.path()).is_err());
    }
}
