//! What comes in from outside, read safely: zip, XML, OFD, PDF, filing packages.
