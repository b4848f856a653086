//! The fixity service of dengbei.
