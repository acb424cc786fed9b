//! Floats as SQL and ClickHouse have them: `-0.0` equals `0.0`, a NaN equals nothing and is neither
//! less nor greater, and where rows are put together (groups, sets, keys of joins) zeros are one
//! value and NaNs are one value. DataFusion orders and hashes floats by their bits. So a rule puts
//! its operands into a form in which that comes to the same ([`canonical`]), and what reads a plan
//! sees through it ([`pushdown`]). Not here: the engine's own conditions, which mean this by
//! themselves (`dodb_part`).

mod canonical;
mod compare;
mod extremes;
mod pushdown;
mod rank;
mod rule;

pub(crate) use canonical::{Nan, argument_of, seen_through, seen_through_physical};
pub(crate) use pushdown::{condition, is_in, weakened};
pub(crate) use rank::rank_of;
pub(crate) use rule::FloatMeaning;
