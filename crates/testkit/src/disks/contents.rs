//! What a file may hold after a power cut.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher;
use std::rc::Rc;

use super::recording::{Id, Log, Node, Op};

/// Contents that may have reached the disk, with their hash (they may be large and there are many).
pub(super) type Contents = Rc<(Vec<u8>, u64)>;

fn contents(bytes: Vec<u8>) -> Contents {
    let mut hasher = DefaultHasher::new();
    hasher.write(&bytes);
    let hash = hasher.finish();
    Rc::new((bytes, hash))
}

/// The contents that file `id` may have after a cut behind `ops`; `None` for a folder.
pub(super) fn variants(log: &Log, ops: &[Op], id: Id) -> Option<Vec<Contents>> {
    let Node::File(initial) = &log.nodes[id] else {
        return None;
    };
    let is_sync = |op: &Op| matches!(op, Op::SyncFile { id: synced } if *synced == id);
    let last_sync = ops.iter().rposition(is_sync).map_or(0, |i| i + 1);
    let mut durable = initial.clone();
    apply(&mut durable, &ops[..last_sync], id, usize::MAX, 0);
    let since = &ops[last_sync..];
    let written: usize = since.iter().map(|op| bytes_of(op, id)).sum();
    let touched = since.iter().any(|op| {
        matches!(op, Op::Write { id: changed, .. } | Op::SetLen { id: changed, .. } if *changed == id)
    });
    if !touched {
        return Some(vec![contents(durable)]);
    }
    let with = |take: usize, skip: usize| {
        let mut bytes = durable.clone();
        apply(&mut bytes, since, id, take, skip);
        bytes
    };
    let all = with(usize::MAX, 0);
    let mut zeros = all.clone();
    zero_written(&mut zeros, since, id);
    let mut list = vec![
        durable.clone(),
        all,
        with(written / 2, 0),
        with(usize::MAX, written / 2),
        zeros,
    ];
    let mut known = HashSet::new();
    list.retain(|bytes| known.insert(bytes.clone()));
    Some(list.into_iter().map(contents).collect())
}

fn bytes_of(op: &Op, id: Id) -> usize {
    match op {
        Op::Write {
            id: written, data, ..
        } if *written == id => data.len(),
        _ => 0,
    }
}

/// Applies writes to one file: the first `skip` bytes not, the next up to number `take`.
/// Changes of the length count as made when a written byte after them was, or everything was.
fn apply(bytes: &mut Vec<u8>, ops: &[Op], id: Id, take: usize, skip: usize) {
    let mut seen = 0;
    for op in ops {
        match op {
            Op::Write {
                id: written,
                offset,
                data,
            } if *written == id => {
                let offset = usize::try_from(*offset).expect("test files fit in memory");
                let from = skip.saturating_sub(seen).min(data.len());
                let to = take.saturating_sub(seen).min(data.len());
                seen += data.len();
                if from < to {
                    if bytes.len() < offset + to {
                        bytes.resize(offset + to, 0);
                    }
                    bytes[offset + from..offset + to].copy_from_slice(&data[from..to]);
                }
            }
            Op::SetLen { id: changed, len } if *changed == id && seen < take => {
                bytes.resize(usize::try_from(*len).expect("test files fit in memory"), 0);
            }
            _ => {}
        }
    }
}

fn zero_written(bytes: &mut [u8], ops: &[Op], id: Id) {
    for op in ops {
        if let Op::Write {
            id: written,
            offset,
            data,
        } = op
            && *written == id
        {
            let start = usize::try_from(*offset).expect("test files fit in memory");
            let end = (start + data.len()).min(bytes.len());
            bytes[start.min(end)..end].fill(0);
        }
    }
}
