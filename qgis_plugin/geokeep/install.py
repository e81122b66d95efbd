"""Gets the program for people who have never seen a terminal: from the Python package index, or out of a file that they were given.

Only ever after a click. What is downloaded must have the hash that the index names. The program goes
into a folder of this QGIS profile, and nothing else on the computer is changed.
"""

import hashlib
import io
import json
import os
import platform
import re
import sys
import zipfile

from qgis.core import QgsApplication, QgsNetworkAccessManager
from qgis.PyQt.QtCore import QObject, QUrl, pyqtSignal
from qgis.PyQt.QtNetwork import QNetworkReply, QNetworkRequest

from .command import Trouble
from .words import tr

EXE = "geokeep.exe" if os.name == "nt" else "geokeep"
INDEX = "https://pypi.org/pypi/geokeep/json"
MACHINES = {"amd64": "x86_64", "x64": "x86_64", "arm64": "aarch64"}


class Installer(QObject):
    progress = pyqtSignal(int)  # per cent
    installed = pyqtSignal(str)  # the program
    failed = pyqtSignal(object)  # a Trouble

    def __init__(self, parent=None):
        super().__init__(parent)
        self.reply = None

    @property
    def busy(self):
        return self.reply is not None

    def download(self):
        """Asks the index which file is for this computer, then fetches that. Returns at once."""
        if not self.busy:
            self._get(INDEX, self._choose)

    def stop(self):
        reply, self.reply = self.reply, None
        if reply is not None:
            reply.abort()

    def from_file(self, path):
        """A wheel that somebody was given."""
        try:
            with open(path, "rb") as f:
                self._unpack(f.read())
        except OSError as e:
            self.failed.emit(not_installed(tr("{file} cannot be read.").format(file=path), e.strerror))

    def _get(self, address, then):
        request = QNetworkRequest(QUrl(address))
        request.setAttribute(QNetworkRequest.Attribute.RedirectPolicyAttribute, QNetworkRequest.RedirectPolicy.NoLessSafeRedirectPolicy)
        # The cache of QGIS is for maps.
        request.setAttribute(QNetworkRequest.Attribute.CacheSaveControlAttribute, False)
        request.setAttribute(QNetworkRequest.Attribute.CacheLoadControlAttribute, QNetworkRequest.CacheLoadControl.AlwaysNetwork)
        reply = self.reply = QgsNetworkAccessManager.instance().get(request)
        reply.downloadProgress.connect(self._progress)
        reply.finished.connect(lambda: self._came(reply, then))

    def _progress(self, so_far, of):
        if of > 0:
            self.progress.emit(int(100 * so_far / of))

    def _came(self, reply, then):
        reply.deleteLater()
        if reply is not self.reply:
            return  # It was stopped.
        self.reply = None
        if reply.error() == QNetworkReply.NetworkError.NoError:
            then(bytes(reply.readAll()))
        elif reply.error() == QNetworkReply.NetworkError.ContentNotFoundError:
            self.failed.emit(not_installed(tr("geokeep was not found at {place}.").format(place=reply.url().host()), "", tr("Whoever gave you this plugin may have the program as a file, geokeep-….whl: “I have it: where…” takes it as it is.")))
        else:
            self.failed.emit(not_installed(tr("geokeep could not be downloaded from {place}.").format(place=reply.url().host()), reply.errorString()))

    def _choose(self, content):
        try:
            files = [(str(f["filename"]), str(f["url"]), str(f["digests"]["sha256"])) for f in json.loads(content.decode("utf-8"))["urls"]]
        except (ValueError, KeyError, TypeError):
            self.failed.emit(not_installed(tr("The index of Python packages gave no answer that can be read.")))
            return
        mine = next((f for f in files if runs_here(f[0])), None)
        if mine is None:
            computer = "%s %s" % (platform.system(), platform.machine())
            self.failed.emit(not_installed(tr("There is no geokeep for this kind of computer ({computer}) yet.").format(computer=computer)))
            return
        self._get(mine[1], lambda wheel: self._check(wheel, mine[2]))

    def _check(self, wheel, sha256):
        if hashlib.sha256(wheel).hexdigest() != sha256.lower():
            self.failed.emit(not_installed(tr("What was downloaded is not what the index promises; it is not used."), "", tr("Try again. If it stays so, something between here and there changes what is downloaded.")))
        else:
            self._unpack(wheel)

    def _unpack(self, wheel):
        try:
            version, program = program_in(wheel)
            path = os.path.join(folder(), version, EXE)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path + ".new", "wb") as f:
                f.write(program)
            os.chmod(path + ".new", 0o700)
            os.replace(path + ".new", path)
        except NotOurs:
            self.failed.emit(not_installed(tr("This file does not have the program geokeep in it for this kind of computer.")))
        except OSError as e:
            self.failed.emit(not_installed(tr("The program could not be written to {folder}.").format(folder=folder()), e.strerror))
        else:
            self.installed.emit(path)


class NotOurs(Exception):
    """A file without the program in it."""


def program_in(wheel):
    """(version, the program) out of the bytes of a wheel."""
    try:
        with zipfile.ZipFile(io.BytesIO(wheel)) as archive:
            for name in archive.namelist():
                found = re.fullmatch(r"geokeep-([0-9][0-9A-Za-z.+]*)\.data/scripts/%s" % re.escape(EXE), name)
                if found:
                    return found.group(1), archive.read(name)
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as e:
        raise NotOurs from e
    raise NotOurs


def folder():
    return os.path.join(QgsApplication.qgisSettingsDirPath(), "geokeep", "program")


def own():
    """The programs that were installed here, the newest first."""
    try:
        versions = os.listdir(folder())
    except OSError:
        return []
    versions.sort(key=lambda v: [int(n) for n in re.findall(r"\d+", v)], reverse=True)
    return [os.path.join(folder(), version, EXE) for version in versions]


def runs_here(wheel):
    """Whether a wheel of this name is for this computer. Its last part lists platforms: `manylinux_2_17_x86_64.manylinux2014_x86_64`."""
    return wheel.endswith(".whl") and any(is_this(tag) for tag in wheel[:-4].rsplit("-", 1)[-1].split("."))


def is_this(tag):
    machine = MACHINES.get(platform.machine().lower(), platform.machine().lower())
    if os.name == "nt":
        return {"win_amd64": "x86_64", "win_arm64": "aarch64", "win32": "x86"}.get(tag) == machine
    system, version = ("macosx", numbers(platform.mac_ver()[0])) if sys.platform == "darwin" else ("manylinux", glibc())
    found = re.fullmatch(system + r"_(\d+)_(\d+)_(\w+)", tag.replace("manylinux2014_", "manylinux_2_17_"))
    if found is None or (int(found.group(1)), int(found.group(2))) > version:
        return False
    return MACHINES.get(found.group(3), found.group(3)) in (machine, "universal2")


def glibc():
    """(0, 0) where there is none, as on Alpine."""
    try:
        name, version = os.confstr("CS_GNU_LIBC_VERSION").split()
    except (AttributeError, ValueError, OSError):
        return 0, 0
    return numbers(version) if name == "glibc" else (0, 0)


def numbers(version):
    found = [int(n) for n in re.findall(r"\d+", version)[:2]]
    return tuple(found + [0] * (2 - len(found)))


def not_installed(message, cause="", hint=""):
    return Trouble("not_installed", message, cause or "", tr("Nothing was changed."), hint or tr("“How to install it” tells other ways."))
