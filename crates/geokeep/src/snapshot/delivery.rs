//! Two ways of getting pages from a database to the consumer that stores them.
//!
//! - A small one is read into memory at once: the lock lasts milliseconds.
//! - A large one is piped: read in a thread of its own while the consumer works.
//!
//! One that is written to all the time goes by a working copy, see `copy`.

use std::io::{self, Cursor, Read};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use super::pages::{self, Offer, Open, Sink};
use super::{Consume, Failure, Request, SnapshotError};

/// Databases up to this length in bytes are read into memory.
pub(super) const SMALL: u64 = 8 << 20;
/// Batches of about 1 MiB between reader and consumer.
const PIPE_DEPTH: usize = 6;

/// How the pages travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route {
    Memory,
    Pipe,
}

impl Route {
    pub(super) fn of(bytes: u64) -> Self {
        if bytes <= SMALL {
            Self::Memory
        } else {
            Self::Pipe
        }
    }
}

pub(super) fn deliver<T>(
    request: &Request<'_>,
    open: Open<'_>,
    route: Route,
    consume: &mut Consume<'_, T>,
) -> Result<(pages::Read, T), Failure> {
    match route {
        Route::Memory => memory(request, open, consume),
        Route::Pipe => pipe(request, open, consume),
    }
}

/// Of a working copy of ours the state was held before.
fn tell_held(request: &Request<'_>, open: Open<'_>, read: &pages::Read) {
    if open != Open::Own {
        request.monitor.hold(read.instant);
    }
}

impl Sink for Vec<u8> {
    fn begin(&mut self, bytes: u64) {
        self.reserve(usize::try_from(bytes).unwrap_or(0));
    }

    fn offer(&mut self, batch: Vec<u8>) -> Offer {
        self.extend_from_slice(&batch);
        Offer::Taken
    }
}

fn memory<T>(
    request: &Request<'_>,
    open: Open<'_>,
    consume: &mut Consume<'_, T>,
) -> Result<(pages::Read, T), Failure> {
    let mut all = Vec::new();
    let read = pages::read(request, open, &mut all)?;
    tell_held(request, open, &read);
    let bytes = all.len() as u64;
    Ok((read, consume(&mut Cursor::new(all), bytes)?))
}

enum Message {
    Begin(u64),
    Batch(Vec<u8>),
    End,
}

struct ToPipe(SyncSender<Message>);

impl Sink for ToPipe {
    fn begin(&mut self, bytes: u64) {
        // The first message always finds room; a receiver that has gone shows with the next one.
        let _ = self.0.try_send(Message::Begin(bytes));
    }

    fn offer(&mut self, batch: Vec<u8>) -> Offer {
        match self.0.try_send(Message::Batch(batch)) {
            Ok(()) => Offer::Taken,
            Err(TrySendError::Full(Message::Batch(batch))) => Offer::Full(batch),
            Err(_) => Offer::Gone,
        }
    }
}

/// The consumer's end. A stream that breaks off without [`Message::End`] is an error, never a
/// short file.
struct FromPipe {
    messages: Receiver<Message>,
    batch: Cursor<Vec<u8>>,
    ended: bool,
}

impl Read for FromPipe {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let n = self.batch.read(buf)?;
            if n > 0 || self.ended || buf.is_empty() {
                return Ok(n);
            }
            match self.messages.recv() {
                Ok(Message::Batch(batch)) => self.batch = Cursor::new(batch),
                Ok(Message::Begin(_)) => {}
                Ok(Message::End) => self.ended = true,
                Err(_) => return Err(io::Error::other("the snapshot broke off")),
            }
        }
    }
}

fn pipe<T>(
    request: &Request<'_>,
    open: Open<'_>,
    consume: &mut Consume<'_, T>,
) -> Result<(pages::Read, T), Failure> {
    let (sender, messages) = sync_channel(PIPE_DEPTH);
    let (read, consumed) = std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let mut sink = ToPipe(sender);
            let read = pages::read(request, open, &mut sink)?;
            tell_held(request, open, &read);
            // Waits for room: nothing is locked now.
            sink.0.send(Message::End).map_err(|_| Failure::Unwanted)?;
            Ok(read)
        });
        let consumed = match messages.recv() {
            Ok(Message::Begin(bytes)) => {
                let batch = Cursor::default();
                let mut stream = FromPipe {
                    messages,
                    batch,
                    ended: false,
                };
                Some(consume(&mut stream, bytes))
                // The receiver is dropped here: a reader that is still at work stops.
            }
            // The reader failed before its first page; it says why.
            _ => None,
        };
        (reader.join(), consumed)
    });
    let read: Result<pages::Read, Failure> =
        read.unwrap_or_else(|_| Err(broken("the reading thread panicked").into()));
    match (read, consumed) {
        (Ok(read), Some(consumed)) => Ok((read, consumed?)),
        (Ok(_), None) => Err(broken("the reading thread sent nothing").into()),
        // Why the consumer failed says more than that it went away.
        (Err(Failure::Unwanted), Some(Err(error))) => Err(Failure::Final(error)),
        (Err(failure), _) => Err(failure),
    }
}

fn broken(what: &str) -> SnapshotError {
    SnapshotError::Io(io::Error::other(what.to_owned()))
}
