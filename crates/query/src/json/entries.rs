//! `JSONExtractKeysAndValues(json, path..., 'Type')` and `JSONExtractKeysAndValuesRaw(json,
//! path...)`: the fields of an object as pairs of key and value. Not single values (`extract`).

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, ListArray, StringViewArray, StructArray, UInt64Array,
};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::compute::{cast, take};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields};
use datafusion::common::{Result, ScalarValue, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    Volatility,
};
use dodb_part::ColumnType;

use super::extract::{constants, path, reads_text, values, wanted};
use super::read;

/// The functions, to be registered.
pub(crate) fn functions() -> [ScalarUDF; 2] {
    [false, true].map(|is_raw| {
        let signature = Signature::variadic_any(Volatility::Immutable);
        ScalarUDF::new_from_impl(JsonEntries { is_raw, signature })
    })
}

/// The function that is told the type of values, as people write it.
const TYPED_NAME: &str = "JSONExtractKeysAndValues";

#[derive(Debug, PartialEq, Eq, Hash)]
struct JsonEntries {
    /// Are values their JSON text?
    is_raw: bool,
    signature: Signature,
}

impl JsonEntries {
    /// The type of values, and whether it is Nullable.
    fn value_type(&self, arguments: &[Option<&ScalarValue>]) -> Result<(ColumnType, bool)> {
        match self.is_raw {
            true => Ok((ColumnType::String, false)),
            false => wanted(TYPED_NAME, arguments),
        }
    }
}

/// A pair without names, as ClickHouse's `Tuple(String, T)`.
fn pair(value: &ColumnType, is_nullable: bool) -> Fields {
    let key = Field::new("1", DataType::Utf8View, false);
    Fields::from(vec![key, Field::new("2", value.arrow(), is_nullable)])
}

fn item(value: &ColumnType, is_nullable: bool) -> FieldRef {
    Arc::new(Field::new_list_field(DataType::Struct(pair(value, is_nullable)), false))
}

impl ScalarUDFImpl for JsonEntries {
    fn name(&self) -> &str {
        if self.is_raw { "jsonextractkeysandvaluesraw" } else { "jsonextractkeysandvalues" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        plan_err!("the type of {} is known from its last argument", self.name())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let (ty, is_nullable) = self.value_type(args.scalar_arguments)?;
        let name = if self.is_raw { "JSONExtractKeysAndValuesRaw" } else { TYPED_NAME };
        reads_text(name, args.arg_fields)?;
        let list = DataType::List(item(&ty, is_nullable));
        Ok(Arc::new(Field::new(self.name(), list, true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (ty, is_nullable) = self.value_type(&constants(&args.args))?;
        let [json, steps @ ..] = args.args.as_slice() else { return plan_err!("JSON is expected") };
        let steps = if self.is_raw { steps } else { steps.split_last().map_or(steps, |(_, s)| s) };
        let path = path(steps)?;
        let json = cast(&json.to_array(args.number_rows)?, &DataType::Utf8View)?;
        let mut keys: Vec<String> = Vec::new();
        let mut raws: Vec<Option<&str>> = Vec::new();
        // How many pairs the rows up to each have.
        let mut ends = Vec::with_capacity(json.len());
        for document in json.as_string_view() {
            let object = document.and_then(|document| read::raw(document, &path));
            for (key, raw) in object.and_then(read::entries).unwrap_or_default() {
                keys.push(key);
                raws.push(Some(raw));
            }
            ends.push(keys.len());
        }
        let values: ArrayRef = match self.is_raw {
            true => Arc::new(raws.iter().collect::<StringViewArray>()),
            false => values(&raws, &ty)?,
        };
        // A value that is not of the type has no pair; null has one where it may.
        let stays = |at: usize| {
            let is_null = raws.get(at).copied().flatten() == Some("null");
            values.is_valid(at) || is_nullable && is_null
        };
        let kept: Vec<usize> = (0..keys.len()).filter(|at| stays(*at)).collect();
        let lengths = ends.iter().scan(0, |taken, end| {
            let upto = kept.partition_point(|at| at < end);
            Some(upto - std::mem::replace(taken, upto))
        });
        let offsets = OffsetBuffer::from_lengths(lengths);
        let rows = UInt64Array::from_iter_values(kept.iter().map(|at| *at as u64));
        let keys: ArrayRef = Arc::new(StringViewArray::from_iter_values(keys));
        let columns = vec![take(&keys, &rows, None)?, take(&values, &rows, None)?];
        let pairs = StructArray::try_new(pair(&ty, is_nullable), columns, None)?;
        let nulls = NullBuffer::from_iter(json.as_string_view().iter().map(|json| json.is_some()));
        let list =
            ListArray::try_new(item(&ty, is_nullable), offsets, Arc::new(pairs), Some(nulls))?;
        Ok(ColumnarValue::Array(Arc::new(list)))
    }
}
