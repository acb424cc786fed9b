//! Subqueries as joins: any subquery that depends on the row outside, and IN and EXISTS wherever an
//! expression may stand. DataFusion plans the simple ones by itself; those are left to it.
//!
//! Source: Neumann and Kemper, "Unnesting Arbitrary Queries", BTW 2015. A subquery is computed for
//! all different values that it depends on at once: for the *domain*, a plan with one row for each
//! of them, which is pushed down through the subquery (`push`) until what lies below depends on
//! nothing outside. What comes out carries the values of the domain as *keys*, and is joined with
//! the rows outside by these.
//!
//! `rule` finds subqueries, `value` makes them values, `outer` is what a subquery takes from
//! outside, `domain` the plan of these values. Not here: what subqueries mean in the dialect.

mod domain;
mod outer;
mod push;
mod rule;
mod single;
mod value;

pub(crate) use rule::UnnestSubqueries;
