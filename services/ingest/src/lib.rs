//! The ingest service of dengbei.
