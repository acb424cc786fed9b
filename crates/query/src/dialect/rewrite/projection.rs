//! The SELECT list: column names as ClickHouse shows them, and names of the list used where
//! standard SQL does not allow them (WHERE, GROUP BY, other items of the list).

use std::collections::{HashMap, HashSet};
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    Expr, GroupByExpr, Ident, Query, Select, SelectItem, TableFactor, VisitMut, VisitorMut,
    WildcardAdditionalOptions,
};

use super::combinators::is_aggregate;
use crate::dialect::error::{ParseError, ParseErrorKind};

/// Most characters that names may expand to in one query, against `a+a AS b, b+b AS c, ...`.
const EXPANSION_MAX: usize = 64 * 1024;

/// Stands in a name that the list has already, with a number behind: DataFusion wants every column
/// to have a name of its own.
const AGAIN: char = '\u{2063}';

/// A column's name as an answer shows it.
pub(crate) fn shown_column(name: &str) -> &str {
    name.split_once(AGAIN).map_or(name, |(name, _)| name)
}

/// Names unnamed items by their text, and puts the expressions of names where names are used.
pub(super) fn name_and_resolve(select: &mut Select) -> Result<(), ParseError> {
    name_items(select);
    tell_apart(select);
    let mut names = Names::default();
    let mut aliases: HashMap<String, Expr> = HashMap::new();
    for item in &select.projection {
        if let SelectItem::ExprWithAlias { expr, alias } = item {
            aliases.entry(alias.value.clone()).or_insert_with(|| expr.clone());
        }
    }
    if let GroupByExpr::Expressions(exprs, _) = &mut select.group_by {
        for expr in exprs {
            if let Expr::Identifier(ident) = &*expr
                && let Some(named) = aliases.get(&ident.value)
                && !contains_aggregate(named)
            {
                *expr = named.clone();
            }
        }
    }
    names.by_name = aliases;
    names.by_name.retain(|name, expr| !mentions(expr, name));
    for item in &mut select.projection {
        let SelectItem::ExprWithAlias { expr, alias } = item else { continue };
        let own = names.by_name.remove(&alias.value);
        names.skip_columns = true;
        names.resolve(expr)?;
        if own.is_some() {
            names.by_name.insert(alias.value.clone(), expr.clone());
        }
    }
    names.by_name.retain(|_, expr| !contains_aggregate(expr));
    names.skip_columns = false;
    match &mut select.selection {
        Some(selection) => names.resolve(selection),
        None => Ok(()),
    }
}

/// Replaces an expression that is a name of the list by what it names.
pub(super) fn resolve_name(expr: &mut Expr, projection: &[SelectItem]) {
    let Expr::Identifier(ident) = &*expr else { return };
    let named = projection.iter().find_map(|item| match item {
        SelectItem::ExprWithAlias { expr, alias } if alias.value == ident.value => Some(expr),
        _ => None,
    });
    if let Some(named) = named {
        *expr = named.clone();
    }
}

#[derive(Default)]
struct Names {
    by_name: HashMap<String, Expr>,
    /// Leave names of plain columns: `a AS b, b AS a` swaps.
    skip_columns: bool,
    queries: usize,
    expanded: usize,
}

impl Names {
    fn resolve(&mut self, expr: &mut Expr) -> Result<(), ParseError> {
        if self.by_name.is_empty() {
            return Ok(());
        }
        match VisitMut::visit(expr, self) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(error) => Err(error),
        }
    }
}

impl VisitorMut for Names {
    type Break = ParseError;

    fn pre_visit_query(&mut self, _: &mut Query) -> ControlFlow<ParseError> {
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &mut Query) -> ControlFlow<ParseError> {
        self.queries -= 1;
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<ParseError> {
        let Expr::Identifier(ident) = &*expr else { return ControlFlow::Continue(()) };
        let Some(named) = self.by_name.get(&ident.value) else {
            return ControlFlow::Continue(());
        };
        let is_column = matches!(named, Expr::Identifier(_) | Expr::CompoundIdentifier(_));
        if self.queries > 0 || (self.skip_columns && is_column) {
            return ControlFlow::Continue(());
        }
        self.expanded += named.to_string().len();
        if self.expanded > EXPANSION_MAX {
            let kind = ParseErrorKind::TooMany { what: "uses of names", count_max: EXPANSION_MAX };
            return ControlFlow::Break(ParseError::nowhere(kind));
        }
        *expr = Expr::Nested(Box::new(named.clone()));
        ControlFlow::Continue(())
    }
}

/// Whether an expression uses a name as a column.
fn mentions(expr: &Expr, name: &str) -> bool {
    any(expr, &mut |expr| match expr {
        Expr::Identifier(ident) => ident.value == name,
        Expr::CompoundIdentifier(idents) => idents.first().is_some_and(|ident| ident.value == name),
        _ => false,
    })
}

fn contains_aggregate(expr: &Expr) -> bool {
    any(expr, &mut |expr| match expr {
        Expr::Function(function) => {
            let name = function.name.to_string().to_ascii_lowercase();
            let base = name.strip_suffix("if").unwrap_or(&name);
            function.over.is_some() || is_aggregate(&name) || is_aggregate(base)
        }
        _ => false,
    })
}

fn any(expr: &Expr, is: &mut dyn FnMut(&Expr) -> bool) -> bool {
    datafusion::sql::sqlparser::ast::visit_expressions(expr, |expr| {
        if is(expr) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    })
    .is_break()
}

/// Gives unnamed items their text as name, except plain columns.
fn name_items(select: &mut Select) {
    let mut used: HashSet<String> = select.projection.iter().filter_map(given_name).collect();
    let tables = table_names(select);
    for (at, item) in select.projection.iter_mut().enumerate() {
        let SelectItem::UnnamedExpr(expr) = item else { continue };
        let Some(name) = shown_name(expr, &tables) else { continue };
        let name = if used.insert(name.clone()) { name } else { again(&name, at) };
        let expr = expr.clone();
        *item = SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', name) };
    }
}

/// Gives plain columns, and what has a name, another one where they come again.
fn tell_apart(select: &mut Select) {
    let has_all = select.projection.iter().any(|item| match item {
        SelectItem::Wildcard(options) => *options == WildcardAdditionalOptions::default(),
        _ => false,
    });
    let mut seen = HashSet::new();
    for (at, item) in select.projection.iter_mut().enumerate() {
        let (expr, name, is_of_all) = match &*item {
            SelectItem::ExprWithAlias { expr, alias } => (expr, alias, false),
            SelectItem::UnnamedExpr(expr @ Expr::Identifier(name)) => (expr, name, has_all),
            SelectItem::UnnamedExpr(expr @ Expr::CompoundIdentifier(names)) => match names.last() {
                Some(name) => (expr, name, has_all),
                None => continue,
            },
            _ => continue,
        };
        if !seen.insert((name.value.clone(), expr.to_string())) || is_of_all {
            let alias = Ident::with_quote('"', again(&name.value, at));
            *item = SelectItem::ExprWithAlias { expr: expr.clone(), alias };
        }
    }
}

/// The name of an item that another has already.
fn again(name: &str, at: usize) -> String {
    format!("{name}{AGAIN}{at}")
}

fn given_name(item: &SelectItem) -> Option<String> {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => Some(alias.value.clone()),
        SelectItem::UnnamedExpr(Expr::Identifier(ident)) => Some(ident.value.clone()),
        _ => None,
    }
}

/// The name to give, or none when the planner's own is right.
fn shown_name(expr: &Expr, tables: &HashSet<String>) -> Option<String> {
    match expr {
        Expr::Identifier(_) | Expr::Wildcard(_) | Expr::QualifiedWildcard(..) => None,
        Expr::CompoundIdentifier(idents) => {
            let is_table = idents.first().is_some_and(|first| tables.contains(&first.value));
            let path = if is_table { idents.get(1..)? } else { idents.as_slice() };
            let names: Vec<&str> = path.iter().map(|ident| ident.value.as_str()).collect();
            (names.len() > 1).then(|| names.join("."))
        }
        other => Some(other.to_string()),
    }
}

/// Names that may stand before a column: aliases and tables.
fn table_names(select: &Select) -> HashSet<String> {
    let mut names = HashSet::new();
    let factors = select.from.iter().flat_map(|table| {
        std::iter::once(&table.relation).chain(table.joins.iter().map(|join| &join.relation))
    });
    for factor in factors {
        match factor {
            TableFactor::Table { name, alias, .. } => {
                names.extend(alias.iter().map(|alias| alias.name.value.clone()));
                let parts = name.0.iter().filter_map(|part| part.as_ident());
                names.extend(parts.map(|ident| ident.value.clone()));
            }
            TableFactor::Derived { alias: Some(alias), .. } => {
                names.insert(alias.name.value.clone());
            }
            _ => {}
        }
    }
    names
}

/// `GROUP BY ALL`: every item without an aggregate. DataFusion only leaves out bare aggregates.
pub(super) fn group_by_all(select: &mut Select) {
    if !matches!(select.group_by, GroupByExpr::All(_)) {
        return;
    }
    let mut keys = Vec::new();
    for item in &select.projection {
        match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => {
                if !contains_aggregate(expr) {
                    keys.push(expr.clone());
                }
            }
            // A wildcard: leave it to the planner.
            _ => return,
        }
    }
    select.group_by = GroupByExpr::Expressions(keys, vec![]);
}
