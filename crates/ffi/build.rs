//! Keeps the symbols of bundled libraries (SQLite, libsecp256k1) inside the shared library: a host may bring its own.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        println!("cargo:rustc-cdylib-link-arg=-Wl,--exclude-libs,ALL");
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libhardfrost_ffi.so");
        println!("cargo:rustc-cdylib-link-arg=-Wl,-z,now");
    }
}
