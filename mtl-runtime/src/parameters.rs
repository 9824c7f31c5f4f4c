//! The parameters of a network as named arrays.

use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Tensor, TensorData};

use crate::error::{Error, Result};

/// One parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct Parameter {
    /// Its path in the network: `h.experts_1.weight`.
    pub path: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its values, row-major.
    pub values: Vec<f32>,
}

impl Parameter {
    /// Whether training moves it; masks are found, not trained.
    pub fn is_trained(&self) -> bool {
        !self.path.ends_with(".masks")
    }
}

/// The float parameters of a network, in the order of its fields.
pub fn parameters<M: Module>(network: &M) -> Vec<Parameter> {
    let mut list = List::default();
    network.visit(&mut list);
    list.found
}

/// Replaces every parameter by what `value` gives for its path and shape, row-major. The first error stops; so does another
/// number of values.
pub fn replace<M: Module>(network: M, value: impl FnMut(&str, &[usize]) -> Result<Vec<f32>>) -> Result<M> {
    let mut replace = Replace { path: Vec::new(), value, error: None };
    let network = network.map(&mut replace);
    match replace.error {
        Some(error) => Err(error),
        None => Ok(network),
    }
}

#[derive(Default)]
struct List {
    path: Vec<String>,
    found: Vec<Parameter>,
}

impl ModuleVisitor for List {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        let (path, shape) = (self.path.join("."), value.dims().to_vec());
        self.found.push(Parameter { path, shape, values: crate::evaluate::numbers(value) });
    }
}

struct Replace<F> {
    path: Vec<String>,
    value: F,
    error: Option<Error>,
}

impl<F: FnMut(&str, &[usize]) -> Result<Vec<f32>>> ModuleMapper for Replace<F> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.error.is_some() {
            return param;
        }
        let shape = param.val().dims();
        let path = self.path.join(".");
        match (self.value)(&path, &shape) {
            Ok(values) if values.len() != shape.iter().product::<usize>() => {
                let message = format!("parameter `{path}` has {} values, and {:?} were needed", values.len(), shape);
                self.error = Some(Error::config(message));
                param
            }
            Ok(values) => param.map(|old| {
                let new = Tensor::from_data(TensorData::new(values, shape), &old.device());
                if old.is_require_grad() { new.require_grad() } else { new }
            }),
            Err(error) => {
                self.error = Some(error);
                param
            }
        }
    }
}
