//! Footers of Parquet files: reading them, and checking them before the parquet crate relies on
//! what they say, which it does by asserting.

use std::ops::Range;

use parquet::DecodeResult;
use parquet::file::metadata::{
    ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataPushDecoder,
};

use super::end::FileEnd;
use crate::error::{Error, Result};
use crate::store::Bucket;

/// The end of a file that is read first: footer and page index of most files.
pub(super) const TAIL_BYTES: u64 = 64 << 10;

/// Reads footer and page index of a file of `bytes` bytes, from its `end` if that is known.
pub(super) async fn read(
    bucket: &Bucket,
    uri: &str,
    bytes: u64,
    end: Option<&FileEnd>,
) -> Result<ParquetMetaData> {
    let mut decoder =
        ParquetMetaDataPushDecoder::try_new(bytes)?.with_page_index_policy(PageIndexPolicy::Skip);
    let (tail, end) = match end {
        Some(end) => (bytes.saturating_sub(end.bytes().len() as u64)..bytes, end.bytes().clone()),
        None => {
            let tail = bytes.saturating_sub(TAIL_BYTES)..bytes;
            let mut found = bucket.read_ranges(uri, std::slice::from_ref(&tail)).await?;
            (tail, found.pop().unwrap_or_default())
        }
    };
    check_trailer(&end, bytes)?;
    decoder.push_range(tail.clone(), end.clone())?;
    let footer = decode(&mut decoder, bucket, uri, bytes).await?;
    check(&footer, bytes)?;
    let mut decoder = ParquetMetaDataPushDecoder::try_new_with_metadata(bytes, footer)?
        .with_page_index_policy(PageIndexPolicy::Optional);
    decoder.push_range(tail, end)?;
    let footer = decode(&mut decoder, bucket, uri, bytes).await?;
    check_pages(&footer, bytes)?;
    Ok(footer)
}

async fn decode(
    decoder: &mut ParquetMetaDataPushDecoder,
    bucket: &Bucket,
    uri: &str,
    bytes: u64,
) -> Result<ParquetMetaData> {
    let mut wanted = Vec::new();
    loop {
        if !wanted.is_empty() {
            let found = bucket.read_ranges(uri, &wanted).await?;
            decoder.push_ranges(wanted, found)?;
        }
        match decoder.try_decode()? {
            DecodeResult::NeedsData(ranges) => {
                wanted = ranges;
                if let Some(outside) = wanted.iter().find(|range| range.end > bytes) {
                    return Err(beyond(outside.end, bytes));
                }
            }
            DecodeResult::Data(footer) => return Ok(footer),
            DecodeResult::Finished => return Err(Error::corrupt("the file has no footer")),
        }
    }
}

fn beyond(end: u64, bytes: u64) -> Error {
    Error::corrupt(format!("the footer names byte {end} of a file of {bytes}"))
}

/// The last 8 bytes: the length of the footer and a magic word.
pub(super) fn check_trailer(end: &[u8], bytes: u64) -> Result<()> {
    let length = match end.last_chunk::<8>() {
        Some([a, b, c, d, b'P', b'A', b'R', b'1']) => u32::from_le_bytes([*a, *b, *c, *d]),
        _ => return Err(Error::corrupt("not the end of a Parquet file")),
    };
    if u64::from(length) + 8 > bytes {
        return Err(Error::corrupt(format!("a footer of {length} bytes in a file of {bytes}")));
    }
    Ok(())
}

/// Every place is within the file and every count is one.
pub(super) fn check(footer: &ParquetMetaData, bytes: u64) -> Result<()> {
    for group in footer.row_groups() {
        if group.num_rows() < 0 || group.total_byte_size() < 0 {
            return Err(Error::corrupt("a row group of a negative size"));
        }
        for chunk in group.columns() {
            let place = place(chunk).ok_or_else(|| Error::corrupt("a column at no place"))?;
            if place.end > bytes {
                return Err(beyond(place.end, bytes));
            }
            let (columns, offsets) = (
                (chunk.column_index_offset(), chunk.column_index_length()),
                (chunk.offset_index_offset(), chunk.offset_index_length()),
            );
            let bloom = (chunk.bloom_filter_offset(), chunk.bloom_filter_length());
            if [columns, offsets, bloom].iter().any(|place| !is_within(*place, bytes)) {
                return Err(Error::corrupt("an index at no place"));
            }
            let values = u64::try_from(chunk.num_values()).ok();
            let rows = u64::try_from(group.num_rows()).ok();
            let is_flat = chunk.column_descr().max_rep_level() == 0;
            if values.is_none() || is_flat && values != rows {
                return Err(Error::corrupt("a column of another number of rows than its group"));
            }
        }
    }
    Ok(())
}

fn is_within((offset, length): (Option<i64>, Option<i32>), bytes: u64) -> bool {
    let end = match (offset, length) {
        (None, None) => return true,
        (offset, length) => {
            let offset = offset.map_or(Some(0), |offset| u64::try_from(offset).ok());
            let length = length.map_or(Some(0), |length| u64::try_from(length).ok());
            offset.zip(length).and_then(|(offset, length)| offset.checked_add(length))
        }
    };
    end.is_some_and(|end| end <= bytes)
}

fn place(chunk: &ColumnChunkMetaData) -> Option<Range<u64>> {
    let data = u64::try_from(chunk.data_page_offset()).ok()?;
    let start = match chunk.dictionary_page_offset() {
        Some(dictionary) => u64::try_from(dictionary).ok()?,
        None => data,
    };
    let length = u64::try_from(chunk.compressed_size()).ok()?;
    u64::try_from(chunk.uncompressed_size()).ok()?;
    let end = start.checked_add(length)?;
    (start <= data && data <= end).then_some(start..end)
}

/// Pages follow one another, within the file and the rows of their group.
fn check_pages(footer: &ParquetMetaData, bytes: u64) -> Result<()> {
    let groups = footer.offset_index().into_iter().flatten().zip(footer.row_groups());
    for (columns, group) in groups {
        for column in columns {
            let mut row = -1;
            for page in column.page_locations() {
                let start = u64::try_from(page.offset).ok();
                let length = u64::try_from(page.compressed_page_size).ok();
                let end = start.zip(length).and_then(|(start, length)| start.checked_add(length));
                let fits = page.first_row_index > row && page.first_row_index <= group.num_rows();
                if !fits || end.is_none_or(|end| end > bytes) {
                    return Err(Error::corrupt("a page at no place"));
                }
                row = page.first_row_index;
            }
        }
    }
    Ok(())
}
