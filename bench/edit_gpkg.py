#!/usr/bin/env python3
"""Edits rows scattered through a GeoPackage that make_gpkg.py made, each in a transaction of its own or all in one.

Every tenth edit also moves a vertex, so that the R-tree's triggers run.
"""

import argparse
import random
import sqlite3
import struct

BOX = struct.Struct("<4d")


def register(db):
    """The functions without which the R-tree's triggers fail."""
    def corner(i):
        return lambda blob: BOX.unpack_from(blob, 8)[i] if blob and blob[3] & 0b1110 else None
    db.create_function("ST_IsEmpty", 1, lambda blob: blob[3] >> 4 & 1 if blob else None, deterministic=True)
    for i, name in enumerate(("ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY")):
        db.create_function(name, 1, corner(i), deterministic=True)


def moved(blob):
    """The same polygon, its first (and last) vertex one metre further north."""
    data = bytearray(blob)
    first, last = 8 + 32 + 13, len(data) - 16
    for at in (first + 8, last + 8):
        struct.pack_into("<d", data, at, round(struct.unpack_from("<d", data, at)[0] + 1, 2))
    ys = [struct.unpack_from("<d", data, at)[0] for at in range(first + 8, len(data), 16)]
    struct.pack_into("<2d", data, 8 + 16, min(ys), max(ys))
    return bytes(data)


def edit(path, edits, seed, one_transaction=True):
    db = sqlite3.connect(path, timeout=5, isolation_level=None)
    register(db)
    rng = random.Random(seed)
    highest = db.execute("SELECT max(fid) FROM parcels").fetchone()[0]
    if one_transaction:
        db.execute("BEGIN IMMEDIATE")
    for number in range(edits):
        fid = rng.randrange(1, highest + 1)
        db.execute("UPDATE parcels SET land_use = ?, remarks = ? WHERE fid = ?",
                   (rng.choice(("Grünland", "Wald", "Bauland")), "geändert %d" % rng.randrange(10**6), fid))
        if number % 10 == 0:
            blob = db.execute("SELECT geom FROM parcels WHERE fid = ?", (fid,)).fetchone()[0]
            db.execute("UPDATE parcels SET geom = ? WHERE fid = ?", (moved(blob), fid))
    if one_transaction:
        db.execute("COMMIT")
    db.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("file")
    parser.add_argument("--edits", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--commit-each", action="store_true", help="one transaction an edit")
    args = parser.parse_args()
    edit(args.file, args.edits, args.seed, not args.commit_each)


if __name__ == "__main__":
    main()
