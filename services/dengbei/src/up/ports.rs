//! Free ports on this machine, chosen outside the range from which outgoing connections take theirs.
//!
//! A client that keeps connecting to a dead server's port inside that range may be given the very same
//! port as its own end and so connect to itself; the server then cannot come back on its port.

use std::collections::HashSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use rand::RngExt as _;

use super::UpError;

const LOWEST: u16 = 10_240;

/// Hands out ports of 127.0.0.1, none of them twice.
#[derive(Debug, Default)]
pub(crate) struct Ports {
    given: HashSet<u16>,
}

impl Ports {
    /// A port on which nobody listens and from which nothing goes out.
    pub(crate) fn free(&mut self) -> Result<u16, UpError> {
        let (first, last) = outgoing_range();
        let mut random = rand::rng();
        let found = (0..2_000)
            .map(|_| random.random_range(LOWEST..u16::MAX))
            .filter(|port| !(first..=last).contains(port) && !self.given.contains(port))
            .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok());
        let port = found.map_or_else(any_free, Ok)?;
        self.given.insert(port);
        Ok(port)
    }

    /// A free port as an address.
    pub(crate) fn free_address(&mut self) -> Result<SocketAddr, UpError> {
        Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, self.free()?)))
    }

    /// The address to serve on: as asked, port 0 replaced by a free one; refuses one that is taken.
    pub(crate) fn settle(&mut self, asked: SocketAddr) -> Result<SocketAddr, UpError> {
        if asked.port() == 0 {
            return Ok(SocketAddr::new(asked.ip(), self.free()?));
        }
        TcpListener::bind(asked).map(|_| asked).map_err(|source| {
            UpError::refused(
                "up.address_unavailable",
                format!("地址 {asked} 无法监听：{source}"),
                format!("cannot listen on {asked}: {source}"),
            )
            .with_remedy(
                "换一个端口，或用 --http 127.0.0.1:0 自动选择 / choose another port, or --http 127.0.0.1:0",
            )
        })
    }
}

/// Only where nearly every port is open to outgoing connections: whatever the system gives.
fn any_free() -> Result<u16, UpError> {
    let bound = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    bound.map(|address| address.port()).map_err(UpError::io("127.0.0.1:0".as_ref()))
}

fn outgoing_range() -> (u16, u16) {
    let text = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    let mut numbers = text.split_whitespace().filter_map(|number| number.parse().ok());
    (numbers.next().unwrap_or(32_768), numbers.next().unwrap_or(60_999))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_free_port_is_not_one_that_outgoing_connections_use() {
        let (first, last) = outgoing_range();
        let port = Ports::default().free().unwrap();
        assert!(!(first..=last).contains(&port) || last - first > 60_000, "{port}");
    }

    #[test]
    fn a_taken_address_is_refused_with_its_code() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let error = Ports::default().settle(taken.local_addr().unwrap()).unwrap_err();
        assert!(error.to_string().contains("up.address_unavailable"), "{error}");
    }
}
