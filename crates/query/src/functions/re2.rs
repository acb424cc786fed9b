//! Regular expressions as ClickHouse understands them, which is as RE2 does, for the engine that
//! is here: the same syntax but for a few corners. `\d`, `\w`, `\s` and `\b` know ASCII alone, a
//! point matches line breaks too, and in a class `[`, `&&`, `--` and `~~` mean nothing. What only
//! one of them knows is an error. Not here: what is done with matches ([`super::matches`]).

use std::str::Chars;

use datafusion::common::{Result, exec_err};
use regex::{Regex, RegexBuilder};

/// Most of one repetition, as in RE2.
const REPEATS_MAX: u32 = 1000;

/// Classes with a name: `[[:alpha:]]`.
const CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct",
    "space", "upper", "word", "xdigit",
];

/// The compiled expression.
///
/// # Errors
/// What RE2 does not take, or takes and is not there.
pub(super) fn compile(pattern: &str) -> Result<Regex> {
    let mut translation = Translation {
        rest: pattern.chars(),
        out: String::with_capacity(pattern.len() + 8),
        repeated: Repeated::No,
    };
    let compiled = translation.all().and_then(|()| {
        RegexBuilder::new(&translation.out)
            .dot_matches_new_line(true)
            .build()
            .map_err(|error| error.to_string())
    });
    match compiled {
        Ok(regex) => Ok(regex),
        Err(problem) => {
            exec_err!("the regular expression '{pattern}' cannot be compiled: {problem}")
        }
    }
}

/// Whether a repetition stands before.
#[derive(Clone, Copy, PartialEq)]
enum Repeated {
    No,
    Greedy,
    Lazy,
}

struct Translation<'a> {
    rest: Chars<'a>,
    out: String,
    repeated: Repeated,
}

impl Translation<'_> {
    fn all(&mut self) -> Result<(), String> {
        while let Some(ch) = self.rest.next() {
            let repeated = std::mem::replace(&mut self.repeated, Repeated::No);
            match ch {
                '\\' => self.escape(false)?,
                '[' => self.class()?,
                '(' => self.group()?,
                '*' | '+' | '?' => {
                    self.repeated = match (repeated, ch) {
                        (Repeated::No, _) => Repeated::Greedy,
                        (Repeated::Greedy, '?') => Repeated::Lazy,
                        _ => return Err(format!("{ch} stands behind another repetition")),
                    };
                    self.out.push(ch);
                }
                '{' => self.counted(repeated)?,
                ']' | '}' => self.literal(ch),
                _ => self.out.push(ch),
            }
        }
        Ok(())
    }

    fn peek(&self) -> Option<char> {
        self.rest.clone().next()
    }

    /// Takes what stands next, if it is this.
    fn take(&mut self, text: &str) -> bool {
        let behind = self.rest.as_str().strip_prefix(text).map(str::chars);
        let found = behind.is_some();
        self.rest = behind.unwrap_or_else(|| self.rest.clone());
        found
    }

    fn literal(&mut self, ch: char) {
        self.out.push_str(&regex::escape(ch.encode_utf8(&mut [0; 4])));
    }

    /// `{2}`, `{2,}`, `{2,5}`; anything else in such brackets is text.
    fn counted(&mut self, repeated: Repeated) -> Result<(), String> {
        let text = self.rest.as_str();
        let inner = text.split_once('}').map(|(inner, _)| inner).unwrap_or_default();
        let (least, most) = inner.split_once(',').unwrap_or((inner, ""));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if least.is_empty() || !is_number(least) || !is_number(most) {
            self.literal('{');
            return Ok(());
        }
        if repeated != Repeated::No {
            return Err(format!("{{{inner}}} stands behind another repetition"));
        }
        let fits = |count: &str| {
            count.is_empty() || count.parse::<u32>().is_ok_and(|count| count <= REPEATS_MAX)
        };
        if !fits(least) || !fits(most) {
            return Err(format!("{{{inner}}} repeats more than {REPEATS_MAX} times"));
        }
        self.out.push_str(&format!("{{{inner}}}"));
        self.rest = text.get(inner.len() + 1..).unwrap_or_default().chars();
        self.repeated = Repeated::Greedy;
        Ok(())
    }

    /// What follows an opening bracket: a group, a name, or flags.
    fn group(&mut self) -> Result<(), String> {
        self.out.push('(');
        if !self.take("?") {
            return Ok(());
        }
        self.out.push('?');
        if self.take("P<") || self.take("<") {
            self.out.push_str("P<");
            return Ok(());
        }
        let flags = self.rest.as_str();
        let flags = flags.split([':', ')']).next().unwrap_or_default();
        if !flags.chars().all(|flag| "imsU-".contains(flag)) {
            let shown: String = flags.chars().take(10).collect();
            return Err(format!("(?{shown} begins no group"));
        }
        Ok(())
    }

    /// `[...]`.
    fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.take("^") {
            self.out.push('^');
        }
        if self.take("]") {
            self.literal(']');
        }
        loop {
            match self.rest.next() {
                None => return Err("a [ has no ]".into()),
                Some(']') => {
                    self.out.push(']');
                    return Ok(());
                }
                Some('[') if self.peek() == Some(':') => self.named_class()?,
                Some('\\') => self.escape(true)?,
                Some('-') if self.peek() == Some('-') => {
                    return Err("-- stands in [...]: write \\- for the character".into());
                }
                Some(ch @ ('[' | '&' | '~')) => self.literal(ch),
                Some(ch) => self.out.push(ch),
            }
        }
    }

    /// `[:alpha:]` or `[:^alpha:]`, behind its `[`.
    fn named_class(&mut self) -> Result<(), String> {
        let text = self.rest.as_str();
        let name = text.get(1..).and_then(|text| text.split_once(":]")).map(|(name, _)| name);
        let Some(name) = name else {
            self.literal('[');
            return Ok(());
        };
        if !CLASSES.contains(&name.strip_prefix('^').unwrap_or(name)) {
            return Err(format!("[:{name}:] is no class"));
        }
        self.out.push_str(&format!("[:{name}:]"));
        self.rest = text.get(name.len() + 3..).unwrap_or_default().chars();
        Ok(())
    }

    /// What follows a backslash.
    fn escape(&mut self, in_class: bool) -> Result<(), String> {
        let Some(ch) = self.rest.next() else {
            return Err("a backslash stands at the end".into());
        };
        match ch {
            'd' => self.out.push_str("[0-9]"),
            'D' => self.out.push_str("[^0-9]"),
            'w' => self.out.push_str("[0-9A-Za-z_]"),
            'W' => self.out.push_str("[^0-9A-Za-z_]"),
            's' => self.out.push_str(r"[\t\n\f\r ]"),
            'S' => self.out.push_str(r"[^\t\n\f\r ]"),
            'b' if !in_class => self.out.push_str(r"(?-u:\b)"),
            'B' if !in_class => self.out.push_str(r"(?-u:\B)"),
            'Q' if !in_class => {
                let (text, rest) = self.rest.as_str().split_once("\\E").unwrap_or_else(|| {
                    let text = self.rest.as_str();
                    (text, "")
                });
                self.out.push_str(&regex::escape(text));
                self.rest = rest.chars();
            }
            'A' | 'z' if !in_class => self.out.extend(['\\', ch]),
            // What stands behind them reads the same in both.
            'a' | 'f' | 'n' | 'r' | 't' | 'v' | 'x' | 'p' | 'P' => self.braced(ch),
            '0'..='7' => self.octal(ch)?,
            _ if ch.is_ascii() && !ch.is_ascii_alphanumeric() => self.literal(ch),
            _ => return Err(format!("\\{ch} is no escape")),
        }
        Ok(())
    }

    /// An escape, with the brackets that may follow it: `\p{Greek}`, `\p{^Greek}`, `\x{41}`.
    fn braced(&mut self, ch: char) {
        let has_brackets = matches!(ch, 'x' | 'p' | 'P') && self.take("{");
        let opposite = if ch == 'p' { 'P' } else { 'p' };
        let is_opposite = has_brackets && ch != 'x' && self.take("^");
        self.out.extend(['\\', if is_opposite { opposite } else { ch }]);
        if has_brackets {
            let text = self.rest.as_str();
            let end = text.find('}').map_or(text.len(), |end| end + 1);
            let (inner, rest) = text.split_at(end);
            self.out.push('{');
            self.out.push_str(inner);
            self.rest = rest.chars();
        }
    }

    /// `\0`, `\12`, `\123`: a single digit but 0 would be a reference to a group, which no
    /// expression has here.
    fn octal(&mut self, first: char) -> Result<(), String> {
        let mut code = first.to_digit(8).unwrap_or_default();
        let mut digits = 1;
        while digits < 3
            && let Some(digit) = self.peek().and_then(|ch| ch.to_digit(8))
        {
            code = code * 8 + digit;
            digits += 1;
            self.rest.next();
        }
        if digits == 1 && first != '0' {
            return Err(format!("\\{first} is no escape: groups cannot be referred to"));
        }
        self.out.push_str(&format!("\\x{{{code:x}}}"));
        Ok(())
    }
}
