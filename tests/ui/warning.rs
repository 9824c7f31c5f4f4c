#![deny(warnings)]

mtl_runtime::mtl! {
    model Feed {
        features user { user_id: id(buckets: 100, dim: 4), age: number }
        task click: binary;
        tower each = mlp(user_id, [8]);
    }
}

fn main() {}
