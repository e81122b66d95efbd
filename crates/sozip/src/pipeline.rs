//! Work on many pieces by several threads, results in order, memory bounded.
//!
//! The calling thread makes the jobs and consumes the results; both happen in order, so that
//! neither the input nor the output needs to be shared. A job is its own set of buffers and
//! comes back to be used again. A worker that panics ends the run with an error.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, mpsc};

/// The five parts of a run. `J` is a job, `S` what each thread keeps, `E` the error.
pub(crate) struct Stages<New, Work, Next, Done, Lost> {
    /// Makes what one thread keeps from job to job.
    pub(crate) new_state: New,
    /// The work on one job, on any thread.
    pub(crate) work: Work,
    /// Fills the next job; `false` when there is none. On the calling thread.
    pub(crate) next: Next,
    /// Takes the result. On the calling thread, in the order of `next`.
    pub(crate) done: Done,
    /// The error that says that a thread panicked.
    pub(crate) lost: Lost,
}

impl<New, Work, Next, Done, Lost> Stages<New, Work, Next, Done, Lost> {
    /// Runs to the end or to the first error; with at most one thread, in the calling one.
    pub(crate) fn run<J, S, E>(self, threads: usize) -> Result<(), E>
    where
        J: Default + Send,
        New: Fn() -> S + Sync,
        Work: Fn(&mut S, &mut J) + Sync,
        Next: FnMut(&mut J) -> Result<bool, E>,
        Done: FnMut(&mut J) -> Result<(), E>,
        Lost: Fn() -> E,
    {
        if threads <= 1 {
            self.run_here()
        } else {
            self.run_on(threads)
        }
    }

    fn run_here<J, S, E>(mut self) -> Result<(), E>
    where
        J: Default,
        New: Fn() -> S,
        Work: Fn(&mut S, &mut J),
        Next: FnMut(&mut J) -> Result<bool, E>,
        Done: FnMut(&mut J) -> Result<(), E>,
    {
        let mut state = (self.new_state)();
        let mut job = J::default();
        while (self.next)(&mut job)? {
            (self.work)(&mut state, &mut job);
            (self.done)(&mut job)?;
        }
        Ok(())
    }

    fn run_on<J, S, E>(mut self, threads: usize) -> Result<(), E>
    where
        J: Default + Send,
        New: Fn() -> S + Sync,
        Work: Fn(&mut S, &mut J) + Sync,
        Next: FnMut(&mut J) -> Result<bool, E>,
        Done: FnMut(&mut J) -> Result<(), E>,
        Lost: Fn() -> E,
    {
        let (new_state, work) = (&self.new_state, &self.work);
        std::thread::scope(|scope| {
            // The channel ends when the last thread has gone or this function returns; then
            // unanswered jobs are dropped with their reply senders, so nobody waits for ever.
            let (jobs, inbox) = mpsc::channel::<Sent<J>>();
            let inbox = Arc::new(Mutex::new(inbox));
            for _ in 0..threads {
                let inbox = Arc::clone(&inbox);
                // A caught panic only loses the job, whose reply sender is dropped.
                scope.spawn(move || {
                    catch_unwind(AssertUnwindSafe(|| serve(&inbox, new_state, work)))
                });
            }
            drop(inbox);

            let depth = threads * 2;
            let mut waiting = VecDeque::with_capacity(depth);
            let mut idle: Vec<J> = Vec::new();
            let mut more = true;
            loop {
                while more && waiting.len() < depth {
                    let mut job = idle.pop().unwrap_or_default();
                    more = (self.next)(&mut job)?;
                    if more {
                        let (reply, result) = mpsc::sync_channel(1);
                        jobs.send(Sent { job, reply }).map_err(|_| (self.lost)())?;
                        waiting.push_back(result);
                    }
                }
                let Some(result) = waiting.pop_front() else {
                    return Ok(());
                };
                let mut job = result.recv().map_err(|_| (self.lost)())?;
                (self.done)(&mut job)?;
                idle.push(job);
            }
        })
    }
}

struct Sent<J> {
    job: J,
    reply: mpsc::SyncSender<J>,
}

fn serve<J, S>(
    inbox: &Mutex<mpsc::Receiver<Sent<J>>>,
    new_state: impl Fn() -> S,
    work: impl Fn(&mut S, &mut J),
) {
    let mut state = new_state();
    loop {
        let Ok(receiver) = inbox.lock() else { return };
        let received = receiver.recv();
        drop(receiver);
        let Ok(mut sent) = received else { return };
        work(&mut state, &mut sent.job);
        // The caller may have given up after an error of its own.
        let _ = sent.reply.send(sent.job);
    }
}

#[cfg(test)]
mod tests {
    use super::Stages;
    use std::panic::{AssertUnwindSafe, catch_unwind};

    /// Squares 0..n; `work` panics at `panic_at`, `done` fails at `fail_at`.
    fn squares(
        threads: usize,
        n: u64,
        panic_at: Option<u64>,
        fail_at: Option<u64>,
    ) -> Result<Vec<u64>, &'static str> {
        let (mut made, mut out) = (0, Vec::new());
        Stages {
            new_state: || (),
            work: |(): &mut (), job: &mut u64| {
                assert!(Some(*job) != panic_at, "as the test wants it");
                *job *= *job;
            },
            next: |job: &mut u64| {
                *job = made;
                made += 1;
                Ok(made <= n)
            },
            done: |job: &mut u64| {
                out.push(*job);
                if Some(out.len() as u64) == fail_at {
                    Err("done")
                } else {
                    Ok(())
                }
            },
            lost: || "lost",
        }
        .run(threads)?;
        Ok(out)
    }

    #[test]
    fn results_come_in_order() {
        for threads in [0, 1, 2, 3, 8] {
            for n in [0, 1, 2, 5, 100] {
                assert_eq!(
                    squares(threads, n, None, None),
                    Ok((0..n).map(|i| i * i).collect())
                );
            }
        }
    }

    #[test]
    fn a_panicking_thread_is_an_error_and_no_hang() {
        for threads in [2, 3] {
            for at in [0, 1, 7, 99] {
                let got = catch_unwind(AssertUnwindSafe(|| squares(threads, 100, Some(at), None)));
                assert_eq!(got.ok(), Some(Err("lost")));
            }
        }
    }

    #[test]
    fn an_error_stops_the_run() {
        for threads in [1, 2, 3] {
            assert_eq!(squares(threads, 1000, None, Some(3)), Err("done"));
        }
    }
}
