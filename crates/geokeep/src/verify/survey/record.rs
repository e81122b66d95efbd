//! Pages of tables and the records on them, as far as they lie on the page. Whatever stands there
//! costs no more than to look at it once, and makes no more than a wrong number.

use super::Column;
use crate::destination::Extent;

/// The types of pages: sqlite.org/fileformat2.html, "B-tree Pages".
const INTERIOR: u8 = 0x05;
const LEAF: u8 = 0x0d;

/// The pages below one in the inner of a table; `None` if it is another page.
pub(super) fn children(page: &[u8]) -> Option<impl Iterator<Item = u32>> {
    page.first().filter(|kind| **kind == INTERIOR)?;
    let last = number(page, 8);
    let cells = cells(page, 12).filter_map(|at| number(page, at));
    Some(cells.chain(last))
}

/// A page with rows.
pub(super) struct Leaf<'a>(&'a [u8]);

impl<'a> Leaf<'a> {
    /// `None` if it is another page.
    pub(super) fn of(page: &'a [u8]) -> Option<Self> {
        (page.first() == Some(&LEAF)).then_some(Self(page))
    }

    /// The number of each of its rows, and what of the row lies on it.
    pub(super) fn rows(&self) -> impl Iterator<Item = (i64, &'a [u8])> {
        let page = self.0;
        cells(page, 8).map(|at| row(page, at).unwrap_or_default())
    }
}

/// Where the cells of a page begin, whose list begins at `list`.
fn cells(page: &[u8], list: usize) -> impl Iterator<Item = usize> {
    let count = page
        .get(3..5)
        .map_or(0, |n| usize::from(u16::from_be_bytes([n[0], n[1]])));
    let list = page.get(list..).unwrap_or_default().as_chunks::<2>().0;
    list.iter()
        .take(count)
        .map(|at| usize::from(u16::from_be_bytes(*at)))
}

fn number(page: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*page.get(at..)?.first_chunk()?))
}

/// The number of a row, and the part of its record that lies on its page: "Cell Payload Overflow Pages".
fn row(page: &[u8], at: usize) -> Option<(i64, &[u8])> {
    let cell = page.get(at..)?;
    let (payload, after) = varint(cell)?;
    let (id, after_id) = varint(cell.get(after..)?)?;
    let cell = cell.get(after + after_id..)?;
    let usable = page.len() as u64;
    let (most, least) = (usable.checked_sub(35)?, (usable - 12) * 32 / 255 - 23);
    let local = if payload <= most {
        payload
    } else {
        let fits = least + (payload - least) % (usable - 4);
        if fits <= most { fits } else { least }
    };
    Some((id.cast_signed(), cell.get(..usize::try_from(local).ok()?)?))
}

/// The second value of a record of two whose first is NULL, as that of a row's own number is: its type, and
/// its bytes, which all lie on the page.
pub(super) fn second_of_two(record: &[u8]) -> Option<(u64, &[u8])> {
    let (head, first) = varint(record)?;
    let (types, body) = record.split_at_checked(usize::try_from(head).ok()?)?;
    let [0, types @ ..] = types.get(first..)? else {
        return None;
    };
    let (kind, len) = varint(types)?;
    (types.len() == len && body.len() == length(kind)).then_some((kind, body))
}

/// A value that is a whole number.
pub(super) fn whole_number(kind: u64, bytes: &[u8]) -> Option<i64> {
    match (kind, bytes) {
        (8, []) => Some(0),
        (9, []) => Some(1),
        (1..=6, [first, rest @ ..]) => {
            let first = i64::from(first.cast_signed());
            Some(rest.iter().fold(first, |n, byte| n << 8 | i64::from(*byte)))
        }
        _ => None,
    }
}

/// A number of variable length, and its length in bytes: one, most often. There are some for each value.
#[inline]
fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    match bytes {
        [byte @ ..0x80, ..] => Some((u64::from(*byte), 1)),
        [first, second @ ..0x80, ..] => {
            Some((u64::from(first & 0x7f) << 7 | u64::from(*second), 2))
        }
        _ => long_varint(bytes),
    }
}

#[cold]
fn long_varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut value = 0;
    for (n, &byte) in bytes.iter().take(9).enumerate() {
        if n == 8 {
            return Some((value << 8 | u64::from(byte), 9));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte < 0x80 {
            return Some((value, n + 1));
        }
    }
    None
}

/// What the rows of a table come to.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) rows: u64,
    /// Values that are not NULL, of each column.
    pub(super) values: Vec<u64>,
    /// Geometries that are not empty.
    pub(super) geometries: u64,
    /// `[min_x, min_y, max_x, max_y]` of all of them, as far as they say it.
    bounds: Option<[f64; 4]>,
    pub(super) sample: Sample,
    /// A record does not say on its page what it holds: then nothing is known of all of them.
    pub(super) is_odd: bool,
}

impl Tally {
    /// Adds a row by its record, of which only a part may be here.
    pub(super) fn add(&mut self, record: &[u8], columns: &[Column]) {
        self.rows += 1;
        if self.values.len() != columns.len() {
            self.values.resize(columns.len(), 0);
        }
        if self.add_values(record, columns).is_none() {
            self.is_odd = true;
        }
    }

    fn add_values(&mut self, record: &[u8], columns: &[Column]) -> Option<()> {
        let (head, first) = varint(record)?;
        let head = usize::try_from(head).ok()?;
        let mut types = record.get(first..head)?;
        let mut body = head;
        let mut columns = columns.iter().zip(&mut self.values);
        let mut geometry = None;
        for (column, values) in &mut columns {
            let Some((kind, len)) = varint(types) else {
                // The record is older than this column.
                *values += u64::from(!column.default_is_null);
                continue;
            };
            types = &types[len..];
            *values += u64::from(kind != 0);
            let len = length(kind);
            if column.is_geometry && kind >= 12 {
                geometry = Some(record.get(body..).unwrap_or_default());
                geometry = geometry.map(|rest| &rest[..rest.len().min(len)]);
            }
            body = body.saturating_add(len);
        }
        if let Some(blob) = geometry {
            self.add_geometry(blob);
        }
        Some(())
    }

    /// Adds a geometry by as many of its first bytes as lie on the page.
    fn add_geometry(&mut self, blob: &[u8]) {
        let place = place(blob);
        if place == Place::Nowhere {
            return;
        }
        self.geometries += 1;
        if let Place::Box(new) = place {
            self.sample.add(new);
            let old = self.bounds.unwrap_or(new);
            self.bounds = Some([
                old[0].min(new[0]),
                old[1].min(new[1]),
                old[2].max(new[2]),
                old[3].max(new[3]),
            ]);
        }
    }

    pub(super) fn bounds(&self) -> Option<Extent> {
        self.bounds.and_then(Extent::new)
    }
}

/// Some of many points, all over them: each n-th, the same in each run.
#[derive(Debug, Default)]
pub(super) struct Sample {
    points: Vec<[f64; 2]>,
    /// So many points come for each that is kept, as a power of two.
    power: u32,
    seen: u64,
}

impl Sample {
    /// Points that are kept at most.
    const MAX: usize = 128;

    /// Adds the middle of a box.
    #[inline]
    fn add(&mut self, [min_x, min_y, max_x, max_y]: [f64; 4]) {
        if self.seen.trailing_zeros() >= self.power {
            if self.points.len() == Self::MAX {
                let mut n = 0;
                self.points.retain(|_| {
                    n += 1;
                    n % 2 == 1
                });
                self.power += 1;
            }
            if self.seen.trailing_zeros() >= self.power {
                let middle = [min_x.midpoint(max_x), min_y.midpoint(max_y)];
                self.points.push(middle);
            }
        }
        self.seen += 1;
    }

    /// Where the middle half of them lies, by x and by y.
    pub(super) fn middle(&self) -> Option<Extent> {
        let quartiles = |axis: usize| {
            let mut sorted: Vec<_> = self.points.iter().map(|point| point[axis]).collect();
            sorted.sort_by(f64::total_cmp);
            let quarter = sorted.len() / 4;
            Some((
                *sorted.get(quarter)?,
                *sorted.get(sorted.len() - 1 - quarter)?,
            ))
        };
        let ((min_x, max_x), (min_y, max_y)) = (quartiles(0)?, quartiles(1)?);
        Extent::new([min_x, min_y, max_x, max_y])
    }
}

/// Bytes of a value: "Serial Type Codes Of The Record Format".
#[inline]
fn length(kind: u64) -> usize {
    match kind {
        0 | 8..=11 => 0,
        1..=4 => usize::try_from(kind).unwrap_or(0),
        5 => 6,
        6 | 7 => 8,
        _ => usize::try_from((kind - 12) / 2).unwrap_or(usize::MAX),
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    /// It is empty.
    Nowhere,
    /// `[min_x, min_y, max_x, max_y]`.
    Box([f64; 4]),
    Unknown,
}

/// Where a geometry lies, by its header (OGC 12-128r19, clause 2.1.3), or if it is a point.
fn place(blob: &[u8]) -> Place {
    const EMPTY: u8 = 0x10;
    let Some((&[b'G', b'P', _, flags], _)) = blob.split_first_chunk::<4>() else {
        return Place::Unknown;
    };
    if flags & EMPTY != 0 {
        return Place::Nowhere;
    }
    if flags & 0x0e != 0 {
        return match numbers(blob, 8, flags & 1 == 1) {
            Some([min_x, max_x, min_y, max_y]) => boxed([min_x, min_y, max_x, max_y]),
            None => Place::Unknown,
        };
    }
    let Some(&[order, a, b, c, d]) = blob.get(8..).and_then(|rest| rest.first_chunk()) else {
        return Place::Unknown;
    };
    let kind = match order {
        1 => u32::from_le_bytes([a, b, c, d]),
        _ => u32::from_be_bytes([a, b, c, d]),
    };
    match numbers(blob, 13, order == 1) {
        // A point that is not a number is what an empty one is written as.
        Some([x, y]) if is_point(kind) && x.is_nan() && y.is_nan() => Place::Nowhere,
        Some([x, y]) if is_point(kind) => boxed([x, y, x, y]),
        _ => Place::Unknown,
    }
}

fn numbers<const N: usize>(blob: &[u8], at: usize, little: bool) -> Option<[f64; N]> {
    let bytes = blob.get(at..)?.as_chunks::<8>().0.first_chunk::<N>()?;
    Some(bytes.map(|bytes| match little {
        true => f64::from_le_bytes(bytes),
        false => f64::from_be_bytes(bytes),
    }))
}

fn boxed(numbers: [f64; 4]) -> Place {
    Extent::new(numbers).map_or(Place::Unknown, |extent| Place::Box(extent.numbers()))
}

/// Whether a code is a point's, with or without z and m.
fn is_point(kind: u32) -> bool {
    // The upper bits are those of OGC's 2.5D.
    (kind & 0x1fff_ffff) % 1000 == 1
}
