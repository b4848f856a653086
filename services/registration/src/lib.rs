//! The registration service of dengbei.
