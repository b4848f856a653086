//! Verdicts on a real PostgreSQL, with staged packages from an ingest served over gRPC.

mod bundles;
mod desk;
mod door;
