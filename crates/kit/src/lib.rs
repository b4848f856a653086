//! What a service stands on: config, telemetry, database, gRPC, health, shutdown, documents, faults.
//!
//! Nothing here knows what a record is. The environment is read here and nowhere else. Neighbours: every
//! service, and `bus`, which brings its own tables through [`db::connect`].

pub mod admin;
pub mod config;
pub mod db;
pub mod documents;
mod drain;
pub mod durable;
pub mod faults;
pub mod grpc;
pub mod keyring;
mod lease;
pub mod measure;
pub mod seals;
pub mod status;
mod tasks;
pub mod telemetry;

pub use config::{
    ConfigError, Limits, Names, Peers, RoleConfig, S3, ScannerAddress, Secret, SiteAddress, SiteStorage,
    SourceAccess,
};
pub use db::MIGRATOR;
pub use drain::Drain;
pub use lease::Leases;
pub use tasks::{OnError, Tasks};

/// Installs the one TLS provider (ring). Every binary and test that dials anything calls it first; again is harmless.
pub fn install_tls() {
    // An error says that one is installed already, which is what is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
