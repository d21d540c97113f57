//! Which rows share a CQL batch: those whose partitions have the same replicas, so that the node that gets it is a
//! replica of all of them, up to what the server takes without a warning in its log.

use std::ops::Range;

use super::bind::Bound;
use super::coordinator::Ring;
use crate::cassandra::ring::ReplicaSet;

/// The bounds of one CQL batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Partition keys; 0: every row is a request of its own.
    pub partitions: usize,
    /// As the server counts them.
    pub bytes: usize,
}

/// Statements of one CQL batch: many rows of one partition key are one write for the server, but one frame, too.
const STATEMENTS: usize = 200;

/// A row and where it goes, in the order in which rows are grouped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Placed {
    pub replicas: ReplicaSet,
    token: i64,
    /// Index into the results.
    pub at: usize,
    pub row: u32,
}

/// Rows that share a request: a part of the placed rows.
pub type Group = Range<usize>;

/// Sorts the rows by where they go; those of one partition key stand together.
pub fn place(bound: &Bound<'_>, ring: &Ring, rows: impl Iterator<Item = (usize, u32)>) -> Vec<Placed> {
    let placed = rows.map(|(at, row)| {
        let token = bound.token(row);
        let replicas = ring.replicas(token);
        Placed {
            replicas,
            token,
            at,
            row,
        }
    });
    let mut placed: Vec<_> = placed.collect();
    placed.sort_unstable();
    placed
}

/// The groups, of which none is above the bounds unless it is one row alone.
pub fn groups(placed: &[Placed], bounds: Bounds, size: impl Fn(u32) -> usize) -> Vec<Group> {
    let mut groups = Vec::with_capacity(placed.len() / bounds.partitions.max(1) + 1);
    let (mut begin, mut partitions, mut bytes) = (0, 0, 0);
    for (index, this) in placed.iter().enumerate() {
        let size = size(this.row);
        let is_first = index == begin;
        let before = index.checked_sub(1).map(|before| &placed[before]);
        let is_elsewhere = before.is_some_and(|before| before.replicas != this.replicas);
        let is_new_partition = before.is_none_or(|before| before.token != this.token);
        let is_full = bounds.partitions == 0
            || (is_new_partition && partitions == bounds.partitions)
            || bytes + size > bounds.bytes
            || index - begin == STATEMENTS;
        if !is_first && (is_elsewhere || is_full) {
            groups.push(begin..index);
            (begin, partitions, bytes) = (index, 0, 0);
        }
        if is_new_partition || begin == index {
            partitions += 1;
        }
        bytes += size;
    }
    if begin < placed.len() {
        groups.push(begin..placed.len());
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: Bounds = Bounds {
        partitions: 3,
        bytes: 1000,
    };

    fn placed(rows: &[(u32, i64)]) -> Vec<Placed> {
        let placed = rows.iter().enumerate().map(|(at, (set, token))| Placed {
            replicas: ReplicaSet::numbered(*set),
            token: *token,
            at,
            row: u32::try_from(at).unwrap(),
        });
        placed.collect()
    }

    #[test]
    fn a_group_has_one_set_of_replicas_and_not_too_many_partitions() {
        let rows = placed(&[(0, 1), (0, 2), (0, 3), (0, 4), (1, 5), (1, 6)]);
        assert_eq!(groups(&rows, BOUNDS, |_| 1), [0..3, 3..4, 4..6]);
    }

    #[test]
    fn rows_of_one_partition_count_once() {
        let rows = placed(&[(0, 1), (0, 1), (0, 1), (0, 2), (0, 2), (0, 3), (0, 4), (0, 4)]);
        assert_eq!(groups(&rows, BOUNDS, |_| 1), [0..6, 6..8]);
        let only_one = Bounds {
            partitions: 1,
            ..BOUNDS
        };
        assert_eq!(groups(&rows, only_one, |_| 1), [0..3, 3..5, 5..6, 6..8]);
    }

    #[test]
    fn bytes_bound_a_group_and_a_large_row_goes_alone() {
        let rows = placed(&[(0, 1), (0, 2), (0, 3), (0, 4)]);
        let sizes = [600, 5000, 600, 300];
        assert_eq!(groups(&rows, BOUNDS, |row| sizes[row as usize]), [0..1, 1..2, 2..4]);
    }

    #[test]
    fn no_group_has_more_statements_than_a_frame_should() {
        let rows = placed(&vec![(0, 1); STATEMENTS + 1]);
        assert_eq!(
            groups(&rows, BOUNDS, |_| 1),
            [0..STATEMENTS, STATEMENTS..STATEMENTS + 1]
        );
    }

    #[test]
    fn without_cql_batches_every_row_goes_alone() {
        let off = Bounds {
            partitions: 0,
            ..BOUNDS
        };
        assert_eq!(groups(&placed(&[(0, 1), (0, 1)]), off, |_| 1), [0..1, 1..2]);
        assert!(groups(&[], BOUNDS, |_| 1).is_empty());
    }
}
