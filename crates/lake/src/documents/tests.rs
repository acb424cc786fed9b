//! Documents to structs and back.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, StringArray, StringViewArray, StructArray};
use arrow_schema::DataType;
use dodb_part::json::PathType;
use dodb_part::{Column, ColumnType, Schema, documents_path};

use super::{Shredder, Survey, documents};
use crate::schema::{Layout, with_paths};

fn layout(texts: &[Option<&str>]) -> Layout {
    let data = Column { id: 1, name: "data".into(), ty: ColumnType::Json, nullable: true };
    let layout = Layout::create(&Schema::new(vec![data]).unwrap()).unwrap();
    let mut survey = Survey::default();
    texts.iter().flatten().for_each(|text| survey.push(text).unwrap());
    let paths = survey.new_paths(1, layout.columns()[0].document.as_ref().unwrap());
    let last = layout.iceberg().highest_field_id();
    Layout::of(Arc::new(with_paths(&layout, &paths, last).unwrap())).unwrap()
}

fn shredded(layout: &Layout, texts: &[Option<&str>]) -> ArrayRef {
    let field = &layout.arrow().fields()[0];
    let mut shredder = Shredder::new(&layout.columns()[0], field).unwrap();
    let array: ArrayRef = Arc::new(texts.iter().collect::<StringViewArray>());
    shredder.push(&array).unwrap()
}

const TEXTS: [Option<&str>; 7] = [
    Some(r#"{"z":1,"email":"ann@x","a":{"b":1.50,"c":[1,2]},"tags":["x","y"]}"#),
    Some(r#"{"email":"böb\n","z":"one","a":{"b":2,"c":[]},"list":[{"k":1}],"a.b":3}"#),
    None,
    Some(r#"{"a":7,"tags":[],"big":18446744073709551615,"n":null}"#),
    Some("[1,2,3]"),
    Some(r#"{"_json":"mine","":1,"Email":true,"email":null}"#),
    Some("{}"),
];

#[test]
fn paths_get_the_type_that_fits_and_documents_come_back_whole() {
    let layout = layout(&TEXTS);
    let document = layout.columns()[0].document.as_ref().unwrap();
    let mut paths: Vec<_> = document.paths.iter().map(|p| (p.path.as_str(), p.ty)).collect();
    paths.sort();
    let expected = [
        (".a.b", PathType::Float64),
        (".a.c", PathType::Ints),
        (".big", PathType::Text),
        (".email", PathType::String),
        (".tags", PathType::Strings),
        (".z", PathType::Text),
    ];
    assert_eq!(paths, expected);
    let structs = shredded(&layout, &TEXTS);
    let back = documents(&structs).unwrap();
    let back: Vec<_> = back.as_string_view().iter().collect();
    assert_eq!(back, TEXTS);
}

#[test]
fn a_field_holds_exactly_the_values_of_its_type() {
    let layout = layout(&TEXTS);
    let structs = shredded(&layout, &TEXTS);
    let whole = documents(&structs).unwrap();
    for path in &layout.columns()[0].document.as_ref().unwrap().paths {
        let mut array: ArrayRef = structs.clone();
        for key in &path.keys {
            let inner = array.as_struct();
            let nulls = inner.nulls().cloned();
            let found = inner.column_by_name(key).unwrap().clone();
            // As Parquet reads it: null where what is around it is null.
            array = match (nulls, found.data_type()) {
                (Some(nulls), DataType::Utf8 | DataType::Float64) => {
                    arrow_select::nullif::nullif(&found, &(!nulls.inner()).into()).unwrap()
                }
                _ => found,
            };
        }
        let found = crate::values::from_iceberg(&array, &path.ty.column_type()).unwrap();
        assert_eq!(&found, &documents_path(&whole, &path.path, path.ty).unwrap(), "{path:?}");
    }
}

#[test]
fn rare_paths_and_odd_keys_stay_in_the_document() {
    let mut texts: Vec<String> = (0..200).map(|at| format!(r#"{{"k{at}":1,"id":{at}}}"#)).collect();
    texts.push(format!(r#"{{"{}":1}}"#, "x".repeat(200)));
    let texts: Vec<Option<&str>> = texts.iter().map(|text| Some(text.as_str())).collect();
    let layout = layout(&texts);
    let document = layout.columns()[0].document.as_ref().unwrap();
    let paths: Vec<_> = document.paths.iter().map(|p| p.path.as_str()).collect();
    assert_eq!(paths, [".id"]);
}

#[test]
fn a_struct_without_text_is_spelt() {
    let layout = layout(&[Some(r#"{"a":{"b":1},"s":"x","l":[1.5]}"#)]);
    let structs =
        shredded(&layout, &[Some(r#"{"s":"\"q\"","a":{"b":-3},"l":[0.25,1e300]}"#), None]);
    let structs = structs.as_struct();
    let (fields, mut columns, nulls) = structs.clone().into_parts();
    let at = fields.iter().position(|field| field.name() == "_json").unwrap();
    columns[at] = Arc::new(StringArray::new_null(2));
    let foreign: ArrayRef = Arc::new(StructArray::new(fields, columns, nulls));
    let back = documents(&foreign).unwrap();
    let back: Vec<_> = back.as_string_view().iter().collect();
    assert_eq!(back, [Some(r#"{"a":{"b":-3},"l":[0.25,1e300],"s":"\"q\""}"#), None]);
}

#[test]
fn what_is_no_document_is_refused_with_its_place() {
    let layout = layout(&[]);
    let field = &layout.arrow().fields()[0];
    let mut shredder = Shredder::new(&layout.columns()[0], field).unwrap();
    let bad: ArrayRef = Arc::new(StringViewArray::from(vec!["{\"a\":}"]));
    let error = shredder.push(&bad).unwrap_err().to_string();
    assert!(error.contains("data") && error.contains("not a JSON document"), "{error}");
}
