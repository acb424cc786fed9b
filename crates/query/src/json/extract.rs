//! `JSONExtract(json, path..., 'Type')`: a value as any type. Also what a path with a type hint is
//! read by where its values are stored as another type. Not the functions with a type in their
//! name (`udf`).

use std::borrow::Cow;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Scalar};
use datafusion::arrow::compute::{cast, is_not_null, kernels::zip::zip};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use datafusion::prelude::lit;
use dodb_part::ColumnType;
use dodb_part::json::{Step, converted};

use super::read;
use crate::error::external;

/// The function, to be registered.
pub(crate) fn function() -> ScalarUDF {
    ScalarUDF::new_from_impl(JsonExtract {
        signature: Signature::variadic_any(Volatility::Immutable),
    })
}

/// JSON text as a type, NULL where it is not of that type.
pub(super) fn as_type(json: Expr, ty: &ColumnType) -> Expr {
    let ty = lit(format!("Nullable({})", ty.name()));
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(function()), vec![json, ty]))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct JsonExtract {
    signature: Signature,
}

/// The type that the last argument names, and whether it is Nullable.
pub(super) fn wanted(
    function: &str,
    arguments: &[Option<&ScalarValue>],
) -> Result<(ColumnType, bool)> {
    let name = match arguments {
        [_, .., Some(name)] => name.try_as_str().flatten(),
        _ => None,
    };
    let Some(name) = name else {
        return plan_err!("{function} wants JSON, a path, and the name of a type: 'Int64'");
    };
    ColumnType::parse_nullable(name)
        .map_err(|e| external(dodb_engine::Error::invalid(format!("{function}: {e}"))))
}

/// Whether JSON can be read from the first argument.
pub(super) fn reads_text(function: &str, arguments: &[FieldRef]) -> Result<()> {
    match arguments.first().map(|field| field.data_type()) {
        Some(DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null) => Ok(()),
        _ => plan_err!("{function} reads JSON text"),
    }
}

/// The arguments that are constant.
pub(super) fn constants(arguments: &[ColumnarValue]) -> Vec<Option<&ScalarValue>> {
    let constants = arguments.iter().map(|argument| match argument {
        ColumnarValue::Scalar(value) => Some(value),
        ColumnarValue::Array(_) => None,
    });
    constants.collect()
}

/// Values of a type from their JSON, NULL where one is not of it.
pub(super) fn values(raws: &[Option<&str>], ty: &ColumnType) -> Result<ArrayRef> {
    let texts: Vec<Option<Cow<'_, str>>> =
        raws.iter().map(|raw| raw.map(|raw| as_scalar(raw, ty))).collect();
    let texts: Vec<Option<&str>> = texts.iter().map(Option::as_deref).collect();
    let values =
        converted(&texts, ty).map_err(|e| external(dodb_engine::Error::invalid(e.to_string())))?;
    without_broken(raws, values)
}

/// The arguments between JSON and the name of a type.
pub(super) fn path(steps: &[ColumnarValue]) -> Result<Vec<Step>> {
    let step = |step: &ColumnarValue| match step {
        ColumnarValue::Scalar(value) => match (value.try_as_str(), value.cast_to(&DataType::Int64))
        {
            (Some(Some(key)), _) => Ok(Step::Key(key.to_owned())),
            (None, Ok(ScalarValue::Int64(Some(at)))) => Ok(Step::Index(at)),
            _ => plan_err!("a JSON path is of keys and positions, not {value}"),
        },
        ColumnarValue::Array(_) => plan_err!("a JSON path must be constant"),
    };
    steps.iter().map(step).collect()
}

/// The default of a type, as JSON.
fn default_json(ty: &ColumnType) -> &'static str {
    match ty {
        ColumnType::Bool => "false",
        ColumnType::String | ColumnType::Json => "\"\"",
        ColumnType::Date => "\"1970-01-01\"",
        ColumnType::Timestamp(_) => "\"1970-01-01T00:00:00Z\"",
        ColumnType::Uuid => "\"00000000-0000-0000-0000-000000000000\"",
        ColumnType::Array(_) => "[]",
        _ => "0",
    }
}

/// A value as ClickHouse reads it where a truth value or a number is wanted: a number, in quotes or
/// not, loses what stands behind its point to become an integer, `true` is 1, and any number of a
/// byte but 0 is true. For other types the value as it is.
fn as_scalar<'a>(raw: &'a str, ty: &ColumnType) -> Cow<'a, str> {
    let is_integer = ty.arrow().is_integer();
    match (ty, raw) {
        (ColumnType::Bool, "true" | "false") => return raw.into(),
        (ColumnType::Float32 | ColumnType::Float64, "true") => return "1".into(),
        (ColumnType::Float32 | ColumnType::Float64, "false") => return "0".into(),
        (_, "true") if is_integer => return "1".into(),
        (_, "false") if is_integer => return "0".into(),
        (ColumnType::Bool, _) => {}
        _ if is_integer => {}
        _ => return raw.into(),
    }
    let text = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')).unwrap_or(raw);
    let is_number = text.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    let value = text.parse::<f64>().ok().filter(|value| is_number && value.is_finite());
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'));
    match value {
        Some(value) if !is_integer => match value {
            0.0..1.0 => "false".into(),
            1.0..256.0 => "true".into(),
            _ => "null".into(),
        },
        Some(_) if is_plain => text.split('.').next().unwrap_or(text).into(),
        Some(value) => format!("{:.0}", value.trunc()).into(),
        None if is_integer => raw.into(),
        None => "null".into(),
    }
}

/// Lists that lost an element on the way are no lists of the type.
fn without_broken(raws: &[Option<&str>], values: ArrayRef) -> Result<ArrayRef> {
    let Some(lists) = values.as_list_opt::<i32>() else { return Ok(values) };
    let is_whole = |row: usize| {
        let raws = raws.get(row).copied().flatten().and_then(read::elements).unwrap_or_default();
        let items = lists.value(row);
        raws.iter().enumerate().all(|(at, raw)| *raw == "null" || items.is_valid(at))
    };
    let keep: BooleanArray =
        (0..lists.len()).map(|row| Some(lists.is_valid(row) && is_whole(row))).collect();
    let null = Scalar::new(ScalarValue::try_from(values.data_type())?.to_array()?);
    Ok(zip(&keep, &values, &null)?)
}

impl ScalarUDFImpl for JsonExtract {
    fn name(&self) -> &str {
        "jsonextract"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        plan_err!("the type of JSONExtract is known from its last argument")
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let (ty, _) = wanted("JSONExtract", args.scalar_arguments)?;
        reads_text("JSONExtract", args.arg_fields)?;
        Ok(Arc::new(Field::new(self.name(), ty.arrow(), true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (ty, is_nullable) = wanted("JSONExtract", &constants(&args.args))?;
        let [json, steps @ .., _] = args.args.as_slice() else {
            return plan_err!("JSON is expected");
        };
        let path = path(steps)?;
        let json = cast(&json.to_array(args.number_rows)?, &DataType::Utf8View)?;
        let texts = json.as_string_view();
        let raws: Vec<Option<&str>> =
            texts.iter().map(|json| json.and_then(|json| read::raw(json, &path))).collect();
        let values = values(&raws, &ty)?;
        if is_nullable || values.null_count() == 0 {
            return Ok(ColumnarValue::Array(values));
        }
        let default = converted(&[Some(default_json(&ty))], &ty)
            .map_err(|e| external(dodb_engine::Error::invalid(e.to_string())))?;
        let default = Scalar::new(default);
        let given = zip(&is_not_null(&values)?, &values, &default)?;
        let null = Scalar::new(ScalarValue::try_from(values.data_type())?.to_array()?);
        Ok(ColumnarValue::Array(zip(&is_not_null(&json)?, &given, &null)?))
    }
}
