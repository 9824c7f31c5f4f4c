mtl_macros::mtl_file!("no/such/spec.mtl");

fn main() {}
