use arrow_array::*;
use dodb_part::*;
use std::sync::Arc;
use std::time::Instant;
fn time<T>(name: &str, f: impl Fn() -> T) {
    let mut best = f64::MAX;
    for _ in 0..5 {
        let t = Instant::now();
        std::hint::black_box(f());
        best = best.min(t.elapsed().as_secs_f64() * 1e3);
    }
    println!("{name:40} {best:8.2} ms");
}
fn main() {
    let n = 1_000_000i64;
    let mix = |i: i64| (i as u64).wrapping_mul(0x9E3779B97F4A7C15) as i64;
    let seq = Int64Array::from_iter_values(0..n);
    let rnd = Int64Array::from_iter_values((0..n).map(mix));
    let low = Int64Array::from_iter_values((0..n).map(|i| mix(i).rem_euclid(100)));
    let lowwide = Int64Array::from_iter_values((0..n).map(|i| mix(i).rem_euclid(100) * (1 << 40)));
    let nul = Int64Array::from_iter((0..n).map(|i| (i % 7 > 0).then(|| mix(i))));
    let fl = Float64Array::from_iter_values((0..n).map(|i| mix(i) as f64));
    let st =
        StringViewArray::from_iter_values((0..n).map(|i| format!("user:{:020}", mix(i) as u64)));
    let sl =
        StringViewArray::from_iter_values((0..n).map(|i| format!("type{}", mix(i).rem_euclid(20))));
    let dec = Decimal128Array::from_iter_values((0..n).map(|i| mix(i) as i128));
    for (name, a) in [
        ("seq", Arc::new(seq) as ArrayRef),
        ("random", Arc::new(rnd)),
        ("low", Arc::new(low)),
        ("low wide", Arc::new(lowwide)),
        ("nulls", Arc::new(nul)),
        ("float", Arc::new(fl)),
        ("strings", Arc::new(st)),
        ("low strings", Arc::new(sl)),
        ("decimal", Arc::new(dec)),
    ] {
        time(&format!("stats {name}"), || ColumnStats::of(a.as_ref()));
        time(&format!("hash {name}"), || {
            let mut o = Vec::new();
            hash_array(a.as_ref(), &mut o);
            o
        });
        time(&format!("granules {name}"), || {
            let mut b = StatsBuilder::new();
            for g in 0..122 {
                b.push(a.slice(g * 8192, 8192).as_ref());
            }
            b.finish()
        });
    }
}
