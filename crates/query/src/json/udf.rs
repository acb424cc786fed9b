//! The functions over JSON text. Paths are constants: keys as text, elements of arrays as numbers
//! from 1 (negative from the end).

use std::borrow::Cow;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, BooleanArray, Float64Array, Int64Array, ListBuilder, StringViewBuilder,
    UInt64Array,
};
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::{Result, ScalarValue, exec_err, plan_err};
use datafusion::logical_expr::Expr;
use datafusion::prelude::lit;

use super::DYNAMIC;
use super::read::{self, STEPS_MAX, Step};
use crate::dialect::{ELEMENTS, clickhouse_name};
use crate::functions::{Arguments, Function, NativeFunction};

/// Name of the function a path becomes.
pub(super) const JSON_GET: &str = "json_get";

/// Every function of this file, with an example each.
pub(super) fn functions() -> Vec<Function> {
    extracting()
        .into_iter()
        .chain(describing())
        .map(|(native, call, example, value)| Function::new(native, call, example, value))
        .chain(std::iter::once(Function::internal(json_elements())))
        .collect()
}

/// A function, its call, an example and the example's value.
type Row = (NativeFunction, &'static str, &'static str, &'static str);

fn typed(
    name: &'static str,
    returns: fn(&[DataType]) -> Result<DataType>,
    evaluate: fn(&Arguments<'_>) -> Result<ArrayRef>,
) -> NativeFunction {
    NativeFunction::new(name, 1..=STEPS_MAX, returns, evaluate)
}

fn extracting() -> Vec<Row> {
    vec![
        (
            json_get(),
            "json_get(json, path...)",
            r#"json_get('{"a":[{"b":"x"}]}', 'a', 1, 'b')"#,
            "x",
        ),
        (
            typed("jsonextractstring", text_type, extract_string),
            "JSONExtractString(json, path...)",
            r#"JSONExtractString('{"a":"x"}', 'a')"#,
            "x",
        ),
        (
            typed("jsonextractint", |args| answer(args, DataType::Int64), extract_int),
            "JSONExtractInt(json, path...)",
            r#"JSONExtractInt('{"a":[7,8]}', 'a', -1)"#,
            "8",
        ),
        (
            typed("jsonextractuint", |args| answer(args, DataType::UInt64), extract_uint),
            "JSONExtractUInt(json, path...)",
            r#"JSONExtractUInt('{"a":18446744073709551615}', 'a')"#,
            "18446744073709551615",
        ),
        (
            typed("jsonextractfloat", |args| answer(args, DataType::Float64), extract_float),
            "JSONExtractFloat(json, path...)",
            r#"JSONExtractFloat('{"a":1.5}', 'a')"#,
            "1.5",
        ),
        (
            typed("jsonextractbool", |args| answer(args, DataType::Boolean), extract_bool),
            "JSONExtractBool(json, path...)",
            r#"JSONExtractBool('{"a":true}', 'a')"#,
            "true",
        ),
        (
            typed("jsonextractraw", text_type, extract_raw),
            "JSONExtractRaw(json, path...)",
            r#"JSONExtractRaw('{"a":["x"]}', 'a')"#,
            r#"["x"]"#,
        ),
        (
            typed("jsonextractkeys", list_type, extract_keys),
            "JSONExtractKeys(json, path...)",
            r#"arrayStringConcat(JSONExtractKeys('{"a":1,"b":2}'), ',')"#,
            "a,b",
        ),
        (
            typed("jsonextractarrayraw", list_type, extract_elements),
            "JSONExtractArrayRaw(json, path...)",
            r#"arrayStringConcat(JSONExtractArrayRaw('{"a":[1,"x"]}', 'a'), ' ')"#,
            r#"1 "x""#,
        ),
    ]
}

fn describing() -> Vec<Row> {
    vec![
        (
            typed("jsonhas", |args| answer(args, DataType::Boolean), has),
            "JSONHas(json, path...)",
            r#"JSONHas('{"a":null}', 'a')"#,
            "true",
        ),
        (
            typed("jsonlength", |args| answer(args, DataType::UInt64), length),
            "JSONLength(json, path...)",
            r#"JSONLength('{"a":[1,2,3]}', 'a')"#,
            "3",
        ),
        (
            typed("jsontype", text_type, kind),
            "JSONType(json, path...)",
            r#"JSONType('{"a":1.5}', 'a')"#,
            "Double",
        ),
        (
            NativeFunction::new(
                "isvalidjson",
                1..=1,
                |args| answer(args, DataType::Boolean),
                valid,
            ),
            "isValidJSON(json)",
            "isValidJSON('{]')",
            "false",
        ),
        (
            NativeFunction::new("json_value", 2..=2, text_type, json_value),
            "JSON_VALUE(json, path)",
            r#"JSON_VALUE('{"a":{"b":[5,6]}}', '$.a.b[0]')"#,
            "5",
        ),
    ]
}

/// `json_get(json, path...)`.
pub(super) fn json_get() -> NativeFunction {
    let evaluate = |arguments: &Arguments<'_>| {
        let path = path(arguments)?;
        texts(arguments, |json| read::text(json, &path))
    };
    NativeFunction::new(JSON_GET, 1..=STEPS_MAX, text_type, evaluate).with_result_kind(DYNAMIC)
}

/// The call for a path of an expression; a path of a path is one call.
pub(super) fn get(json: Expr, steps: impl IntoIterator<Item = Step>) -> Expr {
    let mut args = match json {
        Expr::ScalarFunction(function) if function.name() == JSON_GET => function.args,
        other => vec![other],
    };
    args.extend(steps.into_iter().map(|step| match step {
        Step::Key(key) => lit(key),
        Step::Index(index) => lit(index),
    }));
    json_get().call(args)
}

/// `json_elements(json, steps...)`: see [`elements`].
fn json_elements() -> NativeFunction {
    let evaluate = |arguments: &Arguments<'_>| {
        let steps = path(arguments)?;
        let mut builder = ListBuilder::new(StringViewBuilder::new())
            .with_field(Field::new_list_field(DataType::Utf8View, true));
        for json in &arguments.text(0)? {
            let is_array = json.is_some_and(|json| json.starts_with('['));
            if let Some(json) = json.filter(|_| is_array) {
                push_elements(json, &steps, builder.values());
            }
            builder.append(is_array);
        }
        Ok(Arc::new(builder.finish()) as ArrayRef)
    };
    NativeFunction::new("json_elements", 2..=STEPS_MAX, list_type, evaluate)
}

/// Appends the values behind `[]`, or null where an element lacks them.
fn push_elements(json: &str, steps: &[Step], out: &mut StringViewBuilder) {
    let Some((first, rest)) = steps.split_first() else {
        out.append_option(read::unquoted(json));
        return;
    };
    if *first == Step::Key(ELEMENTS.to_owned()) {
        for element in read::elements(json).unwrap_or_default() {
            push_elements(element, rest, out);
        }
        return;
    }
    let keys = steps.iter().take_while(|step| **step != Step::Key(ELEMENTS.to_owned())).count();
    let (keys, rest) = steps.split_at_checked(keys).unwrap_or((steps, &[]));
    match read::raw(json, keys) {
        Some(value) => push_elements(value, rest, out),
        None => out.append_null(),
    }
}

/// `a[].b` of JSON text: the values of `b` of all elements, null where there is none.
pub(super) fn elements(array: Expr, steps: &[String]) -> Expr {
    let steps = steps.iter().map(|step| lit(step.clone()));
    json_elements().call(std::iter::once(array).chain(steps).collect())
}

fn answer(args: &[DataType], data_type: DataType) -> Result<DataType> {
    match args.first() {
        Some(DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null) => {
            Ok(data_type)
        }
        Some(other) => plan_err!("JSON is read from a String, not {}", clickhouse_name(other)),
        None => plan_err!("JSON text is expected"),
    }
}

fn text_type(args: &[DataType]) -> Result<DataType> {
    answer(args, DataType::Utf8View)
}

fn list_type(args: &[DataType]) -> Result<DataType> {
    let item = Field::new_list_field(DataType::Utf8View, true);
    answer(args, DataType::List(Arc::new(item)))
}

/// The path behind the first argument.
fn path(arguments: &Arguments<'_>) -> Result<Vec<Step>> {
    (1..arguments.count()).map(|at| step(arguments, at)).collect()
}

fn step(arguments: &Arguments<'_>, at: usize) -> Result<Step> {
    let Some(constant) = arguments.constant(at) else {
        return exec_err!("a JSON path must be constant: argument {} is not", at + 1);
    };
    if let Some(Some(key)) = constant.try_as_str() {
        return Ok(Step::Key(key.to_owned()));
    }
    match constant.cast_to(&DataType::Int64) {
        Ok(ScalarValue::Int64(Some(index))) => Ok(Step::Index(index)),
        _ => exec_err!("a JSON path is of keys and positions, not {constant}"),
    }
}

/// A text per row, NULL where the JSON is NULL.
fn texts(
    arguments: &Arguments<'_>,
    get: impl for<'j> Fn(&'j str) -> Option<Cow<'j, str>>,
) -> Result<ArrayRef> {
    let json = arguments.text(0)?;
    let mut builder = StringViewBuilder::with_capacity(json.len());
    for row in &json {
        builder.append_option(row.and_then(&get));
    }
    Ok(Arc::new(builder.finish()))
}

fn extract_string(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let path = path(arguments)?;
    texts(arguments, |json| Some(read::text(json, &path).unwrap_or_default()))
}

fn extract_raw(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let path = path(arguments)?;
    texts(arguments, |json| Some(read::raw(json, &path).unwrap_or_default().into()))
}

fn extract_int(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let value = |text: &str| {
        let whole = text.parse::<i64>().ok();
        let is_inside = |float: &f64| (-(2f64.powi(63))..2f64.powi(63)).contains(float);
        whole.or_else(|| text.parse::<f64>().ok().filter(is_inside).map(|float| float as i64))
    };
    Ok(Arc::new(numbers(arguments, value)?.into_iter().collect::<Int64Array>()))
}

fn extract_uint(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let value = |text: &str| {
        let whole = text.parse::<u64>().ok();
        let is_inside = |float: &f64| (0.0..2f64.powi(64)).contains(float);
        whole.or_else(|| text.parse::<f64>().ok().filter(is_inside).map(|float| float as u64))
    };
    Ok(Arc::new(numbers(arguments, value)?.into_iter().collect::<UInt64Array>()))
}

fn extract_float(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let value = |text: &str| text.parse::<f64>().ok();
    Ok(Arc::new(numbers(arguments, value)?.into_iter().collect::<Float64Array>()))
}

fn extract_bool(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let value = |text: &str| Some(text == "true" || text == "1");
    Ok(Arc::new(numbers(arguments, value)?.into_iter().collect::<BooleanArray>()))
}

/// A value per row: the default where there is none, NULL where the JSON is NULL.
fn numbers<T: Default>(
    arguments: &Arguments<'_>,
    value: impl Fn(&str) -> Option<T>,
) -> Result<Vec<Option<T>>> {
    let path = path(arguments)?;
    let found = |json| read::text(json, &path).and_then(|text| value(&text)).unwrap_or_default();
    Ok(arguments.text(0)?.iter().map(|json| json.map(found)).collect())
}

fn has(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let path = path(arguments)?;
    let json = arguments.text(0)?;
    let found = json.iter().map(|json| json.map(|json| read::raw(json, &path).is_some()));
    Ok(Arc::new(found.collect::<BooleanArray>()))
}

fn valid(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let json = arguments.text(0)?;
    let valid = json.iter().map(|json| json.map(|json| read::raw(json, &[]).is_some()));
    Ok(Arc::new(valid.collect::<BooleanArray>()))
}

fn length(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let path = path(arguments)?;
    let json = arguments.text(0)?;
    let count = |json| read::raw(json, &path).and_then(read::length).unwrap_or_default() as u64;
    Ok(Arc::new(json.iter().map(|json| json.map(count)).collect::<UInt64Array>()))
}

fn kind(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let path = path(arguments)?;
    texts(arguments, |json| {
        let raw = read::raw(json, &path);
        Some(raw.map_or("Null", kind_name).into())
    })
}

/// The names of ClickHouse's `JSONType`.
fn kind_name(raw: &str) -> &'static str {
    match raw.as_bytes().first() {
        Some(b'{') => "Object",
        Some(b'[') => "Array",
        Some(b'"') => "String",
        Some(b't' | b'f') => "Bool",
        Some(b'n') | None => "Null",
        _ if raw.parse::<i64>().is_ok() => "Int64",
        _ if raw.parse::<u64>().is_ok() => "UInt64",
        _ => "Double",
    }
}

fn extract_keys(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    lists(arguments, |raw| read::keys(raw).unwrap_or_default())
}

fn extract_elements(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    lists(arguments, |raw| {
        let elements = read::elements(raw).unwrap_or_default();
        elements.into_iter().map(str::to_owned).collect()
    })
}

fn lists(arguments: &Arguments<'_>, items: impl Fn(&str) -> Vec<String>) -> Result<ArrayRef> {
    let path = path(arguments)?;
    let mut builder = ListBuilder::new(StringViewBuilder::new())
        .with_field(Field::new_list_field(DataType::Utf8View, true));
    for json in &arguments.text(0)? {
        if let Some(json) = json {
            for item in read::raw(json, &path).map(&items).unwrap_or_default() {
                builder.values().append_value(item);
            }
        }
        builder.append(json.is_some());
    }
    Ok(Arc::new(builder.finish()))
}

/// `JSON_VALUE(json, '$.a.b[0]')`: a scalar as text, empty for anything else.
fn json_value(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let text = arguments.constant_text(1)?.unwrap_or_default();
    let Some(path) = sql_path(text) else {
        return exec_err!("{text:?} is no JSON path: write $.key, $[\"key\"] or $[0]");
    };
    texts(arguments, |json| {
        let raw = read::raw(json, &path).filter(|raw| !raw.starts_with(['{', '[']));
        Some(raw.and_then(read::unquoted).unwrap_or_default())
    })
}

/// Reads `$.a["b"][0]`. Positions count from 0 here.
fn sql_path(text: &str) -> Option<Vec<Step>> {
    let mut rest = text.trim().strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() && steps.len() < STEPS_MAX {
        if let Some(after) = rest.strip_prefix('.') {
            let end = after.find(['.', '[']).unwrap_or(after.len());
            let (key, more) = after.split_at_checked(end)?;
            if key.is_empty() || key == "*" {
                return None;
            }
            steps.push(Step::Key(key.trim_matches('"').to_owned()));
            rest = more;
        } else {
            let (inside, more) = rest.strip_prefix('[')?.split_once(']')?;
            let quoted = inside.trim();
            let key =
                quoted.strip_prefix(['"', '\'']).and_then(|key| key.strip_suffix(['"', '\'']));
            steps.push(match key {
                Some(key) => Step::Key(key.to_owned()),
                None => {
                    Step::Index(quoted.parse::<i64>().ok().filter(|at| *at >= 0)?.checked_add(1)?)
                }
            });
            rest = more;
        }
    }
    rest.is_empty().then_some(steps)
}
