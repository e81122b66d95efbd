"""What must come out: state by state, method by method. This is data; `judge.py` holds what the words mean.

SAVED    a backup, sound, equal to one committed state, taken without a trace
LOCKED   nothing saved, error kind `source_locked`, exit code 20, after waiting as long as was asked
HONEST   either SAVED, or nothing saved and a typed error: the method cannot always do it and must say so

`auto` and `pages` follow the table of the design; the other methods are asked for by people who know what they cost,
so wherever the design leaves open what such a method does, HONEST is enough: silently saving something else never is.
In every cell the source must lie there as before, and the other program must get what it wants.
"""

SAVED, LOCKED, HONEST = "saved", "locked", "honest"
METHODS = ("auto", "pages", "online", "vacuum", "copy", "ogr")


def row(auto, takes=None, **others):
    """`auto` is expected of every method that is not named; `takes` is the method that auto must choose."""
    cells = {method: others.get(method, auto) for method in METHODS}
    return {"cells": cells, "takes": takes}


# The dead: auto recovers a private copy; a method that is asked for by name may refuse.
DEAD = dict(pages=HONEST, online=HONEST, vacuum=HONEST, ogr=HONEST)

TABLE = {
    # QGIS
    "Q1": row(SAVED, takes="pages"),
    "Q2": row(SAVED, takes="pages"),
    "Q3": row(SAVED, takes="pages", copy=HONEST, ogr=HONEST),
    "Q3s": row(SAVED, pages=HONEST, online=HONEST, vacuum=HONEST, copy=HONEST, ogr=HONEST),
    "Q3t": row(SAVED, takes="pages", copy=HONEST, ogr=HONEST),
    "Q4": row(SAVED, takes="pages"),
    "Q5": row(SAVED, takes="pages"),
    "Q6": row(SAVED, takes="pages"),
    "Q7": row(SAVED, takes="pages"),
    # programs that died
    "K1": row(SAVED, takes="pages", online=HONEST, vacuum=HONEST, ogr=HONEST),
    "K2": row(SAVED, takes="pages", online=HONEST, vacuum=HONEST, ogr=HONEST),
    "K3": row(SAVED, takes="pages", online=HONEST, vacuum=HONEST, ogr=HONEST),
    "K4": row(SAVED, takes="copy", **DEAD),
    "K5": row(SAVED, takes="copy", **DEAD),
    "H1": row(SAVED, takes="copy", **DEAD),
    "H2": row(SAVED, takes="pages", online=HONEST, vacuum=HONEST, ogr=HONEST),
    "H3": row(SAVED, takes="copy", **DEAD),
    "H4": row(SAVED, takes="pages", online=HONEST, vacuum=HONEST, ogr=HONEST),
    # transactions held open
    "W1": row(SAVED, takes="pages"),
    "W2": row(SAVED, takes="pages"),
    "W3": row(LOCKED),
    "W3r": row(SAVED, takes="pages"),
    "W4": row(SAVED, takes="pages"),
    "W5": row(LOCKED),
    "W6": row(LOCKED),
    # at work
    "C1": row(SAVED, takes="pages", online=HONEST, copy=HONEST, ogr=HONEST),
    "C2": row(SAVED, takes="pages", online=HONEST, copy=HONEST, ogr=HONEST),
    "C3": row(SAVED, takes="pages"),
    "J1": row(SAVED, pages=HONEST, online=HONEST, vacuum=HONEST, copy=HONEST, ogr=HONEST),
    "V1": row(SAVED, takes="pages", online=HONEST, vacuum=HONEST, copy=HONEST, ogr=HONEST),
    "V2": row(SAVED, takes="pages", online=HONEST, copy=HONEST, ogr=HONEST),
    "R1": row(SAVED, online=HONEST, vacuum=HONEST, ogr=HONEST),
    "G1": row(SAVED, online=HONEST, vacuum=HONEST, ogr=HONEST),
    "G2": row(SAVED, online=HONEST, vacuum=HONEST, copy=HONEST, ogr=HONEST),
    # something happens in the midst of the read
    "T1": row(SAVED, takes="pages", online=HONEST, vacuum=HONEST, copy=HONEST, ogr=HONEST),
    "T2": row(SAVED, takes="pages", copy=HONEST, ogr=HONEST),
    "T3": row(SAVED, online=HONEST, vacuum=HONEST, copy=HONEST, ogr=HONEST),
    "T4": row(SAVED, pages=HONEST, online=HONEST, vacuum=HONEST, copy=HONEST, ogr=HONEST),
    # places
    "D0": row(SAVED, takes="pages"),
    "D1": row(SAVED, takes="pages", online=HONEST, vacuum=HONEST, ogr=HONEST),
    "D2": row(SAVED, takes="pages", online=HONEST, vacuum=HONEST, ogr=HONEST),
    "D3": row(SAVED, takes="pages", online=HONEST, vacuum=HONEST, ogr=HONEST),
    "D4": row(SAVED, takes="pages"),
    "D5": row(SAVED, takes="pages", ogr=HONEST, copy=HONEST),
    "M1": row(SAVED),
    "M2": row(SAVED, online=HONEST, vacuum=HONEST, ogr=HONEST),
    "M3": row(SAVED, takes="copy", **DEAD),
    "M4": row(SAVED, takes="copy", **DEAD),
    # names
    "S1": row(SAVED, takes="pages"),
    "S2": row(HONEST),
    "S3": row(SAVED),
    "N1": row(SAVED, takes="pages", ogr=HONEST),
}

# Where `cp` of the file gives something that was never committed, as `naive.CASES` show.
CP_IS_WRONG = ("Q6", "K3", "H1", "H3", "W5")

# What `--quick` runs: auto everywhere, and these.
QUICK = (("Q6", "copy"), ("H1", "copy"), ("H3", "copy"), ("W5", "copy"), ("C2", "pages"), ("C2", "online"), ("D1", "vacuum"), ("D0", "ogr"))
