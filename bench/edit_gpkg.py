#!/usr/bin/env python3
"""Edits rows scattered through the largest layer of any GeoPackage, each in a transaction of its own or all in one.

A text or a number is changed; every tenth edit moves the whole geometry a little, so that the R-tree's triggers run.
Of a layer of tiles, each edit gives a tile the content of another one.
"""

import argparse
import random
import sqlite3
import struct


def coordinates(blob, at=None):
    """Where the coordinates of a geometry stand (OGC 12-128r19, clause 2.1.3): order, offset of x, for each position."""
    if at is None:
        at = 8 + 8 * (0, 4, 6, 6, 8)[blob[3] >> 1 & 7]
    order = "<" if blob[at] else ">"
    kind = struct.unpack_from(order + "I", blob, at + 1)[0]
    step = 8 * (2 + (0, 1, 1, 2)[kind // 1000 % 4])
    base, at, found = kind % 1000, at + 5, []

    def count():
        nonlocal at
        at += 4
        return struct.unpack_from(order + "I", blob, at - 4)[0]

    def positions(n):
        nonlocal at
        found.extend((order, at + step * i) for i in range(n))
        at += step * n

    if base == 1:
        positions(1)
    elif base in (2, 8):
        positions(count())
    elif base in (3, 17):
        for _ in range(count()):
            positions(count())
    else:
        for _ in range(count()):
            inner, at = coordinates(blob, at)
            found += inner
    return found, at


def box(blob):
    """min x, max x, min y, max y, or None."""
    if blob is None or blob[3] >> 4 & 1:
        return None
    if blob[3] >> 1 & 7:
        return struct.unpack_from("<4d" if blob[3] & 1 else ">4d", blob, 8)
    at = [struct.unpack_from(order + "2d", blob, place) for order, place in coordinates(blob)[0]]
    return (min(x for x, _ in at), max(x for x, _ in at), min(y for _, y in at), max(y for _, y in at))


def register(db):
    """The functions without which the R-tree's triggers fail."""
    db.create_function("ST_IsEmpty", 1, lambda blob: blob[3] >> 4 & 1 if blob else None, deterministic=True)
    for i, name in enumerate(("ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY")):
        db.create_function(name, 1, lambda blob, i=i: (box(blob) or (None,) * 4)[i], deterministic=True)


def moved(blob):
    """The same geometry, a little further north."""
    data = bytearray(blob)
    # Of the envelope (min x, max x, min y, max y) both y.
    places = [("<" if blob[3] & 1 else ">", at) for at in (16, 24)] if blob[3] >> 1 & 7 else []
    for order, at in places + coordinates(blob)[0]:
        y = struct.unpack_from(order + "d", data, at + 8)[0]
        struct.pack_into(order + "d", data, at + 8, y + (1 if abs(y) > 400 else 1e-5))
    return bytes(data)


def quote(name):
    return '"%s"' % name.replace('"', '""')


def largest_layer(db):
    """Its name, the columns to edit, best first, and that of the geometry."""
    names = [name for name, in db.execute(
        "SELECT table_name FROM gpkg_contents JOIN sqlite_schema ON name = table_name AND type = 'table'"
        " WHERE sql NOT LIKE 'CREATE VIRTUAL%'")]
    name = max(names, key=lambda name: db.execute("SELECT count(*) FROM %s" % quote(name)).fetchone()[0])
    geometry = None
    if db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'gpkg_geometry_columns'").fetchone():
        row = db.execute("SELECT column_name FROM gpkg_geometry_columns WHERE table_name = ?", (name,)).fetchone()
        geometry = row and row[0]
    columns = [(column, kind.upper().split("(")[0]) for _, column, kind, _, _, key in
               db.execute("PRAGMA table_info(%s)" % quote(name)) if not key and column != geometry]
    rank = ("TEXT", "REAL", "DOUBLE", "FLOAT", "MEDIUMINT", "INTEGER", "INT", "BLOB")
    columns = sorted((c for c in columns if c[1] in rank), key=lambda c: rank.index(c[1]))
    if any(column == "tile_data" for column, _ in columns):
        columns = [("tile_data", "BLOB")]
    return name, columns, geometry


def change(db, table, columns, rowid, rng):
    for column, kind in columns:
        value = {"TEXT": "'edited %d'" % rng.randrange(10**6)}.get(kind, "coalesce({0}, 0) + 1")
        if kind == "BLOB":
            value = "(SELECT {0} FROM {1} WHERE rowid > %d LIMIT 1)" % rowid
        value = value.format(quote(column), table)
        try:
            db.execute("UPDATE %s SET %s = %s WHERE rowid = %d" % (table, quote(column), value, rowid))
            return True
        except sqlite3.IntegrityError:
            pass  # a constraint on this column: the next one may have none
    return False


def edit(path, edits, seed, one_transaction=True):
    db = sqlite3.connect(path, timeout=5, isolation_level=None)
    register(db)
    rng = random.Random(seed)
    name, columns, geometry = largest_layer(db)
    table = quote(name)
    low, high = db.execute("SELECT min(rowid), max(rowid) FROM %s" % table).fetchone()
    if one_transaction:
        db.execute("BEGIN IMMEDIATE")
    for number in range(edits):
        near = rng.randrange(low, high + 1)
        rowid = db.execute("SELECT rowid FROM %s WHERE rowid >= ? ORDER BY rowid LIMIT 1" % table, (near,)).fetchone()[0]
        changed = change(db, table, columns, rowid, rng)
        if geometry and (number % 10 == 0 or not changed):
            column = quote(geometry)
            blob = db.execute("SELECT %s FROM %s WHERE rowid = ?" % (column, table), (rowid,)).fetchone()[0]
            if box(blob):
                db.execute("UPDATE %s SET %s = ? WHERE rowid = ?" % (table, column), (moved(blob), rowid))
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
