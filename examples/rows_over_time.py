#!/usr/bin/env python3
"""Prints the rows of each layer in each backup, as CSV: python3 examples/rows_over_time.py DEST > rows.csv"""

import csv
import json
import subprocess
import sys

process = subprocess.run(["geokeep", "list", "--from", sys.argv[1], "--json"], stdout=subprocess.PIPE, text=True)
table = csv.writer(sys.stdout)
table.writerow(["file", "made", "verdict", "layer", "rows"])
for line in process.stdout.splitlines():
    backup = json.loads(line)
    if backup["error"]:
        continue  # said in words on standard error
    for layer in backup["layers"] or []:
        table.writerow([backup["source"], backup["instant"], backup["verdict"], layer["name"], layer["rows"]])
sys.exit(process.returncode)  # 24: an archive cannot be read
