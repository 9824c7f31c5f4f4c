//! Texts as bags of words.

use crate::column::Bags;
use crate::ids::{Ids, MISSING, Text};
use crate::interner::Interner;

/// The words of a text in order: runs of letters and digits (of any script), in lower case. Everything else is between words.
pub fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase)
}

/// The first `max_len` words of each text; a missing text has none.
pub(crate) fn bags(texts: &Ids, max_len: usize) -> Bags {
    let mut interner = Interner::default();
    let mut codes = Vec::new();
    let mut ends = Vec::with_capacity(texts.len());
    for row in 0..texts.len() {
        if let Some(text) = texts.text(row) {
            codes.extend(words(&text).take(max_len).map(|word| interner.code(&word)));
        }
        ends.push(codes.len());
    }
    debug_assert!(!codes.contains(&MISSING), "every word has a code");
    Bags::from_ends(ends, Ids::Text(Text::from_codes(codes, interner.into_dictionary())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<String> {
        words(text).collect()
    }

    #[test]
    fn letters_and_digits_in_lower_case() {
        assert_eq!(of("I don't LOVE it -- size 12!"), ["i", "don", "t", "love", "it", "size", "12"]);
        assert_eq!(of("Größe\t\u{4f60}\u{597d}, ÇA"), ["größe", "你好", "ça"]);
        assert!(of("").is_empty() && of(" .,!\n").is_empty());
    }

    #[test]
    fn bags_keep_the_first_words_and_repetitions() {
        let bags = bags(&Ids::from(vec![Some("So so soft".to_owned()), None, Some("7".to_owned())]), 2);
        let row = |row| bags.range(row).map(|at| bags.ids().text(at).unwrap().into_owned()).collect::<Vec<_>>();
        assert_eq!((row(0), row(1), row(2)), (vec!["so".to_owned(); 2], vec![], vec!["7".to_owned()]));
    }

    #[test]
    fn a_column_of_integers_has_a_word_a_row() {
        let bags = bags(&Ids::from(vec![Some(-12i64), None]), 5);
        assert_eq!((bags.range(0), bags.range(1)), (0..1, 1..1));
        assert_eq!(bags.ids().text(0).as_deref(), Some("12"));
    }
}
