//! The read model's tables: SQL in, domain out. The caller owns the transaction.

pub(crate) mod apply;
pub(crate) mod items;
pub(crate) mod members;
pub(crate) mod read;
pub(crate) mod rows;
