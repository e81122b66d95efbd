//! What is asked besides SQLite's own check of the whole file.

use rusqlite::Connection;

use super::found::Found;
use super::schema::{Schema, reason};
use super::survey::Survey;
use super::{
    Budget, Patience, VerifyError, check_constraints, foreign_keys, integrity, layers, not_fatal,
    open, rules, spatial_index, things,
};
use crate::destination::Thing;
use crate::stored::{Bytes, Database};

/// What is asked besides SQLite's own check.
pub(super) struct Others {
    database: Database,
    budget: Budget,
    /// None could be read: SQLite's own check says what is wrong with it.
    schema: Option<Schema>,
    pub(super) found: Found,
    pub(super) listed: layers::Listed,
    pub(super) things: Option<Vec<Thing>>,
}

/// Everything but SQLite's own check and the R-trees. Each is asked alone, and of each table alone: what cannot be
/// checked keeps nothing else from it.
pub(super) fn check(
    bytes: &Bytes,
    geopackage: bool,
    whole: bool,
    survey: &Survey,
    patience: &Patience,
) -> Result<Others, VerifyError> {
    let (database, budget) = open(bytes, patience)?;
    let connection = database.connection();
    let mut found = Found::default();
    let mut listed = layers::Listed::default();
    let mut things = None;
    let schema = match budget.spend(|| Schema::read(connection)) {
        Ok(schema) => Some(schema),
        Err(e) => {
            let why = reason(&not_fatal(e, &budget)?);
            found.unchecked(None, &format!("the schema could not be read: {why}"));
            None
        }
    };
    if let Some(schema) = &schema {
        let steps = layers::VIEW_STEPS;
        listed = layers::list(
            connection,
            schema,
            geopackage,
            steps,
            Some(survey),
            &budget,
            &mut found,
        )?;
        things = things::list(connection, schema, &budget, &mut found)?;
        foreign_keys::check(connection, schema, &budget, &mut found)?;
        check_constraints::check(bytes, schema, patience, &mut found)?;
        if geopackage {
            let layers = &listed.layers;
            let entries = |tree: &str| survey.entries(tree);
            spatial_index::check(
                connection, schema, layers, whole, &entries, &budget, &mut found,
            )?;
            rules::check(bytes, schema, &budget, &mut found)?;
        }
    }
    Ok(Others {
        database,
        budget,
        schema,
        found,
        listed,
        things,
    })
}

impl Others {
    /// Has SQLite count the rows after all: what was read of a tree is their number only if SQLite has no fault
    /// to find with it.
    pub(super) fn count_anew(&mut self) -> Result<(), VerifyError> {
        let Some(schema) = &self.schema else {
            return Ok(());
        };
        let connection = again(&self.database, &self.budget)?;
        let layers = &mut self.listed.layers;
        layers::count_anew(layers, connection, schema, &self.budget, &mut self.found)
    }

    pub(super) fn check_trees(&mut self, survey: &Survey) -> Result<(), VerifyError> {
        let Some(schema) = &self.schema else {
            return Ok(());
        };
        let connection = again(&self.database, &self.budget)?;
        integrity::check_trees(connection, schema, survey, &self.budget, &mut self.found)
    }
}

/// The connection, with the budget that other connections have had since.
fn again<'a>(database: &'a Database, budget: &Budget) -> Result<&'a Connection, VerifyError> {
    let connection = database.connection();
    let installed = budget.install(connection);
    installed.map_err(VerifyError::from)?;
    Ok(connection)
}
