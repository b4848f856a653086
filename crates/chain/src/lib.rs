//! Events: encode once, hash, causes, membership. Pure.
