//! OCFL 1.1 objects, inventories, storage roots, packs; validator.
