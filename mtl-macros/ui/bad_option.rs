mtl_macros::mtl! {
    model Feed {
        features user { user_id: id(buckets: 100, dims: 4) }
        task click: binary(loss: huber(delta: 1.0));
        tower each = mlp(user, [8]);
    }
}

fn main() {}
