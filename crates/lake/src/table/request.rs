//! Tables that other writers ask for, as an Iceberg REST catalog gets them (its OpenAPI
//! description, `CreateTableRequest`): columns, partitions and order in dodb's terms. Not here:
//! making the table (`create`).

use std::collections::HashMap;

use dodb_part::ColumnType;
use iceberg::spec::{Schema, Transform};
use serde::Deserialize;

use crate::error::{Error, Result};
use crate::schema::column_type;

/// A table that somebody else asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct NewTable {
    /// Its name.
    pub name: String,
    /// Name and type of each column, and whether it may be null.
    pub columns: Vec<(String, ColumnType, bool)>,
    /// Columns that it is partitioned by.
    pub partition_by: Vec<(String, Transform)>,
    /// Columns that its rows are ordered by, ascending.
    pub sort_by: Vec<String>,
    /// Further table properties.
    pub properties: Vec<(String, String)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Request {
    name: String,
    location: Option<String>,
    schema: Schema,
    partition_spec: Option<Spec>,
    write_order: Option<Order>,
    stage_create: Option<bool>,
    properties: Option<HashMap<String, String>>,
}

#[derive(Deserialize)]
struct Spec {
    fields: Vec<PartitionField>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct PartitionField {
    source_id: i32,
    transform: Transform,
}

#[derive(Deserialize)]
struct Order {
    fields: Vec<SortField>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct SortField {
    source_id: i32,
    transform: Transform,
    direction: String,
}

/// The property that says which version of Iceberg's format is wanted.
const FORMAT_VERSION: &str = "format-version";

impl NewTable {
    /// Reads the JSON of a request.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Invalid`]: it is not one; [`crate::ErrorKind::Unsupported`] for what
    /// dodb's tables cannot be.
    pub fn parse(body: &[u8]) -> Result<NewTable> {
        let request: Request = serde_json::from_slice(body)
            .map_err(|e| Error::invalid(format!("not a table to be made: {e}")))?;
        if request.stage_create == Some(true) {
            return Err(Error::unsupported("stage-create: make the table first, then append"));
        }
        if request.location.is_some() {
            return Err(Error::unsupported(
                "location: the objects of a table are in the bucket of its database",
            ));
        }
        let mut properties: Vec<_> = request.properties.unwrap_or_default().into_iter().collect();
        properties.sort();
        if let Some((_, version)) = properties.iter().find(|(name, _)| name == FORMAT_VERSION)
            && version != "2"
        {
            return Err(Error::unsupported(format!("Iceberg's format {version}: tables are v2")));
        }
        properties.retain(|(name, _)| name != FORMAT_VERSION && !name.starts_with("dodb."));
        let schema = &request.schema;
        let partitions = request.partition_spec.into_iter().flat_map(|spec| spec.fields);
        let order = request.write_order.into_iter().flat_map(|order| order.fields);
        Ok(NewTable {
            name: request.name,
            columns: columns(schema)?,
            partition_by: partitions
                .map(|field| Ok((column(schema, field.source_id)?, field.transform)))
                .collect::<Result<_>>()?,
            sort_by: order.map(|field| sort_column(schema, &field)).collect::<Result<_>>()?,
            properties,
        })
    }
}

fn columns(schema: &Schema) -> Result<Vec<(String, ColumnType, bool)>> {
    let column = |field: &iceberg::spec::NestedFieldRef| {
        let ty = column_type(field).ok_or_else(|| {
            let (name, ty) = (&field.name, &field.field_type);
            Error::unsupported(format!("column `{name}`: dodb has no type for {ty}"))
        })?;
        Ok((field.name.clone(), ty, !field.required))
    };
    schema.as_struct().fields().iter().map(column).collect()
}

fn column(schema: &Schema, id: i32) -> Result<String> {
    let fields = schema.as_struct().fields().iter();
    let found = fields.clone().find(|field| field.id == id).map(|field| field.name.clone());
    found.ok_or_else(|| Error::invalid(format!("there is no column with the id {id}")))
}

fn sort_column(schema: &Schema, field: &SortField) -> Result<String> {
    let name = column(schema, field.source_id)?;
    if field.transform != Transform::Identity || field.direction != "asc" {
        return Err(Error::unsupported(format!(
            "the order by `{name}`: rows are ordered by columns as they are, ascending"
        )));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(extra: &str) -> String {
        format!(
            r#"{{"name":"t","schema":{{"type":"struct","schema-id":0,"fields":[
            {{"id":1,"name":"n","type":"long","required":true}},
            {{"id":2,"name":"at","type":"timestamptz","required":false}},
            {{"id":3,"name":"doc","required":false,"type":{{"type":"struct","fields":[
            {{"id":4,"name":"_json","type":"string","required":false}}]}}}}]}}{extra}}}"#
        )
    }

    #[test]
    fn a_request_is_a_table_in_our_terms() {
        let extra = r#","partition-spec":{"spec-id":0,"fields":[{"source-id":2,"field-id":1000,
            "name":"at_day","transform":"day"}]},"write-order":{"order-id":1,"fields":[
            {"source-id":1,"transform":"identity","direction":"asc","null-order":"nulls-first"}]},
            "stage-create":false,"properties":{"owner":"x","format-version":"2"}"#;
        let table = NewTable::parse(request(extra).as_bytes()).unwrap();
        let time = ColumnType::Timestamp(dodb_part::TimeUnit::Microsecond);
        let expected = [
            ("n".to_owned(), ColumnType::Int64, false),
            ("at".to_owned(), time, true),
            ("doc".to_owned(), ColumnType::Json, true),
        ];
        assert_eq!(table.columns, expected);
        assert_eq!(table.partition_by, [("at".to_owned(), Transform::Day)]);
        assert_eq!(table.sort_by, ["n"]);
        assert_eq!(table.properties, [("owner".to_owned(), "x".to_owned())]);
    }

    #[test]
    fn what_a_table_cannot_be_is_said() {
        for (extra, says) in [
            (r#","stage-create":true"#, "append"),
            (r#","location":"s3://b/t""#, "bucket"),
            (r#","properties":{"format-version":"3"}"#, "v2"),
            (
                r#","partition-spec":{"fields":[{"source-id":9,"transform":"day"}]}"#,
                "no column with the id 9",
            ),
            (
                r#","write-order":{"fields":[{"source-id":1,"transform":"identity",
                "direction":"desc"}]}"#,
                "ascending",
            ),
        ] {
            let error = NewTable::parse(request(extra).as_bytes()).unwrap_err().to_string();
            assert!(error.contains(says), "{error}");
        }
        let odd = request("").replace("\"long\"", "\"time\"");
        let error = NewTable::parse(odd.as_bytes()).unwrap_err().to_string();
        assert!(error.contains("column `n`"), "{error}");
        assert!(NewTable::parse(b"{}").is_err());
    }
}
