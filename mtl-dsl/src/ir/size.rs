//! Symbolic sizes: a width or a count as a sum over numbers of the configuration.

use std::fmt;

/// A size: `constant + sum of times * symbol`, with a value under the spec's own numbers.
///
/// Two sizes are equal when they are the same sum, so equality holds for every configuration and not only for the spec's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Size {
    /// The part that no configuration changes.
    pub constant: usize,
    /// The other parts, in the order of their first use.
    pub terms: Vec<Term>,
}

/// `times * symbol`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Term {
    /// The factor.
    pub times: usize,
    /// What is counted.
    pub symbol: Symbol,
    /// Its value under the spec's own numbers.
    pub value: usize,
}

/// A number that is known when a model is made from its configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Symbol {
    /// A number of the configuration.
    Config(ConfigPath),
    /// The width of a value that enters the graph: a block's argument, or columns of the input matrix.
    Width(String),
}

/// Where a number stands in a configuration: `level_1.hidden.0`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigPath {
    /// Fields from the outermost inwards.
    pub fields: Vec<String>,
    /// Position, where the last field is a list.
    pub index: Option<usize>,
}

impl Size {
    /// A size that no configuration changes.
    pub fn constant(constant: usize) -> Size {
        Size { constant, terms: Vec::new() }
    }

    /// A size that is one symbol.
    pub fn symbol(symbol: Symbol, value: usize) -> Size {
        Size { constant: 0, terms: vec![Term { times: 1, symbol, value }] }
    }

    /// The sum.
    pub fn plus(mut self, other: &Size) -> Size {
        self.constant += other.constant;
        for term in &other.terms {
            match self.terms.iter_mut().find(|own| own.symbol == term.symbol) {
                Some(own) => own.times += term.times,
                None => self.terms.push(term.clone()),
            }
        }
        self
    }

    /// `factor` times the size.
    pub fn times(mut self, factor: usize) -> Size {
        self.constant *= factor;
        self.terms.iter_mut().for_each(|term| term.times *= factor);
        self.terms.retain(|term| term.times > 0);
        self
    }

    /// Its value under the spec's own numbers.
    pub fn value(&self) -> usize {
        self.constant + self.terms.iter().map(|term| term.times * term.value).sum::<usize>()
    }

    /// True for the size that is always `n`.
    pub fn is(&self, n: usize) -> bool {
        self.terms.is_empty() && self.constant == n
    }

    /// The size with every symbol replaced.
    pub fn substitute(&self, replace: &dyn Fn(&Symbol, usize) -> Size) -> Size {
        self.terms.iter().fold(Size::constant(self.constant), |sum, term| {
            sum.plus(&replace(&term.symbol, term.value).times(term.times))
        })
    }
}

impl std::iter::Sum for Size {
    fn sum<I: Iterator<Item = Size>>(sizes: I) -> Size {
        sizes.fold(Size::constant(0), |sum, size| sum.plus(&size))
    }
}

impl ConfigPath {
    /// The path one level further out.
    pub fn within(&self, field: &str) -> ConfigPath {
        let fields = std::iter::once(field.to_owned()).chain(self.fields.iter().cloned()).collect();
        ConfigPath { fields, index: self.index }
    }
}

impl fmt::Display for ConfigPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.fields.join("."))?;
        match self.index {
            Some(index) => write!(f, ".{index}"),
            None => Ok(()),
        }
    }
}

/// The value under the spec's own numbers.
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn width(name: &str, value: usize) -> Size {
        Size::symbol(Symbol::Width(name.into()), value)
    }

    #[test]
    fn equal_sums_are_equal_sizes() {
        let a = width("x", 3).plus(&Size::constant(2)).plus(&width("x", 3));
        let b = width("x", 3).times(2).plus(&Size::constant(2));
        assert_eq!(a, b);
        assert_eq!(a.value(), 8);
        assert_ne!(width("x", 3), width("y", 3));
    }

    #[test]
    fn symbols_are_replaced_with_their_factors() {
        let size = width("x", 3).times(2).plus(&Size::constant(1));
        let replaced = size.substitute(&|_, _| width("a", 1).plus(&Size::constant(2)));
        assert_eq!(replaced, width("a", 1).times(2).plus(&Size::constant(5)));
    }
}
