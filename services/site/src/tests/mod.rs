//! Sites on real folders, talking over real gRPC.

mod log;
mod packs;
mod refusals;
mod world;
