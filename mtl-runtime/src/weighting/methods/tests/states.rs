//! A method restored to a state goes on as the one that gave it.

use super::support::*;
use crate::weighting::methods::Failure;
use crate::weighting::methods::gramian::Gram;
use crate::weighting::methods::vectors::*;

fn losses(step: usize) -> Vec<Option<f64>> {
    let value = |t: usize| 0.4 + 0.1 * t as f64 + 0.3 / (1.0 + (step * (t + 1)) as f64);
    (0..3).map(|t| (step % 4 != 1 || t != 2).then(|| value(t))).collect()
}

fn gradients_at(step: usize) -> Rows {
    let entry = |t: usize, k: usize| ((7 * step + 3 * t + 5 * k) as f64).sin() + if t == k { 1.5 } else { 0.0 };
    (0..3).map(|t| (0..3).map(|k| entry(t, k)).collect()).collect()
}

#[test]
fn methods_on_losses() {
    for (mut first, mut second) in all_loss(3).into_iter().zip(all_loss(3)) {
        for step in 0..7 {
            first.weights(&losses(step)).expect("positive");
            first.after_step(&losses(step), &losses(step + 1));
        }
        second.restore(&first.state()).expect("of this method");
        for step in 7..14 {
            let expected = first.weights(&losses(step)).expect("positive");
            assert_eq!(second.weights(&losses(step)), Ok(expected), "{}", first.name());
            first.after_step(&losses(step), &losses(step + 1));
            second.after_step(&losses(step), &losses(step + 1));
        }
        let long = vec![0.0; first.state().len() + 1];
        assert!(matches!(second.restore(&long), Err(Failure::Length { .. })), "{}", first.name());
    }
}

#[test]
fn methods_on_inner_products() {
    let at = |step: usize| {
        let full = gram(&gradients_at(step));
        let losses = losses(step);
        let places: Vec<usize> = (0..3).filter(|&t| losses[t].is_some()).collect();
        Gram::new(full.matrix().select(&places), losses.into_iter().flatten().collect(), places).expect("finite")
    };
    for (mut first, mut second) in all_gramian(3).into_iter().zip(all_gramian(3)) {
        for step in 0..7 {
            first.weights(&at(step)).expect("independent");
        }
        second.restore(&first.state()).expect("of this method");
        for step in 7..14 {
            let expected = first.weights(&at(step)).expect("independent");
            assert_eq!(second.weights(&at(step)), Ok(expected), "{}", first.name());
        }
        let long = vec![0.0; first.state().len() + 1];
        assert!(second.restore(&long).is_err(), "{}", first.name());
    }
}

#[test]
fn methods_on_gradients() {
    let views =
        |rows: &Rows| -> Vec<Vec<f32>> { rows.iter().map(|row| row.iter().map(|x| *x as f32).collect()).collect() };
    let new = || {
        (
            DbMtl::<f32>::new(3, 3, DbMtlOptions { beta: 0.9, sigma: 0.5 }).expect("valid"),
            Moco::<f32>::new(3, 3, MocoOptions::default()).expect("valid"),
            Excess::<f32>::new(3, 3, ExcessOptions::default()).expect("valid"),
            GradDrop::new(3, GradDropOptions::default()).expect("valid"),
        )
    };
    let (mut db, mut moco, mut excess, mut drop) = new();
    let (mut db2, mut moco2, mut excess2, mut drop2) = new();
    let z = [0.5f32, -1.0, 2.0];
    for step in 0..10 {
        let rows = views(&gradients_at(step));
        let losses = losses(step);
        let slices: Vec<Option<&[f32]>> =
            rows.iter().zip(&losses).map(|(row, loss)| loss.map(|_| row.as_slice())).collect();
        let found = (
            db.weights(&slices, &losses).expect("finite"),
            moco.weights(&slices, &losses).expect("finite"),
            excess.weights(&slices).expect("finite"),
            drop.factors(&z, 3, &slices).expect("finite"),
        );
        if step >= 5 {
            let again = (
                db2.weights(&slices, &losses).expect("finite"),
                moco2.weights(&slices, &losses).expect("finite"),
                excess2.weights(&slices).expect("finite"),
                drop2.factors(&z, 3, &slices).expect("finite"),
            );
            assert_eq!(found, again);
        }
        if step == 4 {
            db2.restore(&db.state()).expect("of this method");
            moco2.restore(&moco.state()).expect("of this method");
            excess2.restore(&excess.state()).expect("of this method");
            drop2.restore(&drop.state()).expect("of this method");
        }
    }
    assert!(db2.restore(&[]).is_err() && moco2.restore(&[]).is_err());
    assert!(excess2.restore(&[]).is_err() && drop2.restore(&[]).is_err());
}
