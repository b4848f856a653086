//! Use cases on a real PostgreSQL and a real staging folder.
