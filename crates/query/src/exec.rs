//! The scan as a physical operator: one partition a thread, each taking its share of the scan's
//! tasks, a batch a granule. Not here: pruning and reading (`dodb-engine`).

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::{FieldRef, Schema, SchemaRef};
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{ColumnStatistics, DataFusionError, Result, Statistics};
use datafusion::config::ConfigOptions;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_expr::{
    EquivalenceProperties, PhysicalExpr, PhysicalSortExpr, ScalarFunctionExpr,
};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::filter_pushdown::{
    ChildPushdownResult, FilterPushdownPhase, FilterPushdownPropagation, PushedDown,
};
use datafusion::physical_plan::projection::{ProjectionExec, ProjectionExpr};
use datafusion::physical_plan::sort_pushdown::SortOrderPushdownResult;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PlanProperties,
    SendableRecordBatchStream,
};
use dodb_engine::{
    PathColumn, ReadAhead, ScanCounters, ScanPlan, ScanRequest, ScanTask, Scanner, Snapshot,
    UsageCounts,
};
use dodb_part::{CompareOp, Predicate, Scalar};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesOrdered;

use crate::budget::Budget;
use crate::error::external;
use crate::floats::seen_through_physical;
use crate::json::JsonPath;
use crate::lower::{path_id, raise, without_sign_of_zero};
use crate::narrowing::{is_narrowing, narrowed};

/// Reads one table.
pub(crate) struct ScanExec {
    snapshot: Snapshot,
    request: ScanRequest,
    plan: Arc<ScanPlan>,
    schema: SchemaRef,
    limit: Option<usize>,
    /// Conditions that grow narrower while the query runs, by the columns of the request.
    narrowing: Vec<Arc<dyn PhysicalExpr>>,
    /// The column whose largest values, or smallest, are wanted first.
    first: Option<Wanted>,
    budget: Arc<Budget>,
    properties: Arc<PlanProperties>,
}

/// Which values of a column are wanted first.
#[derive(Debug, Clone, Copy)]
struct Wanted {
    column: u32,
    largest: bool,
}

impl ScanExec {
    pub(crate) fn new(
        snapshot: Snapshot,
        request: ScanRequest,
        plan: ScanPlan,
        schema: SchemaRef,
        partitions_max: usize,
        limit: Option<usize>,
        budget: Arc<Budget>,
    ) -> ScanExec {
        let partitions = plan.tasks_max().clamp(1, partitions_max.max(1));
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema.clone()),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        ScanExec {
            snapshot,
            request,
            plan: Arc::new(plan),
            schema,
            limit,
            narrowing: Vec::new(),
            first: None,
            budget,
            properties: Arc::new(properties),
        }
    }

    /// The same scan, with what is known of the order that its rows are wanted in.
    fn copied(&self) -> ScanExec {
        ScanExec {
            snapshot: self.snapshot.clone(),
            request: self.request.clone(),
            plan: self.plan.clone(),
            schema: self.schema.clone(),
            limit: self.limit,
            narrowing: self.narrowing.clone(),
            first: self.first,
            budget: self.budget.clone(),
            properties: self.properties.clone(),
        }
    }

    /// What reading will take, as far as can be told before.
    pub(crate) fn estimate(&self) -> Result<UsageCounts> {
        self.plan.estimate(&self.budget.usage).map_err(external)
    }

    /// Files that are begun before their turn. One at a time where what comes first may say that
    /// the others are not needed.
    fn ahead_max(&self) -> ReadAhead {
        match self.limit.is_some() || !self.narrowing.is_empty() {
            true => ReadAhead { files: 1, bytes: 0 },
            false => self.plan.read_ahead(),
        }
    }

    /// The pieces of work of one partition, those first whose values are wanted first.
    fn tasks_of(&self, partition: usize) -> Result<Vec<ScanTask>> {
        let share = self.properties.partitioning.partition_count();
        let mut tasks = self.plan.tasks(&self.budget.usage).map_err(external)?;
        if let Some(Wanted { column, largest }) = self.first {
            tasks.sort_by(|a, b| match (a.bounds(column), b.bounds(column)) {
                (Some(a), Some(b)) if largest => order(b.1, a.1),
                (Some(a), Some(b)) => order(a.0, b.0),
                // What may hold anything comes first.
                (a, b) => a.is_some().cmp(&b.is_some()),
            });
        }
        Ok(tasks.into_iter().skip(partition).step_by(share).collect())
    }

    /// The same scan with paths of its JSON columns as further columns, for expressions that read
    /// them; and these expressions, reading the columns. `None` when they read no path.
    fn with_paths(
        &self,
        exprs: &[ProjectionExpr],
    ) -> Result<Option<(ScanExec, Vec<ProjectionExpr>)>> {
        let mut taken = TakenPaths {
            scan: self,
            paths: self.request.paths.clone(),
            ids: vec![],
            fields: vec![],
        };
        let mut rewritten = Vec::with_capacity(exprs.len());
        for expr in exprs {
            let changed = expr.expr.clone().transform_down(|expr| taken.rewrite(expr))?;
            rewritten.push(ProjectionExpr { expr: changed.data, alias: expr.alias.clone() });
        }
        if taken.ids.is_empty() {
            return Ok(None);
        }
        let TakenPaths { paths, ids, fields, .. } = taken;
        // Columns that only the paths were read from are not read.
        let mut used: Vec<usize> = Vec::new();
        for expr in &rewritten {
            used.extend(collect_columns(&expr.expr).iter().map(|column| column.index()));
        }
        used.sort_unstable();
        used.dedup();
        // Addresses of rows are no columns: both of them come behind all that are, paths too.
        let (stored, width) = (self.request.columns.len(), self.schema.fields().len());
        used.retain(|at| !(stored..width).contains(at));
        let id =
            |at: &usize| self.request.columns.get(*at).or_else(|| ids.get(at.checked_sub(width)?));
        let columns: Vec<u32> = used.iter().filter_map(id).copied().collect();
        used.extend(stored..width);
        let request = ScanRequest { columns, paths, ..self.request.clone() };
        let usage = &self.budget.usage;
        let plan = self.snapshot.scan(request.clone(), usage).map_err(external)?;
        let all: Vec<&FieldRef> = self.schema.fields().iter().chain(&fields).collect();
        let fields = used.iter().filter_map(|at| all.get(*at).copied().cloned());
        let schema = Arc::new(Schema::new(fields.collect::<Vec<FieldRef>>()));
        for expr in &mut rewritten {
            let moved = expr.expr.clone().transform_down(|expr| {
                let Some(column) = expr.downcast_ref::<Column>() else {
                    return Ok(Transformed::no(expr));
                };
                let Some(at) = used.iter().position(|used| *used == column.index()) else {
                    return Ok(Transformed::no(expr));
                };
                let name = schema.field(at).name();
                Ok(Transformed::yes(Arc::new(Column::new(name, at)) as Arc<dyn PhysicalExpr>))
            })?;
            expr.expr = moved.data;
        }
        let partitions = self.properties.partitioning.partition_count();
        let scan = ScanExec::new(
            self.snapshot.clone(),
            request,
            plan,
            schema,
            partitions,
            self.limit,
            self.budget.clone(),
        );
        Ok(Some((scan, rewritten)))
    }

    /// How many rows the scan gives, where the table's own counts say it.
    fn rows_known(&self) -> Precision<usize> {
        let snapshot = &self.snapshot;
        let exact = match &self.request.predicate {
            Predicate::True => Some(snapshot.rows()),
            Predicate::Compare { column, op: CompareOp::Eq, value } => {
                let values = snapshot.column_stats(*column).and_then(|s| s.value_counts());
                let value = without_sign_of_zero(value);
                values.map(|values| {
                    values.iter().find(|(v, _)| *v == value).map_or(0, |(_, count)| *count)
                })
            }
            _ => None,
        };
        match (exact, self.limit) {
            (Some(rows), None) => Precision::Exact(rows as usize),
            (Some(rows), Some(limit)) => Precision::Exact((rows as usize).min(limit)),
            (None, _) => Precision::Inexact(self.plan.rows_max() as usize),
        }
    }

    fn column_known(&self, id: u32) -> ColumnStatistics {
        let whole = self.request.predicate == Predicate::True && self.limit.is_none();
        let (Some(stats), Some(column)) =
            (self.snapshot.column_stats(id), self.snapshot.def().schema.by_id(id))
        else {
            return ColumnStatistics::new_unknown();
        };
        let bound = |value: &Option<dodb_part::Scalar>| match value
            .as_ref()
            .and_then(|value| raise(&column.ty, value))
        {
            Some(value) if whole && stats.exact => Precision::Exact(value),
            Some(value) => Precision::Inexact(value),
            None => Precision::Absent,
        };
        let nulls = stats.nulls as usize;
        ColumnStatistics {
            null_count: if whole { Precision::Exact(nulls) } else { Precision::Inexact(nulls) },
            min_value: bound(&stats.min),
            max_value: bound(&stats.max),
            ..ColumnStatistics::new_unknown()
        }
    }

    fn statistics_known(&self) -> Statistics {
        let mut columns: Vec<_> =
            self.request.columns.iter().map(|id| self.column_known(*id)).collect();
        columns.resize_with(self.schema.fields().len(), ColumnStatistics::new_unknown);
        // A derived id is stored as null; its statistics say nothing about what is read.
        for (field, column) in self.schema.fields().iter().zip(&mut columns) {
            if !field.is_nullable() && column.null_count.get_value().is_some_and(|n| *n > 0) {
                *column = ColumnStatistics::new_unknown();
            }
        }
        Statistics {
            num_rows: self.rows_known(),
            total_byte_size: Precision::Absent,
            column_statistics: columns,
        }
    }
}

/// Paths that a scan takes over from the expressions above it.
struct TakenPaths<'a> {
    scan: &'a ScanExec,
    paths: Vec<PathColumn>,
    /// The ids of paths, in the order of the columns that they become, behind all of the scan.
    ids: Vec<u32>,
    fields: Vec<FieldRef>,
}

impl TakenPaths<'_> {
    fn rewrite(
        &mut self,
        expr: Arc<dyn PhysicalExpr>,
    ) -> Result<Transformed<Arc<dyn PhysicalExpr>>> {
        match self.column(&expr) {
            Some(column) => Ok(Transformed::new(Arc::new(column), true, TreeNodeRecursion::Jump)),
            None => Ok(Transformed::no(expr)),
        }
    }

    fn column(&mut self, expr: &Arc<dyn PhysicalExpr>) -> Option<Column> {
        let function = expr.downcast_ref::<ScalarFunctionExpr>()?;
        let path = JsonPath::of_udf(function.fun())?;
        let document = function.args().first()?.downcast_ref::<Column>()?;
        let def = self.scan.snapshot.def();
        let id = path_id(def, &mut self.paths, path, document.name())?;
        let field = function.return_field(&self.scan.schema).ok()?;
        let at = self.ids.iter().position(|known| *known == id).unwrap_or_else(|| {
            self.ids.push(id);
            self.fields.push(field);
            self.ids.len() - 1
        });
        Some(Column::new(&path.keys.join("."), self.scan.schema.fields().len() + at))
    }
}

impl fmt::Debug for ScanExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fmt_as(DisplayFormatType::Default, f)
    }
}

impl DisplayAs for ScanExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let def = self.snapshot.def();
        let paths = &self.request.paths;
        let name = |id: u32| match paths.iter().find(|path| path.id == id) {
            Some(path) => Some(path.name.clone()),
            None => def.schema.by_id(id).map(|c| c.name.clone()),
        };
        let columns: Vec<_> = self.request.columns.iter().filter_map(|id| name(*id)).collect();
        write!(f, "DodbScan: table={}, columns=[{}]", def.name, columns.join(", "))?;
        if self.request.predicate != Predicate::True {
            write!(f, ", where={}", self.request.predicate.display(&name))?;
        }
        if let Some(limit) = self.limit {
            write!(f, ", limit={limit}")?;
        }
        let c = self.plan.counters();
        let by_zone = c.parts_pruned_by_zone.load(Relaxed);
        let by_filter = c.parts_pruned_by_filter.load(Relaxed);
        let all = c.parts.load(Relaxed);
        write!(f, ", parts={}/{all}", all.saturating_sub(by_zone + by_filter))?;
        if by_zone > 0 {
            write!(f, ", pruned_by_bounds={by_zone}")?;
        }
        if by_filter > 0 {
            write!(f, ", pruned_by_filter={by_filter}")?;
        }
        let files = c.files.load(Relaxed);
        if files > 0 {
            fmt_files(c, files, f)?;
        }
        let granules = c.granules.load(Relaxed);
        if granules > 0 || files > 0 {
            write!(
                f,
                ", actual: pruned_by_header={}, granules={granules}, granules_pruned={}, \
                 rows_scanned={}, rows_returned={}, bytes_decoded={}",
                c.parts_pruned_by_header.load(Relaxed),
                c.granules_pruned.load(Relaxed),
                c.rows_scanned.load(Relaxed),
                c.rows_returned.load(Relaxed),
                c.bytes_decoded.load(Relaxed),
            )?;
        }
        Ok(())
    }
}

impl ExecutionPlan for ScanExec {
    fn name(&self) -> &str {
        "DodbScan"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn with_new_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn execute(&self, partition: usize, _: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let reading = Reading {
            plan: self.plan.clone(),
            tasks: self.tasks_of(partition)?.into_iter(),
            columns: self.request.columns.clone(),
            narrowing: self.narrowing.clone(),
            ahead: FuturesOrdered::new(),
            ahead_bytes: 0,
            ahead_max: self.ahead_max(),
            scanner: None,
            left: self.limit.unwrap_or(usize::MAX),
            budget: self.budget.clone(),
            schema: self.schema.clone(),
        };
        let stream = futures::stream::try_unfold(reading, |mut reading| async move {
            Ok(reading.next().await?.map(|batch| (batch, reading)))
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), stream)))
    }

    fn try_swapping_with_projection(
        &self,
        projection: &ProjectionExec,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some((scan, exprs)) = self.with_paths(projection.expr())? else { return Ok(None) };
        Ok(Some(Arc::new(ProjectionExec::try_new(exprs, Arc::new(scan))?)))
    }

    fn handle_child_pushdown_result(
        &self,
        phase: FilterPushdownPhase,
        pushed: ChildPushdownResult,
        _: &ConfigOptions,
    ) -> Result<FilterPushdownPropagation<Arc<dyn ExecutionPlan>>> {
        let filters = pushed.parent_filters.iter().map(|pushed| &pushed.filter);
        let narrowing: Vec<_> = filters.filter(|filter| is_narrowing(filter)).cloned().collect();
        if phase != FilterPushdownPhase::Post || narrowing.is_empty() {
            return Ok(FilterPushdownPropagation::if_all(pushed));
        }
        // They are used, and not relied upon: whoever made them looks at each row again.
        let told = vec![PushedDown::No; pushed.parent_filters.len()];
        let scan: Arc<dyn ExecutionPlan> = Arc::new(ScanExec { narrowing, ..self.copied() });
        Ok(FilterPushdownPropagation { filters: told, updated_node: Some(scan) })
    }

    fn try_pushdown_sort(
        &self,
        order: &[PhysicalSortExpr],
    ) -> Result<SortOrderPushdownResult<Arc<dyn ExecutionPlan>>> {
        let by = order.first();
        let column = by.and_then(|by| seen_through_physical(&by.expr).1.downcast_ref::<Column>());
        let column = column.and_then(|column| self.request.columns.get(column.index()));
        let (Some(by), Some(column)) = (by, column) else {
            return Ok(SortOrderPushdownResult::Unsupported);
        };
        let first = Some(Wanted { column: *column, largest: by.options.descending });
        let inner: Arc<dyn ExecutionPlan> = Arc::new(ScanExec { first, ..self.copied() });
        Ok(SortOrderPushdownResult::Inexact { inner })
    }

    fn partition_statistics(&self, partition: Option<usize>) -> Result<Arc<Statistics>> {
        Ok(Arc::new(match partition {
            None => self.statistics_known(),
            Some(_) if self.properties.partitioning.partition_count() == 1 => {
                self.statistics_known()
            }
            Some(_) => Statistics::new_unknown(&self.schema),
        }))
    }

    /// What it narrows by belongs to others.
    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }
}

/// Of the files in the bucket, how many are read and why others are not.
fn fmt_files(c: &ScanCounters, files: u64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let by_zone = c.files_pruned_by_zone.load(Relaxed);
    let by_filter = c.files_pruned_by_filter.load(Relaxed);
    let by_index = c.files_pruned_by_index.load(Relaxed);
    let by_stats = c.files_pruned_by_stats.load(Relaxed);
    let left = files.saturating_sub(by_index + by_zone + by_stats + by_filter);
    write!(f, ", files={left}/{files}")?;
    let reasons = [
        ("index", by_index),
        ("bounds", by_zone),
        ("path_statistics", by_stats),
        ("filter", by_filter),
    ];
    for (why, count) in reasons {
        if count > 0 {
            write!(f, ", files_pruned_by_{why}={count}")?;
        }
    }
    if c.index_unreadable.load(Relaxed) > 0 {
        write!(f, ", index=unreadable")?;
    }
    let late = c.tasks_pruned_late.load(Relaxed);
    if late > 0 {
        write!(f, ", left_out_meanwhile={late}")?;
    }
    let groups = c.row_groups.load(Relaxed);
    if groups > 0 {
        let pruned = c.row_groups_pruned.load(Relaxed);
        write!(f, ", row_groups={}/{groups}", groups.saturating_sub(pruned))?;
    }
    Ok(())
}

fn order(a: &Scalar, b: &Scalar) -> std::cmp::Ordering {
    a.partial_cmp_same(b).unwrap_or(std::cmp::Ordering::Equal)
}

/// A piece of work whose first rows are there.
struct Begun {
    scanner: Scanner,
    batch: Option<RecordBatch>,
    /// Of the part or file.
    bytes: u64,
}

/// Where one partition has come to.
struct Reading {
    plan: Arc<ScanPlan>,
    tasks: std::vec::IntoIter<ScanTask>,
    /// The columns that `narrowing` counts by.
    columns: Vec<u32>,
    narrowing: Vec<Arc<dyn PhysicalExpr>>,
    /// The next files, which the bucket is asked for together: its answers take long to come.
    ahead: FuturesOrdered<BoxFuture<'static, Result<Begun>>>,
    /// Bytes of these.
    ahead_bytes: u64,
    ahead_max: ReadAhead,
    scanner: Option<Scanner>,
    left: usize,
    budget: Arc<Budget>,
    /// Says more of the columns than the engine's: the types of paths.
    schema: SchemaRef,
}

impl Reading {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        while self.left > 0 {
            self.budget.check().map_err(|e| DataFusionError::External(Box::new(e)))?;
            let batch = match &mut self.scanner {
                Some(scanner) => scanner.next_batch(&self.budget.usage).await.map_err(external)?,
                None => {
                    self.begin();
                    let Some(begun) = self.ahead.next().await else { return Ok(None) };
                    let Begun { scanner, batch, bytes } = begun?;
                    self.ahead_bytes -= bytes;
                    self.scanner = Some(scanner);
                    batch
                }
            };
            match batch {
                None => self.scanner = None,
                Some(batch) => return self.shown(&batch).map(Some),
            }
        }
        Ok(None)
    }

    /// Begins the next piece of work, and files behind it as long as memory for them is granted.
    fn begin(&mut self) {
        let mut is_file = true;
        while self.ahead.is_empty() || (is_file && self.ahead.len() < self.ahead_max.files) {
            let Some(task) = self.tasks.as_slice().first() else { return };
            let bytes = task.bytes();
            is_file = task.is_file();
            let fits = is_file && self.ahead_bytes + bytes <= self.ahead_max.bytes;
            if !self.ahead.is_empty() && !fits {
                return;
            }
            let narrowed = narrowed(self.plan.def(), &self.columns, &self.narrowing);
            let scanner = self.plan.start_narrowed(task, narrowed);
            self.tasks.next();
            let Some(mut scanner) = scanner else { continue };
            let budget = self.budget.clone();
            self.ahead_bytes += bytes;
            self.ahead.push_back(Box::pin(async move {
                let batch = scanner.next_batch(&budget.usage).await.map_err(external)?;
                Ok(Begun { scanner, batch, bytes })
            }));
        }
    }

    /// A batch as the query wants it, and not more rows than it wants.
    fn shown(&mut self, batch: &RecordBatch) -> Result<RecordBatch> {
        let rows = batch.num_rows().min(self.left);
        self.left -= rows;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        let columns = batch.columns().to_vec();
        let batch = RecordBatch::try_new_with_options(self.schema.clone(), columns, &options)?;
        Ok(batch.slice(0, rows))
    }
}
