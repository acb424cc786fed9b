//! A table of the database as DataFusion sees it: schema, which conditions the engine takes over,
//! exact statistics, scans. Not here: how a scan runs ([`crate::exec`]).

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use dodb_engine::{PART_COLUMN, ROW_COLUMN, ScanRequest, Snapshot};
use dodb_part::{ColumnType, Predicate};

use crate::budget::Budget;
use crate::error::external;
use crate::exec::ScanExec;
use crate::json::with_paths;
use crate::lower::lower;

/// One table at one moment, for one query.
#[derive(Clone)]
pub(crate) struct DodbTable {
    pub(crate) snapshot: Snapshot,
    /// It may end with [`PART_COLUMN`] and [`ROW_COLUMN`].
    schema: SchemaRef,
    pub(crate) budget: Arc<Budget>,
}

impl std::fmt::Debug for DodbTable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DodbTable({})", self.snapshot.def().name)
    }
}

impl DodbTable {
    pub(crate) fn new(snapshot: Snapshot, infer_times: bool, budget: Arc<Budget>) -> DodbTable {
        let schema = with_paths_of(&snapshot, infer_times);
        DodbTable { snapshot, schema, budget }
    }

    /// The same table with two further columns that say where its rows are.
    pub(crate) fn with_row_addresses(&self) -> DodbTable {
        let mut fields: Vec<_> = self.schema.fields().iter().cloned().collect();
        fields.push(Arc::new(Field::new(PART_COLUMN, DataType::UInt64, false)));
        fields.push(Arc::new(Field::new(ROW_COLUMN, DataType::UInt64, false)));
        DodbTable { schema: Arc::new(Schema::new(fields)), ..self.clone() }
    }

    /// The same table with other rows.
    pub(crate) fn with_snapshot(&self, snapshot: Snapshot) -> DodbTable {
        DodbTable { snapshot, ..self.clone() }
    }
}

/// The schema of the table; JSON columns know the types of their paths.
fn with_paths_of(snapshot: &Snapshot, infer_times: bool) -> SchemaRef {
    let def = snapshot.def();
    let schema = def.arrow();
    let fields =
        schema.fields().iter().zip(def.schema.columns()).map(|(field, column)| match column.ty {
            ColumnType::Json => {
                let field = field.as_ref().clone();
                let hints = def.json_hints.get(&column.id).map(AsRef::as_ref);
                Arc::new(with_paths(field, &snapshot.paths(column.id), hints, infer_times))
            }
            _ => field.clone(),
        });
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

#[async_trait]
impl TableProvider for DodbTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>> {
        let def = self.snapshot.def();
        let mut paths = Vec::new();
        let exact = |filter: &&Expr| match lower(def, &mut paths, filter) {
            Some(_) => TableProviderFilterPushDown::Exact,
            None => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(exact).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let def = self.snapshot.def();
        let stored = def.schema.columns();
        let all: Vec<usize> = (0..self.schema.fields().len()).collect();
        let projection = projection.unwrap_or(&all);
        let columns = projection.iter().filter_map(|at| stored.get(*at)).map(|c| c.id).collect();
        let mut paths = Vec::new();
        let predicate = filters
            .iter()
            .filter_map(|filter| lower(def, &mut paths, filter))
            .fold(Predicate::True, Predicate::and);
        // Not those of other scans of the statement, which name none.
        let row_addresses = projection.iter().any(|at| *at >= stored.len());
        let request = ScanRequest { columns, paths, predicate, row_addresses };
        let plan = self.snapshot.scan(request.clone(), &self.budget.usage).map_err(external)?;
        let partitions = state.config().target_partitions();
        let schema = Arc::new(self.schema.project(projection)?);
        let scan = ScanExec::new(
            self.snapshot.clone(),
            request,
            plan,
            schema,
            partitions,
            limit,
            self.budget.clone(),
        );
        Ok(Arc::new(scan))
    }
}
