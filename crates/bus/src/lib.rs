//! Outbox, bundles, relay, consumers, inbox, catch-up: PostgreSQL, JetStream and the log.
