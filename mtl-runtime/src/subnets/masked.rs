//! Laws of a map with masks.

use burn::tensor::{Device, Tensor};

use crate::init::Init;
use crate::nn::{Activation, MaskedLinear};
use crate::ops::tests::{close, noise, tensor, values};
use crate::parameters::{parameters, replace};

const MASKS: [[f32; 6]; 2] = [[1.0, 0.0, 1.0, 1.0, 0.0, 0.0], [1.0, 1.0, 0.0, 0.0, 0.0, 0.0]];

/// A map from 3 to 2 for two tasks; only its last two weights are in no mask.
fn masked() -> MaskedLinear {
    let map = Init::new(7, &Device::flex().autodiff()).masked_linear("h", 2, 3, 2);
    let set = |path: &str, shape: &[usize]| match path {
        "masks" => Ok(MASKS.concat()),
        _ => Ok(noise(path.len() as u64, [1, 1, shape.iter().product()]).0),
    };
    replace(map, set).expect("as many values")
}

fn input() -> Tensor<3> {
    let (data, shape) = noise(5, [4, 1, 3]);
    tensor(&data, shape)
}

/// What member `task` gives.
fn member(map: &MaskedLinear, task: usize) -> Tensor<3> {
    map.forward(input(), Activation::Tanh).narrow(1, task, 1)
}

#[test]
fn masks_of_ones_share_everything() {
    let init = Init::new(7, &Device::flex());
    let (data, shape) = noise(5, [4, 1, 3]);
    let x = tensor(&data, shape).inner();
    let shared = values(init.linear(&["h".to_owned()], 3, 2, true).forward(x.clone(), Activation::Relu));
    let members = init.masked_linear("h", 2, 3, 2).forward(x, Activation::Relu);
    for task in 0..2 {
        close("member", &values(members.clone().narrow(1, task, 1)), &shared, 1e-6);
    }
}

#[test]
fn a_gradient_lies_within_its_mask() {
    let map = masked();
    let mut sum = [0.0; 6];
    for (task, mask) in MASKS.iter().enumerate() {
        let grads = member(&map, task).sum().backward();
        let slopes = values(map.weight.val().grad(&grads).expect("it was read"));
        for (at, (slope, kept)) in slopes.iter().zip(mask).enumerate() {
            assert_eq!(*slope != 0.0, *kept == 1.0, "task {task}, weight {at}: {slope}");
            sum[at] += slope;
        }
        assert!(map.masks.val().grad(&grads).is_none(), "masks are not trained");
    }
    let both = map.forward(input(), Activation::Tanh).sum().backward();
    close("both", &values(map.weight.val().grad(&both).expect("it was read")), &sum, 1e-6);
}

#[test]
fn a_weight_outside_a_mask_does_not_matter() {
    let map = masked();
    let moved = replace(map.clone(), |path, _| {
        let mut of = parameters(&map).into_iter().find(|parameter| parameter.path == path).expect("a path").values;
        if path == "weight" {
            of[2] += 1.0;
        }
        Ok(of)
    });
    let moved = moved.expect("as many values");
    // The third weight is the first task's alone.
    assert_eq!(values(member(&map, 1)), values(member(&moved, 1)));
    assert!(values(member(&map, 0)) != values(member(&moved, 0)));
}

#[test]
fn masks_are_saved_with_the_parameters() {
    let map = masked();
    let saved = parameters(&map);
    let masks = saved.iter().find(|parameter| parameter.path == "masks").expect("they are listed");
    assert_eq!((&masks.shape[..], &masks.values[..]), (&[2, 3, 2][..], &MASKS.concat()[..]));
    let fresh = Init::new(8, &Device::flex().autodiff()).masked_linear("h", 2, 3, 2);
    let of = |path: &str| saved.iter().find(|parameter| parameter.path == path).expect("a path").values.clone();
    let loaded = replace(fresh, |path, _| Ok(of(path))).expect("as many values");
    assert_eq!(values(map.forward(input(), Activation::Relu)), values(loaded.forward(input(), Activation::Relu)));
    assert!(!loaded.masks.val().is_require_grad());
}
