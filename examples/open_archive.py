#!/usr/bin/env python3
"""Opens a backup as it lies, without unpacking it, and says what GDAL thinks of it.

    pip install pyogrio
    python3 examples/open_archive.py backups/town/town_….gpkg.zip

Exit code 1 if GDAL does not find a whole SOZip in it, or if a layer cannot be read to its end.
"""

import ctypes
import glob
import os
import sys
import zipfile

import pyogrio


def sozip(archive):
    """What GDAL says of the database's entry: `{"SOZIP_VALID": "YES", …}`; empty if it is no SOZip."""
    name = next(n for n in zipfile.ZipFile(archive).namelist() if n.endswith(".gpkg"))
    place = os.path.join(os.path.dirname(pyogrio.__file__), "..", "pyogrio.libs", "libgdal*")
    gdal = ctypes.CDLL(glob.glob(place)[0])
    gdal.VSIGetFileMetadata.restype = ctypes.POINTER(ctypes.c_char_p)
    found = gdal.VSIGetFileMetadata(b"/vsizip/{%s}/%s" % (os.fsencode(archive), name.encode()), b"ZIP", None)
    items, n = {}, 0
    while found and found[n]:
        key, _, value = found[n].decode().partition("=")
        items[key] = value
        n += 1
    return items


def main(archive):
    print("GDAL", pyogrio.__gdal_version_string__)
    valid = sozip(archive).get("SOZIP_VALID")
    print("SOZip:", valid or "no")
    for name, kind in pyogrio.list_layers(archive):
        rows = len(pyogrio.raw.read(archive, layer=name, return_fids=True)[1])
        print("layer %s (%s): %d rows read" % (name, kind or "no geometry", rows))
        if rows != pyogrio.read_info(archive, layer=name, force_feature_count=True)["features"]:
            return 1
    return 0 if valid == "YES" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]) if len(sys.argv) == 2 else __doc__)
