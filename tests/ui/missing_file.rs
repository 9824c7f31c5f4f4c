mtl_runtime::mtl_file!("no/such/spec.mtl");

fn main() {}
