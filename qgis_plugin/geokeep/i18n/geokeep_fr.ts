<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="fr" sourcelanguage="en">
<context>
    <name>geokeep</name>
    <message>
        <source>Where should backups go?</source>
        <translation>Où mettre les sauvegardes ?</translation>
    </message>
    <message>
        <source>The program geokeep</source>
        <translation>Le programme geokeep</translation>
    </message>
    <message>
        <source>Nothing is different.</source>
        <translation>Rien n’a changé.</translation>
    </message>
    <message>
        <source>1 feature is back in the edit session. Look at it, then save, or undo.</source>
        <translation>1 entité est de retour dans la session d’édition. Vérifiez-la, puis enregistrez ou annulez.</translation>
    </message>
    <message>
        <source>{n} features are back in the edit session. Look at them, then save, or undo.</source>
        <translation>{n} entités sont de retour dans la session d’édition. Vérifiez-les, puis enregistrez ou annulez.</translation>
    </message>
    <message>
        <source>{equal} features are back; {n} could not be written by QGIS as they were.</source>
        <translation>{equal} entités sont de retour ; QGIS n’a pas pu en écrire {n} telles qu’elles étaient.</translation>
    </message>
    <message>
        <source>Write them exactly</source>
        <translation>Les écrire exactement</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>Annuler l’opération</translation>
    </message>
    <message>
        <source>The layer “{layer}” becomes what it was {time}. Features that were added since are deleted, and changes are undone. A backup is made first, and the step can be undone.</source>
        <translation>La couche « {layer} » redevient ce qu’elle était ({time}). Les entités ajoutées depuis sont supprimées et les modifications annulées. Une sauvegarde est faite avant, et l’opération peut être annulée.</translation>
    </message>
    <message>
        <source>Save this version as a file…</source>
        <translation>Enregistrer cette version dans un fichier…</translation>
    </message>
    <message>
        <source>{file} is written.</source>
        <translation>{file} est écrit.</translation>
    </message>
    <message>
        <source>The whole file {file} becomes what it was {time}, with all of its layers, styles and projects ({n} layers of this project). What is there now is backed up first. Close the file in all other programs.</source>
        <translation>Le fichier {file} tout entier redevient ce qu’il était ({time}), avec toutes ses couches, styles et projets ({n} couches de ce projet). Ce qu’il contient maintenant est d’abord sauvegardé. Fermez le fichier dans tous les autres programmes.</translation>
    </message>
    <message>
        <source>Restore</source>
        <translation>Restaurer</translation>
    </message>
    <message>
        <source>Pin</source>
        <translation>Épingler</translation>
    </message>
    <message>
        <source>Why it is kept (may be left empty):</source>
        <translation>Pourquoi elle est gardée (peut rester vide) :</translation>
    </message>
    <message>
        <source>Removed on purpose</source>
        <translation>Supprimé exprès</translation>
    </message>
    <message>
        <source>Why (may be left empty):</source>
        <translation>Pourquoi (peut rester vide) :</translation>
    </message>
    <message>
        <source>The backup is whole, to the last byte.</source>
        <translation>La sauvegarde est intacte, jusqu’au dernier octet.</translation>
    </message>
    <message>
        <source>{n} backups are whole, to the last byte.</source>
        <translation>{n} sauvegardes sont intactes, jusqu’au dernier octet.</translation>
    </message>
    <message>
        <source>There are no backups of files of this computer in the folder.</source>
        <translation>Le dossier ne contient aucune sauvegarde de fichiers de cet ordinateur.</translation>
    </message>
    <message>
        <source>Another file…</source>
        <translation>Autre fichier…</translation>
    </message>
    <message>
        <source>Show the backups of:</source>
        <translation>Montrer les sauvegardes de :</translation>
    </message>
    <message>
        <source>{file} is as it was.</source>
        <translation>{file} est comme avant.</translation>
    </message>
    <message>
        <source>The layer “{layer}” is back in {file}.</source>
        <translation>La couche « {layer} » est de retour dans {file}.</translation>
    </message>
    <message>
        <source>1 feature was written.</source>
        <translation>1 entité a été écrite.</translation>
    </message>
    <message>
        <source>{n} features were written.</source>
        <translation>{n} entités ont été écrites.</translation>
    </message>
    <message>
        <source>geokeep ended with code {code}.</source>
        <translation>geokeep s’est terminé avec le code {code}.</translation>
    </message>
    <message>
        <source>Folder of backups</source>
        <translation>Dossier des sauvegardes</translation>
    </message>
    <message>
        <source>Back up GeoPackages</source>
        <translation>Sauvegarder des GeoPackages</translation>
    </message>
    <message>
        <source>Makes a backup of the GeoPackage of each layer, and of further files, folders and projects, whoever has them open, and proves that each copy is whole. What has not changed since its last backup is left out.</source>
        <translation>Sauvegarde le GeoPackage de chaque couche, et d’autres fichiers, dossiers et projets, quel que soit le programme qui les a ouverts, et prouve que chaque copie est complète. Ce qui n’a pas changé depuis la dernière sauvegarde est laissé de côté.</translation>
    </message>
    <message>
        <source>Layers</source>
        <translation>Couches</translation>
    </message>
    <message>
        <source>Files, folders, projects or patterns, one a line</source>
        <translation>Fichiers, dossiers, projets ou motifs, un par ligne</translation>
    </message>
    <message>
        <source>Note</source>
        <translation>Note</translation>
    </message>
    <message>
        <source>Saved</source>
        <translation>Sauvegardés</translation>
    </message>
    <message>
        <source>Unchanged</source>
        <translation>Inchangés</translation>
    </message>
    <message>
        <source>Failed</source>
        <translation>Échoués</translation>
    </message>
    <message>
        <source>Archives</source>
        <translation>Archives</translation>
    </message>
    <message>
        <source>“{layer}” is no layer of a local GeoPackage.</source>
        <translation>« {layer} » n’est pas une couche d’un GeoPackage local.</translation>
    </message>
    <message>
        <source>There is nothing to back up: no layer lies in a local GeoPackage.</source>
        <translation>Il n’y a rien à sauvegarder : aucune couche ne se trouve dans un GeoPackage local.</translation>
    </message>
    <message>
        <source>{file} has lost something since an earlier backup.</source>
        <translation>{file} a perdu quelque chose depuis une sauvegarde antérieure.</translation>
    </message>
    <message>
        <source>Check backups</source>
        <translation>Vérifier les sauvegardes</translation>
    </message>
    <message>
        <source>Checks that backups are still whole, to the last byte: all of a folder, or one by its name or id.</source>
        <translation>Vérifie que les sauvegardes sont encore intactes, jusqu’au dernier octet : toutes celles d’un dossier, ou une seule par son nom ou son identifiant.</translation>
    </message>
    <message>
        <source>Name or id (empty: all backups)</source>
        <translation>Nom ou identifiant (vide : toutes les sauvegardes)</translation>
    </message>
    <message>
        <source>every byte</source>
        <translation>chaque octet</translation>
    </message>
    <message>
        <source>every byte, and the rules of SQLite and GeoPackage</source>
        <translation>chaque octet, et les règles de SQLite et de GeoPackage</translation>
    </message>
    <message>
        <source>all of it, by restoring for a test</source>
        <translation>tout cela, par une restauration d’essai</translation>
    </message>
    <message>
        <source>How thorough</source>
        <translation>Niveau de vérification</translation>
    </message>
    <message>
        <source>Whole</source>
        <translation>Intactes</translation>
    </message>
    <message>
        <source>Damaged</source>
        <translation>Endommagées</translation>
    </message>
    <message>
        <source>Restore a file from a backup</source>
        <translation>Restaurer un fichier d’une sauvegarde</translation>
    </message>
    <message>
        <source>Writes a GeoPackage as it was: NAME for the newest sound backup, NAME@2026-11-20 for that of a day, or an id. Nothing that exists is replaced.</source>
        <translation>Écrit un GeoPackage tel qu’il était : NOM pour la dernière sauvegarde saine, NOM@2026-11-20 pour celle d’un jour, ou un identifiant. Rien de ce qui existe n’est remplacé.</translation>
    </message>
    <message>
        <source>Name, NAME@DATE, or id</source>
        <translation>Nom, NOM@DATE ou identifiant</translation>
    </message>
    <message>
        <source>Restored file</source>
        <translation>Fichier restauré</translation>
    </message>
    <message>
        <source>Compare with a backup</source>
        <translation>Comparer avec une sauvegarde</translation>
    </message>
    <message>
        <source>What differs between two backups, or between a backup and a file: counted, and as layers that QGIS shows coloured.</source>
        <translation>Ce qui diffère entre deux sauvegardes, ou entre une sauvegarde et un fichier : en nombres, et sous forme de couches que QGIS affiche en couleurs.</translation>
    </message>
    <message>
        <source>Before: a name, NAME@DATE, an id, or a file</source>
        <translation>Avant : un nom, NOM@DATE, un identifiant ou un fichier</translation>
    </message>
    <message>
        <source>After: the same (empty: the file as it is now)</source>
        <translation>Après : de même (vide : le fichier tel qu’il est maintenant)</translation>
    </message>
    <message>
        <source>Only this layer</source>
        <translation>Seulement cette couche</translation>
    </message>
    <message>
        <source>Changes</source>
        <translation>Modifications</translation>
    </message>
    <message>
        <source>Fail if anything differs</source>
        <translation>Échouer si quelque chose diffère</translation>
    </message>
    <message>
        <source>Added</source>
        <translation>Ajoutées</translation>
    </message>
    <message>
        <source>Deleted</source>
        <translation>Supprimées</translation>
    </message>
    <message>
        <source>Changed</source>
        <translation>Modifiées</translation>
    </message>
    <message>
        <source>Nothing differs</source>
        <translation>Rien ne diffère</translation>
    </message>
    <message>
        <source>Not everything could be compared.</source>
        <translation>Tout n’a pas pu être comparé.</translation>
    </message>
    <message>
        <source>Something differs.</source>
        <translation>Quelque chose diffère.</translation>
    </message>
    <message>
        <source>This version cannot be read.</source>
        <translation>Cette version ne peut pas être lue.</translation>
    </message>
    <message>
        <source>Other versions are not touched by that.</source>
        <translation>Les autres versions ne sont pas touchées.</translation>
    </message>
    <message>
        <source>Is the folder of backups there? “Check backups” says more.</source>
        <translation>Le dossier des sauvegardes est-il là ? « Vérifier les sauvegardes » en dit plus.</translation>
    </message>
    <message>
        <source>{file} is backed up ({size}, sound).</source>
        <translation>{file} est sauvegardé ({size}, sain).</translation>
    </message>
    <message>
        <source>{file} is damaged.</source>
        <translation>{file} est endommagé.</translation>
    </message>
    <message>
        <source>The newest sound backup is of {time}.</source>
        <translation>La dernière sauvegarde saine : {time}.</translation>
    </message>
    <message>
        <source>There is no sound backup of it.</source>
        <translation>Il n’en existe aucune sauvegarde saine.</translation>
    </message>
    <message>
        <source>Show</source>
        <translation>Afficher</translation>
    </message>
    <message>
        <source>Nothing is backed up: the folder of backups is not there.</source>
        <translation>Rien n’est sauvegardé : le dossier des sauvegardes n’est pas là.</translation>
    </message>
    <message>
        <source>The folder of backups is there again. Backups go on.</source>
        <translation>Le dossier des sauvegardes est de retour. Les sauvegardes reprennent.</translation>
    </message>
    <message>
        <source>{layer}: changes since {time}</source>
        <translation>{layer} : modifications depuis {time}</translation>
    </message>
    <message>
        <source>{layer}: changes from {time} to {later}</source>
        <translation>{layer} : modifications de {time} à {later}</translation>
    </message>
    <message>
        <source>The changes could not be shown.</source>
        <translation>Les modifications n’ont pas pu être affichées.</translation>
    </message>
    <message>
        <source>Nothing was changed.</source>
        <translation>Rien n’a été modifié.</translation>
    </message>
    <message>
        <source>A backup of {files} is being made.</source>
        <translation>Une sauvegarde de {files} est en cours.</translation>
    </message>
    <message>
        <source>QGIS closes by itself when it is done. If you leave now, the backup goes on without QGIS.</source>
        <translation>QGIS se ferme tout seul quand elle est terminée. Si vous quittez maintenant, la sauvegarde continue sans QGIS.</translation>
    </message>
    <message>
        <source>Leave</source>
        <translation>Quitter</translation>
    </message>
    <message>
        <source>geokeep, the program that makes the backups, is not installed.</source>
        <translation>geokeep, le programme qui fait les sauvegardes, n’est pas installé.</translation>
    </message>
    <message>
        <source>It was not found in any of the usual places.</source>
        <translation>Il n’a été trouvé à aucun des endroits habituels.</translation>
    </message>
    <message>
        <source>Until then nothing is backed up.</source>
        <translation>D’ici là, rien n’est sauvegardé.</translation>
    </message>
    <message>
        <source>Install it: pip install geokeep</source>
        <translation>Pour l’installer : pip install geokeep</translation>
    </message>
    <message>
        <source>geokeep was ended before it was done.</source>
        <translation>geokeep a été arrêté avant d’avoir terminé.</translation>
    </message>
    <message>
        <source>Backups that were made before are whole.</source>
        <translation>Les sauvegardes faites avant sont intactes.</translation>
    </message>
    <message>
        <source>It is tried again at the next save.</source>
        <translation>Un nouvel essai aura lieu au prochain enregistrement.</translation>
    </message>
    <message>
        <source>It was stopped.</source>
        <translation>Il a été arrêté.</translation>
    </message>
    <message>
        <source>See the log panel, tab “geokeep”.</source>
        <translation>Voir le journal des messages, onglet « geokeep ».</translation>
    </message>
    <message>
        <source>The layer could not be compared.</source>
        <translation>La couche n’a pas pu être comparée.</translation>
    </message>
    <message>
        <source>its number is taken</source>
        <translation>son numéro est pris</translation>
    </message>
    <message>
        <source>this layer does not show it</source>
        <translation>cette couche ne l’affiche pas</translation>
    </message>
    <message>
        <source>“{field}” must have a value</source>
        <translation>« {field} » doit avoir une valeur</translation>
    </message>
    <message>
        <source>another feature has the same “{field}”</source>
        <translation>une autre entité a le même « {field} »</translation>
    </message>
    <message>
        <source>QGIS does not let this layer be edited.</source>
        <translation>QGIS ne permet pas de modifier cette couche.</translation>
    </message>
    <message>
        <source>The old version could not be read to its end.</source>
        <translation>L’ancienne version n’a pas pu être lue jusqu’au bout.</translation>
    </message>
    <message>
        <source>QGIS did not take the features.</source>
        <translation>QGIS n’a pas accepté les entités.</translation>
    </message>
    <message>
        <source>QGIS did not take the old values.</source>
        <translation>QGIS n’a pas accepté les anciennes valeurs.</translation>
    </message>
    <message>
        <source>QGIS did not take the old geometry.</source>
        <translation>QGIS n’a pas accepté l’ancienne géométrie.</translation>
    </message>
    <message>
        <source>History of this feature</source>
        <translation>Historique de cette entité</translation>
    </message>
    <message>
        <source>History of a feature</source>
        <translation>Historique d’une entité</translation>
    </message>
    <message>
        <source>Reading the versions…</source>
        <translation>Lecture des versions…</translation>
    </message>
    <message>
        <source>Version</source>
        <translation>Version</translation>
    </message>
    <message>
        <source>What was different then</source>
        <translation>Ce qui était différent alors</translation>
    </message>
    <message>
        <source>Restore…</source>
        <translation>Restaurer…</translation>
    </message>
    <message>
        <source>Feature {fid} of “{layer}”</source>
        <translation>Entité {fid} de « {layer} »</translation>
    </message>
    <message>
        <source>The feature is the same in all versions.</source>
        <translation>L’entité est la même dans toutes les versions.</translation>
    </message>
    <message>
        <source>Versions in which it was different, newest first:</source>
        <translation>Versions où elle était différente, la plus récente d’abord :</translation>
    </message>
    <message>
        <source>it was not there</source>
        <translation>elle n’existait pas</translation>
    </message>
    <message>
        <source>it was there: {values}</source>
        <translation>elle existait : {values}</translation>
    </message>
    <message>
        <source>another geometry</source>
        <translation>une autre géométrie</translation>
    </message>
    <message>
        <source>{file} no longer exists.</source>
        <translation>{file} n’existe plus.</translation>
    </message>
    <message>
        <source>Bring the file back</source>
        <translation>Récupérer le fichier</translation>
    </message>
    <message>
        <source>The layer “{layer}” is no longer in the file.</source>
        <translation>La couche « {layer} » n’est plus dans le fichier.</translation>
    </message>
    <message>
        <source>{n} layers that backups have are no longer in the file.</source>
        <translation>{n} couches présentes dans des sauvegardes ne sont plus dans le fichier.</translation>
    </message>
    <message>
        <source>Bring the layer back</source>
        <translation>Récupérer la couche</translation>
    </message>
    <message>
        <source>Bring a layer back</source>
        <translation>Récupérer une couche</translation>
    </message>
    <message>
        <source>as it was {time}</source>
        <translation>tel qu’il était : {time}</translation>
    </message>
    <message>
        <source>1 feature</source>
        <translation>1 entité</translation>
    </message>
    <message>
        <source>{n} features</source>
        <translation>{n} entités</translation>
    </message>
    <message>
        <source>{file} cannot be read.</source>
        <translation>{file} ne peut pas être lu.</translation>
    </message>
    <message>
        <source>geokeep was not found at {place}.</source>
        <translation>geokeep est introuvable sur {place}.</translation>
    </message>
    <message>
        <source>Whoever gave you this plugin may have the program as a file, geokeep-….whl: “I have it: where…” takes it as it is.</source>
        <translation>La personne qui vous a donné cette extension a peut-être le programme sous forme de fichier, geokeep-….whl : « Je l’ai : où… » le prend tel quel.</translation>
    </message>
    <message>
        <source>geokeep could not be downloaded from {place}.</source>
        <translation>geokeep n’a pas pu être téléchargé depuis {place}.</translation>
    </message>
    <message>
        <source>The index of Python packages gave no answer that can be read.</source>
        <translation>L’index des paquets Python n’a pas donné de réponse lisible.</translation>
    </message>
    <message>
        <source>There is no geokeep for this kind of computer ({computer}) yet.</source>
        <translation>Il n’y a pas encore de geokeep pour ce type d’ordinateur ({computer}).</translation>
    </message>
    <message>
        <source>What was downloaded is not what the index promises; it is not used.</source>
        <translation>Ce qui a été téléchargé n’est pas ce que promet l’index ; ce n’est pas utilisé.</translation>
    </message>
    <message>
        <source>Try again. If it stays so, something between here and there changes what is downloaded.</source>
        <translation>Réessayez. Si cela persiste, quelque chose en chemin modifie ce qui est téléchargé.</translation>
    </message>
    <message>
        <source>This file does not have the program geokeep in it for this kind of computer.</source>
        <translation>Ce fichier ne contient pas le programme geokeep pour ce type d’ordinateur.</translation>
    </message>
    <message>
        <source>The program could not be written to {folder}.</source>
        <translation>Le programme n’a pas pu être écrit dans {folder}.</translation>
    </message>
    <message>
        <source>“How to install it” tells other ways.</source>
        <translation>« Comment l’installer » indique d’autres façons.</translation>
    </message>
    <message>
        <source>{layer} lost {n} features.</source>
        <translation>{layer} a perdu {n} entités.</translation>
    </message>
    <message>
        <source>Show them</source>
        <translation>Les afficher</translation>
    </message>
    <message>
        <source>Backups</source>
        <translation>Sauvegardes</translation>
    </message>
    <message>
        <source>Choose a folder…</source>
        <translation>Choisir un dossier…</translation>
    </message>
    <message>
        <source>Back up</source>
        <translation>Sauvegarder</translation>
    </message>
    <message>
        <source>when editing starts</source>
        <translation>au début d’une édition</translation>
    </message>
    <message>
        <source>after each save</source>
        <translation>après chaque enregistrement</translation>
    </message>
    <message>
        <source>when the project is saved: the project, and what it shows</source>
        <translation>à l’enregistrement du projet : le projet et ce qu’il affiche</translation>
    </message>
    <message>
        <source>when QGIS closes</source>
        <translation>à la fermeture de QGIS</translation>
    </message>
    <message>
        <source>{n} %</source>
        <translation>{n} %</translation>
    </message>
    <message>
        <source>Alarm if a layer loses more than</source>
        <translation>Alerter si une couche perd plus de</translation>
    </message>
    <message>
        <source>Remove old backups</source>
        <translation>Supprimer les anciennes sauvegardes</translation>
    </message>
    <message>
        <source>Unticked: every backup stays, until the disk is full</source>
        <translation>Décoché : toutes les sauvegardes restent, jusqu’à ce que le disque soit plein</translation>
    </message>
    <message>
        <source>All of the last two days stay, pinned ones, and the last one before a loss. Of older ones:</source>
        <translation>Toutes celles des deux derniers jours restent, de même que les épinglées et la dernière avant une perte. Des plus anciennes :</translation>
    </message>
    <message>
        <source>one a day, {n} times</source>
        <translation>une par jour, {n} fois</translation>
    </message>
    <message>
        <source>one a week, {n} times</source>
        <translation>une par semaine, {n} fois</translation>
    </message>
    <message>
        <source>one a month, {n} times</source>
        <translation>une par mois, {n} fois</translation>
    </message>
    <message>
        <source>Time of the nightly backup</source>
        <translation>Heure de la sauvegarde nocturne</translation>
    </message>
    <message>
        <source>Set up</source>
        <translation>Programmer</translation>
    </message>
    <message>
        <source>Asking…</source>
        <translation>Demande en cours…</translation>
    </message>
    <message>
        <source>Every night, whether QGIS runs or not</source>
        <translation>Chaque nuit, que QGIS soit ouvert ou non</translation>
    </message>
    <message>
        <source>at</source>
        <translation>à</translation>
    </message>
    <message>
        <source>not found</source>
        <translation>introuvable</translation>
    </message>
    <message>
        <source>Program</source>
        <translation>Programme</translation>
    </message>
    <message>
        <source>Choose the program…</source>
        <translation>Choisir le programme…</translation>
    </message>
    <message>
        <source>Find</source>
        <translation>Chercher</translation>
    </message>
    <message>
        <source>Look in all the usual places again</source>
        <translation>Chercher à nouveau à tous les endroits habituels</translation>
    </message>
    <message>
        <source>geokeep {version}, {place}</source>
        <translation>geokeep {version}, {place}</translation>
    </message>
    <message>
        <source>Not chosen: nothing is backed up.</source>
        <translation>Non choisi : rien n’est sauvegardé.</translation>
    </message>
    <message>
        <source>It is not there now.</source>
        <translation>Il n’est pas là en ce moment.</translation>
    </message>
    <message>
        <source>On the same disk as the maps: if it fails, both are gone.</source>
        <translation>Sur le même disque que les cartes : s’il tombe en panne, tout est perdu.</translation>
    </message>
    <message>
        <source>On another disk than the maps.</source>
        <translation>Sur un autre disque que les cartes.</translation>
    </message>
    <message>
        <source>Back up before and after each edit</source>
        <translation>Sauvegarder avant et après chaque édition</translation>
    </message>
    <message>
        <source>Also every night, whether QGIS runs or not</source>
        <translation>Aussi chaque nuit, que QGIS soit ouvert ou non</translation>
    </message>
    <message>
        <source>Best on another disk than the maps.</source>
        <translation>De préférence sur un autre disque que les cartes.</translation>
    </message>
    <message>
        <source>Each GeoPackage of the project is backed up at once. Backups never hold up a save.</source>
        <translation>Chaque GeoPackage du projet est sauvegardé aussitôt. Les sauvegardes ne retardent jamais un enregistrement.</translation>
    </message>
    <message>
        <source>Get geokeep</source>
        <translation>Obtenir geokeep</translation>
    </message>
    <message>
        <source>Downloads it from pypi.org (about 6 MB) into the folder of this QGIS profile. Nothing else on this computer is changed.</source>
        <translation>Le télécharge depuis pypi.org (environ 6 Mo) dans le dossier de ce profil QGIS. Rien d’autre n’est modifié sur cet ordinateur.</translation>
    </message>
    <message>
        <source>The command that installs it</source>
        <translation>La commande qui l’installe</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>Copier</translation>
    </message>
    <message>
        <source>I have it: where…</source>
        <translation>Je l’ai : où…</translation>
    </message>
    <message>
        <source>The program, or the file geokeep-….whl that you were given</source>
        <translation>Le programme, ou le fichier geokeep-….whl que l’on vous a donné</translation>
    </message>
    <message>
        <source>Look again</source>
        <translation>Chercher à nouveau</translation>
    </message>
    <message>
        <source>In a terminal:</source>
        <translation>Dans un terminal :</translation>
    </message>
    <message>
        <source>How to install it</source>
        <translation>Comment l’installer</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Annuler</translation>
    </message>
    <message>
        <source>&amp;Back up now</source>
        <translation>&amp;Sauvegarder</translation>
    </message>
    <message>
        <source>Make a backup of this file now, if it has changed since the last one</source>
        <translation>Sauvegarder ce fichier maintenant, s’il a changé depuis la dernière fois</translation>
    </message>
    <message>
        <source>&amp;Show as layer</source>
        <translation>&amp;Afficher</translation>
    </message>
    <message>
        <source>Show this version on the map, over the layer as it is now</source>
        <translation>Afficher cette version sur la carte, par-dessus la couche actuelle</translation>
    </message>
    <message>
        <source>&amp;Restore…</source>
        <translation>&amp;Restaurer…</translation>
    </message>
    <message>
        <source>Bring back what is lost or changed since this version</source>
        <translation>Récupérer ce qui a été perdu ou modifié depuis cette version</translation>
    </message>
    <message>
        <source>More</source>
        <translation>Plus</translation>
    </message>
    <message>
        <source>Show as layer</source>
        <translation>Afficher comme couche</translation>
    </message>
    <message>
        <source>What has changed since</source>
        <translation>Ce qui a changé depuis</translation>
    </message>
    <message>
        <source>What changed between the two</source>
        <translation>Ce qui a changé entre les deux</translation>
    </message>
    <message>
        <source>Bring back the whole layer as it was…</source>
        <translation>Rétablir toute la couche telle qu’elle était…</translation>
    </message>
    <message>
        <source>Replace the whole file with this version…</source>
        <translation>Remplacer tout le fichier par cette version…</translation>
    </message>
    <message>
        <source>What is missing was removed on purpose…</source>
        <translation>Ce qui manque a été supprimé exprès…</translation>
    </message>
    <message>
        <source>Pin, so that it is never removed…</source>
        <translation>Épingler, pour qu’elle ne soit jamais supprimée…</translation>
    </message>
    <message>
        <source>Unpin</source>
        <translation>Désépingler</translation>
    </message>
    <message>
        <source>Check this backup</source>
        <translation>Vérifier cette sauvegarde</translation>
    </message>
    <message>
        <source>Report in the browser</source>
        <translation>Rapport dans le navigateur</translation>
    </message>
    <message>
        <source>Remove old versions from the map</source>
        <translation>Retirer les anciennes versions de la carte</translation>
    </message>
    <message>
        <source>Options…</source>
        <translation>Options…</translation>
    </message>
    <message>
        <source>Help</source>
        <translation>Aide</translation>
    </message>
    <message>
        <source>Select a layer of a GeoPackage to see its versions.</source>
        <translation>Choisissez une couche d’un GeoPackage pour voir ses versions.</translation>
    </message>
    <message>
        <source>This version does not have the layer “{layer}”.</source>
        <translation>Cette version n’a pas la couche « {layer} ».</translation>
    </message>
    <message>
        <source>geokeep {version} is too old for this plugin.</source>
        <translation>geokeep {version} est trop ancien pour cette extension.</translation>
    </message>
    <message>
        <source>It does not know all that the plugin asks of it.</source>
        <translation>Il ne connaît pas tout ce que l’extension demande.</translation>
    </message>
    <message>
        <source>Install a newer one: pip install --upgrade geokeep</source>
        <translation>Installez-en un plus récent : pip install --upgrade geokeep</translation>
    </message>
    <message>
        <source>This version cannot be read by QGIS.</source>
        <translation>QGIS ne peut pas lire cette version.</translation>
    </message>
    <message>
        <source>“Write them exactly” does not need QGIS for it.</source>
        <translation>« Les écrire exactement » n’a pas besoin de QGIS.</translation>
    </message>
    <message>
        <source>Restore 1 feature</source>
        <translation>Restaurer 1 entité</translation>
    </message>
    <message>
        <source>Restore {n} features</source>
        <translation>Restaurer {n} entités</translation>
    </message>
    <message>
        <source>A layer of this file is being edited.</source>
        <translation>Une couche de ce fichier est en cours d’édition.</translation>
    </message>
    <message>
        <source>Save or end the edit session first.</source>
        <translation>Enregistrez ou terminez d’abord l’édition.</translation>
    </message>
    <message>
        <source>Restore of “{layer}” from {time}</source>
        <translation>Restauration de « {layer} » : {time}</translation>
    </message>
    <message>
        <source>Comparing with the file as it is now…</source>
        <translation>Comparaison avec le fichier tel qu’il est maintenant…</translation>
    </message>
    <message>
        <source>The features come back into the edit session. Look at them, then save, or undo.</source>
        <translation>Les entités reviennent dans la session d’édition. Vérifiez-les, puis enregistrez ou annulez.</translation>
    </message>
    <message>
        <source>geokeep writes them into the file itself, to the last bit, after a backup. Only while nothing of the file is edited.</source>
        <translation>geokeep les écrit lui-même dans le fichier, au bit près, après une sauvegarde. Seulement tant que rien du fichier n’est en cours d’édition.</translation>
    </message>
    <message>
        <source>The features have other numbers now than in this version, so that it is not known which is which. Show the version as a layer, and copy what you need.</source>
        <translation>Les entités ont maintenant d’autres numéros que dans cette version ; on ne sait donc pas laquelle est laquelle. Affichez la version comme couche et copiez ce dont vous avez besoin.</translation>
    </message>
    <message>
        <source>{n} features are lost or changed: too many for an edit session.</source>
        <translation>{n} entités sont perdues ou modifiées : c’est trop pour une session d’édition.</translation>
    </message>
    <message>
        <source>what is lost: 1 feature</source>
        <translation>ce qui est perdu : 1 entité</translation>
    </message>
    <message>
        <source>what is lost: {n} features</source>
        <translation>ce qui est perdu : {n} entités</translation>
    </message>
    <message>
        <source>lost and changed: 1 feature</source>
        <translation>perdu et modifié : 1 entité</translation>
    </message>
    <message>
        <source>lost and changed: {n} features</source>
        <translation>perdu et modifié : {n} entités</translation>
    </message>
    <message>
        <source>only my selection: 1 feature</source>
        <translation>seulement ma sélection : 1 entité</translation>
    </message>
    <message>
        <source>only my selection: {n} features</source>
        <translation>seulement ma sélection : {n} entités</translation>
    </message>
    <message>
        <source>only my selection: nothing of it is lost or changed</source>
        <translation>seulement ma sélection : rien n’y est perdu ni modifié</translation>
    </message>
    <message>
        <source>only this feature</source>
        <translation>seulement cette entité</translation>
    </message>
    <message>
        <source>only these {n} features</source>
        <translation>seulement ces {n} entités</translation>
    </message>
    <message>
        <source>Nothing is lost or changed since this version.</source>
        <translation>Rien n’est perdu ni modifié depuis cette version.</translation>
    </message>
    <message>
        <source>{fid} cannot come back: {reason}.</source>
        <translation>{fid} ne peut pas revenir : {reason}.</translation>
    </message>
    <message>
        <source>… and {n} more.</source>
        <translation>… et {n} de plus.</translation>
    </message>
    <message>
        <source>Not set up.</source>
        <translation>Non programmé.</translation>
    </message>
    <message>
        <source>Set up, next at {time}.</source>
        <translation>Programmé, prochaine fois : {time}.</translation>
    </message>
    <message>
        <source>Set up.</source>
        <translation>Programmé.</translation>
    </message>
    <message>
        <source>Another schedule is set up; it stays as it is.</source>
        <translation>Une autre planification existe ; elle reste telle quelle.</translation>
    </message>
    <message>
        <source>Choose a folder of backups and open a project first.</source>
        <translation>Choisissez d’abord un dossier des sauvegardes et ouvrez un projet.</translation>
    </message>
    <message>
        <source>Another schedule is set up; it stays as it is. Add these lines to its geokeep.toml; they are in the clipboard.</source>
        <translation>Une autre planification existe ; elle reste telle quelle. Ajoutez ces lignes à son geokeep.toml ; elles sont dans le presse-papiers.</translation>
    </message>
    <message>
        <source>Written by the plugin geokeep of QGIS; changes are lost.</source>
        <translation>Écrit par l’extension geokeep de QGIS ; les modifications seront perdues.</translation>
    </message>
    <message>
        <source>Set up: every night at {time}.</source>
        <translation>Programmé : chaque nuit à {time}.</translation>
    </message>
    <message>
        <source>being backed up…</source>
        <translation>sauvegarde en cours…</translation>
    </message>
    <message>
        <source>being backed up… {n} %</source>
        <translation>sauvegarde en cours… {n} %</translation>
    </message>
    <message>
        <source>not backed up yet</source>
        <translation>pas encore sauvegardé</translation>
    </message>
    <message>
        <source>the file is damaged; its backup is as it is</source>
        <translation>le fichier est endommagé ; sa sauvegarde est comme lui</translation>
    </message>
    <message>
        <source>safe: backed up {age}, sound</source>
        <translation>en sûreté : sauvegardé {age}, sain</translation>
    </message>
    <message>
        <source>safe: backed up {age}, sound, unchanged since</source>
        <translation>en sûreté : sauvegardé {age}, sain, inchangé depuis</translation>
    </message>
    <message>
        <source>something was lost since an earlier version</source>
        <translation>quelque chose est perdu depuis une version antérieure</translation>
    </message>
    <message>
        <source>1 layer has edits that are not saved yet</source>
        <translation>1 couche a des modifications pas encore enregistrées</translation>
    </message>
    <message>
        <source>{n} layers have edits that are not saved yet</source>
        <translation>{n} couches ont des modifications pas encore enregistrées</translation>
    </message>
    <message>
        <source>no folder of backups is chosen</source>
        <translation>aucun dossier des sauvegardes n’est choisi</translation>
    </message>
    <message>
        <source>no GeoPackage in this project</source>
        <translation>aucun GeoPackage dans ce projet</translation>
    </message>
    <message>
        <source>1 file is safe</source>
        <translation>1 fichier est en sûreté</translation>
    </message>
    <message>
        <source>all {n} files are safe</source>
        <translation>les {n} fichiers sont en sûreté</translation>
    </message>
    <message>
        <source>{n} of {of} files cannot be backed up</source>
        <translation>{n} fichiers sur {of} ne peuvent pas être sauvegardés</translation>
    </message>
    <message>
        <source>{n} of {of} files are being backed up</source>
        <translation>sauvegarde de {n} fichiers sur {of} en cours</translation>
    </message>
    <message>
        <source>{n} of {of} files need a look</source>
        <translation>{n} fichiers sur {of} sont à examiner</translation>
    </message>
    <message>
        <source>{n} of {of} files are not backed up yet</source>
        <translation>{n} fichiers sur {of} pas encore sauvegardés</translation>
    </message>
    <message>
        <source>Backups: {state}</source>
        <translation>Sauvegardes : {state}</translation>
    </message>
    <message>
        <source>Versions of this layer</source>
        <translation>Versions de cette couche</translation>
    </message>
    <message>
        <source>Features</source>
        <translation>Entités</translation>
    </message>
    <message>
        <source>Features more or fewer than in the version before</source>
        <translation>Entités de plus ou de moins que dans la version précédente</translation>
    </message>
    <message>
        <source>something was lost</source>
        <translation>quelque chose est perdu</translation>
    </message>
    <message>
        <source>pinned: {reason}</source>
        <translation>épinglée : {reason}</translation>
    </message>
    <message>
        <source>pinned</source>
        <translation>épinglée</translation>
    </message>
    <message>
        <source>sound</source>
        <translation>saine</translation>
    </message>
    <message>
        <source>damaged</source>
        <translation>endommagée</translation>
    </message>
    <message>
        <source>cannot be read</source>
        <translation>illisible</translation>
    </message>
    <message>
        <source>did not pass its last check</source>
        <translation>n’a pas passé sa dernière vérification</translation>
    </message>
    <message>
        <source>of another user</source>
        <translation>d’un autre utilisateur</translation>
    </message>
    <message>
        <source>{size}, {verdict}</source>
        <translation>{size}, {verdict}</translation>
    </message>
    <message>
        <source>backup {id}</source>
        <translation>sauvegarde {id}</translation>
    </message>
    <message>
        <source>today {time}</source>
        <translation>aujourd’hui {time}</translation>
    </message>
    <message>
        <source>yesterday {time}</source>
        <translation>hier {time}</translation>
    </message>
    <message>
        <source>1 day ago</source>
        <translation>il y a 1 jour</translation>
    </message>
    <message>
        <source>{n} days ago</source>
        <translation>il y a {n} jours</translation>
    </message>
    <message>
        <source>1 hour ago</source>
        <translation>il y a 1 heure</translation>
    </message>
    <message>
        <source>{n} hours ago</source>
        <translation>il y a {n} heures</translation>
    </message>
    <message>
        <source>1 minute ago</source>
        <translation>il y a 1 minute</translation>
    </message>
    <message>
        <source>{n} minutes ago</source>
        <translation>il y a {n} minutes</translation>
    </message>
    <message>
        <source>just now</source>
        <translation>à l’instant</translation>
    </message>
    <message>
        <source>first backup</source>
        <translation>première sauvegarde</translation>
    </message>
    <message>
        <source>opened in QGIS</source>
        <translation>ouvert dans QGIS</translation>
    </message>
    <message>
        <source>after a restore</source>
        <translation>après une restauration</translation>
    </message>
    <message>
        <source>before editing</source>
        <translation>avant l’édition</translation>
    </message>
    <message>
        <source>after save</source>
        <translation>après l’enregistrement</translation>
    </message>
    <message>
        <source>by hand</source>
        <translation>à la main</translation>
    </message>
    <message>
        <source>found changed</source>
        <translation>trouvé modifié</translation>
    </message>
    <message>
        <source>project saved</source>
        <translation>projet enregistré</translation>
    </message>
    <message>
        <source>QGIS closed</source>
        <translation>QGIS fermé</translation>
    </message>
    <message>
        <source>The folder of backups is not there: {folder}. Nothing is backed up until it is back.</source>
        <translation>Le dossier des sauvegardes n’est pas là : {folder}. Rien n’est sauvegardé jusqu’à son retour.</translation>
    </message>
</context>
</TS>
