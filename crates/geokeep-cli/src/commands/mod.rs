//! One file a verb.

mod accept;
mod adopt;
mod asked;
mod backup;
mod diff;
mod forget;
mod init;
mod inspect;
mod list;
mod manuals;
mod notify;
mod pin;
mod place;
mod report;
mod restore;
mod retire;
mod run;
mod schedule;
mod status;
mod verify;
mod version;
mod watch;

use crate::args::Command;
use crate::failure::{Exit, Failure};
use crate::settings::Context;

/// Runs what was asked for; `Err` is a failure of the run as a whole.
pub(crate) fn run(command: Command, context: &Context) -> Result<Exit, Failure> {
    match command {
        Command::Backup(arguments) => backup::run(&arguments, context),
        Command::Inspect(arguments) => inspect::run(&arguments, context),
        Command::List(arguments) => list::run(&arguments, context),
        Command::Verify(arguments) => verify::run(&arguments, context),
        Command::Diff(arguments) => diff::run(&arguments, context),
        Command::Restore(arguments) => restore::run(&arguments, context),
        Command::Forget(arguments) => forget::run(&arguments, context),
        Command::Pin(arguments) => pin::pin(&arguments, context),
        Command::Unpin(arguments) => pin::unpin(&arguments, context),
        Command::Adopt(arguments) => adopt::run(&arguments, context),
        Command::Accept(arguments) => accept::run(&arguments, context),
        Command::Retire(arguments) => retire::run(&arguments, context),
        Command::Watch(arguments) => watch::run(&arguments, context),
        Command::Run(arguments) => run::run(&arguments, context),
        Command::Status(arguments) => status::run(&arguments, context),
        Command::Notify(arguments) => notify::run(&arguments, context),
        Command::Init(arguments) => init::run(&arguments, context),
        Command::Schedule(arguments) => schedule::run(&arguments, context),
        Command::Completions(arguments) => manuals::completions(&arguments, context),
        Command::Man(arguments) => manuals::man(&arguments, context),
        Command::Report(arguments) => report::run(&arguments, context),
        Command::Version => Ok(version::run(context)),
    }
}
