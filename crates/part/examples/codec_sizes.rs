//! Prints, for generated columns, what each codec makes of one granule after another: stored
//! bytes, ratio, and the speed of encoding and decoding. The table is in
//! `docs/decisions/0003-codecs.md`. Run with `cargo run --release -p dodb-part --example
//! codec_sizes`.

// An example may look at the clock.
#![allow(clippy::disallowed_methods)]

use std::sync::Arc;
use std::time::Instant;

use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{
    Array, ArrayRef, Float64Array, Int64Array, PrimitiveArray, RecordBatch, StringViewArray,
};
use arrow_buffer::Buffer;
use dodb_part::{
    Codec, Column, ColumnType, Effort, PartWriter, Result, Schema, TimeUnit, WriteOptions,
    decode_segment, encode_segment, encode_segment_with,
};

const ROWS: usize = 8192 * 32;
const GRANULE_ROWS: usize = 8192;
const REPEATS: u32 = 5;

/// SplitMix64.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn word(&mut self) -> String {
        const SYLLABLES: [&str; 16] = [
            "ka", "to", "mi", "ren", "sol", "ba", "qui", "lor", "em", "ip", "sum", "do", "ter",
            "ra", "vel", "in",
        ];
        let count = 2 + self.below(3);
        let pick = |rng: &mut Rng| SYLLABLES.get(rng.below(16) as usize).copied();
        (0..count).filter_map(|_| pick(self)).collect()
    }
}

fn columns() -> Vec<(&'static str, ColumnType, ArrayRef)> {
    let rng = &mut Rng(1);
    let sequence = Int64Array::from_iter_values(0..ROWS as i64);
    let random = Int64Array::from_iter_values((0..ROWS).map(|_| rng.next() as i64));
    let small = Int64Array::from_iter_values((0..ROWS).map(|_| rng.below(1440) as i64));
    let mut now = 1_700_000_000_000_000;
    let timestamps =
        PrimitiveArray::<TimestampMicrosecondType>::from_iter_values((0..ROWS).map(|_| {
            now += rng.below(2_000_000) as i64;
            now
        }));
    let prices =
        Float64Array::from_iter_values((0..ROWS).map(|_| rng.below(100_000) as f64 / 100.0));
    let noise = Float64Array::from_iter_values((0..ROWS).map(|_| rng.next() as f64 / 1e18));
    let names = ["EWR", "JFK", "LGA", "SFO", "LAX", "American Airlines Inc.", "Delta Air Lines"];
    let low = (0..ROWS).map(|_| names.get(rng.below(7) as usize).copied());
    let low = StringViewArray::from_iter(low);
    let words = (0..ROWS).map(|_| format!("{} {}", rng.word(), rng.word()));
    let words = StringViewArray::from_iter_values(words);
    let json = StringViewArray::from_iter_values((0..ROWS).map(|row| {
        format!(
            r#"{{"id":{row},"name":"{} {}","score":{},"tags":["{}","{}"],"active":{}}}"#,
            rng.word(),
            rng.word(),
            rng.below(10_000),
            rng.word(),
            rng.word(),
            rng.below(2) == 1
        )
    }));
    vec![
        ("sequence", ColumnType::Int64, Arc::new(sequence)),
        ("random ints", ColumnType::Int64, Arc::new(random)),
        ("small ints", ColumnType::Int64, Arc::new(small)),
        (
            "timestamps",
            ColumnType::Timestamp(TimeUnit::Microsecond),
            Arc::new(timestamps.with_timezone("UTC")),
        ),
        ("prices", ColumnType::Float64, Arc::new(prices)),
        ("float noise", ColumnType::Float64, Arc::new(noise)),
        ("few strings", ColumnType::String, Arc::new(low)),
        ("words", ColumnType::String, Arc::new(words)),
        ("JSON", ColumnType::Json, Arc::new(json)),
    ]
}

/// Bytes before encoding: numbers at their width, strings with a 4-byte length.
fn raw_bytes(array: &ArrayRef) -> usize {
    match array.as_any().downcast_ref::<StringViewArray>() {
        Some(strings) => strings.iter().flatten().map(|text| text.len() + 4).sum(),
        None => array.len() * 8,
    }
}

type EncodeFn = dyn Fn(&ColumnType, &ArrayRef) -> Result<(Vec<u8>, Codec)>;

fn measure(
    name: &str,
    ty: &ColumnType,
    array: &ArrayRef,
    label: &str,
    encode: &EncodeFn,
) -> Result<()> {
    let granules: Vec<ArrayRef> =
        (0..ROWS).step_by(GRANULE_ROWS).map(|start| array.slice(start, GRANULE_ROWS)).collect();
    let raw = raw_bytes(array);
    let start = Instant::now();
    let segments: Result<Vec<(Vec<u8>, Codec)>> =
        granules.iter().map(|granule| encode(ty, granule)).collect();
    let segments = segments?;
    let encode_seconds = start.elapsed().as_secs_f64();
    let used = segments.first().map(|(_, codec)| *codec);
    let stored: usize = segments.iter().map(|(bytes, _)| bytes.len()).sum();
    let buffers: Vec<Buffer> = segments.into_iter().map(|(bytes, _)| bytes.into()).collect();
    let start = Instant::now();
    let mut rows = 0;
    for _ in 0..REPEATS {
        for buffer in &buffers {
            rows += decode_segment(ty, GRANULE_ROWS, buffer.clone())?.len();
        }
    }
    let decode_seconds = start.elapsed().as_secs_f64() / f64::from(REPEATS);
    let megabytes = raw as f64 / 1e6;
    println!(
        "| {name} | {label} | {} | {stored} | {:.2} | {:.0} | {:.0} | {:.0} |",
        used.map(|codec| format!("{codec:?}")).unwrap_or_default(),
        raw as f64 / stored as f64,
        megabytes / encode_seconds,
        megabytes / decode_seconds,
        rows as f64 / f64::from(REPEATS) / decode_seconds / 1e6,
    );
    Ok(())
}

/// A million rows of 19 columns through a writer, as an import does it.
fn measure_writer(effort: Effort) -> Result<()> {
    let kinds = columns();
    let chosen = kinds.iter().cycle().take(19);
    let schema = Schema::new(
        chosen
            .clone()
            .enumerate()
            .map(|(index, (name, ty, _))| Column {
                id: index as u32,
                name: format!("{name} {index}"),
                ty: ty.clone(),
                nullable: true,
            })
            .collect(),
    )?;
    let arrays: Vec<ArrayRef> = chosen.map(|(_, _, array)| array.clone()).collect();
    let batch = RecordBatch::try_new(schema.arrow(), arrays)?;
    let raw: usize = batch.columns().iter().map(raw_bytes).sum();
    let start = Instant::now();
    let mut writer = PartWriter::new(&schema, WriteOptions { effort, ..Default::default() })?;
    for _ in 0..4 {
        writer.push(&batch)?;
    }
    let image = writer.finish()?;
    let stored: usize = image.rows.iter().map(|row| row.bytes.len()).sum();
    println!(
        "writer, {effort:?}: {} rows of 19 columns, {} MB to {} MB in {:.2} s",
        image.row_count,
        4 * raw / 1_000_000,
        stored / 1_000_000,
        start.elapsed().as_secs_f64()
    );
    Ok(())
}

fn main() -> Result<()> {
    println!(
        "| column | tried | used | bytes | ratio | encode MB/s | decode MB/s | decode Mrows/s |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (name, ty, array) in columns() {
        for codec in
            [Codec::Plain, Codec::Lz4, Codec::Zstd, Codec::Pco, Codec::Dictionary, Codec::Fsst]
        {
            let is_text = matches!(ty, ColumnType::String | ColumnType::Json);
            let fits = match codec {
                Codec::Pco => !is_text,
                Codec::Fsst => is_text,
                _ => true,
            };
            if fits {
                let encode =
                    move |ty: &ColumnType, array: &ArrayRef| encode_segment_with(ty, array, codec);
                measure(name, &ty, &array, &format!("{codec:?}"), &encode)?;
            }
        }
        for effort in [Effort::Fast, Effort::Small] {
            let encode = move |ty: &ColumnType, array: &ArrayRef| encode_segment(ty, array, effort);
            measure(name, &ty, &array, &format!("best, {effort:?}"), &encode)?;
        }
    }
    measure_writer(Effort::Fast)?;
    measure_writer(Effort::Small)
}
