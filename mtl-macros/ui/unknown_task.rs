mtl_macros::mtl! {
    model Feed {
        features user { user_id: id(buckets: 100, dim: 4) }
        task click: binary;
        /* 日本語 */ tower clik = mlp(user, [8]);
    }
}

fn main() {}
