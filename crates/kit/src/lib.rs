//! What a service stands on: config, telemetry, database, health, shutdown, errors to Status.
