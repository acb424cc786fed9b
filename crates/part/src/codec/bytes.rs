//! A block of byte strings: constant, dictionary, or lengths and concatenated bytes.
//! Reads straight into Arrow views that share one buffer; the count is known from outside.

use arrow_array::builder::make_view;
use arrow_buffer::{Buffer, ScalarBuffer};
use hashbrown::HashMap;

use super::cursor::{Cursor, put_size};
use super::{Best, Codec, Effort, Encoder, block, number};
use crate::error::{Error, Result};

/// A dictionary is given up when none of so many first values repeat.
const SAMPLE_COUNT: usize = 512;

/// What the bytes are; decides the candidates and the checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// UTF-8 text.
    Text,
    /// Any bytes.
    Bytes,
}

/// Byte strings as Arrow views into one buffer.
pub(crate) struct Views {
    pub(crate) views: ScalarBuffer<u128>,
    pub(crate) buffer: Buffer,
}

/// Appends `values` as a block.
pub(crate) fn encode(
    encoder: &mut Encoder,
    values: &[&[u8]],
    kind: Kind,
    out: &mut Vec<u8>,
) -> Result<Codec> {
    if let Some((first, rest)) = values.split_first()
        && rest.iter().all(|value| value == first)
    {
        out.push(Codec::Constant as u8);
        put_size(out, first.len());
        out.extend_from_slice(first);
        return Ok(Codec::Constant);
    }
    let mut best = Best::none();
    let mut enough = false;
    if encoder.tries(Codec::Dictionary, Effort::Fast)
        && let Some(dictionary) = Dictionary::of(values)
    {
        enough = encoder.effort() == Effort::Fast && dictionary.distinct.len() * 8 < values.len();
        let bytes = dictionary.encode(encoder, kind)?;
        best.offer(encoder, Codec::Dictionary, bytes);
    }
    let mut inner = Codec::Plain;
    if !(enough || encoder.forces(Codec::Dictionary) && best.codec == Codec::Dictionary) {
        let mut plain = Vec::new();
        inner = encode_plain(encoder, values, kind, &mut plain)?;
        let weight = inner.weigh(plain.len());
        if weight < best.weight {
            best = Best { codec: Codec::Plain, bytes: plain, weight };
        }
    }
    let (codec, bytes) = best.into_parts();
    out.push(codec as u8);
    out.extend_from_slice(&bytes);
    Ok(if codec == Codec::Plain { inner } else { codec })
}

/// Appends lengths and the bytes end to end; the codec is that of the bytes.
fn encode_plain(
    encoder: &mut Encoder,
    values: &[&[u8]],
    kind: Kind,
    out: &mut Vec<u8>,
) -> Result<Codec> {
    let mut lengths = Vec::with_capacity(values.len());
    for value in values {
        lengths.push(u32::try_from(value.len()).map_err(|_| Error::Limit {
            what: "a value".into(),
            detail: format!("{} bytes, at most {}", value.len(), u32::MAX),
        })?);
    }
    number::encode(encoder, &lengths, out)?;
    let data = values.concat();
    block::encode(encoder, &data, kind == Kind::Text, out)
}

/// Distinct values in order of appearance, and a key for each value.
struct Dictionary<'a> {
    distinct: Vec<&'a [u8]>,
    keys: Vec<u32>,
}

impl<'a> Dictionary<'a> {
    /// None when more than half of the values are distinct.
    fn of(values: &[&'a [u8]]) -> Option<Dictionary<'a>> {
        let mut keys_by_value: HashMap<&[u8], u32> = HashMap::new();
        let mut distinct = Vec::new();
        let mut keys = Vec::with_capacity(values.len());
        for value in values {
            let next = distinct.len();
            let key = *keys_by_value.entry(value).or_insert(next as u32);
            if key as usize == next {
                distinct.push(*value);
                let all_differ = keys.len() + 1 == SAMPLE_COUNT && distinct.len() == SAMPLE_COUNT;
                if all_differ || distinct.len() > values.len() / 2 {
                    return None;
                }
            }
            keys.push(key);
        }
        Some(Dictionary { distinct, keys })
    }

    fn encode(&self, encoder: &Encoder, kind: Kind) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        put_size(&mut out, self.distinct.len());
        let mut inner = Encoder::new(encoder.effort());
        encode_plain(&mut inner, &self.distinct, kind, &mut out)?;
        number::encode_keys(encoder, &self.keys, self.distinct.len(), &mut out)?;
        Ok(out)
    }
}

/// Reads `count` values.
pub(crate) fn decode(cursor: &mut Cursor, count: usize, kind: Kind) -> Result<Views> {
    match Codec::from_byte(cursor.byte()?)? {
        Codec::Constant => {
            let length = cursor.size()?;
            cursor.allocate(count, size_of::<u128>())?;
            let buffer = cursor.take_buffer(length)?;
            let views = views_of(&[length_of(length)?], &buffer, kind)?;
            let view = views.first().copied().unwrap_or_default();
            Ok(Views { views: vec![view; count].into(), buffer })
        }
        Codec::Plain => decode_plain(cursor, count, kind),
        Codec::Dictionary => {
            let distinct = cursor.size()?;
            let values = decode_plain(cursor, distinct, kind)?;
            let views = number::decode_keyed(cursor, count, &values.views)?;
            Ok(Views { views, buffer: values.buffer })
        }
        other => Err(Error::corrupt("string block", format!("{other:?} is no codec of strings"))),
    }
}

fn decode_plain(cursor: &mut Cursor, count: usize, kind: Kind) -> Result<Views> {
    let lengths = number::decode::<u32>(cursor, count)?;
    let buffer = block::decode(cursor)?;
    cursor.allocate(count, size_of::<u128>())?;
    let views = views_of(&lengths, &buffer, kind)?;
    Ok(Views { views: views.into(), buffer })
}

fn length_of(length: usize) -> Result<u32> {
    u32::try_from(length).map_err(|_| Error::corrupt("string block", "a value is too long"))
}

/// One view for each length, end to end over `data`, which they must cover exactly. For text the
/// bytes are checked to be UTF-8 and every value to start at a character.
fn views_of(lengths: &[u32], data: &[u8], kind: Kind) -> Result<Vec<u128>> {
    let text = match kind {
        Kind::Bytes => None,
        Kind::Text if data.is_ascii() => None,
        Kind::Text => {
            Some(std::str::from_utf8(data).map_err(|error| Error::corrupt("string block", error))?)
        }
    };
    if i32::try_from(data.len()).is_err() {
        return Err(Error::corrupt("string block", "it holds more than 2 GiB"));
    }
    let mut views = Vec::with_capacity(lengths.len());
    let mut rest = data;
    for length in lengths {
        let start = data.len() - rest.len();
        let split = rest.split_at_checked(*length as usize);
        let (value, after) = split.ok_or_else(|| {
            Error::corrupt("string block", "the lengths add up to more than the bytes")
        })?;
        if let Some(text) = text
            && !text.is_char_boundary(start)
        {
            return Err(Error::corrupt("string block", "a value starts inside a character"));
        }
        views.push(make_view(value, 0, start as u32));
        rest = after;
    }
    if rest.is_empty() {
        return Ok(views);
    }
    Err(Error::corrupt("string block", "the lengths add up to less than the bytes"))
}
