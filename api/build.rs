//! Builds this crate again when the pages have changed, since they are built in.

fn main() {
    println!("cargo::rerun-if-changed=../portal/dist");
}
