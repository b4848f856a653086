//! The query service of dengbei.
