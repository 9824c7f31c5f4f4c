//! A dictionary under construction: one code for each distinct text, in the order of first use.

use std::collections::HashMap;

use crate::hash::BuildFast;

/// Distinct texts and their codes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interner {
    codes: HashMap<Box<str>, u32, BuildFast>,
}

impl Interner {
    /// The code of a text.
    pub(crate) fn code(&mut self, text: &str) -> u32 {
        if let Some(&code) = self.codes.get(text) {
            return code;
        }
        let code = self.codes.len() as u32;
        self.codes.insert(text.into(), code);
        code
    }

    /// The texts, by code.
    pub(crate) fn into_dictionary(self) -> Vec<String> {
        let mut entries: Vec<(u32, Box<str>)> = self.codes.into_iter().map(|(text, code)| (code, text)).collect();
        entries.sort_unstable_by_key(|entry| entry.0);
        entries.into_iter().map(|(_, text)| text.into_string()).collect()
    }
}
