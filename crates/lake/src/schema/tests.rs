//! Columns to fields and back, and what may change.

use std::sync::Arc;

use dodb_part::json::PathType;
use dodb_part::{Column, ColumnType, Schema, TimeUnit};

use super::{Layout, NewPath, with_columns, with_paths};

fn column(id: u32, name: &str, ty: ColumnType) -> Column {
    Column { id, name: name.into(), ty, nullable: true }
}

fn all_types() -> Vec<ColumnType> {
    use ColumnType::*;
    let mut types = vec![
        Bool,
        Int8,
        Int16,
        Int32,
        Int64,
        UInt8,
        UInt16,
        UInt32,
        UInt64,
        Float32,
        Float64,
        Decimal { precision: 20, scale: 0 },
        Decimal { precision: 38, scale: 5 },
        String,
        Bytes,
        Date,
        Uuid,
        Json,
        Vector(3),
    ];
    types.extend(
        [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond]
            .map(Timestamp),
    );
    let lists = types.iter().filter(|ty| !matches!(ty, Json | Vector(_))).cloned();
    let lists: Vec<_> = lists.map(|ty| Array(Box::new(Array(Box::new(ty))))).collect();
    types.extend(lists);
    types
}

fn schema(types: &[ColumnType]) -> Schema {
    let columns = types.iter().enumerate();
    let columns = columns.map(|(at, ty)| column(at as u32 + 1, &format!("c{at}"), ty.clone()));
    Schema::new(columns.collect()).unwrap()
}

#[test]
fn every_type_comes_back_from_the_iceberg_schema_alone() {
    let schema = schema(&all_types());
    let layout = Layout::create(&schema).unwrap();
    let json = serde_json::to_string(layout.iceberg().as_ref()).unwrap();
    let again = Layout::of(Arc::new(serde_json::from_str(&json).unwrap())).unwrap();
    assert_eq!(again.columns_schema().unwrap(), schema);
}

#[test]
fn a_negative_scale_is_refused() {
    let ty = ColumnType::Decimal { precision: 5, scale: -2 };
    let error = Layout::create(&schema(&[ty])).unwrap_err();
    assert!(error.to_string().contains("negative scale"), "{error}");
}

#[test]
fn columns_widen_and_are_added_renamed_dropped() {
    use ColumnType::*;
    let first = schema(&[Int32, Float32, UInt8, Json, Decimal { precision: 5, scale: 1 }]);
    let layout = Layout::create(&first).unwrap();
    let next = Schema::new(vec![
        column(2, "renamed", Float64),
        column(1, "c0", Int64),
        column(3, "c2", Int32),
        column(5, "c4", Decimal { precision: 9, scale: 1 }),
        column(6, "new", Array(Box::new(String))),
    ])
    .unwrap();
    let last = layout.iceberg().highest_field_id();
    let evolved = with_columns(&layout, &next, last).unwrap();
    let evolved = Layout::of(Arc::new(evolved)).unwrap();
    assert_eq!(evolved.columns_schema().unwrap(), next);
    for (from, to) in [(Int64, Int32), (Int32, String), (Float64, Float32), (Int32, UInt8)] {
        let layout = Layout::create(&schema(std::slice::from_ref(&from))).unwrap();
        let next = schema(std::slice::from_ref(&to));
        let error = with_columns(&layout, &next, 1).unwrap_err();
        assert!(error.to_string().contains("widens only"), "{from} to {to}: {error}");
    }
}

#[test]
fn paths_are_added_once_and_never_collide() {
    let layout = Layout::create(&schema(&[ColumnType::Json])).unwrap();
    let new = |keys: &[&str], ty| NewPath {
        column: 1,
        keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        ty,
    };
    let paths = [
        new(&["email"], PathType::String),
        new(&["a", "b"], PathType::Int64),
        new(&["a", "c"], PathType::Ints),
        new(&["Email"], PathType::Bool),
        new(&["email"], PathType::Bool),
        new(&["email", "x"], PathType::Bool),
        new(&["a"], PathType::Bool),
        new(&["_json"], PathType::Bool),
        new(&["mixed"], PathType::Text),
    ];
    let last = layout.iceberg().highest_field_id();
    let evolved = with_paths(&layout, &paths, last).unwrap();
    let layout = Layout::of(Arc::new(evolved)).unwrap();
    let document = layout.columns()[0].document.as_ref().unwrap();
    let found: Vec<_> = document.paths.iter().map(|p| (p.path.as_str(), p.ty)).collect();
    let expected = [
        (".email", PathType::String),
        (".a.b", PathType::Int64),
        (".a.c", PathType::Ints),
        (".mixed", PathType::Text),
    ];
    assert_eq!(found, expected);
    let again = with_paths(&layout, &paths, layout.iceberg().highest_field_id()).unwrap();
    assert_eq!(again.as_struct(), layout.iceberg().as_struct());
}
