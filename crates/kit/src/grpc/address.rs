//! Where a peer is: one URL or a comma list, and how a host name becomes addresses.
//!
//! Two resolvers: [`SystemDns`], which asks the system as everybody does, and a list in the tests. Who uses the
//! addresses is [`super::fleet`].

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use dengbei_records::Invalid;
use http::Uri;

/// A name that takes longer counts as not resolved.
const LOOKUP: Duration = Duration::from_secs(3);

/// One URL of a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Target {
    /// As configured: the `:authority` of every call.
    pub(super) uri: Uri,
    pub(super) host: Host,
    pub(super) port: u16,
}

/// Who is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Host {
    /// Written as an address: never looked up.
    Literal(IpAddr),
    /// Looked up again and again.
    Name(String),
}

/// Parses one URL or a comma list.
///
/// # Errors
/// [`Invalid`] naming the part that is none.
pub(super) fn targets(urls: &str) -> Result<Vec<Target>, Invalid> {
    urls.split(',').map(|url| target(url.trim())).collect()
}

fn target(url: &str) -> Result<Target, Invalid> {
    let invalid = || Invalid::new("gRPC URL", url);
    let uri: Uri = url.parse().map_err(|_| invalid())?;
    if !matches!(uri.scheme_str(), Some("http" | "https")) {
        return Err(invalid());
    }
    let name = uri.host().filter(|host| !host.is_empty()).ok_or_else(invalid)?;
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let host = bare.parse().map_or_else(|_| Host::Name(name.to_owned()), Host::Literal);
    let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
    Ok(Target { host, port, uri })
}

/// Finds the addresses of a host name.
#[tonic::async_trait]
pub(super) trait Resolve: Send + Sync + fmt::Debug {
    /// Every address of `host` as it is now.
    ///
    /// # Errors
    /// When it cannot be told; callers go on with what they knew.
    async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

/// What the system says: `/etc/hosts`, DNS. A headless Service of Kubernetes answers with every ready pod.
#[derive(Debug, Clone, Copy)]
pub(super) struct SystemDns;

#[tonic::async_trait]
impl Resolve for SystemDns {
    async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let found = tokio::time::timeout(LOOKUP, tokio::net::lookup_host((host, port))).await;
        Ok(found.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??.collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_urls_is_read_whole_or_refused() {
        let found = targets("http://127.0.0.1:7100, http://ingest.dengbei:7101,http://[::1]:1").unwrap();
        assert_eq!(found.len(), 3);
        assert_eq!(found[0].host, Host::Literal("127.0.0.1".parse().unwrap()));
        assert_eq!((&found[1].host, found[1].port), (&Host::Name("ingest.dengbei".into()), 7101));
        assert_eq!(found[2].host, Host::Literal("::1".parse().unwrap()));
        for wrong in ["", "http://a:1,", "ingest:7100", "ftp://a:1", "http://", "http://a:1;http://b:2 c"] {
            assert!(targets(wrong).is_err(), "{wrong}");
        }
    }

    #[tokio::test]
    async fn the_system_knows_the_machine_itself() {
        let found = SystemDns.addresses("localhost", 7).await.unwrap();
        assert!(found.iter().any(|a| a.ip().is_loopback() && a.port() == 7), "{found:?}");
    }
}
