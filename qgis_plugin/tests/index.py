"""A package index on this computer, and a wheel for it. Without QGIS: the look under Qt 6 needs it, too."""

import hashlib
import http.server
import json
import os
import platform
import threading
import zipfile


def tag():
    return {"Linux": "manylinux_2_17_%s.manylinux2014_%s" % ((platform.machine(),) * 2), "Windows": "win_amd64"}.get(platform.system(), "macosx_11_0_universal2")


def wheel_of(program, folder):
    """The program laid out as it is in a wheel."""
    path = os.path.join(str(folder), "geokeep-0.1.0-py3-none-%s.whl" % tag())
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("geokeep/__init__.py", "")
        archive.write(program, "geokeep-0.1.0.data/scripts/" + ("geokeep.exe" if os.name == "nt" else "geokeep"))
    return path


class Index:
    """A package index on this computer, with what it is told to have."""

    def __init__(self):
        self.answers, self.asked = {}, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.asked.append(self.path)
                content = outer.answers.get(self.path)
                self.send_response(200 if content is not None else 404)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = "http://127.0.0.1:%d" % self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def have(self, path, names=None, sha256=None):
        with open(path, "rb") as f:
            content = f.read()
        files = [{"filename": n, "url": self.address + "/" + n, "digests": {"sha256": sha256 or hashlib.sha256(content).hexdigest()}} for n in names or [os.path.basename(path)]]
        self.answers = {"/geokeep/json": json.dumps({"urls": files}).encode(), **{"/" + f["filename"]: content for f in files}}

    def close(self):
        self.server.shutdown()
        self.server.server_close()
