//! Golden values, computed in plain Python from the equations.

use super::support::*;
use crate::weighting::methods::Matrix;
use crate::weighting::methods::gramian::*;
use crate::weighting::methods::loss::*;
use crate::weighting::methods::vectors::*;

fn two() -> Rows {
    rows(&[&[-4.0, 1.0, 1.0], &[6.0, 1.0, 1.0]])
}

fn three() -> Rows {
    rows(&[&[1.0, 0.0, 0.0], &[-0.5, 1.0, 0.0], &[0.2, -0.3, 2.0]])
}

fn check(method: &mut dyn Gramian, rows: &Rows, weights: &[f64], direction: &[f64]) {
    let (found, sum) = step(method, rows);
    close(&found, weights);
    close(&sum, direction);
}

#[test]
fn two_gradients() {
    let j = two();
    assert_eq!(gram(&j).matrix().entries(), [18.0, -22.0, -22.0, 38.0]);
    check(&mut mgda(Normalize::None, false), &j, &[0.6, 0.4], &[0.0, 1.0, 1.0]);
    let surgery = [2.222222222222, 1.578947368421];
    check(&mut pcgrad(), &j, &surgery, &[0.584795321637, 3.801169590643, 3.801169590643]);
    check(&mut gradvac(2, 0.01), &j, &surgery, &[0.584795321637, 3.801169590643, 3.801169590643]);
    check(&mut Imtl, &j, &[0.592330316938, 0.407669683062], &[0.076696830622, 1.0, 1.0]);
    let direction = [0.213278745969, 0.967332983756, 0.967332983756];
    check(&mut aligned(2, AlignedScale::Least), &j, &[0.559071915657, 0.408261068099], &direction);
    let direction = [0.292397660819, 1.900584795322, 1.900584795322];
    check(&mut upgrad(2), &j, &[1.111111111111, 0.789473684211], &direction);
}

#[test]
fn conflict_aversion_with_and_without_a_divisor() {
    let direction = [0.183503419072, 1.204124145232, 1.204124145232];
    check(&mut cagrad(0.5, Rescale::None), &two(), &[0.704124145232, 0.5], &direction);
    let divided: Vec<f64> = direction.iter().map(|x| x / 1.25).collect();
    close(&step(&mut cagrad(0.5, Rescale::Square), &two()).1, &divided);
    let divided: Vec<f64> = direction.iter().map(|x| x / 1.5).collect();
    close(&step(&mut cagrad(0.5, Rescale::Linear), &two()).1, &divided);
}

#[test]
fn the_bargain_and_its_generalisation() {
    let weights = [0.591461152229, 0.407071482884];
    let direction = [0.0765842883858, 0.998532635113, 0.998532635113];
    check(&mut nash(2, None), &two(), &weights, &direction);
    assert!((norm(&direction) - 2f64.sqrt()).abs() < 1e-9);
    close(&step(&mut nash(2, Some(1.0)), &two()).1, &[0.05415326965, 0.706069197525, 0.706069197525]);
    check(&mut fairgrad(1.0), &two(), &weights, &direction);
    close(&step(&mut fairgrad(2.0), &two()).0, &[0.471362922324, 0.319454228185]);
    close(&step(&mut fairgrad(0.5), &two()).0, &[0.742828251749, 0.525392608703]);
}

#[test]
fn a_vaccine_with_targets_of_one_half() {
    let mut method = gradvac(2, 0.01).with_targets(Matrix::from_fn(2, |_, _| 0.5)).expect("valid");
    close(&step(&mut method, &two()).1, &[0.059563602912, 4.46964632357, 4.46964632357]);
}

#[test]
fn three_gradients() {
    let j = three();
    let direction = [0.274678111588, 0.412017167382, 0.171673819742];
    let (weights, found) = step(&mut mgda(Normalize::None, false), &j);
    assert!(agree_beside(&weights, &[0.476394849784, 0.437768240343, 0.085836909872], 1e-9, 1.0), "{weights:?}");
    assert!(agree_beside(&found, &direction, 1e-9, 1.0), "{found:?}");
    check(&mut pcgrad(), &j, &[1.5, 1.72, 1.07263922518], &[0.854527845036, 1.39820823245, 2.14527845036]);
    let weights = [0.428790787986, 0.431636005523, 0.13957320649];
    check(&mut Imtl, &j, &weights, &[0.240887426523, 0.389764043576, 0.279146412981]);
    let weights = [0.34185596128, 0.330934865677, 0.138791343513];
    let direction = [0.204146797144, 0.289297462624, 0.277582687026];
    check(&mut aligned(3, AlignedScale::Least), &j, &weights, &direction);
    let weights = [0.49511002445, 0.573333333333, 0.357783211084];
    check(&mut upgrad(3), &j, &weights, &[0.28, 0.465998370008, 0.715566422168]);
    let weights = [1.31062911189, 1.30508908597, 0.524538958669];
    check(&mut nash(3, None), &j, &weights, &[0.762992360638, 1.14772739837, 1.04907791734]);
}

#[test]
fn gradients_of_one_length() {
    let j = two();
    let flat: Vec<Option<&[f64]>> = j.iter().map(|row| Some(row.as_slice())).collect();
    // The gradients are already those of logarithms: losses of 1.
    let mut method = DbMtl::<f64>::new(2, 3, DbMtlOptions { beta: 0.0, sigma: 0.0 }).expect("valid");
    let weights = method.weights(&flat, &[Some(1.0), Some(1.0)]).expect("finite");
    close(&weights, &[1.45296631451, 1.0]);
    let sum = combine::<f64>(method.memory(), &weights).expect("as many");
    assert!(agree(&sum, &[0.188134741946, 2.45296631451, 2.45296631451], 2e-8), "{sum:?}");
}

#[test]
fn auxiliary_gradients_at_the_length_of_the_target() {
    let expected = [
        (0.0, 6.16441400297, [2.0, 2.0, 2.0]),
        (0.7, 4.81917268187, [0.690638246769, 1.78177304113, 1.78177304113]),
        (1.0, 4.24264068712, [0.12948320967, 1.68824720161, 1.68824720161]),
    ];
    for (relax, length, sum) in expected {
        let options = MetaBalanceOptions { relax, ..MetaBalanceOptions::default() };
        let mut method = MetaBalance::new(2, 1, options).expect("valid");
        let (weights, found) = step(&mut method, &two());
        close(&found, &sum);
        close(&[weights[0], weights[1] * norm(&two()[1])], &[1.0, length]);
    }
}

#[test]
fn a_step_of_gradient_normalisation() {
    let mut method = gradnorm(2);
    let gram = Gram::new(Matrix::from_fn(2, |i, j| [[9.0, 0.0], [0.0, 1.0]][i][j]), vec![0.5, 0.9], vec![0, 1]);
    // The model takes the weights from before the update.
    close(&method.weights(&gram.expect("finite")).expect("positive"), &[1.0, 1.0]);
    close(method.current(), &[0.9487179487179488, 1.0512820512820513]);
}

#[test]
fn dynamic_weights() {
    let mut method = Dwa::new(2, DwaOptions::default()).expect("valid");
    method.epoch(&[Some(1.0), Some(1.0)]);
    close(&method.weights(&[Some(1.0), Some(1.0)]).expect("finite"), &[1.0, 1.0]);
    method.epoch(&[Some(0.8), Some(0.5)]);
    close(&method.weights(&[Some(1.0), Some(1.0)]).expect("finite"), &[1.0748596906874992, 0.9251403093125009]);
}

#[test]
fn the_geometric_mean() {
    let losses = options(&[0.5, 2.0, 0.25]);
    let mut method = Geometric::new(3);
    // Epsilon, 1e-8, is felt in the eighth digit.
    assert!((method.objective(&losses).expect("positive") - 0.6299605249474366).abs() < 3e-8);
    let weights = method.weights(&losses).expect("positive");
    let expected = [0.41997368329829105, 0.10499342082457276, 0.8399473665965821];
    assert!(agree(&weights, &expected, 1e-7), "{weights:?}");
}

#[test]
fn fast_adaptive_weights() {
    let mut method = Famo::new(2, FamoOptions::default()).expect("valid");
    let weights = method.weights(&[Some(1.0), Some(4.0)]).expect("positive");
    assert!(agree(&weights, &[0.8, 0.2], 1e-8), "{weights:?}");
    // c = 0.625, so the objective is (ln 1 + ln 4) / 2 / c.
    let value = method.objective(&[Some(1.0), Some(4.0)]).expect("positive");
    assert!((value - 0.5 * 4f64.ln() / 0.625).abs() < 1e-7);
}

#[test]
fn the_smooth_maximum() {
    let expected =
        [(1.0, [0.2, 0.8], 3.2188758248682006), (0.1, [9.536734069124173e-07, 0.9999990463265931], 2.7725889129745536)];
    for (mu, shares, value) in expected {
        let options = TchebycheffOptions { mu, warm_up: 0, ..TchebycheffOptions::default() };
        let mut method = Tchebycheff::new(2, options).expect("valid");
        method.epoch(&[Some(1.0), Some(1.0)]);
        let losses = [Some(1.0), Some(4.0)];
        assert!((method.objective(&losses).expect("positive") - value).abs() < 1e-7);
        // The weights are those of the losses: over a loss of 4, a quarter.
        let weights = method.weights(&losses).expect("positive");
        assert!(agree_beside(&weights, &[2.0 * shares[0], 2.0 * shares[1] / 4.0], 1e-6, 1.0), "{weights:?}");
    }
}
