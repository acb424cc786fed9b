//! Numbers as ClickHouse writes them. Fixed buffers, no allocation.

/// Appends a number that fits `i128`.
pub(crate) fn push_int(value: impl itoa::Integer, out: &mut Vec<u8>) {
    out.extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
}

macro_rules! push_float {
    ($name:ident, $type:ty) => {
        /// Appends the shortest digits that read back as the same value: plain from 1e-6 up to
        /// below 1e21, else with an exponent; `nan`, `inf`, `-inf`.
        pub(crate) fn $name(value: $type, out: &mut Vec<u8>) {
            if value.is_nan() {
                out.extend_from_slice(b"nan");
            } else if value.is_infinite() {
                out.extend_from_slice(if value > 0.0 { b"inf" } else { b"-inf" });
            } else if value == 0.0 {
                out.extend_from_slice(if value.is_sign_negative() { b"-0" } else { b"0" });
            } else {
                // JavaScript's rule is the same but for a `+` in the exponent.
                let mut buffer = ryu_js::Buffer::new();
                for part in buffer.format_finite(value).as_bytes().split(|b| *b == b'+') {
                    out.extend_from_slice(part);
                }
            }
        }
    };
}

push_float!(push_f64, f64);
push_float!(push_f32, f32);

/// Appends a decimal of `scale` digits after the point, without the zeros at its end.
pub(crate) fn push_decimal(value: i128, scale: i8, out: &mut Vec<u8>) {
    let mut buffer = itoa::Buffer::new();
    push_scaled(buffer.format(value), scale, out);
}

/// Appends the integer `text` divided by ten to the `scale`.
pub(crate) fn push_scaled(text: &str, scale: i8, out: &mut Vec<u8>) {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text),
    };
    if digits == "0" {
        out.push(b'0');
        return;
    }
    out.extend_from_slice(sign.as_bytes());
    let Ok(scale) = usize::try_from(scale) else {
        out.extend_from_slice(digits.as_bytes());
        out.resize(out.len() + usize::from(scale.unsigned_abs()), b'0');
        return;
    };
    let whole = digits.len().saturating_sub(scale);
    let (before, after) = digits.split_at(whole);
    out.extend_from_slice(if before.is_empty() { b"0" } else { before.as_bytes() });
    let kept = after.trim_end_matches('0');
    if !kept.is_empty() {
        out.push(b'.');
        out.resize(out.len() + (scale - after.len()), b'0');
        out.extend_from_slice(kept.as_bytes());
    }
}

/// Appends ClickHouse's remark after a large number, as ` -- 12.35 million`, or nothing.
pub(crate) fn push_readable_remark(value: f64, out: &mut Vec<u8>) {
    const NAMES: [&str; 22] = [
        "",
        " thousand",
        " million",
        " billion",
        " trillion",
        " quadrillion",
        " quintillion",
        " sextillion",
        " septillion",
        " octillion",
        " nonillion",
        " decillion",
        " undecillion",
        " duodecillion",
        " tredecillion",
        " quattuordecillion",
        " quindecillion",
        " sexdecillion",
        " septendecillion",
        " octodecillion",
        " novemdecillion",
        " vigintillion",
    ];
    let size = value.abs();
    // Hashes fill this range, and nobody counts them.
    let hash_like = size > 1e17 && size < 1.844675e19;
    if !value.is_finite() || size <= 1e6 || hash_like {
        return;
    }
    let mut scaled = value;
    let mut names = NAMES.iter().peekable();
    let mut name = names.next();
    while scaled.abs() >= 1000.0 && names.peek().is_some() {
        scaled /= 1000.0;
        name = names.next();
    }
    out.extend_from_slice(b" -- ");
    if scaled.abs() < 1e60 {
        out.extend_from_slice(format!("{scaled:.2}").as_bytes());
    } else {
        push_f64(scaled, out);
    }
    out.extend_from_slice(name.copied().unwrap_or_default().as_bytes());
}
