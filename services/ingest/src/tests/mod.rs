//! Use cases on a real PostgreSQL and a real staging folder.

mod house;
mod keys;
mod made;
mod parking;
mod secrets;
mod senders;
mod side_by_side;
mod staging;
mod wire;
