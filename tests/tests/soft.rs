//! Soft sharing: parity with PyTorch, what equals what, and what a penalty does.

use mtl_runtime::__private::burn::tensor::Device;
use mtl_runtime::init::Init;
use mtl_runtime::model::Pass;
use mtl_runtime::{Model, mtl};
use mtl_tests::{
    Arrays, ROWS, assert_close, check_golden, golden, gradients, logits, network, numbers, rows, values, with,
};

macro_rules! two_tasks {
    ($model:ident: $($lines:tt)*) => {
        mtl! { model $model {
            features x {
                a: number(missing: mean), b: number(missing: mean), c: number(missing: mean), d: number(missing: mean), e: number(missing: mean),
            }
            task first: binary;
            task second: binary;
            $($lines)*
            tower each = mlp(h, [2]);
        } }
    };
}

two_tasks! { CrossStitch: let h = cross_stitch(x, layers: [4, 3]); }
two_tasks! { CrossStitchUnits: let h = cross_stitch(x, layers: [4, 3], units: each); }
two_tasks! { Identity: let h = cross_stitch(x, layers: [4, 3], own: 1.0, other: 0.0); }
two_tasks! { IdentityUnits: let h = cross_stitch(x, layers: [4, 3], own: 1.0, other: 0.0, units: each); }
two_tasks! { Separate: let h = separate(x, mlp([4, 3])); }
two_tasks! { Tied: let h = separate(x, mlp([4, 3]), tie: l2(0.5)); }
two_tasks! { Grouped: let h = separate(x, mlp([4, 3]), groups: [[first, second]]); }
two_tasks! { Shared: let h = mlp(x, [4, 3]); }
two_tasks! { Sluice: let h = sluice(x, layers: [4, 4], subspaces: 2); }
two_tasks! { SluiceWhole: let h = sluice(x, layers: [3, 3], subspaces: 1); }
two_tasks! { StitchThree: let h = cross_stitch(x, layers: [3, 3]); }
two_tasks! { Nddr: let h = nddr(x, layers: [4, 3]); }
two_tasks! { NddrIdentity: let h = nddr(x, layers: [4, 3], own: 1.0, other: 0.0, norm: none); }
two_tasks! { NddrStitch: let h = nddr(x, layers: [4, 3], own: 0.8, other: 0.2, norm: none); }
two_tasks! { StitchLike: let h = cross_stitch(x, layers: [4, 3], own: 0.8, other: 0.2); }
two_tasks! { Snr: let h = snr(x, layers: [4, 3], subnets: 3); }
two_tasks! { SnrAver: let h = snr(x, layers: [4, 4], subnets: 2, route: aver, sparsity: 0.0); }

mtl! { model Alone {
    features x { a: number(missing: mean), b: number(missing: mean), c: number(missing: mean), d: number(missing: mean), e: number(missing: mean) }
    task first: binary;
    let h = cross_stitch(x, layers: [4, 3]);
    tower each = mlp(h, [2]);
} }

mtl! { model Plain {
    features x { a: number(missing: mean), b: number(missing: mean), c: number(missing: mean), d: number(missing: mean), e: number(missing: mean) }
    task first: binary;
    let h = mlp(x, [4, 3]);
    tower each = mlp(h, [2]);
} }

#[test]
fn cross_stitch_agrees_with_pytorch() {
    check_golden::<CrossStitch>(&golden("cross_stitch"), &Arrays::clone);
}

#[test]
fn sluice_agrees_with_pytorch() {
    check_golden::<Sluice>(&golden("sluice"), &Arrays::clone);
}

#[test]
fn nddr_agrees_with_pytorch() {
    check_golden::<Nddr>(&golden("nddr"), &Arrays::clone);
}

/// The network `M` with the parameters of `other` where paths and sizes agree.
fn like<M: Model, N: Model>(other: &N) -> M {
    let from = values(other);
    with(network::<M>(9), |path, shape| {
        from.get(path).filter(|values| values.len() == shape.iter().product::<usize>()).cloned()
    })
}

#[test]
fn snr_agrees_with_pytorch_when_serving() {
    // Training draws its gates, so outputs alone are compared; the gates' gradient is that of their primitive.
    let golden = golden("snr");
    let network = with(network::<Snr>(0), |path, shape| {
        assert_eq!(golden.parameters[path].shape, shape, "{path}");
        Some(golden.parameters[path].f32())
    });
    assert_close("logits", &logits(&network, &golden.x.f32()), &golden.logits.f32(), 1e-5);
}

#[test]
fn stitched_by_the_identity_tasks_are_separate() {
    let separate = network::<Separate>(1);
    let x = rows::<Separate>();
    let expected = logits(&separate, &x);
    assert_close("layer", &logits(&like::<Identity, _>(&separate), &x), &expected, 1e-6);
    assert_close("units", &logits(&like::<IdentityUnits, _>(&separate), &x), &expected, 1e-6);
    assert_close("nddr", &logits(&like::<NddrIdentity, _>(&separate), &x), &expected, 1e-6);
}

#[test]
fn one_weight_for_a_layer_is_equal_weights_for_its_units() {
    let stitch = network::<CrossStitch>(1);
    let x = rows::<CrossStitch>();
    assert_close("units", &logits(&like::<CrossStitchUnits, _>(&stitch), &x), &logits(&stitch, &x), 1e-6);
}

#[test]
fn fusion_of_weighted_identities_is_cross_stitch() {
    let stitch = network::<StitchLike>(1);
    let x = rows::<StitchLike>();
    assert_close("nddr", &logits(&like::<NddrStitch, _>(&stitch), &x), &logits(&stitch, &x), 1e-6);
}

#[test]
fn a_sluice_of_whole_layers_that_reads_the_last_is_cross_stitch() {
    let stitch = network::<StitchThree>(1);
    let from = values(&stitch);
    let sluice = with(network::<SluiceWhole>(2), |path, _| match path {
        "h.beta.value" => Some(vec![0.0, 1.0, 0.0, 1.0]),
        _ => Some(from[&path.replace("alpha", "stitch")].clone()),
    });
    let x = rows::<StitchThree>();
    assert_close("sluice", &logits(&sluice, &x), &logits(&stitch, &x), 1e-6);
}

#[test]
fn another_tasks_network_learns_through_the_stitch_alone() {
    let labels = vec![1.0; 2 * ROWS];
    let rows_of = rows::<CrossStitch>();
    let identity = gradients(&network::<Identity>(1), &rows_of, &labels, &labels, &[1.0, 0.0]);
    let half = identity.of["h.hidden_1.weight"].len() / 2;
    assert!(identity.of["h.hidden_1.weight"][..half].iter().any(|g| *g != 0.0));
    assert!(identity.of["h.hidden_1.weight"][half..].iter().all(|g| *g == 0.0));
    // The weight of what the second task gives to the first.
    assert!(identity.of["h.stitch_1.value"][1] != 0.0);
    let stitched = gradients(&network::<CrossStitch>(1), &rows_of, &labels, &labels, &[1.0, 0.0]);
    assert!(stitched.of["h.hidden_1.weight"][half..].iter().any(|g| *g != 0.0));
}

#[test]
fn one_task_is_a_plain_network() {
    let plain = network::<Plain>(1);
    let x = rows::<Plain>();
    assert_eq!(logits(&like::<Alone, _>(&plain), &x), logits(&plain, &x));
}

#[test]
fn a_group_of_all_tasks_is_a_shared_bottom() {
    let shared = network::<Shared>(1);
    let x = rows::<Shared>();
    assert_eq!(logits(&like::<Grouped, _>(&shared), &x), logits(&shared, &x));
}

/// The penalties of a training pass by name.
fn penalties<M: Model>(network: &M) -> Vec<(&'static str, f32)> {
    let x = mtl_tests::input::<M>(&rows::<M>());
    let pass = Pass::training(0, 0);
    network.forward(x, &pass);
    pass.penalties().into_iter().map(|(name, value)| (name, numbers(value)[0])).collect()
}

#[test]
fn a_tie_is_the_distance_of_the_networks_and_changes_no_prediction() {
    let tied = network::<Tied>(1);
    let from = values(&tied);
    let apart = |path: &str| -> f32 {
        let (a, b) = from[path].split_at(from[path].len() / 2);
        a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum()
    };
    let all = ["h.hidden_1.weight", "h.hidden_1.bias", "h.hidden_2.weight", "h.hidden_2.bias"];
    let expected = 0.5 * all.iter().map(|path| apart(path)).sum::<f32>();
    let found = penalties(&tied);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, "h.tie");
    assert_close("tie", &[found[0].1], &[expected], 1e-5);
    let x = rows::<Tied>();
    assert_eq!(logits(&like::<Separate, _>(&tied), &x), logits(&tied, &x));
    assert!(penalties(&network::<Separate>(1)).is_empty());
}

#[test]
fn open_gates_make_a_dense_network_and_shut_ones_cut() {
    // SNR-Aver of two layers with open gates: the second layer reads the sum of the first's sub-networks.
    let x = rows::<SnrAver>();
    let set = |log_alpha: f32| {
        with(network::<SnrAver>(1), |path, shape| {
            path.ends_with("log_alpha.value").then(|| vec![log_alpha; shape.iter().product()])
        })
    };
    let open = set(20.0);
    let from = values(&open);
    let hidden = |layer: usize, subnet: usize, input: &[f32]| -> Vec<f32> {
        let (w, b) = (&from[&format!("h.hidden_{layer}.weight")], &from[&format!("h.hidden_{layer}.bias")]);
        let (d, out) = (input.len(), 4);
        let unit = |j: usize| {
            let sum: f32 = (0..d).map(|i| input[i] * w[subnet * d * out + i * out + j]).sum();
            (sum + b[subnet * out + j]).max(0.0)
        };
        (0..out).map(unit).collect()
    };
    let add = |a: Vec<f32>, b: Vec<f32>| -> Vec<f32> { a.iter().zip(&b).map(|(a, b)| a + b).collect() };
    let mut expected = Vec::new();
    for row in x.chunks(5) {
        let first = add(hidden(1, 0, row), hidden(1, 1, row));
        let stream = add(hidden(2, 0, &first), hidden(2, 1, &first));
        for task in 0..2 {
            let (w1, b1) = (&from["tower_each.hidden_1.weight"], &from["tower_each.hidden_1.bias"]);
            let (w2, b2) = (&from["tower_each.output.weight"], &from["tower_each.output.bias"]);
            let unit = |j: usize| {
                let sum: f32 = (0..4).map(|i| stream[i] * w1[task * 8 + i * 2 + j]).sum();
                (sum + b1[task * 2 + j]).max(0.0)
            };
            expected.push((0..2).map(|j| unit(j) * w2[task * 2 + j]).sum::<f32>() + b2[task]);
        }
    }
    assert_close("open", &logits(&open, &x), &expected, 1e-5);
    // Without connections nothing of the input arrives.
    let shut = logits(&set(-20.0), &x);
    assert!(shut.chunks(2).all(|row| row == &shut[..2]));
}

#[test]
fn the_expected_number_of_open_connections_is_the_closed_form() {
    let found = penalties(&network::<Snr>(1));
    // log alpha = 0 at temperature 0.9: each of 3 x 3 + 2 x 3 connections is open with probability .8964.
    assert_eq!(found[0].0, "h.sparsity");
    assert_close("open", &[found[0].1], &[1e-4 * 15.0 * 0.8964], 1e-6);
}

#[test]
fn starts_are_those_of_the_papers() {
    let of = |network: &CrossStitch| values(network)["h.stitch_1.value"].clone();
    assert_close("stitch", &of(&network::<CrossStitch>(3)), &[0.9, 0.1, 0.1, 0.9], 1e-6);
    let sluice = values(&Sluice::new(&Sluice::default_config(), &Init::new(3, &Device::default())));
    assert_eq!(sluice["h.beta.value"], [0.5; 4]);
    assert!(
        (sluice["h.alpha_1.value"][0] - 0.9).abs() < 1e-6 && (sluice["h.alpha_1.value"][1] - 0.1 / 3.0).abs() < 1e-6
    );
}
