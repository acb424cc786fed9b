//! Statistics of Parquet chunks as bounds in manifests (Iceberg's specification, "Manifests"):
//! `truncate(16)` of text and bytes, everything else as it is. Not for pruning
//! (`evidence`).

use iceberg::spec::{Datum, PrimitiveType};
use parquet::data_type::ByteArray;
use parquet::file::statistics::Statistics;
use uuid::Uuid;

/// Characters of text, and bytes of bytes, that a bound keeps.
const BOUND_LENGTH: usize = 16;

/// The least and the greatest value; none where the file does not say.
pub(super) fn of_chunk(
    statistics: &Statistics,
    ty: &PrimitiveType,
) -> (Option<Datum>, Option<Datum>) {
    match (statistics, ty) {
        (Statistics::Boolean(s), PrimitiveType::Boolean) => {
            (s.min_opt().map(|v| Datum::bool(*v)), s.max_opt().map(|v| Datum::bool(*v)))
        }
        (Statistics::Int32(s), _) => {
            (s.min_opt().and_then(|v| int(*v, ty)), s.max_opt().and_then(|v| int(*v, ty)))
        }
        (Statistics::Int64(s), _) => {
            (s.min_opt().and_then(|v| long(*v, ty)), s.max_opt().and_then(|v| long(*v, ty)))
        }
        (Statistics::Float(s), PrimitiveType::Float) => {
            (s.min_opt().map(|v| Datum::float(*v)), s.max_opt().map(|v| Datum::float(*v)))
        }
        (Statistics::Double(s), PrimitiveType::Double) => {
            (s.min_opt().map(|v| Datum::double(*v)), s.max_opt().map(|v| Datum::double(*v)))
        }
        (Statistics::ByteArray(s), _) => (
            s.min_opt().map(ByteArray::data).and_then(|v| lower(v, ty)),
            s.max_opt().map(ByteArray::data).and_then(|v| upper(v, ty)),
        ),
        (Statistics::FixedLenByteArray(s), _) => (
            s.min_opt().map(|v| v.data()).and_then(|v| fixed(v, ty)),
            s.max_opt().map(|v| v.data()).and_then(|v| fixed(v, ty)),
        ),
        _ => (None, None),
    }
}

fn int(value: i32, ty: &PrimitiveType) -> Option<Datum> {
    match ty {
        PrimitiveType::Int => Some(Datum::int(value)),
        PrimitiveType::Long => Some(Datum::long(value)),
        PrimitiveType::Date => Some(Datum::date(value)),
        PrimitiveType::Decimal { .. } => decimal(i128::from(value), ty),
        _ => None,
    }
}

fn long(value: i64, ty: &PrimitiveType) -> Option<Datum> {
    match ty {
        PrimitiveType::Long => Some(Datum::long(value)),
        PrimitiveType::Timestamp => Some(Datum::timestamp_micros(value)),
        PrimitiveType::Timestamptz => Some(Datum::timestamptz_micros(value)),
        PrimitiveType::Decimal { .. } => decimal(i128::from(value), ty),
        _ => None,
    }
}

/// Iceberg's single-value form: the unscaled value, big-endian, as short as it goes.
fn decimal(value: i128, ty: &PrimitiveType) -> Option<Datum> {
    let bytes = value.to_be_bytes();
    let sign = if value < 0 { 0xff } else { 0 };
    let spare = |at: &usize| {
        let next = bytes.get(at + 1).copied().unwrap_or_default();
        bytes.get(*at) == Some(&sign) && (next & 0x80 != 0) == (value < 0)
    };
    let start = (0..bytes.len() - 1).take_while(spare).count();
    Datum::try_from_bytes(bytes.get(start..)?, ty.clone()).ok()
}

fn fixed(bytes: &[u8], ty: &PrimitiveType) -> Option<Datum> {
    match ty {
        PrimitiveType::Uuid => Uuid::from_slice(bytes).ok().map(Datum::uuid),
        PrimitiveType::Decimal { .. } if (1..=16).contains(&bytes.len()) => {
            let sign = if bytes.first()? & 0x80 != 0 { 0xff } else { 0 };
            let mut wide = [sign; 16];
            wide.get_mut(16 - bytes.len()..)?.copy_from_slice(bytes);
            decimal(i128::from_be_bytes(wide), ty)
        }
        _ => None,
    }
}

fn lower(bytes: &[u8], ty: &PrimitiveType) -> Option<Datum> {
    match ty {
        PrimitiveType::String => {
            let text = valid(bytes);
            Some(Datum::string(text.chars().take(BOUND_LENGTH).collect::<String>()))
        }
        PrimitiveType::Binary => Some(Datum::binary(bytes.iter().copied().take(BOUND_LENGTH))),
        _ => None,
    }
}

/// What is valid UTF-8 at the start: a writer may have cut through a character.
fn valid(bytes: &[u8]) -> &str {
    match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(e) => {
            let bytes = bytes.get(..e.valid_up_to()).unwrap_or_default();
            std::str::from_utf8(bytes).unwrap_or_default()
        }
    }
}

/// `None` when nothing so short is greater.
fn upper(bytes: &[u8], ty: &PrimitiveType) -> Option<Datum> {
    match ty {
        PrimitiveType::String => {
            let text = std::str::from_utf8(bytes).ok()?;
            let mut kept: Vec<char> = text.chars().take(BOUND_LENGTH).collect();
            if kept.len() == text.chars().count() {
                return Some(Datum::string(text));
            }
            while let Some(last) = kept.pop() {
                let next = match last {
                    // Surrogates are no characters.
                    '\u{d7ff}' => Some('\u{e000}'),
                    last => char::from_u32(u32::from(last) + 1),
                };
                if let Some(next) = next {
                    kept.push(next);
                    return Some(Datum::string(kept.into_iter().collect::<String>()));
                }
            }
            None
        }
        PrimitiveType::Binary => {
            let mut kept: Vec<u8> = bytes.iter().copied().take(BOUND_LENGTH).collect();
            if kept.len() == bytes.len() {
                return Some(Datum::binary(kept));
            }
            while let Some(last) = kept.pop() {
                if let Some(next) = last.checked_add(1) {
                    kept.push(next);
                    return Some(Datum::binary(kept));
                }
            }
            None
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_and_the_upper_bound_raised() {
        let ty = PrimitiveType::String;
        let long = "abcdefghijklmnopqrstuvwxyz";
        assert_eq!(lower(long.as_bytes(), &ty), Some(Datum::string("abcdefghijklmnop")));
        assert_eq!(upper(long.as_bytes(), &ty), Some(Datum::string("abcdefghijklmnoq")));
        assert_eq!(upper(b"short", &ty), Some(Datum::string("short")));
        let top = "\u{10ffff}".repeat(17);
        assert_eq!(upper(top.as_bytes(), &ty), None);
        let before = format!("a{}", "\u{10ffff}".repeat(16));
        assert_eq!(upper(before.as_bytes(), &ty), Some(Datum::string("b")));
        assert_eq!(upper(&[0xff; 17], &PrimitiveType::Binary), None);
    }

    #[test]
    fn decimals_are_as_short_as_they_go() {
        let ty = PrimitiveType::Decimal { precision: 20, scale: 0 };
        for value in [0, 1, -1, 127, 128, -128, -129, i128::from(u64::MAX)] {
            let datum = decimal(value, &ty).unwrap();
            let bytes = datum.to_bytes().unwrap();
            let again = fixed(&value.to_be_bytes(), &ty).unwrap();
            assert_eq!(datum, again, "{value}");
            assert!(bytes.len() <= 9, "{value}: {bytes:?}");
        }
    }
}
