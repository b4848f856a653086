//! A site's storage: packs written with one sync, range reads, staging.
