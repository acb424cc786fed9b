//! Shredding and putting together again, without a part around it.
