#!/usr/bin/env python3
"""Makes town.gpkg, the small GeoPackage of the examples. Needs nothing but Python's standard library.

    python3 examples/make_town.py examples/town.gpkg

The town does not exist. The same program always makes the same bytes. Licence of the data: CC0 1.0.
"""

import math
import os
import random
import sqlite3
import struct
import sys

SRS = 25832  # ETRS89 / UTM zone 32N, in metres
WHEN = "2026-11-01T12:00:00.000Z"
WEST, NORTH = 561_000.0, 5_935_000.0

UTM = (
    'PROJCS["ETRS89 / UTM zone 32N",GEOGCS["ETRS89",DATUM["European_Terrestrial_Reference_System_1989",'
    'SPHEROID["GRS 1980",6378137,298.257222101,AUTHORITY["EPSG","7019"]],AUTHORITY["EPSG","6258"]],'
    'PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],'
    'AUTHORITY["EPSG","4258"]],PROJECTION["Transverse_Mercator"],PARAMETER["latitude_of_origin",0],'
    'PARAMETER["central_meridian",9],PARAMETER["scale_factor",0.9996],PARAMETER["false_easting",500000],'
    'PARAMETER["false_northing",0],UNIT["metre",1,AUTHORITY["EPSG","9001"]],AXIS["Easting",EAST],'
    'AXIS["Northing",NORTH],AUTHORITY["EPSG","25832"]]'
)
WGS84 = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],'
    'AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],UNIT["degree",0.0174532925199433,'
    'AUTHORITY["EPSG","9122"]],AXIS["Latitude",NORTH],AXIS["Longitude",EAST],AUTHORITY["EPSG","4326"]]'
)

TABLES = """
CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT NOT NULL, srs_id INTEGER PRIMARY KEY, organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
CREATE TABLE gpkg_contents (table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE,
  description TEXT DEFAULT '', last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL,
  geometry_type_name TEXT NOT NULL, srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL,
  CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name), CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys (srs_id));
CREATE TABLE gpkg_extensions (table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL,
  definition TEXT NOT NULL, scope TEXT NOT NULL, CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name));
CREATE TABLE buildings (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom POLYGON, street TEXT(40), number INTEGER,
  use TEXT(20), storeys INTEGER, built INTEGER, owner INTEGER);
CREATE TABLE trees (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom POINT, species TEXT(40), height_m REAL,
  planted DATE);
CREATE TABLE owners (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, name TEXT(60), since DATE, remark TEXT);
CREATE INDEX buildings_street ON buildings (street, number);
"""

# The triggers of GeoPackage 1.4, annex F.3: those of 1.3 fail with an upsert.
RTREE = """
CREATE TRIGGER "rtree_{t}_geom_insert" AFTER INSERT ON "{t}" WHEN (NEW.geom NOT NULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN INSERT OR REPLACE INTO "rtree_{t}_geom" VALUES (NEW.fid, ST_MinX(NEW.geom), ST_MaxX(NEW.geom),
  ST_MinY(NEW.geom), ST_MaxY(NEW.geom)); END;
CREATE TRIGGER "rtree_{t}_geom_update2" AFTER UPDATE OF geom ON "{t}"
WHEN OLD.fid = NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))
BEGIN DELETE FROM "rtree_{t}_geom" WHERE id = OLD.fid; END;
CREATE TRIGGER "rtree_{t}_geom_update4" AFTER UPDATE ON "{t}"
WHEN OLD.fid != NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom))
BEGIN DELETE FROM "rtree_{t}_geom" WHERE id IN (OLD.fid, NEW.fid); END;
CREATE TRIGGER "rtree_{t}_geom_update5" AFTER UPDATE ON "{t}"
WHEN OLD.fid != NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
BEGIN DELETE FROM "rtree_{t}_geom" WHERE id = OLD.fid; INSERT OR REPLACE INTO "rtree_{t}_geom" VALUES (NEW.fid,
  ST_MinX(NEW.geom), ST_MaxX(NEW.geom), ST_MinY(NEW.geom), ST_MaxY(NEW.geom)); END;
CREATE TRIGGER "rtree_{t}_geom_update6" AFTER UPDATE OF geom ON "{t}"
WHEN OLD.fid = NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
  AND (OLD.geom NOTNULL AND NOT ST_IsEmpty(OLD.geom))
BEGIN UPDATE "rtree_{t}_geom" SET minx = ST_MinX(NEW.geom), maxx = ST_MaxX(NEW.geom), miny = ST_MinY(NEW.geom),
  maxy = ST_MaxY(NEW.geom) WHERE id = NEW.fid; END;
CREATE TRIGGER "rtree_{t}_geom_update7" AFTER UPDATE OF geom ON "{t}"
WHEN OLD.fid = NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom))
  AND (OLD.geom ISNULL OR ST_IsEmpty(OLD.geom))
BEGIN INSERT INTO "rtree_{t}_geom" VALUES (NEW.fid, ST_MinX(NEW.geom), ST_MaxX(NEW.geom), ST_MinY(NEW.geom),
  ST_MaxY(NEW.geom)); END;
CREATE TRIGGER "rtree_{t}_geom_delete" AFTER DELETE ON "{t}" WHEN OLD.geom NOT NULL
BEGIN DELETE FROM "rtree_{t}_geom" WHERE id = OLD.fid; END;
"""

STREETS = ["Am Markt", "Mühlenweg", "Lindenallee", "Hafenstraße", "Schulgang", "Kirchplatz", "Deichstraße", "Gartenweg"]
USES = ["dwelling"] * 14 + ["shop", "workshop", "office", "school", "town hall", "church", "barn", "garage"]
SPECIES = ["Tilia cordata", "Quercus robur", "Acer platanoides", "Aesculus hippocastanum", "Betula pendula"]
FIRST = ["Ada", "Bela", "Carla", "Dirk", "Elif", "Frida", "Göran", "Hanne", "Ivo", "Jana", "Kalle", "Leyla"]
LAST = ["Ahrens", "Bruhn", "Claasen", "Dose", "Ehlers", "Frenzen", "Harms", "Jessen", "Köpke", "Lüders", "Öztürk"]


def polygon(ring):
    """GeoPackage's header with an envelope, and the polygon as WKB."""
    xs, ys = [p[0] for p in ring], [p[1] for p in ring]
    box = (min(xs), max(xs), min(ys), max(ys))
    header = b"GP" + struct.pack("<BBi4d", 0, 0b0000_0011, SRS, *box)
    points = b"".join(struct.pack("<2d", x, y) for x, y in ring)
    return header + struct.pack("<BIII", 1, 3, 1, len(ring)) + points, box


def point(x, y):
    return b"GP" + struct.pack("<BBi", 0, 0b0000_0001, SRS) + struct.pack("<BI2d", 1, 1, x, y), (x, x, y, y)


def house(rng, x, y, turn):
    """A rectangle or an L, turned, with corners to the centimetre."""
    w, d = rng.uniform(8, 16), rng.uniform(7, 12)
    corners = [(0, 0), (w, 0), (w, d), (0, d)]
    if rng.random() < 0.3:
        corners = [(0, 0), (w, 0), (w, d / 2), (w / 2, d / 2), (w / 2, d), (0, d)]
    c, s = math.cos(turn), math.sin(turn)
    ring = [(round(x + px * c - py * s, 2), round(y + px * s + py * c, 2)) for px, py in corners]
    return ring + ring[:1]


def fill(db, rng):
    owners = [(n, "%s %s" % (rng.choice(FIRST), rng.choice(LAST)), "%d-%02d-%02d" % (
        rng.randint(1970, 2025), rng.randint(1, 12), rng.randint(1, 28)), None) for n in range(1, 121)]
    owners[6] = owners[6][:3] + ("asks to be told before any survey",)
    db.executemany("INSERT INTO owners VALUES (?,?,?,?)", owners)

    boxes = {"buildings": [], "trees": []}
    fid = 0
    for row, street in enumerate(STREETS):
        for number in range(1, 33):
            x = WEST + number * 22 + rng.uniform(-2, 2)
            y = NORTH + row * 48 + (number % 2) * 20 + 14 * math.sin(number / 5) + rng.uniform(-1, 1)
            geom, box = polygon(house(rng, x, y, 0.3 * math.cos(number / 5) + rng.uniform(-0.05, 0.05)))
            fid += 1
            boxes["buildings"].append((fid, box))
            use = rng.choice(USES)
            db.execute("INSERT INTO buildings VALUES (?,?,?,?,?,?,?,?)", (
                fid, geom, street, number, use, 1 if use in ("barn", "garage") else rng.randint(1, 4),
                rng.randint(1780, 2024), rng.randint(1, len(owners))))
    for fid in range(1, 181):
        geom, box = point(round(WEST + rng.uniform(0, 740), 2), round(NORTH + rng.uniform(-20, 400), 2))
        boxes["trees"].append((fid, box))
        db.execute("INSERT INTO trees VALUES (?,?,?,?,?)", (
            fid, geom, rng.choice(SPECIES), round(rng.uniform(3, 28), 1), "%d-11-01" % rng.randint(1950, 2025)))
    return boxes


def register(db, boxes):
    db.executemany("INSERT INTO gpkg_spatial_ref_sys VALUES (?,?,?,?,?,?)", [
        ("Undefined cartesian SRS", -1, "NONE", -1, "undefined", "undefined cartesian coordinate reference system"),
        ("Undefined geographic SRS", 0, "NONE", 0, "undefined", "undefined geographic coordinate reference system"),
        ("WGS 84 geodetic", 4326, "EPSG", 4326, WGS84, "longitude/latitude coordinates in decimal degrees"),
        ("ETRS89 / UTM zone 32N", SRS, "EPSG", SRS, UTM, None)])
    for table, kind in (("buildings", "POLYGON"), ("trees", "POINT")):
        found = [box for _, box in boxes[table]]
        extent = (min(b[0] for b in found), min(b[2] for b in found), max(b[1] for b in found), max(b[3] for b in found))
        db.execute("INSERT INTO gpkg_contents VALUES (?,?,?,?,?,?,?,?,?,?)",
                   (table, "features", table, "", WHEN, *extent, SRS))
        db.execute("INSERT INTO gpkg_geometry_columns VALUES (?,'geom',?,?,0,0)", (table, kind, SRS))
        db.execute("INSERT INTO gpkg_extensions VALUES (?,'geom','gpkg_rtree_index',"
                   "'http://www.geopackage.org/spec130/#extension_rtree','write-only')", (table,))
        db.execute('CREATE VIRTUAL TABLE "rtree_%s_geom" USING rtree(id, minx, maxx, miny, maxy)' % table)
        db.executemany('INSERT INTO "rtree_%s_geom" VALUES (?,?,?,?,?)' % table, [(i, *box) for i, box in boxes[table]])
        db.executescript(RTREE.format(t=table))
    db.execute("INSERT INTO gpkg_contents VALUES ('owners','attributes','owners','',?,NULL,NULL,NULL,NULL,NULL)", (WHEN,))


def make(path):
    if os.path.exists(path):
        os.remove(path)
    db = sqlite3.connect(path)
    db.executescript("PRAGMA page_size = 4096; PRAGMA application_id = 0x47504B47; PRAGMA user_version = 10300;")
    db.executescript(TABLES)
    register(db, fill(db, random.Random(1)))
    db.commit()
    db.execute("VACUUM")
    db.close()


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    make(sys.argv[1])
