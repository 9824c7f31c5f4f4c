//! Laws of the feature interactions and of personalised layers, and the same networks in PyTorch (`goldens/interactions.py`).

use mtl_runtime::mtl;
use mtl_tests::{ROWS, assert_close, check_golden, golden, gradients, logits, network, rows, values, with};

mtl! { model Dcn {
    features x { a: number(missing: mean), b: number(missing: mean), c: number(missing: mean), d: number(missing: mean), e: number(missing: mean) }
    task first: binary; task second: binary;
    let h = dcn(x, layers: 2);
    tower each = mlp(h, [2]);
} }

mtl! { model DcnLowRank {
    features x { a: number(missing: mean), b: number(missing: mean), c: number(missing: mean), d: number(missing: mean), e: number(missing: mean) }
    task first: binary; task second: binary;
    let h = dcn(x, layers: 2, rank: 2);
    tower each = mlp(h, [2]);
} }

mtl! { model Pepnet {
    features x { a: number(missing: mean), b: number(missing: mean), c: number(missing: mean), d: number(missing: mean), e: number(missing: mean) }
    task first: binary; task second: binary;
    let h = pepnet(x, domain: a, prior: concat(b, c), layers: [4, 3], gate_hidden: 3);
    tower each = mlp(h, [2]);
} }

mtl! { model Mtan {
    features x { a: number(missing: mean), b: number(missing: mean), c: number(missing: mean), d: number(missing: mean), e: number(missing: mean) }
    task first: binary; task second: binary;
    let h = mtan(x, [4, 3]);
    tower each = mlp(h, [2]);
} }

mtl! { model Fwfm {
    features x { a: id(buckets: 10, dim: 2), b: id(buckets: 10, dim: 2), c: id(buckets: 10, dim: 2) }
    task first: binary; task second: binary;
    tower each = fwfm(x);
} }

mtl! { model Fm {
    features x { a: id(buckets: 10, dim: 2), b: id(buckets: 10, dim: 2), c: id(buckets: 10, dim: 2) }
    task first: binary; task second: binary;
    tower each = fm(x);
} }

#[test]
fn dcn_agrees_with_pytorch() {
    check_golden::<Dcn>(&golden("dcn"), &Clone::clone);
}

#[test]
fn dcn_of_low_rank_agrees_with_pytorch() {
    check_golden::<DcnLowRank>(&golden("dcn_low_rank"), &Clone::clone);
}

#[test]
fn pepnet_agrees_with_pytorch() {
    check_golden::<Pepnet>(&golden("pepnet"), &Clone::clone);
}

#[test]
fn mtan_agrees_with_pytorch() {
    check_golden::<Mtan>(&golden("mtan"), &Clone::clone);
}

mtl! { model Plain {
    features x { a: number(missing: mean), b: number(missing: mean), c: number(missing: mean), d: number(missing: mean), e: number(missing: mean) }
    task first: binary; task second: binary;
    tower each = mlp(x, [2]);
} }

#[test]
fn cross_layers_of_zeros_are_the_identity() {
    let zero = with(network::<Dcn>(1), |path, shape| path.starts_with("h.").then(|| vec![0.0; shape.iter().product()]));
    let from = values(&zero);
    let plain = with(network::<Plain>(2), |path, _| Some(from[path].clone()));
    assert_close("logits", &logits(&zero, &rows::<Dcn>()), &logits(&plain, &rows::<Plain>()), 1e-6);
}

/// The products of the pairs of fields of a row, summed, from plain loops.
fn pairs(row: &[f32]) -> [f32; 2] {
    let mut sums = [0.0; 2];
    for (i, a) in row.chunks(2).enumerate() {
        for b in row.chunks(2).skip(i + 1) {
            (0..2).for_each(|k| sums[k] += a[k] * b[k]);
        }
    }
    sums
}

#[test]
fn fm_is_the_sum_over_pairs() {
    let fm = with(network::<Fm>(1), |path, shape| {
        Some(vec![if path.ends_with("weight") { 1.0 } else { 0.0 }; shape.iter().product()])
    });
    let rows = rows::<Fm>();
    let expected: Vec<f32> = rows.chunks(6).flat_map(|row| [pairs(row).iter().sum::<f32>(); 2]).collect();
    assert_close("logits", &logits(&fm, &rows), &expected, 1e-5);
}

#[test]
fn fwfm_is_the_formula_of_each_task() {
    let fwfm = network::<Fwfm>(3);
    let (rows, from) = (rows::<Fwfm>(), values(&fwfm));
    let (weight, bias) = (&from["tower_each.output.weight"], &from["tower_each.output.bias"]);
    let mut expected = Vec::new();
    for row in rows.chunks(6) {
        for task in 0..2 {
            let own = &weight[task * 9..(task + 1) * 9];
            let mut phi = bias[task] + row.iter().zip(own).map(|(v, w)| v * w).sum::<f32>();
            for (r, (i, j)) in own[6..].iter().zip([(0, 1), (0, 2), (1, 2)]) {
                phi += r * (0..2).map(|k| row[2 * i + k] * row[2 * j + k]).sum::<f32>();
            }
            expected.push(phi);
        }
    }
    assert_close("logits", &logits(&fwfm, &rows), &expected, 1e-5);
}

#[test]
fn fwfm_with_weights_of_one_on_the_pairs_is_fm() {
    let fm = with(network::<Fm>(1), |path, shape| {
        Some(vec![if path.ends_with("weight") { 1.0 } else { 0.0 }; shape.iter().product()])
    });
    let fwfm = with(network::<Fwfm>(1), |path, _| {
        let pairs_only: Vec<f32> = (0..18).map(|at| if at % 9 < 6 { 0.0 } else { 1.0 }).collect();
        Some(if path.ends_with("weight") { pairs_only } else { vec![0.0; 2] })
    });
    assert_close("logits", &logits(&fwfm, &rows::<Fwfm>()), &logits(&fm, &rows::<Fm>()), 1e-5);
}

#[test]
fn gates_without_logits_leave_pepnet_a_network_per_task() {
    let open =
        with(network::<Pepnet>(4), |path, shape| path.contains("gate").then(|| vec![0.0; shape.iter().product()]));
    let from = values(&open);
    let plain = with(network::<OwnLayers>(5), |path, _| {
        let (layer, part) = path.trim_start_matches("tower_each.").split_once('.').unwrap();
        let path = match layer {
            "hidden_1" | "hidden_2" => format!("h.{layer}.{part}"),
            "hidden_3" => format!("tower_each.hidden_1.{part}"),
            _ => format!("tower_each.{layer}.{part}"),
        };
        Some(from[&path].clone())
    });
    assert_close("logits", &logits(&open, &rows::<Pepnet>()), &logits(&plain, &rows::<OwnLayers>()), 1e-6);
}

mtl! { model OwnLayers {
    features x { a: number(missing: mean), b: number(missing: mean), c: number(missing: mean), d: number(missing: mean), e: number(missing: mean) }
    task first: binary; task second: binary;
    tower each = mlp(x, [4, 3, 2]);
} }

#[test]
fn masks_of_one_leave_the_shared_bottom() {
    // A large bias of a sigmoid is a mask of 1.
    let open = with(network::<Mtan>(6), |path, shape| {
        let value = if path.ends_with("bias") { 40.0 } else { 0.0 };
        let last = path.starts_with("h.mask_1") || path.starts_with("h.mask_2");
        last.then(|| vec![value; shape.iter().product()])
    });
    let from = values(&open);
    let hard = with(network::<Hard>(7), |path, _| {
        Some(from[&path.replacen("h.hidden", "h.trunk", usize::from(path.starts_with("h.")))].clone())
    });
    assert_close("logits", &logits(&open, &rows::<Mtan>()), &logits(&hard, &rows::<Hard>()), 1e-6);
}

mtl! { model Hard {
    features x { a: number(missing: mean), b: number(missing: mean), c: number(missing: mean), d: number(missing: mean), e: number(missing: mean) }
    task first: binary; task second: binary;
    let h = mlp(x, [4, 3]);
    tower each = mlp(h, [2]);
} }

#[test]
fn a_mask_of_one_task_learns_from_its_task_alone() {
    let mtan = network::<Mtan>(8);
    let found = gradients(&mtan, &rows::<Mtan>(), &[1.0; ROWS * 2], &[1.0; ROWS * 2], &[1.0, 0.0]);
    let gradient = &found.of["h.mask_1.bias"];
    let (first, second) = gradient.split_at(gradient.len() / 2);
    assert!(first.iter().any(|value| *value != 0.0), "{first:?}");
    assert!(second.iter().all(|value| *value == 0.0), "{second:?}");
}

mtl! { model Din {
    features user { history: ids(share: video_id, max_len: 3, pool: none) }
    features item { video_id: id(buckets: 10, dim: 2) }
    task first: binary;
    let h = din(history, query: video_id, hidden: [3]);
    tower each = h;
} }

/// A row of [`Din`]'s input: three places of two columns, which of them hold an id, and the query.
fn sequence(places: [[f32; 2]; 3], held: [f32; 3], query: [f32; 2]) -> Vec<f32> {
    [&places.concat()[..], &held, &query].concat()
}

#[test]
fn din_weighs_each_place_by_what_it_has_to_do_with_the_query() {
    let network = network::<Din>(3);
    let from = values(&network);
    let (places, query) = ([[0.3, -0.8], [1.2, 0.4], [-0.5, 0.9]], [0.7, -0.2]);
    let weight = |place: [f32; 2]| {
        let read: Vec<f32> = (0..2)
            .map(|i| query[i])
            .chain(place)
            .chain((0..2).map(|i| query[i] - place[i]))
            .chain((0..2).map(|i| query[i] * place[i]))
            .collect();
        let (w, b) = (&from["h.hidden_1.weight"], &from["h.hidden_1.bias"]);
        let unit = |j: usize| {
            let sum: f32 = (0..8).map(|i| read[i] * w[i * 3 + j]).sum();
            1.0 / (1.0 + (-(sum + b[j])).exp())
        };
        (0..3).map(|j| unit(j) * from["h.weight.weight"][j]).sum::<f32>() + from["h.weight.bias"][0]
    };
    let expected = |count: usize| {
        let pooled = |i: usize| places[..count].iter().map(|place| weight(*place) * place[i]).sum::<f32>();
        (0..2).map(|i| pooled(i) * from["tower_each.output.weight"][i]).sum::<f32>() + from["tower_each.output.bias"][0]
    };
    let logit = |x: Vec<f32>| logits(&network, &x)[0];
    assert_close("three places", &[logit(sequence(places, [1.0; 3], query))], &[expected(3)], 1e-5);
    let [a, b, c] = places;
    assert_close("permuted", &[logit(sequence([c, a, b], [1.0; 3], query))], &[expected(3)], 1e-5);
    // What stands where no id is held does not count, whatever it is.
    let padded = |rest| logit(sequence([a, b, rest], [1.0, 1.0, 0.0], query));
    assert_close("two places", &[padded([0.0, 0.0])], &[expected(2)], 1e-5);
    assert_close("padding", &[padded([9.0, 9.0])], &[expected(2)], 1e-5);
    assert_close("empty", &[logit(sequence([[0.0; 2]; 3], [0.0; 3], query))], &[expected(0)], 1e-6);
}

mtl! { model Masknet {
    features x { a: id(buckets: 10, dim: 2), b: id(buckets: 10, dim: 2), c: id(buckets: 10, dim: 2) }
    task first: binary; task second: binary;
    let h = masknet(x, hidden: 4, blocks: 2, ratio: 2);
    tower each = mlp(h, [2]);
} }

mtl! { model MasknetSerial {
    features x { a: id(buckets: 10, dim: 2), b: id(buckets: 10, dim: 2), c: id(buckets: 10, dim: 2) }
    task first: binary; task second: binary;
    let h = masknet(x, hidden: 4, blocks: 2, ratio: 2, mode: serial);
    tower each = mlp(h, [2]);
} }

mtl! { model Mran {
    features x { a: id(buckets: 10, dim: 2), b: id(buckets: 10, dim: 2), c: id(buckets: 10, dim: 2) }
    task first: binary; task second: binary;
    let h = mran(x, heads: 2, dim: 4);
    tower each = mlp(h, [2]);
} }

#[test]
fn fwfm_agrees_with_pytorch() {
    check_golden::<Fwfm>(&golden("fwfm"), &Clone::clone);
}

#[test]
fn masknet_agrees_with_pytorch() {
    check_golden::<Masknet>(&golden("masknet"), &Clone::clone);
    check_golden::<MasknetSerial>(&golden("masknet_serial"), &Clone::clone);
}

#[test]
fn mran_agrees_with_pytorch() {
    check_golden::<Mran>(&golden("mran"), &Clone::clone);
}

mtl! { model Deepfm {
    features x { a: id(buckets: 10, dim: 2), b: id(buckets: 10, dim: 2), c: id(buckets: 10, dim: 2) }
    task first: binary; task second: binary;
    let h = deepfm(x, hidden: [4]);
    tower each = h;
} }

/// The logits of output layers on what `stream` makes of a row.
fn read_off(
    from: &std::collections::BTreeMap<String, Vec<f32>>,
    rows: &[f32],
    stream: impl Fn(&[f32]) -> Vec<f32>,
) -> Vec<f32> {
    let (weight, bias) = (&from["tower_each.output.weight"], &from["tower_each.output.bias"]);
    let logits = |row: &[f32]| -> Vec<f32> {
        let h = stream(row);
        let of = |task: usize| bias[task] + h.iter().zip(&weight[task * h.len()..]).map(|(h, w)| h * w).sum::<f32>();
        (0..bias.len()).map(of).collect()
    };
    rows.chunks(6).flat_map(logits).collect()
}

#[test]
fn deepfm_is_the_pairs_beside_layers() {
    let network = network::<Deepfm>(3);
    let (rows, from) = (rows::<Deepfm>(), values(&network));
    let (w, b) = (&from["h.hidden_1.weight"], &from["h.hidden_1.bias"]);
    let expected = read_off(&from, &rows, |row| {
        let unit = |j: usize| (b[j] + (0..6).map(|i| row[i] * w[i * 4 + j]).sum::<f32>()).max(0.0);
        pairs(row).into_iter().chain((0..4).map(unit)).collect()
    });
    assert_close("logits", &logits(&network, &rows), &expected, 1e-5);
}

mtl! { model Senet {
    features x { a: id(buckets: 10, dim: 2), b: id(buckets: 10, dim: 2), c: id(buckets: 10, dim: 2) }
    task first: binary; task second: binary;
    let h = flatten(senet(x, ratio: 1, activation: sigmoid));
    tower each = h;
} }

#[test]
fn senet_scales_fields_by_what_all_means_say() {
    let network = network::<Senet>(3);
    let (rows, from) = (rows::<Senet>(), values(&network));
    let layer = |part: &str, input: &[f32], of: fn(f32) -> f32| -> Vec<f32> {
        let (w, b) = (&from[&format!("h.{part}.weight")], &from[&format!("h.{part}.bias")]);
        let unit = |j: usize| of(b[j] + (0..3).map(|i| input[i] * w[i * 3 + j]).sum::<f32>());
        (0..3).map(unit).collect()
    };
    let expected = read_off(&from, &rows, |row| {
        let means: Vec<f32> = row.chunks(2).map(|field| (field[0] + field[1]) / 2.0).collect();
        let inner = layer("senet_squeeze", &means, |x| x.max(0.0));
        let scales = layer("senet_excite", &inner, |x| 1.0 / (1.0 + (-x).exp()));
        row.iter().enumerate().map(|(at, value)| value * scales[at / 2]).collect()
    });
    assert_close("logits", &logits(&network, &rows), &expected, 1e-5);
}

mtl! { model Bilinear {
    features x { a: id(buckets: 10, dim: 2), b: id(buckets: 10, dim: 2), c: id(buckets: 10, dim: 2) }
    task first: binary; task second: binary;
    let h = flatten(bilinear(x));
    tower each = h;
} }

mtl! { model BilinearEach {
    features x { a: id(buckets: 10, dim: 2), b: id(buckets: 10, dim: 2), c: id(buckets: 10, dim: 2) }
    task first: binary; task second: binary;
    let h = flatten(bilinear(x, weights: each));
    tower each = h;
} }

mtl! { model BilinearPairs {
    features x { a: id(buckets: 10, dim: 2), b: id(buckets: 10, dim: 2), c: id(buckets: 10, dim: 2) }
    task first: binary; task second: binary;
    let h = flatten(bilinear(x, weights: pairs));
    tower each = h;
} }

#[test]
fn bilinear_maps_the_first_of_each_pair() {
    let rows = rows::<Bilinear>();
    // One matrix for pair `(i, j)`, by what tells them apart.
    let expected = |from: &std::collections::BTreeMap<String, Vec<f32>>, matrix: fn(usize, usize) -> usize| {
        let weight = &from["h.bilinear_pair.weight"];
        read_off(from, &rows, |row| {
            let mut made = Vec::new();
            for (pair, (i, j)) in [(0, 1), (0, 2), (1, 2)].into_iter().enumerate() {
                let w = &weight[matrix(pair, i) * 4..];
                made.extend((0..2).map(|k| (row[2 * i] * w[k] + row[2 * i + 1] * w[2 + k]) * row[2 * j + k]));
            }
            made
        })
    };
    let (shared, each, pairs) = (network::<Bilinear>(1), network::<BilinearEach>(2), network::<BilinearPairs>(3));
    assert_close("shared", &logits(&shared, &rows), &expected(&values(&shared), |_, _| 0), 1e-5);
    assert_close("each", &logits(&each, &rows), &expected(&values(&each), |_, first| first), 1e-5);
    assert_close("pairs", &logits(&pairs, &rows), &expected(&values(&pairs), |pair, _| pair), 1e-5);
}

mtl! { model Poso {
    features x { a: number(missing: mean), b: number(missing: mean), c: number(missing: mean), d: number(missing: mean), e: number(missing: mean) }
    task first: binary; task second: binary;
    let h = poso(x, [4, 3], gate: concat(a, b), gate_hidden: 3, scale: 2.0);
    tower each = mlp(h, [2]);
} }

#[test]
fn gates_without_logits_leave_poso_its_layers() {
    let open = with(network::<Poso>(4), |path, shape| path.contains("gate").then(|| vec![0.0; shape.iter().product()]));
    let from = values(&open);
    let plain = with(network::<Hard>(5), |path, _| Some(from[path].clone()));
    let rows = rows::<Poso>();
    assert_close("logits", &logits(&open, &rows), &logits(&plain, &rows), 1e-6);
    // A gate that is shut hides its layer, a wide open one doubles it.
    let last = |bias: f32| {
        with(network::<Poso>(4), |path, shape| {
            let count = shape.iter().product();
            match path {
                "h.gate_2.bias" => Some(vec![bias; count]),
                _ if path.contains("gate") => Some(vec![0.0; count]),
                _ => None,
            }
        })
    };
    let shut = logits(&last(-60.0), &rows);
    assert!(shut.chunks(2).all(|row| row == &shut[..2]), "{shut:?}");
    let doubled = with(last(0.0), |path, _| {
        (path == "tower_each.hidden_1.weight").then(|| from[path].iter().map(|weight| 2.0 * weight).collect())
    });
    assert_close("doubled", &logits(&last(60.0), &rows), &logits(&doubled, &rows), 1e-5);
}
