//! The list of native functions, and a session state that knows them.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::execution::{FunctionRegistry, SessionState, SessionStateBuilder};
use datafusion::logical_expr::planner::ExprPlanner;
use datafusion::prelude::SessionContext;

use super::scalar::NativeFunction;
use super::{arrays, dates, distance, like, matches, numbers, strings, text};
use crate::dialect::ClickHouseTypes;
use crate::floats::FloatMeaning;
use crate::json;

/// A native function and how to show it: `system.functions` and the documentation read this.
#[derive(Debug, Clone)]
pub struct Function {
    pub(crate) native: NativeFunction,
    /// The call as documented; empty for functions that only rewrites use.
    pub call: &'static str,
    /// An expression that uses it.
    pub example: &'static str,
    /// Its value as text.
    pub answer: &'static str,
}

impl Function {
    pub(crate) fn new(
        native: NativeFunction,
        call: &'static str,
        example: &'static str,
        answer: &'static str,
    ) -> Function {
        Function { native, call, example, answer }
    }

    pub(crate) fn internal(native: NativeFunction) -> Function {
        Function::new(native, "", "", "")
    }

    /// The name it is registered under.
    pub fn name(&self) -> &'static str {
        self.native.name
    }
}

/// Every native function.
pub fn functions() -> Vec<Function> {
    let mut all = numbers::functions();
    all.extend(text::functions());
    all.extend(strings::functions());
    all.extend(matches::functions());
    all.extend(like::functions());
    all.extend(dates::functions());
    all.extend(arrays::functions());
    all.extend(distance::functions());
    all.extend(json::functions());
    all
}

/// A session state that also knows ClickHouse's functions, types and JSON access.
///
/// The session id, catalogs and settings stay. Call it once, on a state with DataFusion's default
/// functions and planners. Settings that go with it: `sql_parser.enable_ident_normalization =
/// false`, `sql_parser.default_null_ordering = 'nulls_last'`.
///
/// # Errors
/// Only when DataFusion refuses a registration.
pub fn configure(state: SessionState) -> Result<SessionState> {
    let session_id = state.session_id().to_owned();
    // First come, first served: DataFusion's own planner would take every path.
    let mut planners: Vec<Arc<dyn ExprPlanner>> = vec![Arc::new(json::JsonPlanner)];
    planners.extend(state.expr_planners().iter().cloned());
    let mut state = SessionStateBuilder::new_from_existing(state)
        .with_session_id(session_id)
        .with_expr_planners(planners)
        .with_type_planner(Arc::new(ClickHouseTypes))
        .build();
    let natives = functions();
    for function in &natives {
        // With all its names: by one of them it would answer again, now and then, in a state made
        // from this one.
        while let Ok(other) = state.udf(function.name()) {
            state.deregister_udf(other.name())?;
        }
    }
    for function in natives {
        state.register_udf(Arc::new(function.native.udf()))?;
    }
    state.register_udf(Arc::new(json::subcolumn_function()))?;
    state.register_udf(Arc::new(json::extract_function()))?;
    for function in json::entries_functions() {
        state.register_udf(Arc::new(function))?;
    }
    state.register_function_rewrite(Arc::new(json::TextIsText))?;
    state.register_function_rewrite(Arc::new(like::LikePatterns))?;
    state.register_function_rewrite(Arc::new(json::JsonOperands))?;
    state.add_analyzer_rule(Arc::new(json::JsonOrder));
    // After types and sort keys are what they will be.
    state.add_analyzer_rule(Arc::new(FloatMeaning));
    Ok(state)
}

/// [`configure`] for a context that exists already.
///
/// # Errors
/// See [`configure`].
pub fn register(ctx: &SessionContext) -> Result<()> {
    let configured = configure(ctx.state())?;
    *ctx.state_ref().write() = configured;
    Ok(())
}
