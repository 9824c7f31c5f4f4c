//! Differentiable operations with a hand-written gradient on the CPU backend.
//!
//! [`Kernel`] is one operation; [`unary`], [`binary`] and [`ternary`] apply it to tensors and record its backward step.
//! A CubeCL backend joins by a second pair of methods on [`Kernel`] and one more name in the attribute of [`Apply`].

use std::fmt::Debug;

use burn::backend::autodiff::checkpoint::{base::Checkpointer, strategy::CheckpointStrategy};
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::FlexTensor;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, DispatchDevice, Flex, backend_extension};
use burn::tensor::{DType, Tensor};

/// An operation of `N` tensors on the CPU backend.
pub(crate) trait Kernel<const N: usize>: Debug + Send + 'static {
    /// What the backward step needs of the forward step.
    type Saved: Clone + Debug + Send + 'static;

    /// The result, and what to keep for the gradient.
    fn forward(&self, inputs: [FlexTensor; N]) -> (FlexTensor, Self::Saved);

    /// The gradients of the inputs that are `wanted`, given that of the result.
    fn backward(&self, saved: Self::Saved, grad: FlexTensor, wanted: [bool; N]) -> [Option<FlexTensor>; N];
}

/// Whether kernels apply to a tensor: it lives on the CPU backend and holds `f32`.
pub(crate) fn on_cpu<const D: usize>(x: &Tensor<D>) -> bool {
    x.dtype() == DType::F32 && matches!(x.device().without_autodiff().as_dispatch(), DispatchDevice::Flex(_))
}

/// Applies a kernel of one tensor.
pub(crate) fn unary<const D: usize, const R: usize>(a: Tensor<D>, kernel: impl Kernel<1>) -> Tensor<R> {
    Tensor::from_dispatch(<Dispatch as Apply>::apply1(a.into_dispatch(), kernel))
}

/// Applies a kernel of two tensors.
pub(crate) fn binary<const D: usize, const E: usize, const R: usize>(
    a: Tensor<D>,
    b: Tensor<E>,
    kernel: impl Kernel<2>,
) -> Tensor<R> {
    Tensor::from_dispatch(<Dispatch as Apply>::apply2(a.into_dispatch(), b.into_dispatch(), kernel))
}

/// Applies a kernel of three tensors.
pub(crate) fn ternary<const D: usize, const E: usize, const F: usize, const R: usize>(
    a: Tensor<D>,
    b: Tensor<E>,
    c: Tensor<F>,
    kernel: impl Kernel<3>,
) -> Tensor<R> {
    Tensor::from_dispatch(<Dispatch as Apply>::apply3(a.into_dispatch(), b.into_dispatch(), c.into_dispatch(), kernel))
}

/// The doors of the backends, one for each number of inputs.
#[backend_extension(Flex, Autodiff)]
pub(crate) trait Apply: Backend {
    fn apply1<K: Kernel<1>>(a: FloatTensor<Self>, kernel: K) -> FloatTensor<Self>;
    fn apply2<K: Kernel<2>>(a: FloatTensor<Self>, b: FloatTensor<Self>, kernel: K) -> FloatTensor<Self>;
    fn apply3<K: Kernel<3>>(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        kernel: K,
    ) -> FloatTensor<Self>;
}

impl Apply for Flex {
    fn apply1<K: Kernel<1>>(a: FlexTensor, kernel: K) -> FlexTensor {
        kernel.forward([a]).0
    }
    fn apply2<K: Kernel<2>>(a: FlexTensor, b: FlexTensor, kernel: K) -> FlexTensor {
        kernel.forward([a, b]).0
    }
    fn apply3<K: Kernel<3>>(a: FlexTensor, b: FlexTensor, c: FlexTensor, kernel: K) -> FlexTensor {
        kernel.forward([a, b, c]).0
    }
}

impl<C: CheckpointStrategy> Apply for Autodiff<Flex, C> {
    fn apply1<K: Kernel<1>>(a: FloatTensor<Self>, kernel: K) -> FloatTensor<Self> {
        record::<K, C, 1>([a], kernel)
    }
    fn apply2<K: Kernel<2>>(a: FloatTensor<Self>, b: FloatTensor<Self>, kernel: K) -> FloatTensor<Self> {
        record::<K, C, 2>([a, b], kernel)
    }
    fn apply3<K: Kernel<3>>(
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        c: FloatTensor<Self>,
        kernel: K,
    ) -> FloatTensor<Self> {
        record::<K, C, 3>([a, b, c], kernel)
    }
}

/// The backward step of a kernel.
#[derive(Debug)]
struct Step<K>(K);

impl<K: Kernel<N>, const N: usize> Backward<Flex, N> for Step<K> {
    type State = K::Saved;

    fn backward(self, ops: Ops<Self::State, N>, grads: &mut Gradients, _: &mut Checkpointer) {
        let grad = grads.consume::<Flex>(&ops.node);
        let wanted = ops.parents.each_ref().map(Option::is_some);
        let results = self.0.backward(ops.state, grad, wanted);
        for (node, result) in ops.parents.into_iter().zip(results) {
            if let (Some(node), Some(result)) = (node, result) {
                grads.register::<Flex>(node.id, result);
            }
        }
    }
}

/// Runs the forward step and, where an input is tracked, records the backward step.
fn record<K: Kernel<N>, C: CheckpointStrategy, const N: usize>(
    inputs: [FloatTensor<Autodiff<Flex, C>>; N],
    kernel: K,
) -> FloatTensor<Autodiff<Flex, C>> {
    let nodes = inputs.each_ref().map(|input| input.node());
    let (output, saved) = kernel.forward(inputs.map(|input| input.into_primitive()));
    match Step(kernel).prepare::<C>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(step) => step.finish(saved, output),
        OpsKind::UnTracked(step) => step.finish(output),
    }
}
