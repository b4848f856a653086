//! Stories through the front door, faults, third-party suites.
