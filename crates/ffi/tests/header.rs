//! The header that is checked in is the one that the source makes. `just header` writes it.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test may panic"
)]

use std::fs;
use std::path::{Path, PathBuf};

use hardfrost_ffi::Call;

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn generated() -> String {
    let config = cbindgen::Config::from_file(folder().join("cbindgen.toml")).unwrap();
    let bindings = cbindgen::Builder::new()
        .with_src(folder().join("src/boundary.rs"))
        .with_config(config)
        .generate()
        .unwrap();
    let mut text = Vec::new();
    bindings.write(&mut text);
    String::from_utf8(text).unwrap()
}

fn header() -> PathBuf {
    folder().join("include/hardfrost_ffi.h")
}

#[test]
fn the_header_is_what_the_source_makes() {
    let kept = fs::read_to_string(header()).unwrap_or_default();
    assert!(
        kept == generated(),
        "the header is stale: `just header` writes it anew"
    );
}

#[test]
#[ignore = "it writes the header: `just header`"]
fn write_the_header() {
    fs::write(header(), generated()).unwrap();
}

#[test]
fn the_header_declares_every_call_and_the_one_that_frees() {
    let text = generated();
    let declared = |name: &str| text.contains(&format!(" frost_tbtc_{name}("));
    assert!(Call::ALL.iter().all(|call| declared(call.as_str())));
    let all = text.matches(" frost_tbtc_").count();
    let comments = text
        .lines()
        .filter(|line| line.trim_start().starts_with("//"));
    let in_comments: usize = comments
        .map(|line| line.matches(" frost_tbtc_").count())
        .sum();
    assert_eq!(all - in_comments, Call::ALL.len() + 1);
}

/// The boundary's file is the only one that may be unsafe, and every other says so.
#[test]
fn only_the_boundary_may_be_unsafe() {
    let lib = fs::read_to_string(folder().join("src/lib.rs")).unwrap();
    let file = syn::parse_file(&lib).unwrap();
    let modules = file.items.iter().filter_map(|item| {
        let syn::Item::Mod(module) = item else {
            return None;
        };
        Some(module)
    });
    let attribute = |module: &syn::ItemMod, name: &str| {
        let mut meant = module.attrs.iter().filter(|a| a.path().is_ident(name));
        meant.any(|a| {
            let list = a.meta.require_list().unwrap();
            list.tokens.to_string().contains("unsafe_code")
        })
    };
    let mut count = 0;
    for module in modules {
        let boundary = module.ident == "boundary";
        assert_eq!(attribute(module, "forbid"), !boundary, "{}", module.ident);
        assert_eq!(attribute(module, "allow"), boundary, "{}", module.ident);
        count += 1;
    }
    assert_eq!(
        count,
        sources(&folder().join("src")) - 1,
        "a file is not declared in lib.rs"
    );
}

fn sources(folder: &Path) -> usize {
    fs::read_dir(folder).unwrap().count()
}
