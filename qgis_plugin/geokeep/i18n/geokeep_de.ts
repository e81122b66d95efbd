<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de" sourcelanguage="en">
<context>
    <name>geokeep</name>
    <message>
        <source>Where should backups go?</source>
        <translation>Wo sollen Sicherungen liegen?</translation>
    </message>
    <message>
        <source>The program geokeep</source>
        <translation>Das Programm geokeep</translation>
    </message>
    <message>
        <source>Nothing is different.</source>
        <translation>Nichts ist anders.</translation>
    </message>
    <message>
        <source>1 feature is back in the edit session. Look at it, then save, or undo.</source>
        <translation>1 Objekt ist wieder in der Bearbeitungssitzung. Ansehen, dann speichern oder rückgängig machen.</translation>
    </message>
    <message>
        <source>{n} features are back in the edit session. Look at them, then save, or undo.</source>
        <translation>{n} Objekte sind wieder in der Bearbeitungssitzung. Ansehen, dann speichern oder rückgängig machen.</translation>
    </message>
    <message>
        <source>{equal} features are back; {n} could not be written by QGIS as they were.</source>
        <translation>{equal} Objekte sind wieder da; {n} konnte QGIS nicht so schreiben, wie sie waren.</translation>
    </message>
    <message>
        <source>Write them exactly</source>
        <translation>Genau so schreiben</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>Rückgängig</translation>
    </message>
    <message>
        <source>The layer “{layer}” becomes what it was {time}. Features that were added since are deleted, and changes are undone. A backup is made first, and the step can be undone.</source>
        <translation>Der Layer „{layer}“ wird wieder, wie er war ({time}). Objekte, die seitdem hinzukamen, werden gelöscht, Änderungen rückgängig gemacht. Vorher wird gesichert, und der Schritt lässt sich rückgängig machen.</translation>
    </message>
    <message>
        <source>Save this version as a file…</source>
        <translation>Diese Version als Datei speichern…</translation>
    </message>
    <message>
        <source>{file} is written.</source>
        <translation>{file} ist geschrieben.</translation>
    </message>
    <message>
        <source>The whole file {file} becomes what it was {time}, with all of its layers, styles and projects ({n} layers of this project). What is there now is backed up first. Close the file in all other programs.</source>
        <translation>Die ganze Datei {file} wird wieder, wie sie war ({time}), mit allen Layern, Stilen und Projekten ({n} Layer dieses Projekts). Was jetzt darin ist, wird vorher gesichert. Schließen Sie die Datei in allen anderen Programmen.</translation>
    </message>
    <message>
        <source>Restore</source>
        <translation>Wiederherstellen</translation>
    </message>
    <message>
        <source>Pin</source>
        <translation>Anheften</translation>
    </message>
    <message>
        <source>Why it is kept (may be left empty):</source>
        <translation>Warum sie bleibt (darf leer sein):</translation>
    </message>
    <message>
        <source>Removed on purpose</source>
        <translation>Mit Absicht entfernt</translation>
    </message>
    <message>
        <source>Why (may be left empty):</source>
        <translation>Warum (darf leer sein):</translation>
    </message>
    <message>
        <source>The backup is whole, to the last byte.</source>
        <translation>Die Sicherung ist unversehrt, bis zum letzten Byte.</translation>
    </message>
    <message>
        <source>{n} backups are whole, to the last byte.</source>
        <translation>{n} Sicherungen sind unversehrt, bis zum letzten Byte.</translation>
    </message>
    <message>
        <source>There are no backups of files of this computer in the folder.</source>
        <translation>In dem Ordner sind keine Sicherungen von Dateien dieses Computers.</translation>
    </message>
    <message>
        <source>Another file…</source>
        <translation>Andere Datei…</translation>
    </message>
    <message>
        <source>Show the backups of:</source>
        <translation>Sicherungen zeigen von:</translation>
    </message>
    <message>
        <source>{file} is as it was.</source>
        <translation>{file} ist wieder, wie es war.</translation>
    </message>
    <message>
        <source>The layer “{layer}” is back in {file}.</source>
        <translation>Der Layer „{layer}“ ist wieder in {file}.</translation>
    </message>
    <message>
        <source>1 feature was written.</source>
        <translation>1 Objekt wurde geschrieben.</translation>
    </message>
    <message>
        <source>{n} features were written.</source>
        <translation>{n} Objekte wurden geschrieben.</translation>
    </message>
    <message>
        <source>geokeep ended with code {code}.</source>
        <translation>geokeep endete mit Code {code}.</translation>
    </message>
    <message>
        <source>Folder of backups</source>
        <translation>Ordner der Sicherungen</translation>
    </message>
    <message>
        <source>Back up GeoPackages</source>
        <translation>GeoPackages sichern</translation>
    </message>
    <message>
        <source>Makes a backup of the GeoPackage of each layer, and of further files, folders and projects, whoever has them open, and proves that each copy is whole. What has not changed since its last backup is left out.</source>
        <translation>Sichert das GeoPackage jedes Layers und weitere Dateien, Ordner und Projekte, wer auch immer sie offen hat, und weist nach, dass jede Kopie ganz ist. Was sich seit der letzten Sicherung nicht geändert hat, wird ausgelassen.</translation>
    </message>
    <message>
        <source>Layers</source>
        <translation>Layer</translation>
    </message>
    <message>
        <source>Files, folders, projects or patterns, one a line</source>
        <translation>Dateien, Ordner, Projekte oder Muster, eines je Zeile</translation>
    </message>
    <message>
        <source>Note</source>
        <translation>Notiz</translation>
    </message>
    <message>
        <source>Saved</source>
        <translation>Gesichert</translation>
    </message>
    <message>
        <source>Unchanged</source>
        <translation>Unverändert</translation>
    </message>
    <message>
        <source>Failed</source>
        <translation>Fehlgeschlagen</translation>
    </message>
    <message>
        <source>Archives</source>
        <translation>Archive</translation>
    </message>
    <message>
        <source>“{layer}” is no layer of a local GeoPackage.</source>
        <translation>„{layer}“ ist kein Layer eines lokalen GeoPackage.</translation>
    </message>
    <message>
        <source>There is nothing to back up: no layer lies in a local GeoPackage.</source>
        <translation>Es gibt nichts zu sichern: kein Layer liegt in einem lokalen GeoPackage.</translation>
    </message>
    <message>
        <source>{file} has lost something since an earlier backup.</source>
        <translation>{file} hat seit einer früheren Sicherung etwas verloren.</translation>
    </message>
    <message>
        <source>Check backups</source>
        <translation>Sicherungen prüfen</translation>
    </message>
    <message>
        <source>Checks that backups are still whole, to the last byte: all of a folder, or one by its name or id.</source>
        <translation>Prüft, ob Sicherungen noch unversehrt sind, bis zum letzten Byte: alle eines Ordners, oder eine nach Name oder Kennung.</translation>
    </message>
    <message>
        <source>Name or id (empty: all backups)</source>
        <translation>Name oder Kennung (leer: alle Sicherungen)</translation>
    </message>
    <message>
        <source>every byte</source>
        <translation>jedes Byte</translation>
    </message>
    <message>
        <source>every byte, and the rules of SQLite and GeoPackage</source>
        <translation>jedes Byte und die Regeln von SQLite und GeoPackage</translation>
    </message>
    <message>
        <source>all of it, by restoring for a test</source>
        <translation>alles davon, durch Wiederherstellen zur Probe</translation>
    </message>
    <message>
        <source>How thorough</source>
        <translation>Wie gründlich</translation>
    </message>
    <message>
        <source>Whole</source>
        <translation>Unversehrt</translation>
    </message>
    <message>
        <source>Damaged</source>
        <translation>Beschädigt</translation>
    </message>
    <message>
        <source>Restore a file from a backup</source>
        <translation>Datei aus einer Sicherung wiederherstellen</translation>
    </message>
    <message>
        <source>Writes a GeoPackage as it was: NAME for the newest sound backup, NAME@2026-11-20 for that of a day, or an id. Nothing that exists is replaced.</source>
        <translation>Schreibt ein GeoPackage, wie es war: NAME für die neueste einwandfreie Sicherung, NAME@2026-11-20 für die eines Tages, oder eine Kennung. Nichts, was es gibt, wird ersetzt.</translation>
    </message>
    <message>
        <source>Name, NAME@DATE, or id</source>
        <translation>Name, NAME@DATUM oder Kennung</translation>
    </message>
    <message>
        <source>Restored file</source>
        <translation>Wiederhergestellte Datei</translation>
    </message>
    <message>
        <source>Compare with a backup</source>
        <translation>Mit einer Sicherung vergleichen</translation>
    </message>
    <message>
        <source>What differs between two backups, or between a backup and a file: counted, and as layers that QGIS shows coloured.</source>
        <translation>Was sich zwischen zwei Sicherungen oder zwischen einer Sicherung und einer Datei unterscheidet: gezählt, und als Layer, die QGIS farbig zeigt.</translation>
    </message>
    <message>
        <source>Before: a name, NAME@DATE, an id, or a file</source>
        <translation>Vorher: ein Name, NAME@DATUM, eine Kennung oder eine Datei</translation>
    </message>
    <message>
        <source>After: the same (empty: the file as it is now)</source>
        <translation>Nachher: ebenso (leer: die Datei, wie sie jetzt ist)</translation>
    </message>
    <message>
        <source>Only this layer</source>
        <translation>Nur dieser Layer</translation>
    </message>
    <message>
        <source>Changes</source>
        <translation>Änderungen</translation>
    </message>
    <message>
        <source>Fail if anything differs</source>
        <translation>Scheitern, wenn etwas anders ist</translation>
    </message>
    <message>
        <source>Added</source>
        <translation>Hinzugekommen</translation>
    </message>
    <message>
        <source>Deleted</source>
        <translation>Gelöscht</translation>
    </message>
    <message>
        <source>Changed</source>
        <translation>Geändert</translation>
    </message>
    <message>
        <source>Nothing differs</source>
        <translation>Nichts ist anders</translation>
    </message>
    <message>
        <source>Not everything could be compared.</source>
        <translation>Nicht alles konnte verglichen werden.</translation>
    </message>
    <message>
        <source>Something differs.</source>
        <translation>Etwas ist anders.</translation>
    </message>
    <message>
        <source>This version cannot be read.</source>
        <translation>Diese Version kann nicht gelesen werden.</translation>
    </message>
    <message>
        <source>Other versions are not touched by that.</source>
        <translation>Andere Versionen berührt das nicht.</translation>
    </message>
    <message>
        <source>Is the folder of backups there? “Check backups” says more.</source>
        <translation>Ist der Ordner der Sicherungen da? „Sicherungen prüfen“ sagt mehr.</translation>
    </message>
    <message>
        <source>{file} is backed up ({size}, sound).</source>
        <translation>{file} ist gesichert ({size}, einwandfrei).</translation>
    </message>
    <message>
        <source>{file} is damaged.</source>
        <translation>{file} ist beschädigt.</translation>
    </message>
    <message>
        <source>The newest sound backup is of {time}.</source>
        <translation>Die neueste einwandfreie Sicherung ist von {time}.</translation>
    </message>
    <message>
        <source>There is no sound backup of it.</source>
        <translation>Es gibt keine einwandfreie Sicherung davon.</translation>
    </message>
    <message>
        <source>Show</source>
        <translation>Zeigen</translation>
    </message>
    <message>
        <source>Nothing is backed up: the folder of backups is not there.</source>
        <translation>Es wird nichts gesichert: Der Ordner der Sicherungen ist nicht da.</translation>
    </message>
    <message>
        <source>The folder of backups is there again. Backups go on.</source>
        <translation>Der Ordner der Sicherungen ist wieder da. Es wird wieder gesichert.</translation>
    </message>
    <message>
        <source>{layer}: changes since {time}</source>
        <translation>{layer}: Änderungen seit {time}</translation>
    </message>
    <message>
        <source>{layer}: changes from {time} to {later}</source>
        <translation>{layer}: Änderungen von {time} bis {later}</translation>
    </message>
    <message>
        <source>The changes could not be shown.</source>
        <translation>Die Änderungen konnten nicht gezeigt werden.</translation>
    </message>
    <message>
        <source>Nothing was changed.</source>
        <translation>Nichts wurde geändert.</translation>
    </message>
    <message>
        <source>A backup of {files} is being made.</source>
        <translation>{files} wird gerade gesichert.</translation>
    </message>
    <message>
        <source>QGIS closes by itself when it is done. If you leave now, the backup goes on without QGIS.</source>
        <translation>QGIS schließt von selbst, wenn sie fertig ist. Wenn Sie jetzt gehen, geht die Sicherung ohne QGIS weiter.</translation>
    </message>
    <message>
        <source>Leave</source>
        <translation>Beenden</translation>
    </message>
    <message>
        <source>geokeep, the program that makes the backups, is not installed.</source>
        <translation>geokeep, das Programm, das die Sicherungen macht, ist nicht installiert.</translation>
    </message>
    <message>
        <source>It was not found in any of the usual places.</source>
        <translation>Es wurde an keinem der üblichen Orte gefunden.</translation>
    </message>
    <message>
        <source>Until then nothing is backed up.</source>
        <translation>Bis dahin wird nichts gesichert.</translation>
    </message>
    <message>
        <source>Install it: pip install geokeep</source>
        <translation>So wird es installiert: pip install geokeep</translation>
    </message>
    <message>
        <source>geokeep was ended before it was done.</source>
        <translation>geokeep wurde beendet, bevor es fertig war.</translation>
    </message>
    <message>
        <source>Backups that were made before are whole.</source>
        <translation>Sicherungen von vorher sind unversehrt.</translation>
    </message>
    <message>
        <source>It is tried again at the next save.</source>
        <translation>Beim nächsten Speichern wird es wieder versucht.</translation>
    </message>
    <message>
        <source>It was stopped.</source>
        <translation>Es wurde angehalten.</translation>
    </message>
    <message>
        <source>See the log panel, tab “geokeep”.</source>
        <translation>Mehr im Protokollfenster, Reiter „geokeep“.</translation>
    </message>
    <message>
        <source>The layer could not be compared.</source>
        <translation>Der Layer konnte nicht verglichen werden.</translation>
    </message>
    <message>
        <source>its number is taken</source>
        <translation>seine Nummer ist vergeben</translation>
    </message>
    <message>
        <source>this layer does not show it</source>
        <translation>dieser Layer zeigt es nicht</translation>
    </message>
    <message>
        <source>“{field}” must have a value</source>
        <translation>„{field}“ muss einen Wert haben</translation>
    </message>
    <message>
        <source>another feature has the same “{field}”</source>
        <translation>ein anderes Objekt hat dasselbe „{field}“</translation>
    </message>
    <message>
        <source>QGIS does not let this layer be edited.</source>
        <translation>QGIS lässt diesen Layer nicht bearbeiten.</translation>
    </message>
    <message>
        <source>The old version could not be read to its end.</source>
        <translation>Die alte Version konnte nicht bis zum Ende gelesen werden.</translation>
    </message>
    <message>
        <source>QGIS did not take the features.</source>
        <translation>QGIS hat die Objekte nicht angenommen.</translation>
    </message>
    <message>
        <source>QGIS did not take the old values.</source>
        <translation>QGIS hat die alten Werte nicht angenommen.</translation>
    </message>
    <message>
        <source>QGIS did not take the old geometry.</source>
        <translation>QGIS hat die alte Geometrie nicht angenommen.</translation>
    </message>
    <message>
        <source>History of this feature</source>
        <translation>Geschichte dieses Objekts</translation>
    </message>
    <message>
        <source>History of a feature</source>
        <translation>Geschichte eines Objekts</translation>
    </message>
    <message>
        <source>Reading the versions…</source>
        <translation>Die Versionen werden gelesen…</translation>
    </message>
    <message>
        <source>Version</source>
        <translation>Version</translation>
    </message>
    <message>
        <source>What was different then</source>
        <translation>Was damals anders war</translation>
    </message>
    <message>
        <source>Restore…</source>
        <translation>Wiederherstellen…</translation>
    </message>
    <message>
        <source>Feature {fid} of “{layer}”</source>
        <translation>Objekt {fid} von „{layer}“</translation>
    </message>
    <message>
        <source>The feature is the same in all versions.</source>
        <translation>Das Objekt ist in allen Versionen gleich.</translation>
    </message>
    <message>
        <source>Versions in which it was different, newest first:</source>
        <translation>Versionen, in denen es anders war, die neueste zuerst:</translation>
    </message>
    <message>
        <source>it was not there</source>
        <translation>es war nicht da</translation>
    </message>
    <message>
        <source>it was there: {values}</source>
        <translation>es war da: {values}</translation>
    </message>
    <message>
        <source>another geometry</source>
        <translation>eine andere Geometrie</translation>
    </message>
    <message>
        <source>{file} no longer exists.</source>
        <translation>{file} gibt es nicht mehr.</translation>
    </message>
    <message>
        <source>Bring the file back</source>
        <translation>Datei zurückholen</translation>
    </message>
    <message>
        <source>The layer “{layer}” is no longer in the file.</source>
        <translation>Der Layer „{layer}“ ist nicht mehr in der Datei.</translation>
    </message>
    <message>
        <source>{n} layers that backups have are no longer in the file.</source>
        <translation>{n} Layer, die in Sicherungen sind, sind nicht mehr in der Datei.</translation>
    </message>
    <message>
        <source>Bring the layer back</source>
        <translation>Layer zurückholen</translation>
    </message>
    <message>
        <source>Bring a layer back</source>
        <translation>Einen Layer zurückholen</translation>
    </message>
    <message>
        <source>as it was {time}</source>
        <translation>wie sie war: {time}</translation>
    </message>
    <message>
        <source>1 feature</source>
        <translation>1 Objekt</translation>
    </message>
    <message>
        <source>{n} features</source>
        <translation>{n} Objekte</translation>
    </message>
    <message>
        <source>{file} cannot be read.</source>
        <translation>{file} kann nicht gelesen werden.</translation>
    </message>
    <message>
        <source>geokeep was not found at {place}.</source>
        <translation>geokeep wurde auf {place} nicht gefunden.</translation>
    </message>
    <message>
        <source>Whoever gave you this plugin may have the program as a file, geokeep-….whl: “I have it: where…” takes it as it is.</source>
        <translation>Wer Ihnen diese Erweiterung gegeben hat, hat das Programm vielleicht als Datei, geokeep-….whl: „Ich habe es: wo…“ nimmt sie, wie sie ist.</translation>
    </message>
    <message>
        <source>geokeep could not be downloaded from {place}.</source>
        <translation>geokeep konnte nicht von {place} geladen werden.</translation>
    </message>
    <message>
        <source>The index of Python packages gave no answer that can be read.</source>
        <translation>Das Verzeichnis der Python-Pakete gab keine lesbare Antwort.</translation>
    </message>
    <message>
        <source>There is no geokeep for this kind of computer ({computer}) yet.</source>
        <translation>Für diese Art von Computer ({computer}) gibt es geokeep noch nicht.</translation>
    </message>
    <message>
        <source>What was downloaded is not what the index promises; it is not used.</source>
        <translation>Was geladen wurde, ist nicht, was das Verzeichnis verspricht; es wird nicht verwendet.</translation>
    </message>
    <message>
        <source>Try again. If it stays so, something between here and there changes what is downloaded.</source>
        <translation>Versuchen Sie es noch einmal. Bleibt es so, verändert etwas auf dem Weg hierher, was geladen wird.</translation>
    </message>
    <message>
        <source>This file does not have the program geokeep in it for this kind of computer.</source>
        <translation>In dieser Datei ist kein Programm geokeep für diese Art von Computer.</translation>
    </message>
    <message>
        <source>The program could not be written to {folder}.</source>
        <translation>Das Programm konnte nicht in {folder} geschrieben werden.</translation>
    </message>
    <message>
        <source>“How to install it” tells other ways.</source>
        <translation>„Wie man es installiert“ nennt andere Wege.</translation>
    </message>
    <message>
        <source>{layer} lost {n} features.</source>
        <translation>{layer} hat {n} Objekte verloren.</translation>
    </message>
    <message>
        <source>Show them</source>
        <translation>Zeigen</translation>
    </message>
    <message>
        <source>Backups</source>
        <translation>Sicherungen</translation>
    </message>
    <message>
        <source>Choose a folder…</source>
        <translation>Ordner wählen…</translation>
    </message>
    <message>
        <source>Back up</source>
        <translation>Sichern</translation>
    </message>
    <message>
        <source>when editing starts</source>
        <translation>wenn eine Bearbeitung beginnt</translation>
    </message>
    <message>
        <source>after each save</source>
        <translation>nach jedem Speichern</translation>
    </message>
    <message>
        <source>when the project is saved: the project, and what it shows</source>
        <translation>wenn das Projekt gespeichert wird: das Projekt und was es zeigt</translation>
    </message>
    <message>
        <source>when QGIS closes</source>
        <translation>wenn QGIS schließt</translation>
    </message>
    <message>
        <source>{n} %</source>
        <translation>{n} %</translation>
    </message>
    <message>
        <source>Alarm if a layer loses more than</source>
        <translation>Warnen, wenn ein Layer mehr verliert als</translation>
    </message>
    <message>
        <source>Remove old backups</source>
        <translation>Alte Sicherungen entfernen</translation>
    </message>
    <message>
        <source>Unticked: every backup stays, until the disk is full</source>
        <translation>Ohne Haken: jede Sicherung bleibt, bis der Datenträger voll ist</translation>
    </message>
    <message>
        <source>All of the last two days stay, pinned ones, and the last one before a loss. Of older ones:</source>
        <translation>Alle der letzten zwei Tage bleiben, auch angeheftete und die letzte vor einem Verlust. Von älteren:</translation>
    </message>
    <message>
        <source>one a day, {n} times</source>
        <translation>eine je Tag, {n}-mal</translation>
    </message>
    <message>
        <source>one a week, {n} times</source>
        <translation>eine je Woche, {n}-mal</translation>
    </message>
    <message>
        <source>one a month, {n} times</source>
        <translation>eine je Monat, {n}-mal</translation>
    </message>
    <message>
        <source>Time of the nightly backup</source>
        <translation>Uhrzeit der nächtlichen Sicherung</translation>
    </message>
    <message>
        <source>Set up</source>
        <translation>Einrichten</translation>
    </message>
    <message>
        <source>Asking…</source>
        <translation>Wird gefragt…</translation>
    </message>
    <message>
        <source>Every night, whether QGIS runs or not</source>
        <translation>Jede Nacht, ob QGIS läuft oder nicht</translation>
    </message>
    <message>
        <source>at</source>
        <translation>um</translation>
    </message>
    <message>
        <source>not found</source>
        <translation>nicht gefunden</translation>
    </message>
    <message>
        <source>Program</source>
        <translation>Programm</translation>
    </message>
    <message>
        <source>Choose the program…</source>
        <translation>Programm wählen…</translation>
    </message>
    <message>
        <source>Find</source>
        <translation>Suchen</translation>
    </message>
    <message>
        <source>Look in all the usual places again</source>
        <translation>An allen üblichen Orten noch einmal suchen</translation>
    </message>
    <message>
        <source>geokeep {version}, {place}</source>
        <translation>geokeep {version}, {place}</translation>
    </message>
    <message>
        <source>Not chosen: nothing is backed up.</source>
        <translation>Nicht gewählt: nichts wird gesichert.</translation>
    </message>
    <message>
        <source>It is not there now.</source>
        <translation>Er ist jetzt nicht da.</translation>
    </message>
    <message>
        <source>On the same disk as the maps: if it fails, both are gone.</source>
        <translation>Auf demselben Datenträger wie die Karten: fällt er aus, ist beides weg.</translation>
    </message>
    <message>
        <source>On another disk than the maps.</source>
        <translation>Auf einem anderen Datenträger als die Karten.</translation>
    </message>
    <message>
        <source>Back up before and after each edit</source>
        <translation>Vor und nach jeder Bearbeitung sichern</translation>
    </message>
    <message>
        <source>Also every night, whether QGIS runs or not</source>
        <translation>Auch jede Nacht, ob QGIS läuft oder nicht</translation>
    </message>
    <message>
        <source>Best on another disk than the maps.</source>
        <translation>Am besten auf einem anderen Datenträger als die Karten.</translation>
    </message>
    <message>
        <source>Each GeoPackage of the project is backed up at once. Backups never hold up a save.</source>
        <translation>Jedes GeoPackage des Projekts wird sofort gesichert. Sicherungen halten kein Speichern auf.</translation>
    </message>
    <message>
        <source>Get geokeep</source>
        <translation>geokeep holen</translation>
    </message>
    <message>
        <source>Downloads it from pypi.org (about 6 MB) into the folder of this QGIS profile. Nothing else on this computer is changed.</source>
        <translation>Lädt es von pypi.org (etwa 6 MB) in den Ordner dieses QGIS-Profils. Sonst wird an diesem Computer nichts verändert.</translation>
    </message>
    <message>
        <source>The command that installs it</source>
        <translation>Der Befehl, der es installiert</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>Kopieren</translation>
    </message>
    <message>
        <source>I have it: where…</source>
        <translation>Ich habe es: wo…</translation>
    </message>
    <message>
        <source>The program, or the file geokeep-….whl that you were given</source>
        <translation>Das Programm oder die Datei geokeep-….whl, die man Ihnen gegeben hat</translation>
    </message>
    <message>
        <source>Look again</source>
        <translation>Noch einmal suchen</translation>
    </message>
    <message>
        <source>In a terminal:</source>
        <translation>In einem Terminal:</translation>
    </message>
    <message>
        <source>How to install it</source>
        <translation>Wie man es installiert</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Abbrechen</translation>
    </message>
    <message>
        <source>&amp;Back up now</source>
        <translation>Jetzt &amp;sichern</translation>
    </message>
    <message>
        <source>Make a backup of this file now, if it has changed since the last one</source>
        <translation>Diese Datei jetzt sichern, wenn sie sich seit dem letzten Mal geändert hat</translation>
    </message>
    <message>
        <source>&amp;Show as layer</source>
        <translation>Als &amp;Layer zeigen</translation>
    </message>
    <message>
        <source>Show this version on the map, over the layer as it is now</source>
        <translation>Diese Version auf der Karte zeigen, über dem Layer, wie er jetzt ist</translation>
    </message>
    <message>
        <source>&amp;Restore…</source>
        <translation>&amp;Wiederherstellen…</translation>
    </message>
    <message>
        <source>Bring back what is lost or changed since this version</source>
        <translation>Zurückholen, was seit dieser Version verloren oder geändert ist</translation>
    </message>
    <message>
        <source>More</source>
        <translation>Mehr</translation>
    </message>
    <message>
        <source>Show as layer</source>
        <translation>Als Layer zeigen</translation>
    </message>
    <message>
        <source>What has changed since</source>
        <translation>Was sich seitdem geändert hat</translation>
    </message>
    <message>
        <source>What changed between the two</source>
        <translation>Was sich zwischen den beiden geändert hat</translation>
    </message>
    <message>
        <source>Bring back the whole layer as it was…</source>
        <translation>Den ganzen Layer zurückholen, wie er war…</translation>
    </message>
    <message>
        <source>Replace the whole file with this version…</source>
        <translation>Die ganze Datei durch diese Version ersetzen…</translation>
    </message>
    <message>
        <source>What is missing was removed on purpose…</source>
        <translation>Was fehlt, wurde mit Absicht entfernt…</translation>
    </message>
    <message>
        <source>Pin, so that it is never removed…</source>
        <translation>Anheften, damit sie nie entfernt wird…</translation>
    </message>
    <message>
        <source>Unpin</source>
        <translation>Nicht mehr anheften</translation>
    </message>
    <message>
        <source>Check this backup</source>
        <translation>Diese Sicherung prüfen</translation>
    </message>
    <message>
        <source>Report in the browser</source>
        <translation>Bericht im Browser</translation>
    </message>
    <message>
        <source>Remove old versions from the map</source>
        <translation>Alte Versionen von der Karte nehmen</translation>
    </message>
    <message>
        <source>Options…</source>
        <translation>Optionen…</translation>
    </message>
    <message>
        <source>Help</source>
        <translation>Hilfe</translation>
    </message>
    <message>
        <source>Select a layer of a GeoPackage to see its versions.</source>
        <translation>Wählen Sie einen Layer eines GeoPackage, um seine Versionen zu sehen.</translation>
    </message>
    <message>
        <source>This version does not have the layer “{layer}”.</source>
        <translation>Diese Version hat den Layer „{layer}“ nicht.</translation>
    </message>
    <message>
        <source>geokeep {version} is too old for this plugin.</source>
        <translation>geokeep {version} ist zu alt für diese Erweiterung.</translation>
    </message>
    <message>
        <source>It does not know all that the plugin asks of it.</source>
        <translation>Es kann nicht alles, was die Erweiterung braucht.</translation>
    </message>
    <message>
        <source>Install a newer one: pip install --upgrade geokeep</source>
        <translation>Ein neueres installieren: pip install --upgrade geokeep</translation>
    </message>
    <message>
        <source>This version cannot be read by QGIS.</source>
        <translation>QGIS kann diese Version nicht lesen.</translation>
    </message>
    <message>
        <source>“Write them exactly” does not need QGIS for it.</source>
        <translation>„Genau so schreiben“ kommt ohne QGIS aus.</translation>
    </message>
    <message>
        <source>Restore 1 feature</source>
        <translation>1 Objekt wiederherstellen</translation>
    </message>
    <message>
        <source>Restore {n} features</source>
        <translation>{n} Objekte wiederherstellen</translation>
    </message>
    <message>
        <source>A layer of this file is being edited.</source>
        <translation>Ein Layer dieser Datei wird gerade bearbeitet.</translation>
    </message>
    <message>
        <source>Save or end the edit session first.</source>
        <translation>Speichern oder beenden Sie zuerst die Bearbeitung.</translation>
    </message>
    <message>
        <source>Restore of “{layer}” from {time}</source>
        <translation>„{layer}“ wiederherstellen, Stand: {time}</translation>
    </message>
    <message>
        <source>Comparing with the file as it is now…</source>
        <translation>Wird mit der Datei verglichen, wie sie jetzt ist…</translation>
    </message>
    <message>
        <source>The features come back into the edit session. Look at them, then save, or undo.</source>
        <translation>Die Objekte kommen in die Bearbeitungssitzung zurück. Ansehen, dann speichern oder rückgängig machen.</translation>
    </message>
    <message>
        <source>geokeep writes them into the file itself, to the last bit, after a backup. Only while nothing of the file is edited.</source>
        <translation>geokeep schreibt sie selbst in die Datei, bis aufs letzte Bit, nach einer Sicherung. Nur solange nichts aus der Datei bearbeitet wird.</translation>
    </message>
    <message>
        <source>The features have other numbers now than in this version, so that it is not known which is which. Show the version as a layer, and copy what you need.</source>
        <translation>Die Objekte haben jetzt andere Nummern als in dieser Version, sodass nicht bekannt ist, welches welches ist. Zeigen Sie die Version als Layer und kopieren Sie, was Sie brauchen.</translation>
    </message>
    <message>
        <source>{n} features are lost or changed: too many for an edit session.</source>
        <translation>{n} Objekte sind verloren oder geändert: zu viele für eine Bearbeitungssitzung.</translation>
    </message>
    <message>
        <source>what is lost: 1 feature</source>
        <translation>was verloren ist: 1 Objekt</translation>
    </message>
    <message>
        <source>what is lost: {n} features</source>
        <translation>was verloren ist: {n} Objekte</translation>
    </message>
    <message>
        <source>lost and changed: 1 feature</source>
        <translation>verloren und geändert: 1 Objekt</translation>
    </message>
    <message>
        <source>lost and changed: {n} features</source>
        <translation>verloren und geändert: {n} Objekte</translation>
    </message>
    <message>
        <source>only my selection: 1 feature</source>
        <translation>nur meine Auswahl: 1 Objekt</translation>
    </message>
    <message>
        <source>only my selection: {n} features</source>
        <translation>nur meine Auswahl: {n} Objekte</translation>
    </message>
    <message>
        <source>only my selection: nothing of it is lost or changed</source>
        <translation>nur meine Auswahl: nichts davon ist verloren oder geändert</translation>
    </message>
    <message>
        <source>only this feature</source>
        <translation>nur dieses Objekt</translation>
    </message>
    <message>
        <source>only these {n} features</source>
        <translation>nur diese {n} Objekte</translation>
    </message>
    <message>
        <source>Nothing is lost or changed since this version.</source>
        <translation>Seit dieser Version ist nichts verloren oder geändert.</translation>
    </message>
    <message>
        <source>{fid} cannot come back: {reason}.</source>
        <translation>{fid} kann nicht zurückkommen: {reason}.</translation>
    </message>
    <message>
        <source>… and {n} more.</source>
        <translation>… und {n} weitere.</translation>
    </message>
    <message>
        <source>Not set up.</source>
        <translation>Nicht eingerichtet.</translation>
    </message>
    <message>
        <source>Set up, next at {time}.</source>
        <translation>Eingerichtet, das nächste Mal: {time}.</translation>
    </message>
    <message>
        <source>Set up.</source>
        <translation>Eingerichtet.</translation>
    </message>
    <message>
        <source>Another schedule is set up; it stays as it is.</source>
        <translation>Ein anderer Zeitplan ist eingerichtet; er bleibt, wie er ist.</translation>
    </message>
    <message>
        <source>Choose a folder of backups and open a project first.</source>
        <translation>Wählen Sie zuerst einen Ordner der Sicherungen und öffnen Sie ein Projekt.</translation>
    </message>
    <message>
        <source>Another schedule is set up; it stays as it is. Add these lines to its geokeep.toml; they are in the clipboard.</source>
        <translation>Ein anderer Zeitplan ist eingerichtet; er bleibt, wie er ist. Fügen Sie diese Zeilen zu seiner geokeep.toml hinzu; sie sind in der Zwischenablage.</translation>
    </message>
    <message>
        <source>Written by the plugin geokeep of QGIS; changes are lost.</source>
        <translation>Geschrieben von der Erweiterung geokeep von QGIS; Änderungen gehen verloren.</translation>
    </message>
    <message>
        <source>Set up: every night at {time}.</source>
        <translation>Eingerichtet: jede Nacht um {time}.</translation>
    </message>
    <message>
        <source>being backed up…</source>
        <translation>wird gesichert…</translation>
    </message>
    <message>
        <source>being backed up… {n} %</source>
        <translation>wird gesichert… {n} %</translation>
    </message>
    <message>
        <source>not backed up yet</source>
        <translation>noch nicht gesichert</translation>
    </message>
    <message>
        <source>the file is damaged; its backup is as it is</source>
        <translation>die Datei ist beschädigt; ihre Sicherung ist wie sie</translation>
    </message>
    <message>
        <source>safe: backed up {age}, sound</source>
        <translation>sicher: gesichert {age}, einwandfrei</translation>
    </message>
    <message>
        <source>safe: backed up {age}, sound, unchanged since</source>
        <translation>sicher: gesichert {age}, einwandfrei, seitdem unverändert</translation>
    </message>
    <message>
        <source>something was lost since an earlier version</source>
        <translation>seit einer früheren Version ist etwas verloren</translation>
    </message>
    <message>
        <source>1 layer has edits that are not saved yet</source>
        <translation>1 Layer hat Änderungen, die noch nicht gespeichert sind</translation>
    </message>
    <message>
        <source>{n} layers have edits that are not saved yet</source>
        <translation>{n} Layer haben Änderungen, die noch nicht gespeichert sind</translation>
    </message>
    <message>
        <source>no folder of backups is chosen</source>
        <translation>kein Ordner der Sicherungen ist gewählt</translation>
    </message>
    <message>
        <source>no GeoPackage in this project</source>
        <translation>kein GeoPackage in diesem Projekt</translation>
    </message>
    <message>
        <source>1 file is safe</source>
        <translation>1 Datei ist sicher</translation>
    </message>
    <message>
        <source>all {n} files are safe</source>
        <translation>alle {n} Dateien sind sicher</translation>
    </message>
    <message>
        <source>{n} of {of} files cannot be backed up</source>
        <translation>{n} von {of} Dateien können nicht gesichert werden</translation>
    </message>
    <message>
        <source>{n} of {of} files are being backed up</source>
        <translation>{n} von {of} Dateien werden gesichert</translation>
    </message>
    <message>
        <source>{n} of {of} files need a look</source>
        <translation>{n} von {of} Dateien sollten angesehen werden</translation>
    </message>
    <message>
        <source>{n} of {of} files are not backed up yet</source>
        <translation>{n} von {of} Dateien sind noch nicht gesichert</translation>
    </message>
    <message>
        <source>Backups: {state}</source>
        <translation>Sicherungen: {state}</translation>
    </message>
    <message>
        <source>Versions of this layer</source>
        <translation>Versionen dieses Layers</translation>
    </message>
    <message>
        <source>Features</source>
        <translation>Objekte</translation>
    </message>
    <message>
        <source>Features more or fewer than in the version before</source>
        <translation>Objekte mehr oder weniger als in der Version davor</translation>
    </message>
    <message>
        <source>something was lost</source>
        <translation>etwas ist verloren</translation>
    </message>
    <message>
        <source>pinned: {reason}</source>
        <translation>angeheftet: {reason}</translation>
    </message>
    <message>
        <source>pinned</source>
        <translation>angeheftet</translation>
    </message>
    <message>
        <source>sound</source>
        <translation>einwandfrei</translation>
    </message>
    <message>
        <source>damaged</source>
        <translation>beschädigt</translation>
    </message>
    <message>
        <source>cannot be read</source>
        <translation>nicht lesbar</translation>
    </message>
    <message>
        <source>did not pass its last check</source>
        <translation>hat die letzte Prüfung nicht bestanden</translation>
    </message>
    <message>
        <source>of another user</source>
        <translation>eines anderen Benutzers</translation>
    </message>
    <message>
        <source>{size}, {verdict}</source>
        <translation>{size}, {verdict}</translation>
    </message>
    <message>
        <source>backup {id}</source>
        <translation>Sicherung {id}</translation>
    </message>
    <message>
        <source>today {time}</source>
        <translation>heute {time}</translation>
    </message>
    <message>
        <source>yesterday {time}</source>
        <translation>gestern {time}</translation>
    </message>
    <message>
        <source>1 day ago</source>
        <translation>vor 1 Tag</translation>
    </message>
    <message>
        <source>{n} days ago</source>
        <translation>vor {n} Tagen</translation>
    </message>
    <message>
        <source>1 hour ago</source>
        <translation>vor 1 Stunde</translation>
    </message>
    <message>
        <source>{n} hours ago</source>
        <translation>vor {n} Stunden</translation>
    </message>
    <message>
        <source>1 minute ago</source>
        <translation>vor 1 Minute</translation>
    </message>
    <message>
        <source>{n} minutes ago</source>
        <translation>vor {n} Minuten</translation>
    </message>
    <message>
        <source>just now</source>
        <translation>gerade eben</translation>
    </message>
    <message>
        <source>first backup</source>
        <translation>erste Sicherung</translation>
    </message>
    <message>
        <source>opened in QGIS</source>
        <translation>in QGIS geöffnet</translation>
    </message>
    <message>
        <source>after a restore</source>
        <translation>nach dem Wiederherstellen</translation>
    </message>
    <message>
        <source>before editing</source>
        <translation>vor der Bearbeitung</translation>
    </message>
    <message>
        <source>after save</source>
        <translation>nach dem Speichern</translation>
    </message>
    <message>
        <source>by hand</source>
        <translation>von Hand</translation>
    </message>
    <message>
        <source>found changed</source>
        <translation>geändert vorgefunden</translation>
    </message>
    <message>
        <source>project saved</source>
        <translation>Projekt gespeichert</translation>
    </message>
    <message>
        <source>QGIS closed</source>
        <translation>QGIS geschlossen</translation>
    </message>
    <message>
        <source>The folder of backups is not there: {folder}. Nothing is backed up until it is back.</source>
        <translation>Der Ordner der Sicherungen ist nicht da: {folder}. Bis er wieder da ist, wird nichts gesichert.</translation>
    </message>
</context>
</TS>
