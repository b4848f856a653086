//! Verdicts on a real PostgreSQL, with staged packages from a served ingest.
