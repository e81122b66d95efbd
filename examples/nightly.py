import geokeep, sys
run = geokeep.backup(["maps", "town.qgz"], to="/mnt/backup", check=False)
geokeep.forget("/mnt/backup", keep_daily=7, keep_weekly=5, keep_monthly=12)
for r in run.failed: print(r.source, r.error or r.alarms)
sys.exit(run.exit_code)
