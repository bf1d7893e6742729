//! Lets the linker leave Node's symbols open: they are there when Node loads the module.

fn main() {
    napi_build::setup();
}
