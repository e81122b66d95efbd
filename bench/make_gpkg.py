#!/usr/bin/env python3
"""Makes a GeoPackage that compresses like cadastral data: parcels with shared boundaries,
centimetre coordinates, keys, uses, dates and remarks, an index on the key and an R-tree.

Plain Python and its sqlite3; the same seed and size give the same rows.
"""

import argparse
import os
import random
import sqlite3
import struct
import sys
import time

SRS_ID = 25832  # ETRS89 / UTM zone 32N
BYTES_PER_PARCEL = 445  # measured, with index and R-tree
ROW_LENGTH = 1000  # parcels in one row of the grid
BATCH = 5000

USES = ["Ackerland", "Grünland", "Wald", "Wohnbaufläche", "Straßenverkehr", "Gehölz", "Weg",
        "Gewerbefläche", "Landwirtschaftliche Betriebsfläche", "Fließgewässer", "Sport- und Freizeitfläche"]
USE_WEIGHTS = [22, 18, 14, 20, 9, 4, 6, 3, 2, 1, 1]
FIELD_NAMES = ["Am Mühlenbach", "Auf der Heide", "Im Bruch", "Oberes Feld", "Unterm Berg", "Kirchweg",
               "Lange Wiese", "Hinter den Höfen", "Sandkuhle", "Am Steinbruch", "Im Winkel", "Neue Straße",
               "Bahnhofstraße", "Lindenallee", "An der Ziegelei", "Krummer Acker"]
REMARKS = ["Grenze abgemarkt", "Flurbereinigung {}", "Baulast Blatt {}", "Grenzfeststellung steht aus",
           "siehe Grundbuch Blatt {}", "Zerlegung aus Flurstück {}", "Verschmelzung {}", "Überhaken entfernt"]

SCHEMA = """
CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY,
  organization TEXT NOT NULL, organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
INSERT INTO gpkg_spatial_ref_sys VALUES
  ('Undefined Cartesian SRS', -1, 'NONE', -1, 'undefined', NULL),
  ('Undefined geographic SRS', 0, 'NONE', 0, 'undefined', NULL),
  ('WGS 84 geodetic', 4326, 'EPSG', 4326, 'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433],AUTHORITY["EPSG","4326"]]', NULL),
  ('ETRS89 / UTM zone 32N', 25832, 'EPSG', 25832, 'PROJCS["ETRS89 / UTM zone 32N",GEOGCS["ETRS89",DATUM["European_Terrestrial_Reference_System_1989",SPHEROID["GRS 1980",6378137,298.257222101]],PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",0],PARAMETER["central_meridian",9],PARAMETER["scale_factor",0.9996],PARAMETER["false_easting",500000],PARAMETER["false_northing",0],UNIT["metre",1],AUTHORITY["EPSG","25832"]]', NULL);
CREATE TABLE gpkg_contents (table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE,
  description TEXT DEFAULT '', last_change DATETIME NOT NULL, min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE,
  srs_id INTEGER, CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL,
  geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL,
  CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name), CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id));
CREATE TABLE gpkg_extensions (table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL,
  definition TEXT NOT NULL, scope TEXT NOT NULL, CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name));
CREATE TABLE parcels (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom POLYGON, object_id TEXT,
  parcel_key TEXT, parcel_number TEXT, land_use TEXT, place TEXT, area_sqm REAL, created DATE, remarks TEXT);
INSERT INTO gpkg_contents VALUES ('parcels', 'features', 'parcels', '', '2026-11-01T12:00:00.000Z', NULL, NULL, NULL, NULL, 25832);
INSERT INTO gpkg_geometry_columns VALUES ('parcels', 'geom', 'POLYGON', 25832, 0, 0);
INSERT INTO gpkg_extensions VALUES ('parcels', 'geom', 'gpkg_rtree_index',
  'http://www.geopackage.org/spec120/#extension_rtree', 'write-only');
CREATE VIRTUAL TABLE rtree_parcels_geom USING rtree(id, minx, maxx, miny, maxy);
"""

TRIGGERS = """
CREATE TRIGGER "rtree_parcels_geom_insert" AFTER INSERT ON "parcels" WHEN (NEW."geom" NOT NULL AND NOT ST_IsEmpty(NEW."geom"))
  BEGIN INSERT OR REPLACE INTO "rtree_parcels_geom" VALUES (NEW."fid", ST_MinX(NEW."geom"), ST_MaxX(NEW."geom"), ST_MinY(NEW."geom"), ST_MaxY(NEW."geom")); END;
CREATE TRIGGER "rtree_parcels_geom_update2" AFTER UPDATE OF "geom" ON "parcels" WHEN OLD."fid" = NEW."fid" AND (NEW."geom" ISNULL OR ST_IsEmpty(NEW."geom"))
  BEGIN DELETE FROM "rtree_parcels_geom" WHERE id = OLD."fid"; END;
CREATE TRIGGER "rtree_parcels_geom_update4" AFTER UPDATE ON "parcels" WHEN OLD."fid" != NEW."fid" AND (NEW."geom" ISNULL OR ST_IsEmpty(NEW."geom"))
  BEGIN DELETE FROM "rtree_parcels_geom" WHERE id IN (OLD."fid", NEW."fid"); END;
CREATE TRIGGER "rtree_parcels_geom_update5" AFTER UPDATE ON "parcels" WHEN OLD."fid" != NEW."fid" AND (NEW."geom" NOTNULL AND NOT ST_IsEmpty(NEW."geom"))
  BEGIN DELETE FROM "rtree_parcels_geom" WHERE id = OLD."fid"; INSERT OR REPLACE INTO "rtree_parcels_geom" VALUES (NEW."fid", ST_MinX(NEW."geom"), ST_MaxX(NEW."geom"), ST_MinY(NEW."geom"), ST_MaxY(NEW."geom")); END;
CREATE TRIGGER "rtree_parcels_geom_update6" AFTER UPDATE OF "geom" ON "parcels" WHEN OLD."fid" = NEW."fid" AND (NEW."geom" NOTNULL AND NOT ST_IsEmpty(NEW."geom")) AND (OLD."geom" NOTNULL AND NOT ST_IsEmpty(OLD."geom"))
  BEGIN UPDATE "rtree_parcels_geom" SET minx = ST_MinX(NEW."geom"), maxx = ST_MaxX(NEW."geom"), miny = ST_MinY(NEW."geom"), maxy = ST_MaxY(NEW."geom") WHERE id = NEW."fid"; END;
CREATE TRIGGER "rtree_parcels_geom_update7" AFTER UPDATE OF "geom" ON "parcels" WHEN OLD."fid" = NEW."fid" AND (NEW."geom" NOTNULL AND NOT ST_IsEmpty(NEW."geom")) AND (OLD."geom" ISNULL OR ST_IsEmpty(OLD."geom"))
  BEGIN INSERT INTO "rtree_parcels_geom" VALUES (NEW."fid", ST_MinX(NEW."geom"), ST_MaxX(NEW."geom"), ST_MinY(NEW."geom"), ST_MaxY(NEW."geom")); END;
CREATE TRIGGER "rtree_parcels_geom_delete" AFTER DELETE ON "parcels" WHEN OLD."geom" NOT NULL
  BEGIN DELETE FROM "rtree_parcels_geom" WHERE id = OLD."fid"; END;
"""


def grid_rows(rng):
    """Yields the parcels of one grid row after the other: rings that share their boundaries.

    Each cell edge is a line with up to two bends, made once and used from both sides.
    """
    uniform, choose = rng.random, rng.choice

    def node(i, j):
        return (round(400000 + 38 * i + 22 * uniform(), 2), round(5600000 + 52 * j + 30 * uniform(), 2))

    def bends(a, b):
        n = choose((0, 1, 1, 2, 2))
        out = []
        for k in range(1, n + 1):
            t = k / (n + 1)
            out.append((round(a[0] + (b[0] - a[0]) * t + 6 * uniform() - 3, 2),
                        round(a[1] + (b[1] - a[1]) * t + 6 * uniform() - 3, 2)))
        return out

    j = 0
    low = [node(i, 0) for i in range(ROW_LENGTH + 1)]
    low_edges = [bends(low[i], low[i + 1]) for i in range(ROW_LENGTH)]
    while True:
        j += 1
        high = [node(i, j) for i in range(ROW_LENGTH + 1)]
        high_edges = [bends(high[i], high[i + 1]) for i in range(ROW_LENGTH)]
        sides = [bends(low[i], high[i]) for i in range(ROW_LENGTH + 1)]
        order = list(range(ROW_LENGTH))  # not from neighbour to neighbour: extracts are ordered by object
        rng.shuffle(order)
        for i in order:
            yield j, i, ([low[i]] + low_edges[i] + [low[i + 1]] + sides[i + 1] + [high[i + 1]]
                         + high_edges[i][::-1] + [high[i]] + sides[i][::-1] + [low[i]])
        low, low_edges = high, high_edges


def area(ring):
    twice = 0.0
    x0, y0 = ring[0]  # near the ring, or the products lose the small difference
    for (ax, ay), (bx, by) in zip(ring, ring[1:]):
        twice += (ax - x0) * (by - y0) - (bx - x0) * (ay - y0)
    return round(abs(twice) / 2, 2)


PACK = {n: struct.Struct("<%dd" % (2 * n)) for n in range(4, 16)}
HEAD = struct.Struct("<2sBBi4dBIII")


def blob(ring):
    xs = [p[0] for p in ring]
    ys = [p[1] for p in ring]
    box = (min(xs), max(xs), min(ys), max(ys))
    flat = [v for p in ring for v in p]
    return HEAD.pack(b"GP", 0, 0b11, SRS_ID, *box, 1, 3, 1, len(ring)) + PACK[len(ring)].pack(*flat), box


def rows(count, rng):
    dates = ["%d-%02d-%02d" % (y, m, d) for y in range(1962, 2027) for m in range(1, 13) for d in range(1, 29)]
    uses = rng.choices(USES, USE_WEIGHTS, k=1 << 14)
    for fid, (j, i, ring) in enumerate(grid_rows(rng), 1):
        if fid > count:
            return
        geometry, box = blob(ring)
        district, section = 1000 + j // 40, 1 + i // 90
        number = (j * 37 + i) % 900 + 1
        part = rng.randrange(60)
        key = "05%04d-%03d-%05d/%04d" % (district, section, number, part)
        remark = None
        if rng.random() < 0.35:
            remark = rng.choice(REMARKS).format(rng.randrange(1, 9999))
            if rng.random() < 0.3:
                remark += ", " + rng.choice(REMARKS).format(rng.randrange(1, 9999))
        yield (fid, geometry, "DENW%02dAL%012x" % (district % 60, rng.getrandbits(48)), key, "%d/%d" % (number, part) if part else str(number), uses[rng.randrange(1 << 14)],
               rng.choice(FIELD_NAMES) + " %d" % rng.randrange(1, 120), area(ring), rng.choice(dates), remark), box


def make(path, megabytes, seed):
    count = max(1, int(megabytes * 1e6 / BYTES_PER_PARCEL))
    temporary = path + ".part"
    for leftover in (temporary, temporary + "-journal"):
        if os.path.exists(leftover):
            os.remove(leftover)
    db = sqlite3.connect(temporary, isolation_level=None)
    db.executescript("PRAGMA page_size = 4096; PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
                     "PRAGMA cache_size = -200000; PRAGMA application_id = 0x47504B47; PRAGMA user_version = 10300;")
    db.executescript(SCHEMA)
    db.execute("BEGIN")
    extent = [1e30, -1e30, 1e30, -1e30]
    batch, boxes = [], []

    def flush():
        db.executemany("INSERT INTO parcels VALUES (?,?,?,?,?,?,?,?,?,?)", batch)
        db.executemany("INSERT INTO rtree_parcels_geom VALUES (?,?,?,?,?)", boxes)
        batch.clear()
        boxes.clear()

    for row, box in rows(count, random.Random(seed)):
        batch.append(row)
        boxes.append((row[0], *box))
        extent = [min(extent[0], box[0]), max(extent[1], box[1]), min(extent[2], box[2]), max(extent[3], box[3])]
        if len(batch) == BATCH:
            flush()
    flush()
    db.execute("UPDATE gpkg_contents SET min_x = ?, max_x = ?, min_y = ?, max_y = ?", extent)
    db.execute("CREATE INDEX idx_parcels_parcel_key ON parcels (parcel_key)")
    db.execute("COMMIT")
    db.executescript(TRIGGERS)
    db.close()
    os.replace(temporary, path)
    return count


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("file")
    parser.add_argument("--mb", type=float, default=400, help="size of the file, about (default 400)")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if os.path.exists(args.file):
        sys.exit("error: %s is there already" % args.file)
    begun = time.perf_counter()
    count = make(args.file, args.mb, args.seed)
    print("%s: %d parcels, %.1f MB, %.0f s" % (args.file, count, os.path.getsize(args.file) / 1e6, time.perf_counter() - begun))


if __name__ == "__main__":
    main()
