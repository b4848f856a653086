//! Verdicts on a real PostgreSQL, with staged packages from an ingest, and sites with real packs and keys, served over
//! gRPC.

mod areas;
mod bundles;
mod desk;
mod door;
mod inspection;
mod laws;
mod persons;
mod replays;
mod storage;
mod transfers;
mod wholes;
mod world;
