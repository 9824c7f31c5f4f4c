//! `mran`: attention between tasks, between features, and from tasks to features (Zhao et al., KDD 2019).

use super::{Construct, Context, Reads, fields_input, number};
use crate::diagnostic::{Diagnostic, diagnostic};
use crate::hir::{Call, Type};
use crate::ir::{NodeId, Scale, Size, Slot, ValueInit};
use crate::lower::{Member, Owner, Scope, Stream};
use crate::schema::{Parameter, Range, Signature};

/// `mran(user, item, heads: 2)`.
pub static MRAN: Construct = Construct { signature: &SIGNATURE, reads: Reads::Fields, result, template: None, lower };

static SIGNATURE: Signature = Signature {
    name: "mran",
    docs: "Tasks have embeddings. Tasks attend to tasks, fields to fields, and each task reads the fields weighed by their relation to it, as \
           `(1 + alpha) h` side by side: the label-free form of Zhao et al., KDD 2019.",
    positional: 0,
    parameters: &[Parameter::number("heads", Range::SIZE, 2.0, "Heads of attention; they divide the width of a field.")],
};

/// `fields` to `each vec`.
fn result(call: &Call, _: &Context, sink: &mut Vec<Diagnostic>) -> Option<Type> {
    let (count, width) = fields_input(call);
    let heads = number(&call.options, "heads");
    if width as f64 % heads.value != 0.0 {
        sink.push(diagnostic!(
            WidthMismatch, heads.span, "{} heads do not divide fields of width {width}", heads.value;
            label(call.inputs[0].span): "this is `{}`", call.inputs[0].ty; help: "write a number of heads that divides {width}"
        ));
        return None;
    }
    Some(Type::EachVec(count * width))
}

fn lower(call: &Call, inputs: &[Stream], scope: &mut Scope) -> Stream {
    let fields = inputs[0].value;
    let (count, width) = fields_input(call);
    let tasks = scope.copies(&inputs[0]).unwrap_or_else(|| scope.tasks());
    let heads = scope.count("heads", "Heads of attention.", number(&call.options, "heads"));
    let columns = scope.shape(fields).width.clone();

    let members: Vec<Member> = tasks.iter().map(|task| Member { owner: Owner::Task(*task), count: None, slot: Slot::Own }).collect();
    let embeddings = scope.value("tasks", &members, columns.clone(), ValueInit::Normal(0.1));
    let related_tasks = attend("task", embeddings, &heads, scope);
    let related_fields = attend("field", fields, &heads, scope);

    // alpha_t over the fields: every task's embedding against every field.
    let slots = |pick: &dyn Fn(usize, usize) -> usize| -> Vec<usize> {
        (0..tasks.len()).flat_map(|t| (0..count).map(move |f| (t, f))).map(|(t, f)| pick(t, f)).collect()
    };
    let every_task = scope.select("every_task", related_tasks, slots(&|t, _| t));
    let mapped = scope.pointwise("alignment", None, related_fields, columns, false);
    let every_field = scope.select("every_field", mapped, slots(&|_, f| f));
    let relation = scope.multiply("relation", every_task, every_field);
    let relation = scope.sum_width("relation", relation);
    let relation = scope.reshape("relations", relation, Size::constant(tasks.len()));
    let relation = scope.affine("scaled", relation, Scale::Constant(1.0 / (width as f64).sqrt()), 0.0);
    let alpha = scope.softmax("alpha", relation);
    let alpha = scope.watch_gate("alpha", alpha);
    let factors = scope.affine("factors", alpha, Scale::Constant(1.0), 1.0);
    let factors = scope.reshape("factors", factors, Size::constant(tasks.len() * count));
    let read = scope.select("read", related_fields, slots(&|_, f| f));
    let weighted = scope.multiply("weighted", factors, read);
    Stream { value: scope.reshape("of_tasks", weighted, Size::constant(tasks.len())), tasks: Some(tasks) }
}

/// `norm(x + attention(x, x, x))`.
fn attend(part: &str, value: NodeId, heads: &Size, scope: &mut Scope) -> NodeId {
    let width = scope.shape(value).width.clone();
    let [queries, keys, values] = ["queries", "keys", "values"]
        .map(|what| scope.pointwise(&format!("{part}_{what}"), None, value, width.clone(), false));
    let attended = scope.attention(&format!("{part}_attention"), [queries, keys, values], heads.clone());
    let sum = scope.add(&format!("{part}_residual"), vec![value, attended]);
    scope.norm(part, 1, sum)
}
