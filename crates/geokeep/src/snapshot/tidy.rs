//! The one case in which leaving the source alone would leave it worse than we found it.
//!
//! A program had a WAL database open when we came, or came while we read it at rest, and closed it
//! before we were done. Because we were there it could neither fold its log into the file nor remove
//! it: the saved edits are in the `-wal` alone, where a mail or a plain copy loses them. If nobody is
//! left there, one ordinary opening and closing does what that program would have done.

use super::Request;
use crate::source::{Look, State, look, owned_by_us};
use crate::sqlite::open_confined;

/// Called when our own connection on the source is closed. A failure changes nothing.
pub(super) fn after(request: &Request<'_>, before: &Look) {
    let was_alive = before.shm.is_some() && !before.locks.nobody();
    let came_later =
        before.state() == State::WalClean && before.wal.is_none() && before.shm.is_none();
    if !(was_alive || came_later) || !before.file_system.is_local() {
        return;
    }
    let Ok(now) = look(request.source, request.gate, request.clock.now_ns()) else {
        return;
    };
    let left_behind = now.wal.is_some()
        && (was_alive || now.shm.is_some())
        && now.locks.nobody()
        && now.journal.is_none();
    let ours = request
        .gate
        .file()
        .metadata()
        .is_ok_and(|metadata| owned_by_us(&metadata));
    if !left_behind || !ours || now.stamp.inode != before.stamp.inode {
        return;
    }
    // Whoever puts a journal there now does not thereby gain a hand that deletes other files.
    if let Ok(connection) = open_confined(&request.source.real, request.monitor) {
        // Reading once makes SQLite open the log; closing as the last one folds it in.
        let _ = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()));
    }
}
