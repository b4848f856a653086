//! The commands, one module each; the grammar that reaches them is `cli`.

pub(crate) mod serve;
