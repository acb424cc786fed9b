//! Rules that need a Rust file's syntax: length of functions, doors without code, no panic and no
//! stray SQL outside tests, no ignored test.

use std::collections::BTreeSet;

use proc_macro2::{Span, TokenStream, TokenTree};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{Attribute, Block, ExprMethodCall, Item, LitStr, Signature};

use super::{Fault, sql, test_code};
use crate::tree::Tree;

const FUNCTION_LINES_MAX: usize = 70;
const PANIC_METHODS: [&str; 4] = ["unwrap", "expect", "unwrap_err", "expect_err"];
const PANIC_MACROS: [&str; 4] = ["panic", "todo", "unreachable", "unimplemented"];
/// The crates that speak SQL to SQLite, and the file of theirs that may hold it; tests may too.
const SQL_CRATES: [&str; 3] = ["crates/part/", "crates/rowstore/", "crates/engine/"];
const SQL_FILE: &str = "statements.rs";

pub(super) fn check(tree: &Tree) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut parsed = Vec::new();
    let mut tests = BTreeSet::new();
    for (path, text) in tree.ending_with(".rs") {
        match syn::parse_file(text) {
            Ok(file) => {
                tests.extend(test_code::declared(path, &file));
                parsed.push((path, file));
            }
            Err(error) => {
                let line = error.span().start().line;
                faults.push(Fault::new(path, line, format!("not Rust: {error}")));
            }
        }
    }
    for (path, file) in &parsed {
        let is_test = test_code::by_place(path)
            || test_code::is_test(&file.attrs)
            || tests
                .iter()
                .any(|test| test == path || test.ends_with('/') && path.starts_with(test));
        // `tests/support/mod.rs` is how cargo keeps shared code from being a test of its own.
        if !test_code::by_place(path) {
            doors(path, file, &mut faults);
        }
        let mut visitor = Visitor { path, test_depth: usize::from(is_test), faults: &mut faults };
        visitor.visit_file(file);
    }
    faults
}

/// `lib.rs` and `mod.rs` show what is behind them and do nothing themselves.
fn doors(path: &str, file: &syn::File, faults: &mut Vec<Fault>) {
    if !matches!(path.rsplit('/').next(), Some("lib.rs" | "mod.rs")) {
        return;
    }
    for item in &file.items {
        let fits = match item {
            Item::Mod(module) => module.content.is_none(),
            Item::Use(_) | Item::ExternCrate(_) => true,
            _ => false,
        };
        if !fits {
            let message = "a door holds only docs, `mod name;` and `use`: move this to a file \
                           named after what it does";
            faults.push(Fault::new(path, item.span().start().line, message));
        }
    }
}

struct Visitor<'a> {
    path: &'a str,
    test_depth: usize,
    faults: &'a mut Vec<Fault>,
}

impl Visitor<'_> {
    fn fault(&mut self, span: Span, message: String) {
        self.faults.push(Fault::new(self.path, span.start().line, message));
    }

    fn panics(&mut self, span: Span, what: &str) {
        if self.test_depth == 0 {
            let message = format!("`{what}` outside tests: return an error, input may cause it");
            self.fault(span, message);
        }
    }

    fn function(&mut self, signature: &Signature, block: &Block) {
        let start = signature.span().start().line;
        let lines = block.brace_token.span.close().end().line + 1 - start;
        if lines > FUNCTION_LINES_MAX {
            let message =
                format!("`{}` has {lines} lines, at most {FUNCTION_LINES_MAX}", signature.ident);
            self.fault(signature.span(), message);
        }
    }

    fn string(&mut self, span: Span, text: &str) {
        let file = self.path.rsplit('/').next().unwrap_or_default();
        let is_bound = SQL_CRATES.iter().any(|folder| self.path.starts_with(folder));
        if is_bound && self.test_depth == 0 && file != SQL_FILE && sql::is_statement(text) {
            let message = "SQL for SQLite belongs in statements.rs, where its cost is pinned";
            self.fault(span, message.to_string());
        }
    }

    /// Macros are not parsed by syn, so their tokens are read one after the other.
    fn tokens(&mut self, tokens: TokenStream) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (index, token) in tokens.iter().enumerate() {
            let is_punct = |at: Option<usize>, wanted: char| {
                let found = at.and_then(|at| tokens.get(at));
                matches!(found, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
            };
            match token {
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Literal(literal) => {
                    if let Ok(text) = syn::parse2::<LitStr>(TokenStream::from(token.clone())) {
                        self.string(literal.span(), &text.value());
                    }
                }
                TokenTree::Ident(ident) => {
                    let name = ident.to_string();
                    let is_call = matches!(tokens.get(index + 1), Some(TokenTree::Group(_)));
                    let is_method = is_call && is_punct(index.checked_sub(1), '.');
                    if is_method && PANIC_METHODS.contains(&name.as_str()) {
                        self.panics(ident.span(), &format!(".{name}()"));
                    }
                    let is_macro = is_punct(Some(index + 1), '!')
                        && matches!(tokens.get(index + 2), Some(TokenTree::Group(_)));
                    if is_macro && PANIC_MACROS.contains(&name.as_str()) {
                        self.panics(ident.span(), &format!("{name}!"));
                    }
                }
                TokenTree::Punct(_) => {}
            }
        }
    }

    /// Runs `body` with the knowledge that it is in test code, if `attributes` say so.
    fn scoped(&mut self, attributes: &[Attribute], body: impl FnOnce(&mut Self)) {
        let depth = usize::from(test_code::is_test(attributes));
        self.test_depth += depth;
        body(self);
        self.test_depth -= depth;
    }
}

impl<'ast> Visit<'ast> for Visitor<'_> {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes: &[Attribute] = match item {
            Item::Mod(item) => &item.attrs,
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Trait(item) => &item.attrs,
            Item::Const(item) => &item.attrs,
            Item::Static(item) => &item.attrs,
            Item::Macro(item) => &item.attrs,
            _ => &[],
        };
        self.scoped(attributes, |visitor| visit::visit_item(visitor, item));
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.function(&function.sig, &function.block);
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.function(&function.sig, &function.block);
        self.scoped(&function.attrs, |visitor| visit::visit_impl_item_fn(visitor, function));
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(block) = &function.default {
            self.function(&function.sig, block);
        }
        visit::visit_trait_item_fn(self, function);
    }

    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        let is_ignored = match &attribute.meta {
            syn::Meta::List(list) if list.path.is_ident("cfg_attr") => list
                .tokens
                .clone()
                .into_iter()
                .any(|token| matches!(token, TokenTree::Ident(ident) if ident == "ignore")),
            meta => meta.path().is_ident("ignore"),
        };
        if is_ignored {
            let message = "no test is ignored: mend it or delete it";
            self.fault(attribute.span(), message.to_string());
        }
        // Not deeper: a doc comment is a string too, and may quote SQL.
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        let name = call.method.to_string();
        if PANIC_METHODS.contains(&name.as_str()) {
            self.panics(call.method.span(), &format!(".{name}()"));
        }
        visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        if let Some(last) = call.path.segments.last()
            && PANIC_MACROS.iter().any(|name| last.ident == name)
        {
            self.panics(last.ident.span(), &format!("{}!", last.ident));
        }
        self.tokens(call.tokens.clone());
    }

    fn visit_lit_str(&mut self, text: &'ast LitStr) {
        self.string(text.span(), &text.value());
    }
}

#[cfg(test)]
mod tests;
