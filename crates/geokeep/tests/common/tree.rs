//! B-trees that no SQLite writes: pages that refer to each other in circles.

use super::{number_at, page_size};

const CELLS: usize = 80;

/// Makes the page at `at` (its header `offset` bytes further on) an inner page of a table's tree
/// whose children are all the page `child`.
fn inner(page: &mut [u8], offset: usize, child: u32) {
    let end = page.len();
    let first_cell = end - 5 * CELLS;
    page[offset..].fill(0);
    page[offset] = 5;
    page[offset + 3..offset + 5].copy_from_slice(&u16::try_from(CELLS).unwrap().to_be_bytes());
    page[offset + 5..offset + 7].copy_from_slice(&u16::try_from(first_cell).unwrap().to_be_bytes());
    page[offset + 8..offset + 12].copy_from_slice(&child.to_be_bytes());
    for cell in 0..CELLS {
        let place = end - 5 * (cell + 1);
        page[place..place + 4].copy_from_slice(&child.to_be_bytes());
        page[place + 4] = 1;
        let pointer = offset + 12 + 2 * cell;
        page[pointer..pointer + 2].copy_from_slice(&u16::try_from(place).unwrap().to_be_bytes());
    }
}

/// Puts `levels` pages above the leaf `root`, each the only child of the one above, 81 times: some
/// 80 to the power of `levels` times as many rows in a few pages.
pub fn without_end(database: &mut Vec<u8>, root: u32, levels: u32) {
    let size = page_size(database);
    let start = (root as usize - 1) * size;
    let leaf = database[start..start + size].to_vec();
    let first_new = u32::try_from(database.len() / size).unwrap() + 1;
    inner(&mut database[start..start + size], 0, first_new);
    for level in 1..levels {
        let mut page = vec![0; size];
        inner(&mut page, 0, first_new + level);
        database.extend_from_slice(&page);
    }
    database.extend_from_slice(&leaf);
    let count = u32::try_from(database.len() / size).unwrap();
    database[28..32].copy_from_slice(&count.to_be_bytes());
    assert_eq!(number_at(database, 28), count);
}
