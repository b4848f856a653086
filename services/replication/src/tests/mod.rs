//! Replication on a real PostgreSQL with real sites; once with its bus too.

mod copies;
mod deployment;
mod events;
mod questions;
mod repairs;
mod replays;
mod role;
mod world;
