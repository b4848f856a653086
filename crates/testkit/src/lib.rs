//! For tests only: real servers, real processes, waiting for conditions.
