//! Accounts on a real PostgreSQL.
