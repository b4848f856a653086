//! The gateway service of dengbei.
