//! Two ways of getting pages from a database to the consumer that stores them.
//!
//! - A small one is read into memory at once: the lock lasts milliseconds.
//! - A large one is piped: read in a thread of its own while the consumer works.
//!
//! One that is written to all the time goes by a working copy, see `copy`.

use std::io::{self, Cursor};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};

use sozip::Input;

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

struct ToPipe {
    messages: SyncSender<Message>,
    /// Buffers that come back.
    spare: Receiver<Vec<u8>>,
}

impl Sink for ToPipe {
    fn begin(&mut self, bytes: u64) {
        // The first message always finds room; a receiver that has gone shows with the next one.
        let _ = self.messages.try_send(Message::Begin(bytes));
    }

    fn spare(&mut self) -> Vec<u8> {
        self.spare.try_recv().unwrap_or_default()
    }

    fn offer(&mut self, batch: Vec<u8>) -> Offer {
        match self.messages.try_send(Message::Batch(batch)) {
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
    batch: Vec<u8>,
    /// So many bytes of it were given away.
    given: usize,
    ended: bool,
    /// Where buffers go that are not needed any more: making new ones costs a tenth of reading.
    spare: SyncSender<Vec<u8>>,
}

impl FromPipe {
    fn new(messages: Receiver<Message>, spare: SyncSender<Vec<u8>>) -> Self {
        Self {
            messages,
            batch: Vec::new(),
            given: 0,
            ended: false,
            spare,
        }
    }

    /// Makes sure that something is left of the batch; whether there is.
    fn more(&mut self) -> io::Result<bool> {
        while self.given == self.batch.len() && !self.ended {
            match self.messages.recv() {
                Ok(Message::Batch(batch)) => {
                    let used = std::mem::replace(&mut self.batch, batch);
                    self.given = 0;
                    // A reader that has ended needs none.
                    let _ = self.spare.try_send(used);
                }
                Ok(Message::Begin(_)) => {}
                Ok(Message::End) => self.ended = true,
                Err(_) => return Err(io::Error::other("the snapshot broke off")),
            }
        }
        Ok(self.given < self.batch.len())
    }
}

impl Input for FromPipe {
    fn fill(&mut self, buffer: &mut Vec<u8>, len: usize) -> io::Result<()> {
        let mut filled = 0;
        while filled < len && self.more()? {
            let left = &self.batch[self.given..];
            if filled == 0 && self.given == 0 && left.len() <= len {
                std::mem::swap(buffer, &mut self.batch);
                filled = buffer.len();
                self.given = self.batch.len();
            } else {
                let piece = &left[..left.len().min(len - filled)];
                buffer.truncate(filled);
                buffer.extend_from_slice(piece);
                filled += piece.len();
                self.given += piece.len();
            }
        }
        buffer.truncate(filled);
        Ok(())
    }
}

fn pipe<T>(
    request: &Request<'_>,
    open: Open<'_>,
    consume: &mut Consume<'_, T>,
) -> Result<(pages::Read, T), Failure> {
    let (sender, messages) = sync_channel(PIPE_DEPTH);
    let (spare, spares) = sync_channel(PIPE_DEPTH);
    let (read, consumed) = std::thread::scope(|scope| {
        let reader = scope.spawn(move || {
            let mut sink = ToPipe {
                messages: sender,
                spare: spares,
            };
            let read = pages::read(request, open, &mut sink)?;
            tell_held(request, open, &read);
            // Waits for room: nothing is locked now.
            sink.messages
                .send(Message::End)
                .map_err(|_| Failure::Unwanted)?;
            Ok(read)
        });
        let consumed = match messages.recv() {
            Ok(Message::Begin(bytes)) => {
                let mut stream = FromPipe::new(messages, spare);
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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test stops where it fails")]
    use super::*;

    /// A pipe into which batches of these lengths went, and what they hold together.
    fn filled(lengths: &[usize], ends: bool) -> (FromPipe, Vec<u8>) {
        let (sender, messages) = sync_channel(lengths.len() + 1);
        let (spare, _) = sync_channel(1);
        let mut all = Vec::new();
        for &len in lengths {
            let batch: Vec<u8> = (all.len()..all.len() + len).map(|n| n as u8).collect();
            all.extend_from_slice(&batch);
            sender.send(Message::Batch(batch)).unwrap();
        }
        if ends {
            sender.send(Message::End).unwrap();
        }
        let pipe = FromPipe::new(messages, spare);
        (pipe, all)
    }

    #[test]
    fn a_stream_is_the_same_however_it_is_cut() {
        for lengths in [&[100, 100, 100][..], &[7, 100, 1, 250], &[100], &[30], &[]] {
            for len in [1, 30, 99, 100, 101, 1000] {
                let (mut pipe, all) = filled(lengths, true);
                let (mut buffer, mut found) = (vec![0xEE; 150], Vec::new());
                loop {
                    pipe.fill(&mut buffer, len).unwrap();
                    found.extend_from_slice(&buffer);
                    if buffer.len() < len {
                        break;
                    }
                }
                assert_eq!(found, all, "{lengths:?} in pieces of {len}");
                pipe.fill(&mut buffer, len).unwrap();
                assert!(buffer.is_empty());
            }
        }
    }

    #[test]
    fn whole_batches_are_handed_over_and_buffers_go_back() {
        let (sender, messages) = sync_channel(4);
        let (spare, spares) = sync_channel(4);
        let batches = [vec![1; 100], vec![2; 100]];
        let place = batches[0].as_ptr();
        for batch in batches {
            sender.send(Message::Batch(batch)).unwrap();
        }
        let mut pipe = FromPipe::new(messages, spare);
        let mut buffer = vec![0xEE; 100];
        let own = buffer.as_ptr();
        pipe.fill(&mut buffer, 100).unwrap();
        assert_eq!(buffer.as_ptr(), place);
        pipe.fill(&mut buffer, 100).unwrap();
        let back: Vec<_> = spares.try_iter().map(|spare| spare.as_ptr()).collect();
        assert!(back.contains(&own), "the caller's buffer is used again");
    }

    #[test]
    fn a_stream_that_breaks_off_is_an_error() {
        let (mut pipe, _) = filled(&[100, 40], false);
        let mut buffer = Vec::new();
        pipe.fill(&mut buffer, 100).unwrap();
        assert!(pipe.fill(&mut buffer, 100).is_err());
    }
}
