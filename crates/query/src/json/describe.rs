//! Which paths a document has and what their values are: `JSONAllPaths`, `JSONAllPathsWithTypes`,
//! `dynamicType`. Not values.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, ListBuilder, StringViewArray, StringViewBuilder};
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{DFSchema, Result, plan_err};
use datafusion::functions::core::expr_fn::coalesce;
use datafusion::logical_expr::{Expr, ExprSchemable};
use datafusion::prelude::lit;
use dodb_part::json::{PathType, raw_type_name};

use super::path::JsonPath;
use super::{is_json, read};
use crate::dialect::clickhouse_name;
use crate::functions::{Arguments, Function, NativeFunction};

/// The name of `dynamicType`, which becomes a path where its argument is one.
const DYNAMIC_TYPE: &str = "dynamictype";

/// Of a JSON column, where its documents are stored: a reading of the column.
const DYNAMIC_PATHS: &str = "jsondynamicpaths";
const SHARED_PATHS: &str = "jsonshareddatapaths";

/// The functions of this file, with an example each.
pub(super) fn functions() -> Vec<Function> {
    let text = |_: &[DataType]| Ok(DataType::Utf8View);
    vec![
        Function::new(
            NativeFunction::new("jsonallpaths", 1..=1, list_type, all_paths),
            "JSONAllPaths(json)",
            r#"arrayStringConcat(JSONAllPaths('{"b":{"c":1},"a":[2]}'), ',')"#,
            "a,b.c",
        ),
        Function::new(
            NativeFunction::new("jsonallpathswithtypes", 1..=1, text_type, all_paths_with_types),
            "JSONAllPathsWithTypes(json)",
            r#"JSONAllPathsWithTypes('{"b":{"c":1},"a":"x"}')"#,
            "{'a':'String','b.c':'Int64'}",
        ),
        Function::new(
            NativeFunction::new(DYNAMIC_PATHS, 1..=1, list_type, no_paths),
            "JSONDynamicPaths(column)",
            r#"length(JSONDynamicPaths('{"a":1}'))"#,
            "0",
        ),
        Function::new(
            NativeFunction::new(SHARED_PATHS, 1..=1, list_type, all_paths),
            "JSONSharedDataPaths(column)",
            r#"arrayStringConcat(JSONSharedDataPaths('{"b":{"c":1},"a":[2]}'), ',')"#,
            "a,b.c",
        ),
        Function::new(
            NativeFunction::new(DYNAMIC_TYPE, 1..=1, text, dynamic_type),
            "dynamicType(path)",
            "dynamicType(1 + 1)",
            "Int64",
        ),
    ]
}

fn text_type(args: &[DataType]) -> Result<DataType> {
    match args {
        [DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null] => {
            Ok(DataType::Utf8View)
        }
        _ => plan_err!("JSON text is expected"),
    }
}

fn list_type(args: &[DataType]) -> Result<DataType> {
    text_type(args)?;
    Ok(DataType::List(Arc::new(Field::new_list_field(DataType::Utf8View, true))))
}

/// `dynamicType(path)` as a reading of the path; `None` for other calls.
pub(super) fn dynamic_type_of_path(expr: &Expr) -> Option<Expr> {
    let Expr::ScalarFunction(function) = expr else { return None };
    if function.name() != DYNAMIC_TYPE {
        return None;
    }
    let (path, document) = JsonPath::of(function.args.first()?)?;
    let name = JsonPath::call(document.clone(), path.keys.clone(), PathType::TypeName);
    let none = Expr::Cast(datafusion::logical_expr::expr::Cast::new(
        Box::new(lit("None")),
        DataType::Utf8View,
    ));
    Some(coalesce(vec![name, none]))
}

/// `JSONDynamicPaths(column)` and `JSONSharedDataPaths(column)` as readings of the column; `None`
/// for other calls.
pub(super) fn stored_paths(expr: &Expr, schema: &DFSchema) -> Option<Expr> {
    let Expr::ScalarFunction(function) = expr else { return None };
    let ty = match function.name() {
        DYNAMIC_PATHS => PathType::DynamicPaths,
        SHARED_PATHS => PathType::SharedPaths,
        _ => return None,
    };
    let column = function.args.first().filter(|arg| matches!(arg, Expr::Column(_)))?;
    let field = column.to_field(schema).ok()?.1;
    is_json(&field).then(|| JsonPath::call(column.clone(), Vec::new(), ty))
}

/// Text that is no column is stored nowhere.
fn no_paths(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let mut builder = ListBuilder::new(StringViewBuilder::new())
        .with_field(Field::new_list_field(DataType::Utf8View, true));
    arguments.text(0)?.iter().for_each(|json| builder.append(json.is_some()));
    Ok(Arc::new(builder.finish()))
}

/// Of what is no path: its own type, the same for all rows.
fn dynamic_type(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let array = arguments.array(0)?;
    let name = clickhouse_name(array.data_type());
    let nulls = array.logical_nulls();
    let names = (0..array.len()).map(|row| match &nulls {
        Some(nulls) if nulls.is_null(row) => "None",
        _ => name.as_str(),
    });
    Ok(Arc::new(StringViewArray::from_iter_values(names)))
}

/// Paths of all values that are no object, in order, with the names of their types. `null` has
/// none, as in ClickHouse.
fn paths_of(json: &str) -> Vec<(String, &'static str)> {
    let named = |(keys, raw): (Vec<String>, &str)| Some((keys.join("."), raw_type_name(raw)?));
    read::leaves(json).into_iter().filter_map(named).collect()
}

/// The document without the blanks around it, if it is one.
fn document(json: &str) -> Option<&str> {
    read::raw(json, &[])
}

fn all_paths(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let mut builder = ListBuilder::new(StringViewBuilder::new())
        .with_field(Field::new_list_field(DataType::Utf8View, true));
    for json in &arguments.text(0)? {
        if let Some(json) = json.and_then(document) {
            paths_of(json).iter().for_each(|(path, _)| builder.values().append_value(path));
        }
        builder.append(json.is_some());
    }
    Ok(Arc::new(builder.finish()))
}

fn all_paths_with_types(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let mut builder = StringViewBuilder::new();
    for json in &arguments.text(0)? {
        let quoted = |text: &str| format!("'{}'", text.replace('\\', "\\\\").replace('\'', "\\'"));
        builder.append_option(json.map(|json| {
            let paths = document(json).map(paths_of).unwrap_or_default();
            let entries = paths.iter().map(|(path, name)| format!("{}:'{name}'", quoted(path)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
        }));
    }
    Ok(Arc::new(builder.finish()))
}
