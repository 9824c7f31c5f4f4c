//! Steps whose weights a method gives: of losses, of gradients of shared parameters.

use std::collections::BTreeMap;

use burn::module::{ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use mtl_data::Batch;
use mtl_data::schema::{Schema, TaskKind};

use super::run::Run;
use super::turns::Turn;
use crate::error::Result;
use crate::evaluate::{input, numbers};
use crate::init::Init;
use crate::loss::{Term, grouped_losses};
use crate::model::{Model, Pass};
use crate::weighting::balance::{Balance, Looks};

/// Which members of each parameter several tasks train: a truth value for each slice of its first axis.
pub(crate) type Shared = BTreeMap<String, Vec<bool>>;

/// The gradients of a step: of the network, and of its input.
pub(super) struct Slopes {
    pub network: GradientsParams,
    pub input: Vec<f32>,
}

impl<M: Model> Run<M> {
    /// One training step under a method's weights.
    pub(super) fn step_balanced(&mut self, batch: &Batch, turn: &Turn, balance: &mut Balance) -> Result<()> {
        let matrix = self.embeddings.gather(&batch.features);
        let (slopes, losses) = match balance.looks() {
            Looks::Losses => self.weigh_losses(batch, &matrix, balance)?,
            Looks::Representation => self.weigh_representation(batch, &matrix, balance)?,
            Looks::Parameters => self.weigh_parameters(batch, &matrix, balance)?,
        };
        self.network =
            self.network.take().map(|network| self.optimizer.step_within(network, slopes.network, &turn.masks));
        self.embeddings.update(&batch.features, &slopes.input);
        if balance.wants_losses_after() {
            let again = self.embeddings.gather(&batch.features);
            let (_, after, ..) = self.forward(batch, &again, &self.pass());
            let after = self.labelled(batch, &numbers(after.inner()));
            balance.after_step(&losses, &after);
        }
        self.progress.step += 1;
        Ok(())
    }

    pub(super) fn pass(&self) -> Pass {
        Pass::training(<M as Model>::train(&self.config).seed, self.progress.step)
    }

    /// The input as a leaf, the tasks' losses and the logits.
    pub(super) fn forward(&self, batch: &Batch, matrix: &[f32], pass: &Pass) -> (Tensor<3>, Tensor<1>, Tensor<2>) {
        let device = Device::default().autodiff();
        let input = input(matrix.to_vec(), batch.rows.len(), self.embeddings.width(), &device).require_grad();
        let logits = self.network().forward(input.clone(), pass);
        let losses = self.losses(batch, logits.clone());
        (input, losses, logits)
    }

    /// The losses of the tasks with a label.
    pub(super) fn labelled(&self, batch: &Batch, losses: &[f32]) -> Vec<Option<f64>> {
        let weights = self.row_weights(batch);
        losses.iter().zip(weights).map(|(loss, weight)| (weight > 0.0).then_some(f64::from(*loss))).collect()
    }

    /// What else the loss holds: penalties of this pass, terms and teachers, by name.
    pub(super) fn beside(&self, batch: &Batch, logits: &Tensor<2>, pass: &Pass) -> Vec<(String, Tensor<1>)> {
        let terms = M::terms(&self.config).into_iter().filter(Term::counts);
        let terms = terms.map(|term| {
            (term.name(&self.schema), term.loss(&self.schema, logits.clone(), &batch.labels, &batch.weights))
        });
        let penalties = pass.penalties().into_iter().map(|(name, penalty)| (name.to_owned(), penalty));
        let teachers =
            M::distill(&self.config).map_or_else(Vec::new, |distill| distill.teachers(logits, &self.known(batch, &[])));
        penalties.chain(terms).chain(teachers).collect()
    }

    pub(super) fn slopes(&self, input: &Tensor<3>, loss: Tensor<1>) -> Slopes {
        let mut gradients = loss.backward();
        let count = input.shape().num_elements();
        let of_input = input.grad_remove(&mut gradients).map_or_else(|| vec![0.0; count], numbers);
        Slopes { network: GradientsParams::from_grads(gradients, self.network()), input: of_input }
    }

    /// One backward pass of the losses under weights that their values gave.
    fn weigh_losses(
        &mut self,
        batch: &Batch,
        matrix: &[f32],
        balance: &mut Balance,
    ) -> Result<(Slopes, Vec<Option<f64>>)> {
        let pass = self.pass();
        let (input, losses, logits) = self.forward(batch, matrix, &pass);
        let values = numbers(losses.clone().inner());
        let rows = self.row_weights(batch);
        self.count(&values, &rows)?;
        self.count_parts(batch, &logits, &rows);
        let present = self.labelled(batch, &values);
        let weights = balance.weigh_losses(&present);
        let slopes = self.weighted(batch, (input, losses, logits), &pass, &weights)?;
        Ok((slopes, present))
    }

    /// The backward pass of the losses under these weights.
    pub(super) fn weighted(
        &mut self,
        batch: &Batch,
        (input, losses, logits): (Tensor<3>, Tensor<1>, Tensor<2>),
        pass: &Pass,
        weights: &[f64],
    ) -> Result<Slopes> {
        let mut loss = self.network().weighting().combine_by(losses, weights);
        for (name, penalty) in self.beside(batch, &logits, pass) {
            self.note_penalty(name, &penalty)?;
            loss = loss + penalty;
        }
        Ok(self.slopes(&input, loss))
    }

    /// A forward and a backward pass of each task, with the same dropout, and weights from the gradients of the shared parameters.
    fn weigh_parameters(
        &mut self,
        batch: &Batch,
        matrix: &[f32],
        balance: &mut Balance,
    ) -> Result<(Slopes, Vec<Option<f64>>)> {
        let tasks = self.schema.tasks.len();
        let weights = self.row_weights(batch);
        let mut of_task: Vec<Option<Slopes>> = Vec::new();
        let mut present = vec![None; tasks];
        let mut alone = true;
        for task in 0..tasks {
            let pass = self.pass();
            let (input, losses, logits) = self.forward(batch, matrix, &pass);
            if task == 0 {
                alone = self.beside(batch, &logits, &pass).is_empty();
                let values = numbers(losses.clone().inner());
                self.count(&values, &weights)?;
                self.count_parts(batch, &logits, &weights);
                present = self.labelled(batch, &values);
            }
            of_task.push(present[task].map(|_| {
                let own: Vec<f64> = (0..tasks).map(|t| f64::from(u8::from(t == task))).collect();
                self.slopes(&input, self.network().weighting().combine_by(losses, &own))
            }));
        }
        if self.shared.is_none() {
            self.shared = Some(shared::<M>(&self.config, &self.schema, self.embeddings.width()));
        }
        let shared = self.shared.as_ref().expect("it was just found");
        let networks: Vec<Option<&GradientsParams>> =
            of_task.iter().map(|slopes| slopes.as_ref().map(|slopes| &slopes.network)).collect();
        let mut list =
            Flat { shared, networks: &networks, path: Vec::new(), tasks: vec![Vec::new(); tasks], sizes: Vec::new() };
        self.network().visit(&mut list);
        let Flat { tasks: flat, sizes, .. } = list;
        let flat: Vec<Option<Vec<f32>>> =
            flat.into_iter().zip(&present).map(|(flat, loss)| loss.map(|_| flat)).collect();
        let (step, weights) = balance.weigh_parameters(&flat, &sizes, &present)?;
        let of_input = |slopes: &Option<Slopes>| slopes.as_ref().map(|slopes| slopes.input.clone());
        let inputs: Vec<Option<Vec<f32>>> = of_task.iter().map(of_input).collect();
        let mut input = vec![0.0f32; matrix.len()];
        for (slopes, weight) in inputs.iter().zip(&weights) {
            let Some(slopes) = slopes else { continue };
            input.iter_mut().zip(slopes).for_each(|(sum, slope)| *sum += *weight as f32 * slope);
        }
        let mut network = GradientsParams::new();
        let own = if balance.scale_towers { weights.clone() } else { vec![1.0; tasks] };
        let mut build =
            Build { shared, networks: &networks, path: Vec::new(), step: &step, at: 0, own: &own, to: &mut network };
        self.network().visit(&mut build);
        if alone {
            return Ok((Slopes { network, input }, present));
        }
        let pass = self.pass();
        let (leaf, _, logits) = self.forward(batch, matrix, &pass);
        let mut extra = None;
        for (name, penalty) in self.beside(batch, &logits, &pass) {
            self.note_penalty(name, &penalty)?;
            extra = Some(extra.map_or(penalty.clone(), |sum: Tensor<1>| sum + penalty.clone()));
        }
        if let Some(extra) = extra {
            let Slopes { network: mut more, input: slopes } = self.slopes(&leaf, extra);
            input.iter_mut().zip(slopes).for_each(|(sum, slope)| *sum += slope);
            self.network().visit(&mut Merge { to: &mut network, from: &mut more });
        }
        Ok((Slopes { network, input }, present))
    }
}

/// Which members of its parameters several tasks' losses reach, found on a fresh network with random rows.
fn shared<M: Model>(config: &M::Config, schema: &Schema, width: usize) -> Shared {
    const ROWS: usize = 64;
    let device = Device::default().autodiff();
    let seed = <M as Model>::train(config).seed;
    let network = M::new(config, &Init::new(seed, &device));
    let mut rng = mtl_data::Rng::keyed(seed, "which parameters tasks share");
    let rows: Vec<f32> = (0..ROWS * width).map(|_| rng.normal() as f32).collect();
    let tasks = schema.tasks.len();
    let label = |(row, task): (usize, &TaskKind)| match task {
        TaskKind::Binary { .. } | TaskKind::Pairwise | TaskKind::Listwise { .. } | TaskKind::Multiclass { .. } => {
            (row % 2) as f32
        }
        _ => 1.0,
    };
    let labels: Vec<f32> =
        (0..ROWS).flat_map(|row| schema.tasks.iter().map(move |task| label((row, &task.kind)))).collect();
    let weights = vec![1.0; ROWS * tasks];
    let mut counts: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for task in 0..tasks {
        let rows = input(rows.clone(), ROWS, width, &device);
        let logits = network.forward(rows, &Pass::serving());
        let losses = grouped_losses(schema, logits, &labels, &weights, &[0; ROWS]);
        let gradients = GradientsParams::from_grads(losses.narrow(0, task, 1).sum().backward(), &network);
        network.visit(&mut Reached { gradients: &gradients, path: Vec::new(), counts: &mut counts });
    }
    counts.into_iter().map(|(path, counts)| (path, counts.iter().map(|count| *count > 1).collect())).collect()
}

/// The path of a parameter while a module is visited.
macro_rules! follow_path {
    () => {
        fn enter_module(&mut self, name: &str, _: &str) {
            self.path.push(name.to_owned());
        }

        fn exit_module(&mut self, _: &str, _: &str) {
            self.path.pop();
        }
    };
}

/// Counts the tasks that reach each member.
struct Reached<'a> {
    gradients: &'a GradientsParams,
    path: Vec<String>,
    counts: &'a mut BTreeMap<String, Vec<usize>>,
}

impl ModuleVisitor for Reached<'_> {
    follow_path!();

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let members = param.val().dims()[0];
        let counts = self.counts.entry(self.path.join(".")).or_insert_with(|| vec![0; members]);
        let Some(gradient) = self.gradients.get::<D>(param.id) else { return };
        let values = numbers(gradient);
        let size = (values.len() / members.max(1)).max(1);
        for (count, member) in counts.iter_mut().zip(values.chunks(size)) {
            *count += usize::from(member.iter().any(|slope| *slope != 0.0));
        }
    }
}

/// The gradients of the shared members, one after the other, for each task.
struct Flat<'a> {
    shared: &'a Shared,
    networks: &'a [Option<&'a GradientsParams>],
    path: Vec<String>,
    tasks: Vec<Vec<f32>>,
    sizes: Vec<usize>,
}

impl ModuleVisitor for Flat<'_> {
    follow_path!();

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(shared) = self.shared.get(&self.path.join(".")) else { return };
        let value = param.val();
        let size = value.shape().num_elements() / shared.len().max(1);
        let members = shared.iter().filter(|shared| **shared).count();
        if members == 0 {
            return;
        }
        for (flat, network) in self.tasks.iter_mut().zip(self.networks) {
            match network.and_then(|network| network.get::<D>(param.id)) {
                Some(gradient) => {
                    let values = numbers(gradient);
                    let own = values.chunks(size).zip(shared).filter(|(_, shared)| **shared);
                    own.for_each(|(member, _)| flat.extend_from_slice(member));
                }
                None => flat.extend(vec![0.0; members * size]),
            }
        }
        self.sizes.push(members * size);
    }
}

/// Registers a step's gradients: of shared members those of the method, of others the tasks' under their own weights.
struct Build<'a> {
    shared: &'a Shared,
    networks: &'a [Option<&'a GradientsParams>],
    path: Vec<String>,
    step: &'a [f32],
    at: usize,
    own: &'a [f64],
    to: &'a mut GradientsParams,
}

impl ModuleVisitor for Build<'_> {
    follow_path!();

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        let (dims, count) = (value.dims(), value.shape().num_elements());
        let none = vec![false; dims[0]];
        let shared = self.shared.get(&self.path.join(".")).unwrap_or(&none);
        let mut sum = vec![0.0f32; count];
        let mut any = false;
        for (network, weight) in self.networks.iter().zip(self.own) {
            if let Some(gradient) = network.and_then(|network| network.get::<D>(param.id)) {
                any = true;
                sum.iter_mut().zip(numbers(gradient)).for_each(|(sum, slope)| *sum += *weight as f32 * slope);
            }
        }
        let size = count / dims[0].max(1);
        for (member, shared) in sum.chunks_mut(size.max(1)).zip(shared) {
            if *shared {
                member.copy_from_slice(&self.step[self.at..self.at + size]);
                self.at += size;
                any = true;
            }
        }
        if any {
            let device = value.device().without_autodiff();
            self.to.register::<D>(param.id, Tensor::from_data(TensorData::new(sum, dims), &device));
        }
    }
}

/// Adds all gradients of another backward pass.
pub(super) struct Merge<'a> {
    pub to: &'a mut GradientsParams,
    pub from: &'a mut GradientsParams,
}

impl ModuleVisitor for Merge<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(more) = self.from.remove::<D>(param.id) else { return };
        let sum = match self.to.remove::<D>(param.id) {
            Some(gradient) => gradient + more,
            None => more,
        };
        self.to.register(param.id, sum);
    }
}
