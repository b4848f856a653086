//! The wire contract: `dengbei/v1/*.proto`, compiled without protoc. Services meet only here.

/// Messages and services of `dengbei.v1`.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic, clippy::unwrap_used, rust_2018_idioms)]
pub mod v1 {
    tonic::include_proto!("dengbei.v1");
}

/// The file descriptors, for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/dengbei_v1.bin"));
