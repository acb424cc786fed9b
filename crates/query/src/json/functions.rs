//! The list of the functions over JSON. Not the functions.

use super::{describe, udf};
use crate::functions::Function;

/// Every function of JSON, with an example each.
pub(crate) fn functions() -> Vec<Function> {
    let mut all = udf::functions();
    all.extend(describe::functions());
    all
}
