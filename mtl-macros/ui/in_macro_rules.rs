macro_rules! ranker {
    ($name:ident, $task:ident) => {
        mtl_macros::mtl! {
            model $name {
                features user { user_id: id(buckets: 100, dim: 4) }
                task click: binary;
                tower $task = mlp(user, [8]);
            }
        }
    };
}

ranker!(Feed, clack);

fn main() {}
