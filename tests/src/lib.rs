//! Stories through the front door, faults, third-party suites. The tests are in `tests/`; nothing is here.
