# What people do here. CI runs `check`, `memory`, `secrets`, `interop`, `hosts` and the commands of README.md.

# Lists the recipes.
default:
    @just --list --unsorted

# Everything that must pass before a commit.
check: fmt lint doc test deny

# Fails where `cargo fmt` would change something.
fmt:
    cargo fmt --all --check

# Clippy on everything; a warning is an error.
lint:
    cargo clippy --workspace --all-targets -- -D warnings

# Builds the documentation; a warning is an error.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps

# All tests, those in the documentation included.
test:
    cargo nextest run --workspace
    cargo test --workspace --doc

# The engine against its reference, so many steps from a seed: `just model 100000 7`.
model STEPS="100000" SEED="1":
    cargo run --release -p hardfrost-engine --example model -- {{ STEPS }} {{ SEED }}

# A signer's life on a real store, cut at every write and sync, and its disk without power; part of `test`. Power is for root.
crashes:
    cargo nextest run -p hardfrost-store --test crashes

# A federation of real processes under every fault it must live with; part of `test`. Networks and disks of its own are for root.
faults:
    cargo nextest run -p hardfrost --test faults

# Searches processes that signed for their secrets, built as they are run: an optimising compiler leaves other things behind.
memory:
    cargo nextest run --release -p hardfrost-locked -p hardfrost-frost -p hardfrost-store e13_

# The arrows between the crates.
layering:
    cargo test -p hardfrost --test layering

# The sizes of files, functions and lines.
sizes:
    cargo test -p hardfrost --test sizes

# Licences, banned crates, sources.
deny:
    cargo deny --workspace check bans licenses sources

# The whole story on this machine: `just demo -t 7 -n 10`.
demo *ARGS:
    cargo run --release -- demo {{ ARGS }}

# What arithmetic costs beside the FROST library, and durability beside the bare disk: `just bench --json`.
bench *ARGS:
    cargo run --release -p hardfrost-bench -- {{ ARGS }}

# What a federation of processes carries on this machine, 1000 signings, 32 at a time: `just load --json`.
load *ARGS:
    cargo bench -p hardfrost --bench load -- load {{ ARGS }}

# Signings while processes are killed and paused at random, for so many minutes; fails where somebody would have to act.
soak MINUTES="10":
    cargo bench -p hardfrost --bench load -- soak {{ MINUTES }}

# What runs a node, really run: systemd in an emulated machine, and containers. For root, some minutes; what is missing is skipped, and said.
deploy:
    cargo build --release
    dist/check/run

# Adds bytes of what is new to `vectors/frames`; what is recorded there stays as it is.
record:
    cargo test -p hardfrost-wire -p hardfrost-net -p hardfrost-engine -p hardfrost-dkg -p hardfrost-node -p hardfrost-api \
        --lib --tests add_to_what_is_recorded -- --ignored

# The instructions of the key rows instead of their time, the same on every run: `just bench-counts --json`. Needs valgrind.
bench-counts *ARGS:
    cargo run --release -p hardfrost-bench -- counts {{ ARGS }}

# The C library from C, C++, Python, Node and Go; needs valgrind, node and Python.
hosts:
    crates/ffi/hosts/run

# Writes the C header anew from its source.
header:
    cargo test -p hardfrost-ffi --test header -- --ignored write_the_header

# Feeds the C boundary's request decoder for so many seconds; needs cargo-fuzz.
fuzz SECONDS="60":
    cd crates/ffi && RUSTC_BOOTSTRAP=1 cargo fuzz run request -- -max_total_time={{ SECONDS }} -max_len=4096

# Whether commit, signing or key generation branches on a secret, as compiled for use: needs valgrind, and says so where there is none.
secrets:
    cargo test --release -p hardfrost-frost --lib -- --nocapture secret_branches

# The suite `tr`, and key generation, beside the FROST library on 100000 random cases each, on all processors: a quarter of an hour.
differential:
    cargo test --release -p hardfrost-frost --test differential --test keygen_differential -- --ignored --nocapture

# Signs together with other FROST implementations; needs node and Python. An argument is the seed to repeat.
interop *ARGS:
    interop/run {{ ARGS }}
