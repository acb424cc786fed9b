//! WITH RECURSIVE over columns of tables: what dodb says of a column (its declared type) is said of
//! the columns of both terms, which DataFusion wants to agree in it. Not here: how it is run.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::metadata::FieldMetadata;
use datafusion::common::tree_node::Transformed;
use datafusion::logical_expr::logical_plan::RecursiveQuery;
use datafusion::logical_expr::{Expr, LogicalPlan, Projection};
use datafusion::optimizer::AnalyzerRule;

/// The rule; see the module.
#[derive(Debug)]
pub(crate) struct RecursiveColumns;

impl AnalyzerRule for RecursiveColumns {
    fn name(&self) -> &str {
        "recursive_columns"
    }

    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        let agreeing = plan.transform_up_with_subqueries(|plan| match plan {
            LogicalPlan::RecursiveQuery(query) => agreeing(query),
            other => Ok(Transformed::no(other)),
        });
        Ok(agreeing?.data)
    }
}

fn agreeing(query: RecursiveQuery) -> Result<Transformed<LogicalPlan>> {
    let RecursiveQuery { name, static_term, recursive_term, is_distinct, .. } = query;
    let fields = static_term.schema().fields().iter().zip(recursive_term.schema().fields());
    let said: Vec<HashMap<String, String>> = fields
        .map(|(first, next)| {
            let mut said = next.metadata().clone();
            said.extend(first.metadata().clone());
            said
        })
        .collect();
    let (static_term, recursive_term) =
        (saying(static_term, &said)?, saying(recursive_term, &said)?);
    let query = RecursiveQuery::try_new(name, static_term, recursive_term, is_distinct)?;
    Ok(Transformed::yes(LogicalPlan::RecursiveQuery(query)))
}

/// The plan, with this said of its columns.
fn saying(plan: Arc<LogicalPlan>, said: &[HashMap<String, String>]) -> Result<Arc<LogicalPlan>> {
    let agrees = plan.schema().fields().iter().zip(said).all(|(f, said)| f.metadata() == said);
    if agrees {
        return Ok(plan);
    }
    let columns = plan.schema().columns().into_iter().zip(said);
    let exprs = columns.map(|(column, said)| {
        let (relation, name) = (column.relation.clone(), column.name.clone());
        let said = Some(FieldMetadata::from(said));
        Expr::Column(column).alias_qualified_with_metadata(relation, name, said)
    });
    let projection = Projection::try_new(exprs.collect(), plan)?;
    Ok(Arc::new(LogicalPlan::Projection(projection)))
}
