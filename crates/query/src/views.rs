//! Views as queries read them: each is planned anew from its text, by itself, before the statement
//! that names it. A statement with all its views written out is bounded as one without views is.
//! Not here: CREATE, DROP and DESCRIBE ([`crate::view_ddl`]), where views are kept (`dodb-engine`).

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::datasource::ViewTable;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr as PlanExpr, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::parser::Statement as DfStatement;
use datafusion::sql::sqlparser::ast::{Expr, ObjectName, Query, Statement, Visit, Visitor};
use dodb_engine::{ErrorKind, Usage, VIEW_BYTES_MAX, View};
use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;

use crate::catalog::{Access, CATALOG, SYSTEM};
use crate::dialect::{self, Limits, ParseOptions, Parsed, SUBQUERIES_MAX, split_moment};
use crate::error::{Error, Result};

/// Most uses of views in a statement, those within views counted.
const USES_MAX: usize = 64;

/// The views that a statement reads, planned; its catalog finds them here.
#[derive(Default)]
pub(crate) struct Views(Mutex<BTreeMap<String, Arc<ViewTable>>>);

impl Views {
    pub(crate) fn get(&self, name: &str) -> Option<Arc<dyn TableProvider>> {
        let found = self.0.lock().get(name).cloned();
        found.map(|view| -> Arc<dyn TableProvider> { view })
    }

    /// All of them by name.
    pub(crate) fn all(&self) -> Vec<(String, Arc<ViewTable>)> {
        self.0.lock().iter().map(|(name, view)| (name.clone(), view.clone())).collect()
    }
}

/// Plans a statement and the views that it reads.
pub(crate) struct Planner<'a> {
    access: &'a Access,
    state: &'a SessionState,
    user: &'a str,
    /// Views that are being planned or made, the outermost first.
    within: Vec<String>,
    extents: BTreeMap<String, Extent>,
}

impl<'a> Planner<'a> {
    /// `within` are views that are being made.
    pub(crate) fn new(
        access: &'a Access,
        state: &'a SessionState,
        user: &'a str,
        within: Vec<String>,
    ) -> Planner<'a> {
        Planner { access, state, user, within, extents: BTreeMap::new() }
    }

    fn usage(&self) -> &'a Usage {
        &self.access.budget.usage
    }

    pub(crate) async fn plan(&mut self, parsed: &Parsed) -> Result<LogicalPlan> {
        self.expand(&parsed.statement).await?;
        Ok(dialect::plan(self.state, parsed).await?)
    }

    /// Plans the views that a statement names; answers what it comes to with them.
    fn expand<'b>(&'b mut self, statement: &'b Statement) -> BoxFuture<'b, Result<Extent>> {
        async move {
            let (named, all) = self.named(statement)?;
            for name in &named {
                self.view(name).await?;
            }
            if all {
                self.plan_all().await?;
            }
            let mut places = Places::default();
            let _: ControlFlow<()> = statement.visit(&mut places);
            let mut extent = Extent {
                levels: places.deepest,
                subqueries: places.deepest_subquery,
                ..Extent::default()
            };
            for place in &places.found {
                let table = self.own_table(&place.table).filter(|table| named.contains(*table));
                if let Some(inner) = table.and_then(|table| self.extents.get(table)) {
                    extent.add(place, inner);
                }
            }
            extent.check()?;
            Ok(extent)
        }
        .boxed()
    }

    /// The tables of this database that a statement names, and whether it asks for the columns of
    /// all.
    fn named(&self, statement: &Statement) -> Result<(BTreeSet<String>, bool)> {
        let statement = DfStatement::Statement(Box::new(statement.clone()));
        let (mut named, mut all) = (BTreeSet::new(), false);
        for reference in self.state.resolve_table_references(&statement)? {
            let parts: Vec<&str> = match &reference {
                TableReference::Bare { table } => vec![table.as_ref()],
                TableReference::Partial { schema, table } => vec![schema.as_ref(), table.as_ref()],
                TableReference::Full { catalog, schema, table } => {
                    vec![catalog.as_ref(), schema.as_ref(), table.as_ref()]
                }
            };
            all |=
                matches!(parts.as_slice(), [.., "information_schema", _] | [.., SYSTEM, "columns"]);
            named.extend(self.own_of(&parts).map(str::to_owned));
        }
        Ok((named, all))
    }

    /// The table of this database that a name is, if it may be one.
    fn own_of<'n>(&self, parts: &[&'n str]) -> Option<&'n str> {
        match parts {
            [table] => Some(*table),
            [schema, table] if *schema == self.access.database => Some(*table),
            [CATALOG, schema, table] if *schema == self.access.database => Some(*table),
            _ => None,
        }
    }

    fn own_table<'n>(&self, name: &'n ObjectName) -> Option<&'n str> {
        let parts: Option<Vec<&str>> =
            name.0.iter().map(|part| Some(part.as_ident()?.value.as_str())).collect();
        self.own_of(&parts?)
    }

    /// Plans the view of that name, if it is one.
    fn view<'b>(&'b mut self, name: &'b str) -> BoxFuture<'b, Result<()>> {
        async move {
            let (plain, moment) = split_moment(name);
            if self.extents.contains_key(plain) && moment.is_none() {
                return Ok(());
            }
            if self.within.iter().any(|outer| outer == plain) {
                let way = self.within.join("`, `");
                return Err(Error::Plan(format!("view `{plain}` would read itself: `{way}`")));
            }
            let Some(view) = self.access.db.view(plain, self.usage())? else { return Ok(()) };
            if moment.is_some() {
                return Err(Error::unsupported(
                    format!("FOR VERSION or TIMESTAMP AS OF the view `{plain}`"),
                    "write its query, with the moment behind the tables in it",
                ));
            }
            self.within.push(plain.to_owned());
            let planned = self.planned(&view).await;
            self.within.pop();
            let (plan, extent) = planned.map_err(|error| error.in_view(plain))?;
            self.access
                .views
                .0
                .lock()
                .insert(plain.to_owned(), Arc::new(ViewTable::new(plan, None)));
            self.extents.insert(plain.to_owned(), extent);
            Ok(())
        }
        .boxed()
    }

    async fn planned(&mut self, view: &View) -> Result<(LogicalPlan, Extent)> {
        let options = ParseOptions {
            limits: Limits { text_bytes_max: VIEW_BYTES_MAX, ..Limits::default() },
            database: self.access.database.clone(),
            user: self.user.to_owned(),
            ..ParseOptions::default()
        };
        let parsed = dialect::parse(&view.query, &options)?;
        let [parsed] = parsed.as_slice() else {
            return Err(Error::Plan("its text is not one query".into()));
        };
        let mut extent = self.expand(&parsed.statement).await?;
        extent.uses += 1;
        extent.bytes += view.query.len();
        extent.check()?;
        let plan = dialect::plan(self.state, parsed).await?;
        Ok((with_columns(plan, &view.columns)?, extent))
    }

    /// Plans all views; those that have no meaning any more are left out.
    async fn plan_all(&mut self) -> Result<()> {
        for view in self.access.db.views(self.usage())? {
            if self.within.contains(&view.name) {
                continue;
            }
            match self.view(&view.name).await {
                Err(e) if !matches!(e.kind(), ErrorKind::NotFound | ErrorKind::Invalid) => {
                    return Err(e);
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// A plan whose columns have the names that a view gives them, if it gives any.
pub(crate) fn with_columns(plan: LogicalPlan, names: &[String]) -> Result<LogicalPlan> {
    if names.is_empty() {
        return Ok(plan);
    }
    let columns = plan.schema().columns();
    if columns.len() != names.len() {
        return Err(Error::Plan(format!(
            "the view has {} columns ({}), but its query gives {}",
            names.len(),
            names.join(", "),
            columns.len()
        )));
    }
    let named = columns.into_iter().zip(names);
    let named = named.map(|(column, name)| PlanExpr::Column(column).alias(name));
    Ok(LogicalPlanBuilder::from(plan).project(named.collect::<Vec<_>>())?.build()?)
}

/// What a query comes to with its views written out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Extent {
    /// Views, as often as they are used.
    uses: usize,
    /// Bytes of their texts.
    bytes: usize,
    /// Queries within each other.
    levels: usize,
    /// Of these those in expressions.
    subqueries: usize,
}

impl Extent {
    /// A view that is used at a place of the query.
    fn add(&mut self, place: &Place, view: &Extent) {
        self.uses = self.uses.saturating_add(view.uses);
        self.bytes = self.bytes.saturating_add(view.bytes);
        self.levels = self.levels.max(place.levels + view.levels);
        self.subqueries = self.subqueries.max(place.subqueries + view.subqueries);
    }

    /// Without views the text was checked already.
    fn check(&self) -> Result<()> {
        if self.uses == 0 {
            return Ok(());
        }
        let limits = Limits::default();
        let bounds = [
            ("uses of views", self.uses, USES_MAX),
            ("bytes of views", self.bytes, limits.text_bytes_max),
            ("queries inside each other", self.levels, limits.nesting_max + 1),
            ("subqueries inside each other", self.subqueries, SUBQUERIES_MAX),
        ];
        match bounds.iter().find(|(_, found, max)| found > max) {
            None => Ok(()),
            Some((what, found, max)) => Err(Error::Plan(format!(
                "with its views written out the statement has {found} {what}, and may have {max}; \
                 keep what a view gives in a table (INSERT ... SELECT), or use fewer"
            ))),
        }
    }
}

/// Where a statement names a table.
struct Place {
    table: ObjectName,
    levels: usize,
    subqueries: usize,
}

/// All such places.
#[derive(Default)]
struct Places {
    levels: usize,
    deepest: usize,
    subqueries: usize,
    deepest_subquery: usize,
    found: Vec<Place>,
}

impl Visitor for Places {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.levels += 1;
        self.deepest = self.deepest.max(self.levels);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.levels -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let (levels, subqueries) = (self.levels, self.subqueries);
        self.found.push(Place { table: relation.clone(), levels, subqueries });
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        self.subqueries += usize::from(is_subquery(expr));
        self.deepest_subquery = self.deepest_subquery.max(self.subqueries);
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        self.subqueries -= usize::from(is_subquery(expr));
        ControlFlow::Continue(())
    }
}

fn is_subquery(expr: &Expr) -> bool {
    matches!(expr, Expr::Subquery(_) | Expr::Exists { .. } | Expr::InSubquery { .. })
}
