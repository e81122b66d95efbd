"""A GeoPackage made with the standard library alone, and the questions asked of every copy of it.

Three tables hold an equation that every honest commit keeps: the sum of `val` over parcels and poles stays the same,
and the first and the last row of `notes` bear the same number. A copy that mixes two commits, or holds half of one,
breaks it even where `PRAGMA integrity_check` says "ok".
"""

import os
import random
import shutil
import sqlite3
import struct
from typing import NamedTuple
from urllib.parse import quote

SMALL = (12_000, 4_000)  # about 8 MB
BIG = (28_000, 9_000)  # about 19 MB
HUGE = (90_000, 30_000)  # about 58 MB, so that its reader can be caught in the act

# What a translation by ogr2ogr leaves behind, and findings must name.
LEFT_BEHIND_BY_OGR = ("v_parcels", "private_table", "idx_notes_txt", "guard_notes", "qgis_projects")

SCHEMA = """
CREATE TABLE gpkg_spatial_ref_sys (srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY, organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
CREATE TABLE gpkg_contents (table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE,
  description TEXT DEFAULT '', last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_ogr_contents (table_name TEXT NOT NULL PRIMARY KEY, feature_count INTEGER DEFAULT NULL);
CREATE TABLE gpkg_geometry_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL,
  srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL,
  CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name), CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_tile_matrix_set (table_name TEXT NOT NULL PRIMARY KEY, srs_id INTEGER NOT NULL, min_x DOUBLE NOT NULL,
  min_y DOUBLE NOT NULL, max_x DOUBLE NOT NULL, max_y DOUBLE NOT NULL);
CREATE TABLE gpkg_tile_matrix (table_name TEXT NOT NULL, zoom_level INTEGER NOT NULL, matrix_width INTEGER NOT NULL,
  matrix_height INTEGER NOT NULL, tile_width INTEGER NOT NULL, tile_height INTEGER NOT NULL, pixel_x_size DOUBLE NOT NULL,
  pixel_y_size DOUBLE NOT NULL, CONSTRAINT pk_ttm PRIMARY KEY (table_name, zoom_level));
CREATE TABLE gpkg_extensions (table_name TEXT, column_name TEXT, extension_name TEXT NOT NULL, definition TEXT NOT NULL,
  scope TEXT NOT NULL, CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name));
CREATE TABLE parcels (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom POLYGON, val MEDIUMINT, txt TEXT);
CREATE TABLE poles (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom POINT, val MEDIUMINT, txt TEXT);
CREATE TABLE notes (fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, val MEDIUMINT, txt TEXT);
CREATE VIRTUAL TABLE rtree_parcels_geom USING rtree(id, minx, maxx, miny, maxy);
CREATE VIRTUAL TABLE rtree_poles_geom USING rtree(id, minx, maxx, miny, maxy);
"""

# The triggers that the R-tree extension and GDAL put on each layer.
LAYER_TRIGGERS = """
CREATE TRIGGER rtree_{t}_geom_insert AFTER INSERT ON {t} WHEN (new.geom NOT NULL AND NOT ST_IsEmpty(NEW.geom)) BEGIN
  INSERT OR REPLACE INTO rtree_{t}_geom VALUES (NEW.fid, ST_MinX(NEW.geom), ST_MaxX(NEW.geom), ST_MinY(NEW.geom), ST_MaxY(NEW.geom)); END;
CREATE TRIGGER rtree_{t}_geom_update1 AFTER UPDATE OF geom ON {t} WHEN OLD.fid = NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom)) BEGIN
  INSERT OR REPLACE INTO rtree_{t}_geom VALUES (NEW.fid, ST_MinX(NEW.geom), ST_MaxX(NEW.geom), ST_MinY(NEW.geom), ST_MaxY(NEW.geom)); END;
CREATE TRIGGER rtree_{t}_geom_update2 AFTER UPDATE OF geom ON {t} WHEN OLD.fid = NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom)) BEGIN
  DELETE FROM rtree_{t}_geom WHERE id = OLD.fid; END;
CREATE TRIGGER rtree_{t}_geom_update3 AFTER UPDATE ON {t} WHEN OLD.fid != NEW.fid AND (NEW.geom NOTNULL AND NOT ST_IsEmpty(NEW.geom)) BEGIN
  DELETE FROM rtree_{t}_geom WHERE id = OLD.fid;
  INSERT OR REPLACE INTO rtree_{t}_geom VALUES (NEW.fid, ST_MinX(NEW.geom), ST_MaxX(NEW.geom), ST_MinY(NEW.geom), ST_MaxY(NEW.geom)); END;
CREATE TRIGGER rtree_{t}_geom_update4 AFTER UPDATE ON {t} WHEN OLD.fid != NEW.fid AND (NEW.geom ISNULL OR ST_IsEmpty(NEW.geom)) BEGIN
  DELETE FROM rtree_{t}_geom WHERE id IN (OLD.fid, NEW.fid); END;
CREATE TRIGGER rtree_{t}_geom_delete AFTER DELETE ON {t} WHEN old.geom NOT NULL BEGIN
  DELETE FROM rtree_{t}_geom WHERE id = OLD.fid; END;
"""
COUNT_TRIGGERS = """
CREATE TRIGGER trigger_insert_feature_count_{t} AFTER INSERT ON {t} BEGIN
  UPDATE gpkg_ogr_contents SET feature_count = feature_count + 1 WHERE lower(table_name) = lower('{t}'); END;
CREATE TRIGGER trigger_delete_feature_count_{t} AFTER DELETE ON {t} BEGIN
  UPDATE gpkg_ogr_contents SET feature_count = feature_count - 1 WHERE lower(table_name) = lower('{t}'); END;
"""
MERCATOR = (
    'PROJCS["WGS 84 / Pseudo-Mercator",GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,'
    'AUTHORITY["EPSG","7030"]],AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],'
    'UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AUTHORITY["EPSG","4326"]],'
    'PROJECTION["Mercator_1SP"],PARAMETER["central_meridian",0],PARAMETER["scale_factor",1],'
    'PARAMETER["false_easting",0],PARAMETER["false_northing",0],UNIT["metre",1,AUTHORITY["EPSG","9001"]],'
    'AXIS["X",EAST],AXIS["Y",NORTH],AUTHORITY["EPSG","3857"]]'
)


def _head(envelope):
    flags = 1 | (1 << 1 if envelope else 0)
    head = b"GP" + bytes([0, flags]) + struct.pack("<i", 3857)
    return head + (struct.pack("<4d", *envelope) if envelope else b"")


def square(x, y):
    ring = ((x, y), (x, y + 1), (x + 1, y + 1), (x + 1, y), (x, y))
    points = b"".join(struct.pack("<2d", *p) for p in ring)
    return _head((x, x + 1, y, y + 1)) + struct.pack("<BIII", 1, 3, 1, 5) + points


def point(x, y):
    return _head(None) + struct.pack("<BI2d", 1, 1, x, y)


def _bounds(blob):
    """(minx, maxx, miny, maxy) of a geometry that this module made, or of any with an XY envelope or a point."""
    if (blob[3] >> 1) & 7:
        return struct.unpack_from("<4d" if blob[3] & 1 else ">4d", blob, 8)
    x, y = struct.unpack_from("<2d" if blob[8] else ">2d", blob, 13)
    return (x, x, y, y)


def register(connection):
    """The functions that the R-tree triggers call; a program that writes a GeoPackage brings them along."""
    def of(i):
        return lambda blob: _bounds(blob)[i] if blob else None

    connection.create_function("ST_IsEmpty", 1, lambda b: (b[3] >> 4) & 1 if b else None, deterministic=True)
    for i, name in enumerate(("ST_MinX", "ST_MaxX", "ST_MinY", "ST_MaxY")):
        connection.create_function(name, 1, of(i), deterministic=True)
    return connection


def build(path, size, text=True):
    """Writes a GeoPackage with polygons, points and attributes, in rollback-journal mode."""
    parcels, poles = size
    rnd = random.Random(7)

    def txt():
        return "%0200x" % rnd.getrandbits(800) if text else "x"

    connection = register(sqlite3.connect(path, isolation_level=None))
    connection.executescript("PRAGMA page_size=4096; PRAGMA application_id=0x47504B47; PRAGMA user_version=10300; PRAGMA journal_mode=OFF;")
    connection.execute("PRAGMA synchronous=OFF")
    connection.execute("BEGIN")
    for statement in SCHEMA.split(";"):
        if statement.strip():
            connection.execute(statement)
    connection.executemany(
        "INSERT INTO gpkg_spatial_ref_sys VALUES (?,?,?,?,?,?)",
        [
            ("Undefined cartesian SRS", -1, "NONE", -1, "undefined", "undefined cartesian coordinate reference system"),
            ("Undefined geographic SRS", 0, "NONE", 0, "undefined", "undefined geographic coordinate reference system"),
            ("WGS 84 / Pseudo-Mercator", 3857, "EPSG", 3857, MERCATOR, None),
            (
                "WGS 84 geodetic", 4326, "EPSG", 4326,
                'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],'
                'AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],'
                'UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AUTHORITY["EPSG","4326"]]', None,
            ),
        ],
    )
    shapes = {
        "parcels": [(i + 1, square(i % 200, i // 200), 100, txt()) for i in range(parcels)],
        "poles": [(i + 1, point(i % 200, i // 200), 100, txt()) for i in range(poles)],
    }
    for table, rows in shapes.items():
        kind = "POLYGON" if table == "parcels" else "POINT"
        boxes = [(fid, *_bounds(geom)) for fid, geom, _, _ in rows]
        extent = tuple(f(b[i] for b in boxes) if boxes else None for f, i in ((min, 1), (min, 3), (max, 2), (max, 4)))
        connection.execute(
            "INSERT INTO gpkg_contents(table_name,data_type,identifier,min_x,min_y,max_x,max_y,srs_id) VALUES (?,'features',?,?,?,?,?,3857)",
            (table, table, *extent),
        )
        connection.execute("INSERT INTO gpkg_geometry_columns VALUES (?,'geom',?,3857,0,0)", (table, kind))
        connection.execute(
            "INSERT INTO gpkg_extensions VALUES (?,'geom','gpkg_rtree_index','http://www.geopackage.org/spec120/#extension_rtree','write-only')",
            (table,),
        )
        connection.executemany("INSERT INTO %s VALUES (?,?,?,?)" % table, rows)
        connection.executemany("INSERT INTO rtree_%s_geom VALUES (?,?,?,?,?)" % table, boxes)
    connection.execute("INSERT INTO gpkg_contents(table_name,data_type,identifier,srs_id) VALUES ('notes','attributes','notes',0)")
    connection.executemany("INSERT INTO notes VALUES (?,?,?)", [(i + 1, 0, txt()) for i in range(poles)])
    for table, count in (("parcels", parcels), ("poles", poles), ("notes", poles)):
        connection.execute("INSERT INTO gpkg_ogr_contents VALUES (?,?)", (table, count))
    connection.execute("CREATE INDEX idx_notes_txt ON notes(txt)")
    connection.execute("CREATE VIEW v_parcels AS SELECT fid, val FROM parcels WHERE val > 50")
    connection.execute("CREATE TABLE private_table (id INTEGER PRIMARY KEY, secret TEXT)")
    connection.execute("INSERT INTO private_table VALUES (1, 'kept by a full copy, lost by a translation')")
    connection.execute("CREATE TABLE qgis_projects (name TEXT PRIMARY KEY, metadata BLOB, content BLOB)")
    connection.execute("INSERT INTO qgis_projects VALUES ('town', '{}', x'504B0506')")
    connection.execute("COMMIT")
    for table in ("parcels", "poles", "notes"):
        connection.executescript((LAYER_TRIGGERS if table != "notes" else "").format(t=table) + COUNT_TRIGGERS.format(t=table))
    connection.executescript(
        "CREATE TRIGGER guard_notes BEFORE DELETE ON notes WHEN OLD.fid = 1 BEGIN SELECT RAISE(ABORT, 'the first note stays'); END;"
    )
    connection.close()


class Content(NamedTuple):
    """What a GeoPackage holds, as far as commits are told apart: (rows, sum of val) of each table, and the two notes."""

    parcels: tuple
    poles: tuple
    notes: tuple
    first_note: int
    last_note: int

    def total(self):
        return self.parcels[1] + self.poles[1]

    def rows(self):
        return {"parcels": self.parcels[0], "poles": self.poles[0], "notes": self.notes[0]}

    def __str__(self):
        return "parcels %d/%d poles %d/%d notes %d/%d [%s %s]" % (
            *self.parcels, *self.poles, *self.notes, self.first_note, self.last_note)


def content(connection):
    tables = [connection.execute("SELECT count(*), coalesce(sum(val),0) FROM %s" % t).fetchone() for t in ("parcels", "poles", "notes")]
    first = connection.execute("SELECT val FROM notes ORDER BY fid LIMIT 1").fetchone()[0]
    last = connection.execute("SELECT val FROM notes ORDER BY fid DESC LIMIT 1").fetchone()[0]
    return Content(*tables, first, last)


def content_of(path, uri="mode=ro&immutable=1"):
    """The content of a file that nobody has open."""
    connection = sqlite3.connect("file:%s?%s" % (quote(path), uri), uri=True, timeout=10)
    try:
        return content(connection)
    finally:
        connection.close()


def recovered_content(path, folder):
    """What the committed content of a file that a dead program left behind is: found in a private copy, by SQLite itself."""
    os.makedirs(folder)
    copy = os.path.join(folder, "recovered.gpkg")
    for suffix in ("", "-journal", "-wal"):
        if os.path.exists(path + suffix):
            shutil.copyfile(path + suffix, copy + suffix)
    connection = sqlite3.connect(copy)
    try:
        found = content(connection)
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        return found
    finally:
        connection.close()
        shutil.rmtree(folder)


def faults_of(path):
    """What is wrong with the inside of a copy, and its content where that can be read."""
    faults, found = [], None
    try:
        connection = sqlite3.connect("file:%s?mode=ro&immutable=1" % quote(path), uri=True)
        try:
            check = [row[0] for row in connection.execute("PRAGMA integrity_check")]
            if check != ["ok"]:
                faults.append("integrity_check: " + str(check[0])[:80])
            for table in ("rtree_parcels_geom", "rtree_poles_geom"):
                answer = connection.execute("SELECT rtreecheck(?)", (table,)).fetchone()[0]
                if answer != "ok":
                    faults.append("rtreecheck %s: %s" % (table, str(answer)[:80]))
            found = content(connection)
        finally:
            connection.close()
    except sqlite3.Error as error:
        faults.append("unreadable: %s" % error)
    return faults, found
