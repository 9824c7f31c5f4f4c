//! The primitives without parameters, and layer norm: each is a node on the block under construction.

use super::{Member, Owner, Scope};
use crate::ir::{Activation, Choice, NodeId, Op, ParamKind, ParamName, Penalty, Pick, Rate, Scale, Shape, Size};
use crate::lower::block::concat_shape;

impl Scope<'_, '_> {
    /// Layer norm of each slot.
    pub fn norm(&mut self, part: &str, layer: usize, input: NodeId) -> NodeId {
        let name = ParamName { scope: self.prefix.clone(), part: format!("{part}_norm"), layer: Some(layer) };
        let shape = self.shape(input).clone();
        let param = self.param(name, ParamKind::Norm { slots: shape.slots.clone(), width: shape.width.clone() });
        self.push(part, Op::Norm { param }, vec![input], shape)
    }

    /// A function of each value.
    pub fn activate(&mut self, part: &str, activation: Activation, input: NodeId) -> NodeId {
        let shape = self.shape(input).clone();
        self.push(part, Op::Activate(activation), vec![input], shape)
    }

    /// Inverted dropout.
    pub fn dropout(&mut self, part: &str, layer: usize, rate: &Rate, input: NodeId) -> NodeId {
        let site = format!("{}.{}{part}_{layer}", self.builder.block.name, self.prefix);
        let shape = self.shape(input).clone();
        self.push(part, Op::Dropout { rate: rate.clone(), site }, vec![input], shape)
    }

    /// Zeros in some training rows.
    pub fn drop_rows(&mut self, name: &str, rate: &Rate, input: NodeId) -> NodeId {
        let site = format!("{}.{}{name}", self.builder.block.name, self.prefix);
        let shape = self.shape(input).clone();
        self.push(name, Op::DropRows { rate: rate.clone(), site }, vec![input], shape)
    }

    /// Gates between 0 and 1 whose logits are `log_alpha`.
    pub fn hard_concrete(&mut self, part: &str, temperature: &Rate, log_alpha: NodeId) -> NodeId {
        let site = format!("{}.{}{part}", self.builder.block.name, self.prefix);
        let shape = self.shape(log_alpha).clone();
        let op = Op::HardConcrete { temperature: temperature.clone(), site };
        self.push(&format!("{part}_gates"), op, vec![log_alpha], shape)
    }

    /// The probability that a gate with this logit is not shut.
    pub fn open_chance(&mut self, name: &str, temperature: &Rate, log_alpha: NodeId) -> NodeId {
        let shape = self.shape(log_alpha).clone();
        self.push(name, Op::OpenChance { temperature: temperature.clone() }, vec![log_alpha], shape)
    }

    /// Softmax over the width.
    pub fn softmax(&mut self, name: &str, logits: NodeId) -> NodeId {
        let shape = self.shape(logits).clone();
        self.push(name, Op::Softmax, vec![logits], shape)
    }

    /// Softmax over the `k` greatest of the width.
    pub fn top_k(&mut self, name: &str, logits: NodeId, k: Size) -> NodeId {
        let shape = self.shape(logits).clone();
        self.push(name, Op::TopK { k }, vec![logits], shape)
    }

    /// Normal noise of these deviations on logits, while training.
    pub fn noise(&mut self, name: &str, logits: NodeId, deviations: NodeId) -> NodeId {
        let site = format!("{}.{}{name}", self.builder.block.name, self.prefix);
        let shape = self.shape(logits).clone();
        self.push(name, Op::Noise { site }, vec![logits, deviations], shape)
    }

    /// The weights that a selector gives to `experts` experts, from the bits of its code.
    pub fn selectors(&mut self, name: &str, bits: NodeId, gamma: &Rate, experts: Size) -> NodeId {
        let shape = Shape { width: experts.clone(), ..self.shape(bits).clone() };
        let op = Op::Selectors { gamma: gamma.clone(), experts, name: format!("{}{name}", self.prefix) };
        self.push(name, op, vec![bits], shape)
    }

    /// Some weights of each gate set to 0 while training.
    pub fn drop_gates(&mut self, part: &str, rate: &Rate, gate: NodeId) -> NodeId {
        let site = format!("{}.{}{part}_dropout", self.builder.block.name, self.prefix);
        let shape = self.shape(gate).clone();
        self.push(part, Op::DropGates { rate: rate.clone(), site }, vec![gate], shape)
    }

    /// Weights of the gates of these members, which evaluation reports as use of their experts and entropy.
    pub fn watch_gate(&mut self, part: &str, members: &[Member], gate: NodeId) -> NodeId {
        let (name, shape) = (format!("{}.{}{part}", self.builder.block.name, self.prefix), self.shape(gate).clone());
        let owner = |member: &Member| match &member.owner {
            Owner::All => None,
            Owner::Task(task) => Some(self.task_name(*task).to_owned()),
            Owner::Named(owner) => Some(owner.clone()),
        };
        let of = members.iter().map(owner).collect::<Option<_>>().unwrap_or_default();
        self.push(part, Op::Gate { name, of }, vec![gate], shape)
    }

    /// Sums of the slots of `values`, weighted by the rows of `weights`.
    pub fn mix(&mut self, name: &str, weights: NodeId, values: NodeId, choice: Choice) -> NodeId {
        let shape = Shape {
            batched: self.shape(weights).batched || self.shape(values).batched,
            slots: self.shape(weights).slots.clone(),
            width: self.shape(values).width.clone(),
        };
        self.push(name, Op::Mix(choice), vec![weights, values], shape)
    }

    /// Sums of the slots of `values`: one for each list of the choice.
    pub fn gather(&mut self, name: &str, values: NodeId, choice: Choice) -> NodeId {
        let slots = match &choice {
            Choice::All => Size::constant(1),
            Choice::Lists { rows, .. } => rows.clone(),
        };
        let shape = Shape { slots, ..self.shape(values).clone() };
        self.push(name, Op::Gather(choice), vec![values], shape)
    }

    /// The choice of own experts, then shared ones, for each of `rows` rows.
    pub fn own_and_shared(&self, rows: Size, own: Size, shared: Size) -> Choice {
        match rows.is(1) {
            true => Choice::All,
            false => self.choice("choice", rows, Pick::OwnAndShared { own, shared }),
        }
    }

    /// A choice with lists; `name` tells it from others of this scope.
    pub fn choice(&self, name: &str, rows: Size, pick: Pick) -> Choice {
        Choice::Lists { name: format!("{}{name}", self.prefix), rows, pick }
    }

    /// Values of one width, slot after slot.
    pub fn stack(&mut self, name: &str, parts: Vec<NodeId>) -> NodeId {
        if let [only] = parts[..] {
            return only;
        }
        let slots = parts.iter().map(|id| self.shape(*id).slots.clone()).sum();
        let width = self.shape(parts[0]).width.clone();
        let batched = parts.iter().any(|id| self.shape(*id).batched);
        self.push(name, Op::Stack, parts, Shape { batched, slots, width })
    }

    /// Some slots, in this order.
    pub fn select(&mut self, name: &str, input: NodeId, slots: Vec<usize>) -> NodeId {
        let shape = Shape { slots: Size::constant(slots.len()), ..self.shape(input).clone() };
        self.push(name, Op::Select(slots), vec![input], shape)
    }

    /// Values side by side; a single slot is repeated.
    pub fn concat(&mut self, name: &str, parts: Vec<NodeId>) -> NodeId {
        let shape = concat_shape(parts.iter().map(|id| self.shape(*id)));
        self.push(name, Op::Concat, parts, shape)
    }

    /// The sum, element by element. What has one slot, one column or no rows is repeated.
    pub fn add(&mut self, name: &str, parts: Vec<NodeId>) -> NodeId {
        let sum = parts.into_iter().reduce(|a, b| {
            let shape = self.broadcast(a, b);
            self.push(name, Op::Add, vec![a, b], shape)
        });
        sum.unwrap_or_else(|| unreachable!("a sum has parts"))
    }

    /// The product, element by element, as [`Scope::add`].
    pub fn multiply(&mut self, name: &str, a: NodeId, b: NodeId) -> NodeId {
        let shape = self.broadcast(a, b);
        self.push(name, Op::Multiply, vec![a, b], shape)
    }

    fn broadcast(&self, a: NodeId, b: NodeId) -> Shape {
        let (a, b) = (self.shape(a), self.shape(b));
        let larger = |a: &Size, b: &Size| if a.is(1) { b.clone() } else { a.clone() };
        Shape { batched: a.batched || b.batched, slots: larger(&a.slots, &b.slots), width: larger(&a.width, &b.width) }
    }

    /// `factor * x + shift`.
    pub fn affine(&mut self, name: &str, input: NodeId, factor: Scale, shift: f64) -> NodeId {
        let shape = self.shape(input).clone();
        self.push(name, Op::Affine { factor, shift }, vec![input], shape)
    }

    /// The identity, without a gradient.
    pub fn stop(&mut self, name: &str, input: NodeId) -> NodeId {
        let shape = self.shape(input).clone();
        self.push(name, Op::Stop, vec![input], shape)
    }

    /// The same numbers in other slots. The number of slots divides that of the values, or is 1.
    pub fn reshape(&mut self, name: &str, input: NodeId, slots: Size) -> NodeId {
        let shape = self.shape(input);
        let (batched, all) = (shape.batched, shape.slots.product(&shape.width));
        let width = if slots.is(1) { all } else { self.quotient(input, &slots) };
        let unique = format!("{}{name}", self.prefix);
        self.push(name, Op::Reshape { name: unique }, vec![input], Shape { batched, slots, width })
    }

    /// What is left of the values of `input` for each of `slots` slots.
    fn quotient(&self, input: NodeId, slots: &Size) -> Size {
        let shape = self.shape(input);
        shape.slots.product(&shape.width).divided(slots).unwrap_or_else(|| unreachable!("the slots divide the values"))
    }

    /// Slots become columns.
    pub fn transpose(&mut self, name: &str, input: NodeId) -> NodeId {
        let Shape { batched, slots, width } = self.shape(input).clone();
        self.push(name, Op::Transpose, vec![input], Shape { batched, slots: width, width: slots })
    }

    /// `width` columns from `start` on.
    pub fn narrow(&mut self, name: &str, input: NodeId, start: Size, width: Size) -> NodeId {
        let shape = Shape { width, ..self.shape(input).clone() };
        let unique = format!("{}{name}", self.prefix);
        self.push(name, Op::Narrow { start, name: unique }, vec![input], shape)
    }

    /// The sum over the width.
    pub fn sum_width(&mut self, name: &str, input: NodeId) -> NodeId {
        let shape = Shape { width: Size::constant(1), ..self.shape(input).clone() };
        self.push(name, Op::SumWidth, vec![input], shape)
    }

    /// The mean over the width.
    pub fn mean_width(&mut self, name: &str, input: NodeId) -> NodeId {
        let shape = Shape { width: Size::constant(1), ..self.shape(input).clone() };
        self.push(name, Op::MeanWidth, vec![input], shape)
    }

    /// The inner product of each slot of `a` with the same slot of `b`, over the root of the width.
    pub fn scaled_dots(&mut self, name: &str, a: NodeId, b: NodeId) -> NodeId {
        let shape = Shape { width: Size::constant(1), ..self.broadcast(a, b) };
        self.push(name, Op::ScaledDots, vec![a, b], shape)
    }

    /// The inner product of each pair of slots, as columns. The number of slots is no number of the configuration.
    pub fn pair_dots(&mut self, name: &str, input: NodeId) -> NodeId {
        let n = self.shape(input).slots.value();
        let shape = Shape::new(Size::constant(1), Size::constant(n * n.saturating_sub(1) / 2));
        self.push(name, Op::PairDots, vec![input], shape)
    }

    /// The product, element by element, of each pair of slots.
    pub fn pair_products(&mut self, name: &str, input: NodeId) -> NodeId {
        let n = self.shape(input).slots.value();
        let shape = Shape { slots: Size::constant(n * n.saturating_sub(1) / 2), ..self.shape(input).clone() };
        self.push(name, Op::PairProducts, vec![input], shape)
    }

    /// Multi-head attention.
    pub fn attention(&mut self, name: &str, [queries, keys, values]: [NodeId; 3], heads: Size) -> NodeId {
        let shape = Shape { slots: self.shape(queries).slots.clone(), ..self.shape(values).clone() };
        let unique = format!("{}{name}", self.prefix);
        self.push(name, Op::Attention { heads, name: unique }, vec![queries, keys, values], shape)
    }

    /// `input`, and something that training adds to the loss.
    pub fn penalty(&mut self, name: &str, kind: Penalty, weight: Scale, inputs: Vec<NodeId>) -> NodeId {
        let report = format!("{}.{}{name}", self.builder.block.name, self.prefix);
        let (label, shape) = (self.builder.block.graph[inputs[0]].name.clone(), self.shape(inputs[0]).clone());
        self.push(&label, Op::Penalty { kind, weight, name: report }, inputs, shape)
    }
}
