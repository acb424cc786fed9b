//! CREATE VIEW, DROP VIEW and DESCRIBE of a view. Not here: reading one ([`crate::views`]).

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::arrow::datatypes::Field;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::sql::sqlparser::ast::{
    CreateTableOptions, CreateView, ObjectName, SetExpr, Statement,
};
use dodb_engine::{Existing, View};
use dodb_part::ColumnType;

use crate::dialect::{Parsed, clickhouse_name, shown_column};
use crate::error::{Error, Result};
use crate::json::is_dynamic;
use crate::names::table_name;
use crate::session::{Request, Session};
use crate::show::{stream_of, texts};
use crate::views::with_columns;
use crate::write::check_may_write;

/// `CREATE [OR REPLACE] VIEW [IF NOT EXISTS] v [(a, b)] AS SELECT ...`: planned, then kept.
pub(crate) async fn create(
    session: &Session,
    parsed: &Parsed,
    create: &CreateView,
    request: &Request,
) -> Result<()> {
    check_may_write(request, "CREATE VIEW")?;
    refuse_extras(parsed, create)?;
    let existing = match (create.or_replace, create.if_not_exists) {
        (true, true) => {
            let hint = "one of them";
            return Err(Error::unsupported("CREATE OR REPLACE VIEW IF NOT EXISTS", hint));
        }
        (true, false) => Existing::Replace,
        (false, true) => Existing::Keep,
        (false, false) => Existing::Refuse,
    };
    let name = table_name(&create.name, &session.database)?;
    let Some(text) = &parsed.view else {
        return Err(Error::unsupported("this CREATE VIEW", "CREATE VIEW v AS SELECT"));
    };
    let view = View::new(&name, text.columns.clone(), &text.query)?;
    if existing == Existing::Keep && exists(session, &name, request)? {
        return Ok(());
    }
    check(session, parsed, create, &view, request).await?;
    session.db.create_view(view, existing, &request.usage)?;
    Ok(())
}

/// Plans the query of a view that is to be made, as whoever reads it will.
async fn check(
    session: &Session,
    parsed: &Parsed,
    create: &CreateView,
    view: &View,
    request: &Request,
) -> Result<()> {
    let statement = Statement::Query(create.query.clone());
    let query = Parsed { statement, settings: Vec::new(), ..parsed.clone() };
    let planned = session.plan_within(&query, request, vec![view.name.clone()]).await?;
    let plan = with_columns(planned.logical, &view.columns)?;
    let mut seen = HashSet::new();
    let mut names = plan.schema().fields().iter().map(|field| shown_column(field.name()));
    match names.find(|name| !seen.insert(*name)) {
        Some(twice) => Err(Error::Plan(format!(
            "view `{}` would have two columns `{}`; give them names with AS, or list the columns \
             behind the name of the view",
            view.name, twice
        ))),
        None => Ok(()),
    }
}

fn exists(session: &Session, name: &str, request: &Request) -> Result<bool> {
    Ok(session.db.view(name, &request.usage)?.is_some()
        || session.db.table(name, &request.usage).is_ok())
}

fn refuse_extras(parsed: &Parsed, create: &CreateView) -> Result<()> {
    let typed = !create.columns.is_empty();
    let extras = [
        (create.materialized, "MATERIALIZED"),
        (create.temporary, "TEMPORARY"),
        (create.or_alter, "OR ALTER"),
        (create.secure || create.params.is_some(), "SECURE, DEFINER, SQL SECURITY or ALGORITHM"),
        (create.to.is_some(), "TO"),
        (create.comment.is_some(), "COMMENT"),
        (!create.cluster_by.is_empty(), "CLUSTER BY"),
        (!matches!(create.options, CreateTableOptions::None), "WITH"),
        (create.with_no_schema_binding, "WITH NO SCHEMA BINDING"),
        (typed, "types of its columns (use CAST in the query)"),
        (!parsed.settings.is_empty(), "SETTINGS (they are those of the query that reads the view)"),
        (parsed.format.is_some(), "FORMAT (it is that of the query that reads the view)"),
    ];
    if !reads(&create.query.body) {
        return Err(Error::unsupported(
            "a view of anything but a query",
            "CREATE VIEW v AS SELECT",
        ));
    }
    match extras.iter().find(|(is_there, _)| *is_there) {
        Some((_, what)) => Err(Error::unsupported(format!("a view with {what}"), "")),
        None => Ok(()),
    }
}

/// Is that what a query is, and no change?
fn reads(body: &SetExpr) -> bool {
    match body {
        SetExpr::Select(_) | SetExpr::Values(_) | SetExpr::Table(_) => true,
        SetExpr::Query(query) => reads(&query.body),
        SetExpr::SetOperation { left, right, .. } => reads(left) && reads(right),
        _ => false,
    }
}

/// `DROP VIEW v`, or `DROP TABLE v` where `v` is a view. All that are named are looked for first.
pub(crate) fn drop(
    session: &Session,
    names: &[ObjectName],
    if_exists: bool,
    request: &Request,
) -> Result<()> {
    check_may_write(request, "DROP VIEW")?;
    let (db, usage) = (&session.db, &request.usage);
    let names: Vec<String> =
        names.iter().map(|name| table_name(name, &session.database)).collect::<Result<_>>()?;
    for name in &names {
        if db.view(name, usage)?.is_none() && !(if_exists && db.table(name, usage).is_err()) {
            // It says what is wrong.
            db.drop_view(name, false, usage)?;
        }
    }
    for name in &names {
        db.drop_view(name, if_exists, usage)?;
    }
    Ok(())
}

/// The answer to DESCRIBE, if it is of a view.
pub(crate) async fn describe(
    session: &Session,
    statement: &Statement,
    request: &Request,
) -> Result<Option<SendableRecordBatchStream>> {
    let Statement::ExplainTable { table_name: name, .. } = statement else { return Ok(None) };
    let name = table_name(name, &session.database)?;
    if session.db.view(&name, &request.usage)?.is_none() {
        return Ok(None);
    }
    let mut of_view = request.clone();
    of_view.params = [("view".to_owned(), name)].into();
    let query = session.parse("SELECT * FROM {view:Identifier}", &of_view)?;
    let Some(query) = query.first() else { return Ok(None) };
    let planned = session.plan(query, &of_view).await?;
    let fields = planned.logical.schema().fields();
    let names = fields.iter().map(|field| field.name().clone()).collect();
    let types = fields.iter().map(type_name).collect();
    Ok(Some(stream_of(texts([("name", names), ("type", types)])?)))
}

/// The type of a view's column, named as those of tables are.
pub(crate) fn type_name(field: &Arc<Field>) -> String {
    if is_dynamic(field) {
        return "Dynamic".to_owned();
    }
    let name = match ColumnType::of_field(field) {
        Ok(ty) => ty.name(),
        Err(_) => clickhouse_name(field.data_type()),
    };
    match field.is_nullable() {
        true => format!("Nullable({name})"),
        false => name,
    }
}
