//! Steps whose weights come from gradients where towers begin.

use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use mtl_data::Batch;

use super::balanced::{Merge, Slopes};
use super::run::Run;
use crate::error::{Error, Result};
use crate::evaluate::numbers;
use crate::model::Model;
use crate::pass::Cut;
use crate::weighting::balance::Balance;
use crate::weighting::frontier::{Place, gramian};

/// By place: what each column of each task's gradient is multiplied by.
type Kept = Vec<(&'static str, Vec<Vec<f64>>)>;

impl<M: Model> Run<M> {
    /// A backward pass to where towers begin, weights from the gradients there, and one through the rest.
    pub(super) fn weigh_representation(
        &mut self,
        batch: &Batch,
        matrix: &[f32],
        balance: &mut Balance,
    ) -> Result<(Slopes, Vec<Option<f64>>)> {
        let tasks = self.schema.tasks.len();
        let pass = self.pass().cutting();
        let (input, losses, logits) = self.forward(batch, matrix, &pass);
        let values = numbers(losses.clone().inner());
        let rows = self.row_weights(batch);
        self.count(&values, &rows)?;
        self.count_parts(batch, &logits, &rows);
        let present = self.labelled(batch, &values);
        let ones: Vec<f64> = present.iter().map(|loss| f64::from(u8::from(loss.is_some()))).collect();
        let frontier = pass.frontier();
        let beside = self.beside(batch, &logits, &pass);
        let (mut above, mut rest) = (self.network().weighting().combine_by(losses, &ones), None);
        for (at, (name, penalty)) in beside.into_iter().enumerate() {
            // With scaled towers the pass below is the step, and notes what it adds.
            if !balance.scale_towers {
                self.note_penalty(name, &penalty)?;
            }
            if at < frontier.penalties_below {
                rest = Some(rest.map_or(penalty.clone(), |sum: Tensor<1>| sum + penalty.clone()));
            } else {
                above = above + penalty;
            }
        }
        let mut gradients = above.backward();
        let slopes: Vec<Option<Tensor<3>>> =
            frontier.cuts.iter().map(|cut| cut.leaf.grad_remove(&mut gradients)).collect();
        let places = Place::all(&frontier, &slopes);
        let weights = balance.weigh_products(&gramian(&places, tasks), &present);
        if balance.scale_towers {
            let pass = self.pass();
            let graph = self.forward(batch, matrix, &pass);
            return Ok((self.weighted(batch, graph, &pass, &weights)?, present));
        }
        let kept = dropped(balance, &frontier.cuts, &places, &present)?;
        let mut seed = rest;
        for (cut, slope) in frontier.cuts.iter().zip(&slopes) {
            let Some(slope) = slope else { continue };
            let wanted = Tensor::<3>::from_inner(slope.clone() * factors(cut, &weights, &kept));
            let part = (cut.value.clone() * wanted).sum();
            seed = Some(seed.map_or(part.clone(), |sum| sum + part.clone()));
        }
        let of_input = input.grad_remove(&mut gradients).map(numbers);
        let mut network = GradientsParams::from_grads(gradients, self.network());
        let mut all = vec![0.0; matrix.len()];
        let mut add = |more: Vec<f32>| all.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        of_input.into_iter().for_each(&mut add);
        if let Some(seed) = seed {
            let Slopes { network: mut below, input } = self.slopes(&input, seed);
            add(input);
            self.network().visit(&mut Merge { to: &mut network, from: &mut below });
        }
        Ok((Slopes { network, input: all }, present))
    }
}

/// What a cut's gradient is multiplied by, `[1, S, d]`: the weights of its tasks, and what of their columns is kept.
fn factors(cut: &Cut, weights: &[f64], kept: &Kept) -> Tensor<3> {
    let [_, slots, width] = cut.leaf.dims();
    let mut factors = vec![0.0f32; slots * width];
    let kept = kept.iter().find(|(name, _)| *name == cut.name);
    for (task, own) in &cut.owners {
        let part = &mut factors[own.start * width..own.end * width];
        part.fill(weights[*task] as f32);
        if let Some((_, kept)) = kept {
            part.iter_mut().zip(&kept[*task]).for_each(|(factor, kept)| *factor *= *kept as f32);
        }
    }
    Tensor::from_data(TensorData::new(factors, [1, slots, width]), &Device::default())
}

/// What is kept of each place, where values are dropped.
fn dropped(balance: &mut Balance, cuts: &[Cut], places: &[Place], present: &[Option<f64>]) -> Result<Kept> {
    let mut kept = Vec::new();
    if !balance.drops_values() {
        return Ok(kept);
    }
    for place in places {
        if place.streams {
            return Err(Error::config(format!(
                "loss.weighting: graddrop compares the tasks at one vector that all of them read, and of `{}` each reads a stream \
                 of its own",
                place.name
            )));
        }
        let Some(cut) = cuts.iter().find(|cut| cut.name == place.name) else { continue };
        let Some((_, slots)) = cut.owners.first() else { continue };
        let value = numbers(cut.value.clone().inner().narrow(1, slots.start, slots.len()));
        let gradients: Vec<Option<Vec<f32>>> =
            present.iter().enumerate().map(|(task, loss)| loss.and_then(|_| place.gradient(task))).collect();
        let given: Vec<Option<&[f32]>> = gradients.iter().map(Option::as_deref).collect();
        if let Some(factors) = balance.drop_values(&value, place.width, &given) {
            kept.push((place.name, factors));
        }
    }
    Ok(kept)
}
