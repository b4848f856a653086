//! Evidence receipts (存证回执): built from the log, checked by anyone.
