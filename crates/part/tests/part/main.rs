//! Tests of parts through the public interface: what goes in comes out, and damage is noticed.

mod corruption;
mod fixture;
mod generate;
mod pruning_inputs;
mod round_trip;
