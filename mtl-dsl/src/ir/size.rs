//! Symbolic sizes: a width or a count as a sum over numbers of the configuration.

use std::fmt;

/// A size: `constant + sum of times * product of symbols`, with a value under the spec's own numbers.
///
/// Two sizes are equal when they are the same sum, so equality holds for every configuration and not only for the spec's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size {
    /// The part that no configuration changes.
    pub constant: usize,
    /// The other parts, in the order of their first use.
    pub terms: Vec<Term>,
}

/// `times * factor * factor ...`
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Term {
    /// The number in front.
    pub times: usize,
    /// What is counted: at least one, sorted, so that a product is the same term however it was made.
    pub factors: Vec<Factor>,
}

/// A symbol and its value under the spec's own numbers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Factor {
    /// What is counted.
    pub symbol: Symbol,
    /// Its value.
    pub value: usize,
}

/// A number that is known when a model is made from its configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Symbol {
    /// A number of the configuration.
    Config(ConfigPath),
    /// The width of a value that enters the graph: a block's argument, or columns of the input matrix.
    Width(String),
    /// The slots of a value that enters the graph, where a number of the configuration decides them.
    Slots(String),
    /// The bits that tell as many things apart as this size counts.
    Bits(Box<Size>),
}

/// Where a number stands in a configuration: `level_1.hidden.0`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
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
        Size { constant: 0, terms: vec![Term { times: 1, factors: vec![Factor { symbol, value }] }] }
    }

    /// The sum.
    pub fn plus(mut self, other: &Size) -> Size {
        self.constant += other.constant;
        other.terms.iter().for_each(|term| self.add(term.clone()));
        self
    }

    fn add(&mut self, term: Term) {
        match self.terms.iter_mut().find(|own| own.factors == term.factors) {
            Some(own) => own.times += term.times,
            None => self.terms.push(term),
        }
    }

    /// `factor` times the size.
    pub fn times(mut self, factor: usize) -> Size {
        self.constant *= factor;
        self.terms.iter_mut().for_each(|term| term.times *= factor);
        self.terms.retain(|term| term.times > 0);
        self
    }

    /// The product of two sizes.
    pub fn product(&self, other: &Size) -> Size {
        let mut product = Size::constant(self.constant * other.constant);
        let plain = |size: &Size, times: usize| {
            size.terms.clone().into_iter().map(move |term| Term { times: term.times * times, ..term })
        };
        let outer = plain(other, self.constant).chain(plain(self, other.constant));
        let inner = self.terms.iter().flat_map(|own| other.terms.iter().map(move |term| own.product(term)));
        outer.chain(inner).filter(|term| term.times > 0).for_each(|term| product.add(term));
        product
    }

    /// The bits that tell so many things apart: at least one.
    pub fn bits(&self) -> Size {
        let bits = self.value().max(2).next_power_of_two().ilog2() as usize;
        match self.is_constant() {
            true => Size::constant(bits),
            false => Size::symbol(Symbol::Bits(Box::new(self.clone())), bits),
        }
    }

    /// Its value under the spec's own numbers.
    pub fn value(&self) -> usize {
        self.constant + self.terms.iter().map(Term::value).sum::<usize>()
    }

    /// Whether no configuration changes it.
    pub fn is_constant(&self) -> bool {
        self.terms.is_empty()
    }

    /// The size without one of its factors; none where it does not divide every term.
    pub fn divided(&self, by: &Size) -> Option<Size> {
        let (times, factors) = match &by.terms[..] {
            [] => (by.constant, &[][..]),
            [only] if by.constant == 0 => (only.times, &only.factors[..]),
            _ => return None,
        };
        let whole = |n: usize| (times > 0 && n.is_multiple_of(times)).then(|| n / times);
        let mut quotient = Size::constant(match factors {
            [] => whole(self.constant)?,
            _ if self.constant == 0 => 0,
            _ => return None,
        });
        for term in &self.terms {
            let mut left = term.factors.clone();
            for factor in factors {
                left.remove(left.iter().position(|own| own == factor)?);
            }
            match left.is_empty() {
                true => quotient.constant += whole(term.times)?,
                false => quotient.add(Term { times: whole(term.times)?, factors: left }),
            }
        }
        Some(quotient)
    }

    /// True for the size that is always `n`.
    pub fn is(&self, n: usize) -> bool {
        self.terms.is_empty() && self.constant == n
    }

    /// The size with every symbol replaced.
    pub fn substitute(&self, replace: &dyn Fn(&Symbol, usize) -> Size) -> Size {
        self.terms.iter().fold(Size::constant(self.constant), |sum, term| {
            let factors = term.factors.iter().map(|factor| match &factor.symbol {
                Symbol::Bits(of) => of.substitute(replace).bits(),
                symbol => replace(symbol, factor.value),
            });
            sum.plus(&factors.fold(Size::constant(term.times), |product, factor| product.product(&factor)))
        })
    }

    /// What it depends on: numbers of the configuration and sizes of arguments.
    pub fn symbols(&self) -> Box<dyn Iterator<Item = &Symbol> + '_> {
        let factors = self.terms.iter().flat_map(|term| &term.factors);
        Box::new(factors.flat_map(|factor| match &factor.symbol {
            Symbol::Bits(of) => of.symbols(),
            symbol => Box::new(std::iter::once(symbol)),
        }))
    }
}

impl Term {
    fn value(&self) -> usize {
        self.times * self.factors.iter().map(|factor| factor.value).product::<usize>()
    }

    fn product(&self, other: &Term) -> Term {
        let mut factors = [&self.factors[..], &other.factors].concat();
        factors.sort();
        Term { times: self.times * other.times, factors }
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

    #[test]
    fn bits_follow_what_they_count() {
        let bits = |count| width("x", count).bits();
        assert_eq!([1, 2, 3, 4, 5, 8, 9].map(|count| bits(count).value()), [1, 1, 2, 2, 3, 3, 4]);
        assert!(bits(5).symbols().eq([&Symbol::Width("x".into())]));
        assert_eq!(bits(5).substitute(&|_, _| Size::constant(4)), Size::constant(2));
        assert_eq!(width("k", 2).product(&bits(5)).times(3).divided(&width("k", 2).times(3)), Some(bits(5)));
    }

    #[test]
    fn products_are_sums_of_products() {
        let (x, y) = (width("x", 3).plus(&Size::constant(1)), width("y", 5).times(2));
        let product = x.product(&y);
        assert_eq!(product.value(), 40);
        assert_eq!(product, y.product(&x));
        assert_eq!(width("x", 3).product(&width("y", 5)), width("y", 5).product(&width("x", 3)));
        let halved = product.substitute(&|symbol, _| match symbol {
            Symbol::Width(name) if name == "x" => Size::constant(1),
            other => Size::symbol(other.clone(), 5),
        });
        assert_eq!(halved, width("y", 5).times(4));
        assert!(product.symbols().any(|symbol| *symbol == Symbol::Width("y".into())));
        assert_eq!(Size::constant(2).product(&Size::constant(3)), Size::constant(6));
        assert_eq!(product.divided(&y), Some(x.clone()));
        assert_eq!(product.divided(&x), None, "a sum of two terms is no factor that can be seen");
        let single = width("x", 3).product(&width("y", 5)).times(4);
        assert_eq!(single.divided(&width("y", 5).times(2)), Some(width("x", 3).times(2)));
        assert_eq!(single.divided(&single), Some(Size::constant(1)));
        assert_eq!(single.divided(&width("z", 5)), None);
    }
}
