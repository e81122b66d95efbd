//! The one case in which leaving the source alone would leave it worse than we found it.
//!
//! A program had a WAL database open when we came, and closed it while we read. Because we were
//! there it could neither fold its log into the file nor remove it: the saved edits are in the
//! `-wal` alone, where a mail or a plain copy loses them. If nobody is there any more, one ordinary
//! opening and closing does what that program would have done.

use super::Request;
use crate::source::{FileSystem, Look, look, owned_by_us};
use crate::sqlite::open_confined;

/// Called when our own connection on the source is closed. A failure changes nothing.
pub(super) fn after(request: &Request<'_>, before: &Look) {
    let was_alive = before.shm.is_some() && !before.locks.nobody();
    if !was_alive || before.file_system != FileSystem::Local {
        return;
    }
    let Ok(now) = look(request.source, request.gate, request.clock.now_ns()) else {
        return;
    };
    let left_behind = now.wal.is_some() && now.locks.nobody() && now.journal.is_none();
    let ours = request
        .gate
        .file()
        .metadata()
        .is_ok_and(|metadata| owned_by_us(&metadata));
    if !left_behind || !ours || now.stamp.inode != before.stamp.inode {
        return;
    }
    // Whoever puts a journal there now does not thereby gain a hand that deletes other files.
    if let Ok(connection) = open_confined(&request.source.real, request.watch) {
        // Reading once makes SQLite open the log; closing as the last one folds it in.
        let _ = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()));
    }
}
