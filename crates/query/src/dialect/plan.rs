//! From a parsed statement to a DataFusion plan.

use datafusion::common::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement as DfStatement;

use super::parse::Parsed;

/// Why a statement has no plan.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct PlanError(#[from] pub DataFusionError);

/// Plans a query (or any statement DataFusion plans: EXPLAIN, INSERT ... SELECT, DELETE, UPDATE).
///
/// `state` must come out of [`crate::functions::configure`]. The plan is not optimized.
/// It never reads data, but it asks the catalog for the tables named.
///
/// # Errors
/// DataFusion's, for unknown tables, columns, functions and types that do not fit.
pub async fn plan(state: &SessionState, parsed: &Parsed) -> Result<LogicalPlan, PlanError> {
    let statement = DfStatement::Statement(Box::new(parsed.statement.clone()));
    Ok(state.statement_to_plan(statement).await?)
}
