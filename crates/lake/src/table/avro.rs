//! The header of an Avro file, checked before the apache-avro crate reads it: that one takes a
//! schema with odd names by asserting. Avro's specification, "Object Container Files", "Names".

use serde_json::Value;

use crate::error::{Error, Result};

/// Whether the file begins as Avro does and its schema has names that are names.
pub(super) fn check_header(bytes: &[u8]) -> Result<()> {
    let schema = schema_of(bytes).ok_or_else(|| Error::corrupt("not an Avro file"))?;
    let schema: Value = serde_json::from_slice(schema)?;
    let is_sound = is_sound(&schema, DEPTH_MAX);
    if is_sound { Ok(()) } else { Err(Error::corrupt("an Avro schema that is none")) }
}

/// Schemas of Iceberg are not nested deeper.
const DEPTH_MAX: usize = 32;

fn schema_of(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes.strip_prefix(b"Obj\x01")?;
    loop {
        let mut count = long(&mut rest)?;
        if count == 0 {
            return None;
        }
        if count < 0 {
            count = count.checked_neg()?;
            long(&mut rest)?;
        }
        for _ in 0..count {
            let key = block(&mut rest)?;
            let value = block(&mut rest)?;
            if key == b"avro.schema" {
                return Some(value);
            }
        }
    }
}

fn block<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(long(rest)?).ok()?;
    let (block, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(block)
}

/// A zigzag number of up to ten bytes.
fn long(rest: &mut &[u8]) -> Option<i64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some((value >> 1) as i64 ^ -((value & 1) as i64));
        }
    }
    None
}

fn is_sound(schema: &Value, depth: usize) -> bool {
    let Some(depth) = depth.checked_sub(1) else { return false };
    match schema {
        Value::Array(all) => all.iter().all(|one| is_sound(one, depth)),
        Value::Object(object) => object.iter().all(|(key, value)| match key.as_str() {
            "name" | "namespace" => value.as_str().is_some_and(is_name),
            "aliases" | "symbols" => value
                .as_array()
                .is_some_and(|all| all.iter().all(|one| one.as_str().is_some_and(is_name))),
            _ => is_sound(value, depth),
        }),
        _ => true,
    }
}

/// Words with dots between them.
fn is_name(name: &str) -> bool {
    let is_word = |word: &str| {
        let begins = word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        begins && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    name.split('.').all(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(schema: &str) -> Vec<u8> {
        let mut bytes = b"Obj\x01\x02\x16avro.schema".to_vec();
        let length = schema.len() * 2;
        bytes.extend([(length & 0x7f) as u8 | 0x80, (length >> 7) as u8]);
        bytes.extend(schema.as_bytes());
        bytes.push(0);
        bytes
    }

    #[test]
    fn odd_names_and_cut_headers_are_refused() {
        let good = r#"{"type":"record","name":"a.b_1","fields":[{"name":"x","type":"long"}]}"#;
        check_header(&file(good)).unwrap();
        for bad in [good.replace("b_1", "b-1"), good.replace("\"x\"", "\"\""), "{".into()] {
            assert!(check_header(&file(&bad)).is_err(), "{bad}");
        }
        let whole = file(good);
        for end in 0..whole.len() - 1 {
            assert!(check_header(&whole[..end]).is_err(), "{end}");
        }
    }
}
