//! EXPLAIN: the plan with what was pruned, and what it costs. EXPLAIN ANALYZE runs the statement
//! and gives what it came to. Not here: planning.

use std::sync::Arc;

use datafusion::arrow::array::{RecordBatch, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::display::DisplayableExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::sql::sqlparser::ast::Statement;
use dodb_engine::PRICES;
use dodb_engine::UsageCounts;
use futures::TryStreamExt;

use crate::dialect::Parsed;
use crate::error::{Error, Result};
use crate::exec::ScanExec;
use crate::session::{Answer, Request, Session};

pub(crate) async fn run(
    session: &Session,
    parsed: &Parsed,
    statement: &Statement,
    analyze: bool,
    request: &Request,
) -> Result<Answer> {
    if !matches!(statement, Statement::Query(_)) {
        return Err(Error::unsupported("EXPLAIN of anything but a query", "explain a SELECT"));
    }
    let query = Parsed { statement: statement.clone(), ..parsed.clone() };
    let planned = session.plan(&query, request).await?;
    let physical = planned.physical.clone();
    // What will be read of files is known once their list and index were asked.
    let reading = estimate(&physical)?;
    let planning = planned.budget.used();
    let mut estimate = format!("estimate: {}", cost(&(planning + reading)));
    if reading.object_gets > 0 {
        estimate +=
            " (bytes of whole files: fewer are read, in more requests where they are large)";
    }
    let mut lines = Vec::new();
    if !analyze {
        lines.extend(text(&planned.logical.display_indent().to_string()));
        lines.push(String::new());
        lines.extend(text(
            &DisplayableExecutionPlan::new(physical.as_ref()).indent(false).to_string(),
        ));
        lines.push(String::new());
        lines.push(format!("planning: {}", cost(&planning)));
        lines.push(estimate);
    } else {
        let budget = planned.budget.clone();
        let rows: Vec<RecordBatch> = planned.execute()?.try_collect().await?;
        let count: usize = rows.iter().map(RecordBatch::num_rows).sum();
        let display = DisplayableExecutionPlan::with_metrics(physical.as_ref());
        lines.extend(text(&display.indent(false).to_string()));
        lines.push(String::new());
        lines.push(format!("answer: {count} rows in {} ms", budget.elapsed_ms()));
        lines.push(estimate);
        lines.push(format!("actual: {}", cost(&budget.used())));
    }
    let field = Field::new("explain", DataType::Utf8, false);
    let schema = Arc::new(Schema::new(vec![field]));
    let batch = RecordBatch::try_new(schema.clone(), vec![Arc::new(StringArray::from(lines))])
        .map_err(|e| Error::Execution(e.to_string()))?;
    let stream = futures::stream::iter([Ok(batch)]);
    Ok(Answer::Rows(Box::pin(RecordBatchStreamAdapter::new(schema, stream))))
}

/// Plans all scans to their files; answers what reading will take.
fn estimate(plan: &Arc<dyn ExecutionPlan>) -> Result<UsageCounts> {
    let mut sum = match plan.downcast_ref::<ScanExec>() {
        Some(scan) => scan.estimate()?,
        None => UsageCounts::default(),
    };
    for child in plan.children() {
        sum += estimate(child)?;
    }
    Ok(sum)
}

fn text(plan: &str) -> Vec<String> {
    plan.lines().map(str::to_owned).collect()
}

/// Rows, objects and bytes, and what they cost.
fn cost(usage: &UsageCounts) -> String {
    format!(
        "rows_read={}, rows_written={}, object_gets={}, object_bytes={}, usd={:.9}",
        usage.rows_read,
        usage.rows_written,
        usage.object_gets,
        usage.object_bytes,
        PRICES.usd(usage)
    )
}
