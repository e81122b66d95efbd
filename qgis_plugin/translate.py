#!/usr/bin/env python3
"""Brings geokeep/i18n/*.ts up to date with the texts in the sources: what is new is unfinished, what is gone goes.

    qgis_plugin/translate.py            updates the files
    qgis_plugin/translate.py --check    says what would change or is not translated; exit code 1 if anything would change
"""

import ast
import os
import sys
from xml.etree import ElementTree  # nosec B405
from xml.sax.saxutils import escape  # nosec B406

HERE = os.path.dirname(os.path.abspath(__file__))
PLUGIN = os.path.join(HERE, "geokeep")
LANGUAGES = ("de", "es", "fr")


def texts():
    """Every literal in tr("…"), in order, once."""
    found = {}
    for name in sorted(os.listdir(PLUGIN)):
        if name.endswith(".py"):
            with open(os.path.join(PLUGIN, name), encoding="utf-8") as f:
                tree = ast.parse(f.read(), name)
            calls = [n for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "tr"]
            for call in sorted(calls, key=lambda n: (n.lineno, n.col_offset)):
                if isinstance(call.args[0], ast.Constant):
                    found[call.args[0].value] = True
    return list(found)


def translated(path):
    if not os.path.exists(path):
        return {}
    known = {}
    for message in ElementTree.parse(path).iter("message"):  # nosec B314
        translation = message.find("translation")
        if translation is not None and translation.text and translation.get("type") != "unfinished":
            known[message.findtext("source")] = translation.text
    return known


def document(language, known):
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<!DOCTYPE TS>", '<TS version="2.1" language="%s" sourcelanguage="en">' % language, "<context>", "    <name>geokeep</name>"]
    for text in texts():
        lines += ["    <message>", "        <source>%s</source>" % escape(text)]
        if text in known:
            lines.append("        <translation>%s</translation>" % escape(known[text]))
        else:
            lines.append('        <translation type="unfinished"></translation>')
        lines.append("    </message>")
    return "\n".join([*lines, "</context>", "</TS>"]) + "\n"


def main():
    check = "--check" in sys.argv[1:]
    stale = False
    for language in LANGUAGES:
        path = os.path.join(PLUGIN, "i18n", "geokeep_%s.ts" % language)
        known = translated(path)
        new = document(language, known)
        old = open(path, encoding="utf-8").read() if os.path.exists(path) else ""
        stale = stale or new != old
        missing = [text for text in texts() if text not in known]
        print("%s: %d of %d translated" % (language, len(texts()) - len(missing), len(texts())))
        if not check:
            with open(path, "w", encoding="utf-8") as f:
                f.write(new)
    if check and stale:
        sys.exit("the translations are not up to date: run qgis_plugin/translate.py")


if __name__ == "__main__":
    main()
