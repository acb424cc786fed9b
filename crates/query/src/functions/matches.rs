//! Functions over the matches of regular expressions. Not here: what an expression means
//! ([`super::re2`]).

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, BooleanArray, Int64Array, StringViewArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, exec_err, plan_err};
use regex::Regex;

use super::re2;
use super::register::Function;
use super::scalar::{Arguments, NativeFunction, is_text};
use crate::dialect::clickhouse_name;

/// This file's functions with an example each.
pub(super) fn functions() -> Vec<Function> {
    let of_texts = |name, count, evaluate| {
        NativeFunction::new(name, count..=count, |args| texts(args, DataType::Utf8View), evaluate)
    };
    let matches =
        NativeFunction::new("match", 2..=2, |args| texts(args, DataType::Boolean), matches);
    let count =
        NativeFunction::new("countmatches", 2..=2, |args| texts(args, DataType::Int64), count);
    let extract = of_texts("extract", 2, extract);
    let replace_all = of_texts("replaceregexpall", 3, |arguments| replaced(arguments, usize::MAX));
    let replace_one = of_texts("replaceregexpone", 3, |arguments| replaced(arguments, 1));
    vec![
        Function::new(matches, "match(x, r)", "match('hello', 'l+')", "true"),
        Function::new(extract, "extract(x, r)", "extract('abc123', '[0-9]+')", "123"),
        Function::new(count, "countMatches(x, r)", "countMatches('banana', 'an')", "2"),
        Function::new(
            replace_all,
            "replaceRegexpAll(x, r, b)",
            r"replaceRegexpAll('a1b22', '\d+', '<\\0>')",
            "a<1>b<22>",
        ),
        Function::new(
            replace_one,
            "replaceRegexpOne(x, r, b)",
            r"replaceRegexpOne('a1b22', '([a-z])(\d)', '\2\1')",
            "1ab22",
        ),
    ]
}

/// The type of a function that takes nothing but text.
fn texts(args: &[DataType], answer: DataType) -> Result<DataType> {
    let is_taken = |arg: &DataType| match arg {
        DataType::Dictionary(_, value) => is_text(value),
        other => is_text(other) || other.is_null(),
    };
    match args.iter().find(|arg| !is_taken(arg)) {
        Some(other) => plan_err!("a String is expected, not {}", clickhouse_name(other)),
        None => Ok(answer),
    }
}

/// What `answer` gives for the text and the expression of each row; NULL where either is.
fn each<T>(
    arguments: &Arguments<'_>,
    mut answer: impl FnMut(&Regex, &str, usize) -> Result<Option<T>>,
) -> Result<Vec<Option<T>>> {
    let (texts, patterns) = (arguments.text(0)?, arguments.text(1)?);
    let mut compiled: Option<(&str, Regex)> = None;
    let mut answers = Vec::with_capacity(arguments.rows);
    for (row, (text, pattern)) in texts.iter().zip(&patterns).enumerate() {
        let (Some(text), Some(pattern)) = (text, pattern) else {
            answers.push(None);
            continue;
        };
        let (_, regex) = match compiled.take() {
            Some(known) if known.0 == pattern => compiled.insert(known),
            _ => compiled.insert((pattern, re2::compile(pattern)?)),
        };
        answers.push(answer(regex, text, row)?);
    }
    Ok(answers)
}

fn matches(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let answers = each(arguments, |regex, text, _| Ok(Some(regex.is_match(text))))?;
    Ok(Arc::new(BooleanArray::from(answers)))
}

/// How often an expression matches something; matches of nothing do not count.
fn count(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let answers = each(arguments, |regex, text, _| {
        let found = regex.find_iter(text).filter(|found| !found.is_empty());
        Ok(i64::try_from(found.count()).ok())
    })?;
    Ok(Arc::new(Int64Array::from(answers)))
}

/// The first group of the first match, the match itself where there are no groups, or nothing.
fn extract(arguments: &Arguments<'_>) -> Result<ArrayRef> {
    let answers = each(arguments, |regex, text, _| {
        let group = usize::from(regex.captures_len() > 1);
        let found = regex.captures(text).and_then(|captures| captures.get(group));
        Ok(Some(found.map(|found| found.as_str()).unwrap_or_default().to_owned()))
    })?;
    Ok(Arc::new(StringViewArray::from_iter(answers)))
}

fn replaced(arguments: &Arguments<'_>, count_max: usize) -> Result<ArrayRef> {
    let replacements = arguments.text(2)?;
    let answers = each(arguments, |regex, text, row| {
        if replacements.is_null(row) {
            return Ok(None);
        }
        let replacement = replacements.value(row);
        if regex.as_str().is_empty() {
            return Ok(Some(text.to_owned()));
        }
        Ok(Some(replace(regex, text, &pieces(replacement, regex)?, count_max)))
    })?;
    Ok(Arc::new(StringViewArray::from_iter(answers)))
}

/// A piece of what a match is replaced by.
enum Piece {
    Text(String),
    /// A group of the match; 0 is the whole.
    Group(usize),
}

/// Reads a replacement: `\0` to `\9` are groups, a backslash takes the meaning of all else.
fn pieces(replacement: &str, regex: &Regex) -> Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut text = String::new();
    let mut chars = replacement.chars();
    while let Some(ch) = chars.next() {
        let escaped = if ch == '\\' { chars.next() } else { None };
        match escaped.and_then(|digit| digit.to_digit(10)) {
            None => text.push(escaped.unwrap_or(ch)),
            Some(group) if group as usize >= regex.captures_len() => {
                let groups = regex.captures_len() - 1;
                return exec_err!(
                    "the replacement '{replacement}' names the group \\{group}, but the regular \
                     expression has {groups} groups"
                );
            }
            Some(group) => {
                pieces.push(Piece::Text(std::mem::take(&mut text)));
                pieces.push(Piece::Group(group as usize));
            }
        }
    }
    pieces.push(Piece::Text(text));
    Ok(pieces)
}

/// The text with the first matches replaced. Unlike in the crate's own, a match of nothing may
/// stand right behind another match.
fn replace(regex: &Regex, text: &str, pieces: &[Piece], count_max: usize) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for _ in 0..count_max {
        let Some(captures) = regex.captures_at(text, at) else { break };
        let Some(found) = captures.get(0) else { break };
        out.push_str(text.get(at..found.start()).unwrap_or_default());
        for piece in pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Group(group) => {
                    out.push_str(captures.get(*group).map(|group| group.as_str()).unwrap_or(""));
                }
            }
        }
        at = found.end();
        if found.is_empty() {
            let Some(next) = text.get(at..).and_then(|rest| rest.chars().next()) else { break };
            out.push(next);
            at += next.len_utf8();
        }
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}
