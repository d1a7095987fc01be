#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]
//! How large a file, a function and a line may be. Limits, not aims: files of 100 to 300 lines read best.

use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::Span;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{
    Attribute, Block, Expr, ExprForLoop, ExprIf, ExprLoop, ExprMatch, ExprWhile, FnArg, ImplItemFn,
    ItemConst, ItemFn, ItemStatic, Signature, TraitItemFn,
};

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 60;
const PARAMETERS_MAX: usize = 5;
const NESTING_MAX: usize = 3;
const CODE_COLUMNS_MAX: usize = 100;
const COMMENT_COLUMNS_MAX: usize = 120;

/// Everything in one file that is over a limit, each as `file:line: what, and the limit`.
fn oversized(file: &str, text: &str) -> Vec<String> {
    let syntax = match syn::parse_file(text) {
        Ok(syntax) => syntax,
        Err(error) => return vec![format!("{file}:{}: {error}", error.span().start().line)],
    };
    let mut bodies = Bodies::default();
    bodies.visit_file(&syntax);
    let mut found = bodies.found;
    found.extend(long_file(text));
    found.extend(long_lines(text, &bodies.tables));
    found.sort();
    found
        .into_iter()
        .map(|(line, what)| format!("{file}:{line}: {what}"))
        .collect()
}

type Finding = (usize, String);

fn long_file(text: &str) -> Option<Finding> {
    let lines = text.lines().count();
    let what = format!("a file of {lines} lines, at most {FILE_LINES_MAX}");
    (lines > FILE_LINES_MAX).then_some((FILE_LINES_MAX + 1, what))
}

/// Lines over the limit, but for those of hand-set data tables (first to last line).
fn long_lines(text: &str, tables: &[(usize, usize)]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (line, content) in (1..).zip(text.lines()) {
        let comment = content.trim_start().starts_with("//");
        let max = if comment {
            COMMENT_COLUMNS_MAX
        } else {
            CODE_COLUMNS_MAX
        };
        let columns = content.chars().count();
        let in_table = tables
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&line));
        if columns > max && !in_table {
            found.push((line, format!("a line of {columns} columns, at most {max}")));
        }
    }
    found
}

/// Walks a file's functions and collects what is over a limit.
#[derive(Default)]
struct Bodies {
    found: Vec<Finding>,
    /// First and last line of constants that carry `#[rustfmt::skip]`.
    tables: Vec<(usize, usize)>,
    nesting: usize,
}

impl Bodies {
    fn lines(&mut self, signature: &Signature, body: &Block) {
        let first = signature.fn_token.span.start().line;
        let lines = body.brace_token.span.close().end().line + 1 - first;
        if lines > FUNCTION_LINES_MAX {
            let name = &signature.ident;
            let what = format!("`{name}` has {lines} lines, at most {FUNCTION_LINES_MAX}");
            self.found.push((first, what));
        }
    }

    /// Visits what is inside a function with the nesting counted from its own body.
    fn afresh(&mut self, visit: impl FnOnce(&mut Self)) {
        let outside = std::mem::take(&mut self.nesting);
        visit(self);
        self.nesting = outside;
    }

    fn deeper(&mut self, at: Span, visit: impl FnOnce(&mut Self)) {
        self.nesting += 1;
        if self.nesting == NESTING_MAX + 1 {
            let what = format!(
                "{} levels of control flow, at most {NESTING_MAX}",
                self.nesting
            );
            self.found.push((at.start().line, what));
        }
        visit(self);
        self.nesting -= 1;
    }

    fn table(&mut self, attributes: &[Attribute], item: Span) {
        let skipped = |attribute: &Attribute| {
            let path = attribute
                .path()
                .segments
                .iter()
                .map(|part| part.ident.to_string());
            path.eq(["rustfmt", "skip"])
        };
        if attributes.iter().any(skipped) {
            self.tables.push((item.start().line, item.end().line));
        }
    }
}

impl<'ast> Visit<'ast> for Bodies {
    fn visit_signature(&mut self, signature: &'ast Signature) {
        let typed = |input: &&FnArg| matches!(input, FnArg::Typed(_));
        let parameters = signature.inputs.iter().filter(typed).count();
        if parameters > PARAMETERS_MAX {
            let name = &signature.ident;
            let what = format!("`{name}` has {parameters} parameters, at most {PARAMETERS_MAX}");
            self.found
                .push((signature.fn_token.span.start().line, what));
        }
        visit::visit_signature(self, signature);
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.lines(&item.sig, &item.block);
        self.afresh(|inner| visit::visit_item_fn(inner, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.lines(&item.sig, &item.block);
        self.afresh(|inner| visit::visit_impl_item_fn(inner, item));
    }

    fn visit_trait_item_fn(&mut self, item: &'ast TraitItemFn) {
        if let Some(body) = &item.default {
            self.lines(&item.sig, body);
        }
        self.afresh(|inner| visit::visit_trait_item_fn(inner, item));
    }

    fn visit_expr_if(&mut self, branch: &'ast ExprIf) {
        self.visit_expr(&branch.cond);
        self.deeper(branch.span(), |inner| {
            inner.visit_block(&branch.then_branch)
        });
        match branch.else_branch.as_ref().map(|(_, other)| &**other) {
            // `else if` is one more arm, not one more level.
            Some(Expr::If(next)) => self.visit_expr_if(next),
            Some(other) => self.deeper(branch.span(), |inner| inner.visit_expr(other)),
            None => {}
        }
    }

    fn visit_expr_match(&mut self, branches: &'ast ExprMatch) {
        self.visit_expr(&branches.expr);
        self.deeper(branches.span(), |inner| {
            branches.arms.iter().for_each(|arm| inner.visit_arm(arm));
        });
    }

    fn visit_expr_for_loop(&mut self, over: &'ast ExprForLoop) {
        self.visit_expr(&over.expr);
        self.deeper(over.span(), |inner| inner.visit_block(&over.body));
    }

    fn visit_expr_while(&mut self, repeat: &'ast ExprWhile) {
        self.visit_expr(&repeat.cond);
        self.deeper(repeat.span(), |inner| inner.visit_block(&repeat.body));
    }

    fn visit_expr_loop(&mut self, endless: &'ast ExprLoop) {
        self.deeper(endless.span(), |inner| inner.visit_block(&endless.body));
    }

    fn visit_item_const(&mut self, item: &'ast ItemConst) {
        self.table(&item.attrs, item.span());
        visit::visit_item_const(self, item);
    }

    fn visit_item_static(&mut self, item: &'ast ItemStatic) {
        self.table(&item.attrs, item.span());
        visit::visit_item_static(self, item);
    }
}

/// Every source file below `folder`, in the order of names.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut found = Vec::new();
    for path in entries {
        let foreign = path.ends_with("target") || path.ends_with("node_modules");
        if path.is_dir() && !foreign {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn our_sources_keep_to_the_limits() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap();
    let files = [
        sources(&root.join("crates")),
        sources(&root.join("interop")),
    ]
    .concat();
    assert!(
        files.contains(&root.join("crates/cli/tests/sizes.rs")),
        "this is not our tree"
    );
    let mut found = Vec::new();
    for path in &files {
        let name = path.strip_prefix(&root).unwrap().display().to_string();
        found.extend(oversized(&name, &fs::read_to_string(path).unwrap()));
    }
    assert!(found.is_empty(), "over the limits:\n{}", found.join("\n"));
}

#[test]
fn a_file_that_is_too_long_is_found() {
    assert_eq!(oversized("a.rs", &"\n".repeat(600)), Vec::<String>::new());
    let found = oversized("a.rs", &"\n".repeat(601));
    assert_eq!(found, ["a.rs:601: a file of 601 lines, at most 600"]);
}

#[test]
fn a_function_that_is_too_long_is_found() {
    // The attribute and the comment above `fn` do not count.
    let function = |lines: usize| {
        format!(
            "/// Doc.\n#[inline]\nfn f() {{\n{}}}\n",
            "\n".repeat(lines - 2)
        )
    };
    assert_eq!(oversized("a.rs", &function(60)), Vec::<String>::new());
    assert_eq!(
        oversized("a.rs", &function(61)),
        ["a.rs:3: `f` has 61 lines, at most 60"]
    );
    let methods = format!(
        "impl A {{\n{}}}\ntrait B {{\n{}}}",
        function(61),
        function(62)
    );
    let found = [
        "a.rs:4: `f` has 61 lines, at most 60",
        "a.rs:69: `f` has 62 lines, at most 60",
    ];
    assert_eq!(oversized("a.rs", &methods), found);
}

#[test]
fn a_sixth_parameter_is_found() {
    let five = "trait A { fn f(&self, a: u8, b: u8, c: u8, d: u8, e: u8); }";
    assert_eq!(oversized("a.rs", five), Vec::<String>::new());
    let six = "trait A { fn f(&self, a: u8, b: u8, c: u8, d: u8, e: u8, f: u8); }";
    assert_eq!(
        oversized("a.rs", six),
        ["a.rs:1: `f` has 6 parameters, at most 5"]
    );
}

#[test]
fn a_fourth_level_of_control_flow_is_found() {
    let three = "fn f() {\nfor _ in a {\nif b {} else if c {\nmatch d {\n_ => {}\n}}}}";
    assert_eq!(oversized("a.rs", three), Vec::<String>::new());
    let four = three.replace("_ => {}", "_ => loop {}");
    assert_eq!(
        oversized("a.rs", &four),
        ["a.rs:5: 4 levels of control flow, at most 3"]
    );
    let own = three.replace("_ => {}", "_ => { fn g() { loop {} } }");
    assert_eq!(oversized("a.rs", &own), Vec::<String>::new());
}

#[test]
fn a_line_that_is_too_wide_is_found() {
    let code = |columns: usize| format!("const A: &str = \"{}\";", "é".repeat(columns - 19));
    let comment = |columns: usize| format!("    // {}", "é".repeat(columns - 7));
    assert_eq!(oversized("a.rs", &code(100)), Vec::<String>::new());
    assert_eq!(
        oversized("a.rs", &code(101)),
        ["a.rs:1: a line of 101 columns, at most 100"]
    );
    assert_eq!(oversized("a.rs", &comment(120)), Vec::<String>::new());
    assert_eq!(
        oversized("a.rs", &comment(121)),
        ["a.rs:1: a line of 121 columns, at most 120"]
    );
    let tables = format!("#[rustfmt::skip]\n{}\n#[test]\n{}", code(101), code(102));
    assert_eq!(
        oversized("a.rs", &tables),
        ["a.rs:4: a line of 102 columns, at most 100"]
    );
}

#[test]
fn a_file_that_does_not_parse_is_found() {
    assert_eq!(oversized("a.rs", "\nfn f( {}").len(), 1);
}
