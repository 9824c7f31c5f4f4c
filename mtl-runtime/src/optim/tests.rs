use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};

use super::rule::Rule;
use super::{DenseOptimizer, Masks};
use crate::config::OptimizerConfig;
use crate::init::Init;
use crate::ops::tests::{close, noise, tensor, values};
use crate::weighting::Weighting;

/// Two parameters, and a weighting.
#[derive(Module, Debug)]
struct Pair {
    a: Param<Tensor<1>>,
    b: Param<Tensor<2>>,
    weighting: Weighting,
}

fn pair() -> Pair {
    let init = Init::new(0, &Device::flex().autodiff());
    Pair {
        a: Param::from_tensor(tensor(&[1.0, 1.0, -2.0], [3])),
        b: Param::from_tensor(tensor(&[0.5, -0.5], [1, 2])),
        weighting: Weighting::uncertainty(&init, &[mtl_data::schema::TaskKind::binary(1.0)]),
    }
}

/// The gradient of `sum(a . da) + sum(b . db)`; without `db`, `b` has none.
fn grads(model: &Pair, da: &[f32], db: Option<&[f32]>) -> GradientsParams {
    let along = (model.a.val() * tensor::<1>(da, [3])).sum();
    let loss = match db {
        Some(db) => along + (model.b.val() * tensor::<2>(db, [1, 2])).sum(),
        None => along,
    };
    GradientsParams::from_grads(loss.backward(), model)
}

const ADAM: OptimizerConfig =
    OptimizerConfig::Adam { lr: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.0 };
const ADAM_DECAYING: OptimizerConfig =
    OptimizerConfig::Adam { lr: 0.1, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weight_decay: 0.5 };
const ADAGRAD: OptimizerConfig = OptimizerConfig::Adagrad { lr: 0.1, epsilon: 1e-10 };
const SGD: OptimizerConfig = OptimizerConfig::Sgd { lr: 0.1, momentum: 0.0 };
const MOMENTUM: OptimizerConfig = OptimizerConfig::Sgd { lr: 0.1, momentum: 0.9 };
const ALL: [OptimizerConfig; 5] = [ADAM, ADAM_DECAYING, ADAGRAD, SGD, MOMENTUM];

/// The first value of `a` after each step on these gradients.
fn sequence(config: OptimizerConfig, slopes: &[f32]) -> Vec<f32> {
    let (mut model, mut optimizer) = (pair(), DenseOptimizer::new(&config, None));
    let step = |&slope: &f32| {
        let grads = grads(&model, &[slope, 0.0, 0.0], None);
        model = optimizer.step(model.clone(), grads);
        values(model.a.val())[0]
    };
    slopes.iter().map(step).collect()
}

#[test]
fn sequences_by_hand() {
    // Computed in double precision from the formulas in PyTorch's documentation.
    let slopes = [0.5, -0.25, 1.0, 0.0];
    close("adam", &sequence(ADAM, &slopes), &[0.9, 0.8733663, 0.8075551, 0.7536466], 1e-6);
    close("adam, decay", &sequence(ADAM_DECAYING, &slopes), &[0.85, 0.7808663, 0.6760118, 0.5883027], 1e-6);
    close("adagrad", &sequence(ADAGRAD, &slopes), &[0.9, 0.9447214, 0.8574342, 0.8574342], 1e-6);
    close("sgd", &sequence(SGD, &slopes), &[0.95, 0.975, 0.875, 0.875], 1e-6);
    close("momentum", &sequence(MOMENTUM, &slopes), &[0.95, 0.93, 0.812, 0.7058], 1e-6);
}

#[test]
fn adam_moves_on_after_a_gradient_has_gone() {
    let config = OptimizerConfig::adam(1e-3);
    let expected = [0.999, 0.9983299, 0.997812, 0.9973877, 0.9970291, 0.99672];
    close("leak", &sequence(config, &[1.0, 0.0, 0.0, 0.0, 0.0, 0.0]), &expected, 2e-7);
}

#[test]
fn a_parameter_without_a_gradient_stands_still() {
    for config in ALL {
        let (model, mut optimizer) = (pair(), DenseOptimizer::new(&config, None));
        let first = grads(&model, &[1.0; 3], Some(&[1.0; 2]));
        let model = optimizer.step(model, first);
        let (before, state) = (values(model.b.val()), optimizer.state());
        let second = grads(&model, &[1.0; 3], None);
        let model = optimizer.step(model, second);
        assert_eq!(before, values(model.b.val()), "{config:?}");
        let of_b = |state: Vec<(String, Vec<f32>)>| -> Vec<_> {
            state.into_iter().filter(|(name, _)| name.starts_with("b#")).collect()
        };
        assert_eq!(of_b(state), of_b(optimizer.state()), "{config:?}");
    }
}

#[test]
fn clipping_is_by_the_norm_of_all_gradients() {
    let (model, mut optimizer) = (pair(), DenseOptimizer::new(&SGD, Some(1.0)));
    // The gradient (2, 0, 1; 2, 0) has norm 3.
    let slopes = grads(&model, &[2.0, 0.0, 1.0], Some(&[2.0, 0.0]));
    let model = optimizer.step(model, slopes);
    let third = 0.1 / 3.0;
    close("a", &values(model.a.val()), &[1.0 - 2.0 * third, 1.0, -2.0 - third], 1e-6);
    close("b", &values(model.b.val()), &[0.5 - 2.0 * third, -0.5], 1e-6);
    let mut optimizer = DenseOptimizer::new(&SGD, Some(10.0));
    let slopes = grads(&model, &[2.0, 0.0, 1.0], None);
    let before = values(model.a.val());
    let model = optimizer.step(model, slopes);
    close("below the norm", &values(model.a.val()), &[before[0] - 0.2, before[1], before[2] - 0.1], 1e-6);
}

#[test]
fn weight_decay_spares_log_variances() {
    let mut model = pair();
    let mut optimizer = DenseOptimizer::new(&ADAM_DECAYING, None);
    let start = tensor::<1>(&[2.0], [1]).require_grad();
    model.weighting.log_variances = model.weighting.log_variances.map(|s| s.map(|_| start));
    let s = model.weighting.log_variances.as_ref().expect("learned").val();
    let grads = GradientsParams::from_grads((s * 0.0).sum().backward(), &model);
    let model = optimizer.step(model, grads);
    assert_eq!(values(model.weighting.log_variances.expect("learned").val()), [2.0]);
}

#[test]
fn both_forms_of_a_rule_agree() {
    for config in ALL {
        let (start, _) = noise(1, [1, 1, 37]);
        let zeros = || -> Vec<Tensor<1>> {
            super::rule::buffers(&config).iter().map(|_| Tensor::zeros([37], &Device::flex())).collect()
        };
        let plain = |values: &[f32]| tensor::<1>(values, [37]).inner();
        let (mut fused, mut tensors) = ((plain(&start), zeros()), (plain(&start), zeros()));
        for step in 1..6 {
            let grad = plain(&noise(step + 10, [1, 1, 37]).0);
            let rule = Rule::at(&config, step, 0.7, true);
            fused.0 = rule.apply(fused.0, grad.clone(), &mut fused.1);
            tensors.0 = rule.apply_tensors(tensors.0, grad, &mut tensors.1);
        }
        close(&format!("{config:?}"), &values(fused.0), &values(tensors.0), 2e-6);
        for (fused, tensors) in fused.1.into_iter().zip(tensors.1) {
            close(&format!("{config:?}, state"), &values(fused), &values(tensors), 2e-6);
        }
    }
}

#[test]
fn state_continues_exactly() {
    for config in ALL {
        let step = |model: Pair, optimizer: &mut DenseOptimizer, at: u64| {
            let (slopes, _) = noise(at, [1, 1, 5]);
            let grads = grads(&model, &slopes[..3], Some(&slopes[3..]));
            optimizer.step(model, grads)
        };
        let (mut model, mut optimizer) = (pair(), DenseOptimizer::new(&config, Some(1.0)));
        for at in 0..3 {
            model = step(model, &mut optimizer, at);
        }
        let mut resumed = DenseOptimizer::new(&config, Some(1.0));
        resumed.load_state(&model, &optimizer.state()).expect("its own state");
        assert_eq!(resumed.state(), optimizer.state());
        let mut other = model.clone();
        for at in 3..6 {
            model = step(model, &mut optimizer, at);
            other = step(other, &mut resumed, at);
        }
        assert_eq!(values(model.a.val()), values(other.a.val()), "{config:?}");
        assert_eq!(values(model.b.val()), values(other.b.val()), "{config:?}");
    }
}

#[test]
fn foreign_state_is_refused() {
    let (model, mut adam) = (pair(), DenseOptimizer::new(&ADAM, None));
    let slopes = grads(&model, &[1.0; 3], Some(&[1.0; 2]));
    let model = adam.step(model, slopes);
    let message = |state: Vec<(String, Vec<f32>)>, config| {
        let refused = DenseOptimizer::new(&config, None).load_state(&model, &state);
        refused.expect_err("foreign").to_string()
    };
    assert!(message(adam.state(), ADAGRAD).contains("another optimiser's"));
    let mut renamed = adam.state();
    renamed.iter_mut().for_each(|(name, _)| *name = name.replace("b#", "c#"));
    assert!(message(renamed, ADAM).contains("parameters that the model does not have"));
    let mut short = adam.state();
    short[1].1.pop();
    assert!(message(short, ADAM).contains("has 2 values for 3"));
}

/// Masks of the values of `a`.
fn masks(a: [bool; 3]) -> Masks {
    Masks::from([("a".to_owned(), a.to_vec())])
}

/// The state of `a`, value by value.
fn state_of_a(optimizer: &DenseOptimizer, at: usize) -> Vec<f32> {
    let buffers = optimizer.state().into_iter().filter(|(name, _)| name.starts_with("a#"));
    buffers.filter(|(name, _)| !name.ends_with("steps")).map(|(_, values)| values[at]).collect()
}

#[test]
fn a_masked_value_stands_still_with_its_state() {
    for config in ALL {
        let (model, mut optimizer) = (pair(), DenseOptimizer::new(&config, Some(1.0)));
        let slopes = grads(&model, &[1.0, -2.0, 3.0], None);
        let mut model = optimizer.step(model, slopes);
        let (before, state) = (values(model.a.val()), state_of_a(&optimizer, 1));
        for _ in 0..5 {
            let slopes = grads(&model, &[0.5, 7.0, 0.25], None);
            model = optimizer.step_within(model, slopes, &masks([true, false, true]));
        }
        let after = values(model.a.val());
        assert_eq!(before[1].to_bits(), after[1].to_bits(), "{config:?}");
        assert_eq!(state, state_of_a(&optimizer, 1), "{config:?}");
        assert!(before[0] != after[0] && before[2] != after[2], "{config:?}");
    }
}

#[test]
fn a_mask_of_everything_is_no_mask() {
    for config in ALL {
        let mut runs = [(pair(), DenseOptimizer::new(&config, None)), (pair(), DenseOptimizer::new(&config, None))];
        for at in 0..4 {
            let (slopes, _) = noise(at, [1, 1, 3]);
            let [plain, masked] = &mut runs;
            plain.0 = plain.1.step(plain.0.clone(), grads(&plain.0, &slopes, None));
            masked.0 = masked.1.step_within(masked.0.clone(), grads(&masked.0, &slopes, None), &masks([true; 3]));
        }
        assert_eq!(values(runs[0].0.a.val()), values(runs[1].0.a.val()), "{config:?}");
    }
}

#[test]
fn values_of_disjoint_masks_move_as_with_optimizers_of_their_own() {
    let (odd, even) = (masks([true, false, true]), masks([false, true, false]));
    // Two steps of one mask for each of the other, so that the values' ages differ.
    let plan = [&odd, &even, &odd, &odd, &even, &odd];
    for config in ALL {
        let run = |only: Option<&Masks>| {
            let (mut model, mut optimizer) = (pair(), DenseOptimizer::new(&config, Some(0.5)));
            for (at, mask) in plan.iter().enumerate().filter(|(_, mask)| only.is_none_or(|only| only == **mask)) {
                let (slopes, _) = noise(at as u64, [1, 1, 3]);
                let slopes = grads(&model, &slopes, None);
                model = optimizer.step_within(model, slopes, mask);
            }
            values(model.a.val())
        };
        let (together, first, second) = (run(None), run(Some(&odd)), run(Some(&even)));
        assert_eq!(together, [first[0], second[1], first[2]], "{config:?}");
    }
}

#[test]
fn state_with_masks_continues_exactly() {
    for config in ALL {
        let step = |model: Pair, optimizer: &mut DenseOptimizer, at: u64| {
            let (slopes, _) = noise(at, [1, 1, 3]);
            let slopes = grads(&model, &slopes, None);
            match at % 3 {
                0 => optimizer.step(model, slopes),
                1 => optimizer.step_within(model, slopes, &masks([true, true, false])),
                _ => optimizer.step_within(model, slopes, &masks([false, true, false])),
            }
        };
        let (mut model, mut optimizer) = (pair(), DenseOptimizer::new(&config, None));
        for at in 0..5 {
            model = step(model, &mut optimizer, at);
        }
        let mut resumed = DenseOptimizer::new(&config, None);
        resumed.load_state(&model, &optimizer.state()).expect("its own state");
        assert_eq!(resumed.state(), optimizer.state());
        let mut other = model.clone();
        for at in 5..9 {
            model = step(model, &mut optimizer, at);
            other = step(other, &mut resumed, at);
        }
        assert_eq!(values(model.a.val()), values(other.a.val()), "{config:?}");
        let mut short = optimizer.state();
        let counts = short.iter_mut().find(|(name, _)| name == "a#element_steps").expect("masks were used");
        counts.1.pop();
        let refused = DenseOptimizer::new(&config, None).load_state(&model, &short);
        assert!(refused.expect_err("damaged").to_string().contains("step counts of its values"));
    }
}
