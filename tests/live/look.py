"""Looking at a GeoPackage from outside, without SQLite and without any lock: header, sidecars, locks, fingerprint."""

import hashlib
import os

SIDECARS = ("-journal", "-wal", "-shm")
PENDING = 0x40000000
SHM_LOCKS = ("WRITE", "CKPT", "RECOVER", "READ0", "READ1", "READ2", "READ3", "READ4")


def mode(path):
    """'delete' or 'wal': bytes 18 and 19 of the header."""
    with open(path, "rb") as f:
        f.seek(18)
        return {b"\x01\x01": "delete", b"\x02\x02": "wal"}.get(f.read(2), "other")


def sidecars(path):
    """The sidecars that are there, with their sizes."""
    found = {}
    for suffix in SIDECARS:
        try:
            found[suffix] = os.stat(path + suffix).st_size
        except FileNotFoundError:
            pass
    return found


def _name(suffix, first, last):
    if suffix == "-shm":
        if first == 128:
            return "DMS"
        return "+".join(SHM_LOCKS[i - 120] for i in range(first, last + 1) if 120 <= i < 128)
    if first > PENDING + 1:
        return "SHARED"
    if first < PENDING:
        return "%d-%d" % (first, last)
    return {
        (True, True): "PENDING+RESERVED", (True, False): "PENDING", (False, True): "RESERVED",
    }[(first == PENDING, last == -1 or last >= PENDING + 1)] + ("+SHARED" if last == -1 or last > PENDING + 1 else "")


def locks(path):
    """The advisory locks that are held on the file and its sidecars: a set such as {'db:SHARED(R)', 'shm:WRITE(W)'}."""
    return {lock for lock, _ in held_locks(path)}


def held_locks(path):
    """The same, with the process that holds each."""
    inodes = {}
    for suffix in ("",) + SIDECARS:
        try:
            inodes[os.stat(path + suffix).st_ino] = suffix
        except FileNotFoundError:
            pass
    held = set()
    with open("/proc/locks") as f:
        for line in f:
            if "->" in line:
                continue
            words = line.split()
            suffix = inodes.get(int(words[5].split(":")[2]))
            if suffix is None:
                continue
            last = -1 if words[7] == "EOF" else int(words[7])
            name = "%s:%s(%s)" % (suffix.lstrip("-") or "db", _name(suffix, int(words[6]), last), words[3][0])
            held.add((name, int(words[4])))
    return held


def reads(session, path, by):
    """Whether a process of that session holds a lock on the file or its -shm (by="lock"), or has it open (by="open")."""
    try:
        if by == "lock":
            return any(os.getsid(pid) == session for _, pid in held_locks(path) if pid > 0)
        fds = "/proc/%d/fd" % session
        return any(os.readlink(os.path.join(fds, fd)) == path for fd in os.listdir(fds))
    except OSError:  # that process, or that descriptor, is gone
        return False


def fingerprint(folder):
    """Every file of a folder: inode, size, time of change, owner, rights, and the digest of its bytes.

    A symbolic link is taken as itself. The clock of the last access is left out: reading moves it.
    """
    prints = {}
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        stat = os.lstat(path)
        digest = ""
        if os.path.islink(path):
            digest = os.readlink(path)
        elif os.path.isfile(path):
            with open(path, "rb") as f:
                digest = hashlib.file_digest(f, "sha256").hexdigest()
        prints[name] = {
            "inode": stat.st_ino, "size": stat.st_size, "mtime": stat.st_mtime_ns,
            "owner": (stat.st_uid, stat.st_gid, stat.st_mode), "bytes": digest,
        }
    return prints


def differences(before, after, shm_may_move=False):
    """What another program did to a folder, in words. The -shm is memory: its mtime is no evidence, its bytes are."""
    found = []
    for name in sorted(set(before) | set(after)):
        if name not in before:
            found.append("%s appeared (%d bytes)" % (name, after[name]["size"]))
        elif name not in after:
            found.append("%s is gone" % name)
        else:
            moved = [k for k in before[name] if before[name][k] != after[name][k]]
            if name.endswith("-shm"):
                moved = [k for k in moved if k != "mtime" and not (k == "bytes" and shm_may_move)]
            if moved:
                found.append("%s: %s changed" % (name, ", ".join(moved)))
    return found
