//! A C2SP tile log: tree, tiles, checkpoints, proofs.
