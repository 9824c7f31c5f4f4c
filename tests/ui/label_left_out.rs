mtl_runtime::mtl! {
    model Feed {
        features user { user_id: id(buckets: 100, dim: 4) }
        task click: binary(label: is_click);
        task like: binary(label: is_like);
        tower each = mlp(user, [8]);
    }
}

fn main() {
    let _ = FeedLabels { is_click: vec![1.0, 0.0].into() };
}
