//! Escaping of strings: JSON, tab-separated, quoted literals and CSV. Byte tables, no allocation.

const fn table(marked: &[u8], controls: bool) -> [bool; 256] {
    let mut table = [false; 256];
    let mut at = 0;
    while at < marked.len() {
        table[marked[at] as usize] = true;
        at += 1;
    }
    let mut control = 0;
    while controls && control < 0x20 {
        table[control] = true;
        control += 1;
    }
    table
}

/// 0xE2 starts U+2028 and U+2029, which JavaScript takes for line ends.
const JSON: [bool; 256] = table(b"\"\\/\xe2", true);
const TSV: [bool; 256] = table(b"\x08\x0c\n\r\t\0\\'", false);
const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// Appends runs of plain bytes as they are and calls `special` for each marked byte. `special`
/// gets the position, appends what it likes and answers how many bytes it took.
fn push_runs(
    text: &[u8],
    marked: &[bool; 256],
    out: &mut Vec<u8>,
    mut special: impl FnMut(usize, u8, &mut Vec<u8>) -> usize,
) {
    let mut start = 0;
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        if !marked[usize::from(byte)] {
            at += 1;
            continue;
        }
        out.extend_from_slice(text.get(start..at).unwrap_or_default());
        at += special(at, byte, out).max(1);
        start = at;
    }
    out.extend_from_slice(text.get(start..).unwrap_or_default());
}

/// Appends a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD.
pub(crate) fn push_json_bytes(text: &[u8], out: &mut Vec<u8>) {
    match std::str::from_utf8(text) {
        Ok(text) => push_json(text, out),
        Err(_) => push_json(&String::from_utf8_lossy(text), out),
    }
}

/// Appends a JSON string with its quotes.
pub(crate) fn push_json(text: &str, out: &mut Vec<u8>) {
    let text = text.as_bytes();
    out.push(b'"');
    push_runs(text, &JSON, out, |at, byte, out| {
        let short = match byte {
            b'"' | b'\\' | b'/' => byte,
            0x08 => b'b',
            0x0c => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0xe2 => {
                return match text.get(at + 1..at + 3) {
                    Some([0x80, last @ (0xa8 | 0xa9)]) => {
                        out.extend_from_slice(if *last == 0xa8 { b"\\u2028" } else { b"\\u2029" });
                        3
                    }
                    _ => {
                        out.push(byte);
                        1
                    }
                };
            }
            control => {
                out.extend_from_slice(b"\\u00");
                out.push(HEX[usize::from(control >> 4)]);
                out.push(HEX[usize::from(control & 15)]);
                return 1;
            }
        };
        out.extend_from_slice(&[b'\\', short]);
        1
    });
    out.push(b'"');
}

/// Appends with the backslash escapes of the tab-separated formats (and of quoted literals).
pub(crate) fn push_escaped(text: &[u8], out: &mut Vec<u8>) {
    push_runs(text, &TSV, out, |_, byte, out| {
        let short = match byte {
            0x08 => b'b',
            0x0c => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            0 => b'0',
            other => other,
        };
        out.extend_from_slice(&[b'\\', short]);
        1
    });
}

/// Appends `'...'` with backslash escapes.
pub(crate) fn push_quoted(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'\'');
    push_escaped(text, out);
    out.push(b'\'');
}

/// Appends `"..."` with quotes doubled.
pub(crate) fn push_csv(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    let mut start = 0;
    for at in memchr::memchr_iter(b'"', text) {
        out.extend_from_slice(text.get(start..=at).unwrap_or_default());
        out.push(b'"');
        start = at + 1;
    }
    out.extend_from_slice(text.get(start..).unwrap_or_default());
    out.push(b'"');
}
