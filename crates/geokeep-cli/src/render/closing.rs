//! What is said at the end of a run: what needs somebody's attention, in one place, where a person
//! reads it.

use super::{Word, failure_in, remark};
use crate::failure::Failure;

/// Gathers it.
#[derive(Debug, Default)]
pub(crate) struct Closing {
    attention: Vec<(Word, Failure)>,
    remarks: Vec<String>,
}

impl Closing {
    pub(crate) fn attention(&mut self, word: Word, failure: Failure) {
        self.attention.push((word, failure));
    }

    pub(crate) fn remark(&mut self, text: String) {
        if !self.remarks.contains(&text) {
            self.remarks.push(text);
        }
    }

    /// The first line of each thing that needs attention, from the one at this place on.
    pub(crate) fn messages(&self, from: usize) -> Vec<String> {
        let new = self.attention.iter().skip(from);
        new.map(|(_, failure)| failure.message.clone()).collect()
    }

    /// How much there is by now.
    pub(crate) fn len(&self) -> usize {
        self.attention.len()
    }

    /// Prints it, remarks first: what weighs most is read last.
    pub(crate) fn print(&self, quiet: bool) {
        if !quiet {
            self.remarks.iter().for_each(|text| remark(text));
        }
        for (word, failure) in &self.attention {
            super::blank();
            failure_in(*word, failure);
        }
        if !self.attention.is_empty() {
            super::blank();
        }
    }
}
