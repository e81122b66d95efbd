<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="es" sourcelanguage="en">
<context>
    <name>geokeep</name>
    <message>
        <source>Where should backups go?</source>
        <translation>¿Dónde deben guardarse las copias de seguridad?</translation>
    </message>
    <message>
        <source>The program geokeep</source>
        <translation>El programa geokeep</translation>
    </message>
    <message>
        <source>Nothing is different.</source>
        <translation>No hay ninguna diferencia.</translation>
    </message>
    <message>
        <source>1 feature is back in the edit session. Look at it, then save, or undo.</source>
        <translation>1 objeto ha vuelto a la sesión de edición. Revíselo y después guarde o deshaga.</translation>
    </message>
    <message>
        <source>{n} features are back in the edit session. Look at them, then save, or undo.</source>
        <translation>{n} objetos han vuelto a la sesión de edición. Revíselos y después guarde o deshaga.</translation>
    </message>
    <message>
        <source>{equal} features are back; {n} could not be written by QGIS as they were.</source>
        <translation>{equal} objetos han vuelto; QGIS no pudo escribir {n} tal como eran.</translation>
    </message>
    <message>
        <source>Write them exactly</source>
        <translation>Escribirlos exactamente</translation>
    </message>
    <message>
        <source>Undo</source>
        <translation>Deshacer</translation>
    </message>
    <message>
        <source>The layer “{layer}” becomes what it was {time}. Features that were added since are deleted, and changes are undone. A backup is made first, and the step can be undone.</source>
        <translation>La capa «{layer}» vuelve a ser lo que era ({time}). Los objetos añadidos desde entonces se borran y los cambios se deshacen. Antes se hace una copia de seguridad, y el paso se puede deshacer.</translation>
    </message>
    <message>
        <source>Save this version as a file…</source>
        <translation>Guardar esta versión como archivo…</translation>
    </message>
    <message>
        <source>{file} is written.</source>
        <translation>{file} está escrito.</translation>
    </message>
    <message>
        <source>The whole file {file} becomes what it was {time}, with all of its layers, styles and projects ({n} layers of this project). What is there now is backed up first. Close the file in all other programs.</source>
        <translation>El archivo {file} entero vuelve a ser lo que era ({time}), con todas sus capas, estilos y proyectos ({n} capas de este proyecto). Lo que contiene ahora se guarda antes en una copia de seguridad. Cierre el archivo en todos los demás programas.</translation>
    </message>
    <message>
        <source>Restore</source>
        <translation>Restaurar</translation>
    </message>
    <message>
        <source>Pin</source>
        <translation>Fijar</translation>
    </message>
    <message>
        <source>Why it is kept (may be left empty):</source>
        <translation>Por qué se conserva (puede quedar vacío):</translation>
    </message>
    <message>
        <source>Removed on purpose</source>
        <translation>Eliminado a propósito</translation>
    </message>
    <message>
        <source>Why (may be left empty):</source>
        <translation>Por qué (puede quedar vacío):</translation>
    </message>
    <message>
        <source>The backup is whole, to the last byte.</source>
        <translation>La copia está intacta, hasta el último byte.</translation>
    </message>
    <message>
        <source>{n} backups are whole, to the last byte.</source>
        <translation>{n} copias están intactas, hasta el último byte.</translation>
    </message>
    <message>
        <source>There are no backups of files of this computer in the folder.</source>
        <translation>En la carpeta no hay copias de archivos de este equipo.</translation>
    </message>
    <message>
        <source>Another file…</source>
        <translation>Otro archivo…</translation>
    </message>
    <message>
        <source>Show the backups of:</source>
        <translation>Mostrar las copias de:</translation>
    </message>
    <message>
        <source>{file} is as it was.</source>
        <translation>{file} está como antes.</translation>
    </message>
    <message>
        <source>The layer “{layer}” is back in {file}.</source>
        <translation>La capa «{layer}» vuelve a estar en {file}.</translation>
    </message>
    <message>
        <source>1 feature was written.</source>
        <translation>Se ha escrito 1 objeto.</translation>
    </message>
    <message>
        <source>{n} features were written.</source>
        <translation>Se han escrito {n} objetos.</translation>
    </message>
    <message>
        <source>geokeep ended with code {code}.</source>
        <translation>geokeep terminó con el código {code}.</translation>
    </message>
    <message>
        <source>Folder of backups</source>
        <translation>Carpeta de las copias</translation>
    </message>
    <message>
        <source>Back up GeoPackages</source>
        <translation>Hacer copias de seguridad de GeoPackages</translation>
    </message>
    <message>
        <source>Makes a backup of the GeoPackage of each layer, and of further files, folders and projects, whoever has them open, and proves that each copy is whole. What has not changed since its last backup is left out.</source>
        <translation>Hace una copia del GeoPackage de cada capa, y de otros archivos, carpetas y proyectos, sea cual sea el programa que los tenga abiertos, y comprueba que cada copia está completa. Lo que no ha cambiado desde la última copia se omite.</translation>
    </message>
    <message>
        <source>Layers</source>
        <translation>Capas</translation>
    </message>
    <message>
        <source>Files, folders, projects or patterns, one a line</source>
        <translation>Archivos, carpetas, proyectos o patrones, uno por línea</translation>
    </message>
    <message>
        <source>Note</source>
        <translation>Nota</translation>
    </message>
    <message>
        <source>Saved</source>
        <translation>Guardados</translation>
    </message>
    <message>
        <source>Unchanged</source>
        <translation>Sin cambios</translation>
    </message>
    <message>
        <source>Failed</source>
        <translation>Fallidos</translation>
    </message>
    <message>
        <source>Archives</source>
        <translation>Archivos de copia</translation>
    </message>
    <message>
        <source>“{layer}” is no layer of a local GeoPackage.</source>
        <translation>«{layer}» no es una capa de un GeoPackage local.</translation>
    </message>
    <message>
        <source>There is nothing to back up: no layer lies in a local GeoPackage.</source>
        <translation>No hay nada que copiar: ninguna capa está en un GeoPackage local.</translation>
    </message>
    <message>
        <source>{file} has lost something since an earlier backup.</source>
        <translation>{file} ha perdido algo desde una copia anterior.</translation>
    </message>
    <message>
        <source>Check backups</source>
        <translation>Comprobar las copias</translation>
    </message>
    <message>
        <source>Checks that backups are still whole, to the last byte: all of a folder, or one by its name or id.</source>
        <translation>Comprueba que las copias siguen intactas, hasta el último byte: todas las de una carpeta, o una por su nombre o identificador.</translation>
    </message>
    <message>
        <source>Name or id (empty: all backups)</source>
        <translation>Nombre o identificador (vacío: todas las copias)</translation>
    </message>
    <message>
        <source>every byte</source>
        <translation>cada byte</translation>
    </message>
    <message>
        <source>every byte, and the rules of SQLite and GeoPackage</source>
        <translation>cada byte, y las reglas de SQLite y GeoPackage</translation>
    </message>
    <message>
        <source>all of it, by restoring for a test</source>
        <translation>todo ello, con una restauración de prueba</translation>
    </message>
    <message>
        <source>How thorough</source>
        <translation>Nivel de comprobación</translation>
    </message>
    <message>
        <source>Whole</source>
        <translation>Intactas</translation>
    </message>
    <message>
        <source>Damaged</source>
        <translation>Dañadas</translation>
    </message>
    <message>
        <source>Restore a file from a backup</source>
        <translation>Restaurar un archivo de una copia</translation>
    </message>
    <message>
        <source>Writes a GeoPackage as it was: NAME for the newest sound backup, NAME@2026-11-20 for that of a day, or an id. Nothing that exists is replaced.</source>
        <translation>Escribe un GeoPackage tal como era: NOMBRE para la última copia correcta, NOMBRE@2026-11-20 para la de un día, o un identificador. No se reemplaza nada que exista.</translation>
    </message>
    <message>
        <source>Name, NAME@DATE, or id</source>
        <translation>Nombre, NOMBRE@FECHA o identificador</translation>
    </message>
    <message>
        <source>Restored file</source>
        <translation>Archivo restaurado</translation>
    </message>
    <message>
        <source>Compare with a backup</source>
        <translation>Comparar con una copia</translation>
    </message>
    <message>
        <source>What differs between two backups, or between a backup and a file: counted, and as layers that QGIS shows coloured.</source>
        <translation>Lo que difiere entre dos copias, o entre una copia y un archivo: en números, y como capas que QGIS muestra en colores.</translation>
    </message>
    <message>
        <source>Before: a name, NAME@DATE, an id, or a file</source>
        <translation>Antes: un nombre, NOMBRE@FECHA, un identificador o un archivo</translation>
    </message>
    <message>
        <source>After: the same (empty: the file as it is now)</source>
        <translation>Después: lo mismo (vacío: el archivo tal como está ahora)</translation>
    </message>
    <message>
        <source>Only this layer</source>
        <translation>Solo esta capa</translation>
    </message>
    <message>
        <source>Changes</source>
        <translation>Cambios</translation>
    </message>
    <message>
        <source>Fail if anything differs</source>
        <translation>Fallar si algo difiere</translation>
    </message>
    <message>
        <source>Added</source>
        <translation>Añadidos</translation>
    </message>
    <message>
        <source>Deleted</source>
        <translation>Borrados</translation>
    </message>
    <message>
        <source>Changed</source>
        <translation>Cambiados</translation>
    </message>
    <message>
        <source>Nothing differs</source>
        <translation>Nada difiere</translation>
    </message>
    <message>
        <source>Not everything could be compared.</source>
        <translation>No todo se pudo comparar.</translation>
    </message>
    <message>
        <source>Something differs.</source>
        <translation>Algo difiere.</translation>
    </message>
    <message>
        <source>This version cannot be read.</source>
        <translation>Esta versión no se puede leer.</translation>
    </message>
    <message>
        <source>Other versions are not touched by that.</source>
        <translation>Las demás versiones no están afectadas.</translation>
    </message>
    <message>
        <source>Is the folder of backups there? “Check backups” says more.</source>
        <translation>¿Está ahí la carpeta de las copias? «Comprobar las copias» dice más.</translation>
    </message>
    <message>
        <source>{file} is backed up ({size}, sound).</source>
        <translation>Se ha hecho una copia de {file} ({size}, correcta).</translation>
    </message>
    <message>
        <source>{file} is damaged.</source>
        <translation>{file} está dañado.</translation>
    </message>
    <message>
        <source>The newest sound backup is of {time}.</source>
        <translation>La última copia correcta: {time}.</translation>
    </message>
    <message>
        <source>There is no sound backup of it.</source>
        <translation>No hay ninguna copia correcta de él.</translation>
    </message>
    <message>
        <source>Show</source>
        <translation>Mostrar</translation>
    </message>
    <message>
        <source>Nothing is backed up: the folder of backups is not there.</source>
        <translation>No se copia nada: la carpeta de copias no está.</translation>
    </message>
    <message>
        <source>The folder of backups is there again. Backups go on.</source>
        <translation>La carpeta de las copias vuelve a estar. Las copias continúan.</translation>
    </message>
    <message>
        <source>{layer}: changes since {time}</source>
        <translation>{layer}: cambios desde {time}</translation>
    </message>
    <message>
        <source>{layer}: changes from {time} to {later}</source>
        <translation>{layer}: cambios de {time} a {later}</translation>
    </message>
    <message>
        <source>The changes could not be shown.</source>
        <translation>Los cambios no se pudieron mostrar.</translation>
    </message>
    <message>
        <source>Nothing was changed.</source>
        <translation>No se ha cambiado nada.</translation>
    </message>
    <message>
        <source>A backup of {files} is being made.</source>
        <translation>Se está haciendo una copia de {files}.</translation>
    </message>
    <message>
        <source>QGIS closes by itself when it is done. If you leave now, the backup goes on without QGIS.</source>
        <translation>QGIS se cierra solo cuando termine. Si sale ahora, la copia continúa sin QGIS.</translation>
    </message>
    <message>
        <source>Leave</source>
        <translation>Salir</translation>
    </message>
    <message>
        <source>geokeep, the program that makes the backups, is not installed.</source>
        <translation>geokeep, el programa que hace las copias, no está instalado.</translation>
    </message>
    <message>
        <source>It was not found in any of the usual places.</source>
        <translation>No se encontró en ninguno de los lugares habituales.</translation>
    </message>
    <message>
        <source>Until then nothing is backed up.</source>
        <translation>Hasta entonces no se copia nada.</translation>
    </message>
    <message>
        <source>Install it: pip install geokeep</source>
        <translation>Para instalarlo: pip install geokeep</translation>
    </message>
    <message>
        <source>geokeep was ended before it was done.</source>
        <translation>geokeep fue detenido antes de terminar.</translation>
    </message>
    <message>
        <source>Backups that were made before are whole.</source>
        <translation>Las copias hechas antes están intactas.</translation>
    </message>
    <message>
        <source>It is tried again at the next save.</source>
        <translation>Se intentará de nuevo la próxima vez que guarde.</translation>
    </message>
    <message>
        <source>It was stopped.</source>
        <translation>Se ha detenido.</translation>
    </message>
    <message>
        <source>See the log panel, tab “geokeep”.</source>
        <translation>Véase el panel de mensajes de registro, pestaña «geokeep».</translation>
    </message>
    <message>
        <source>The layer could not be compared.</source>
        <translation>La capa no se pudo comparar.</translation>
    </message>
    <message>
        <source>its number is taken</source>
        <translation>su número está ocupado</translation>
    </message>
    <message>
        <source>this layer does not show it</source>
        <translation>esta capa no lo muestra</translation>
    </message>
    <message>
        <source>“{field}” must have a value</source>
        <translation>«{field}» debe tener un valor</translation>
    </message>
    <message>
        <source>another feature has the same “{field}”</source>
        <translation>otro objeto tiene el mismo «{field}»</translation>
    </message>
    <message>
        <source>QGIS does not let this layer be edited.</source>
        <translation>QGIS no permite editar esta capa.</translation>
    </message>
    <message>
        <source>The old version could not be read to its end.</source>
        <translation>La versión antigua no se pudo leer hasta el final.</translation>
    </message>
    <message>
        <source>QGIS did not take the features.</source>
        <translation>QGIS no aceptó los objetos.</translation>
    </message>
    <message>
        <source>QGIS did not take the old values.</source>
        <translation>QGIS no aceptó los valores antiguos.</translation>
    </message>
    <message>
        <source>QGIS did not take the old geometry.</source>
        <translation>QGIS no aceptó la geometría antigua.</translation>
    </message>
    <message>
        <source>History of this feature</source>
        <translation>Historial de este objeto</translation>
    </message>
    <message>
        <source>History of a feature</source>
        <translation>Historial de un objeto</translation>
    </message>
    <message>
        <source>Reading the versions…</source>
        <translation>Leyendo las versiones…</translation>
    </message>
    <message>
        <source>Version</source>
        <translation>Versión</translation>
    </message>
    <message>
        <source>What was different then</source>
        <translation>Lo que era distinto entonces</translation>
    </message>
    <message>
        <source>Restore…</source>
        <translation>Restaurar…</translation>
    </message>
    <message>
        <source>Feature {fid} of “{layer}”</source>
        <translation>Objeto {fid} de «{layer}»</translation>
    </message>
    <message>
        <source>The feature is the same in all versions.</source>
        <translation>El objeto es igual en todas las versiones.</translation>
    </message>
    <message>
        <source>Versions in which it was different, newest first:</source>
        <translation>Versiones en las que era distinto, la más reciente primero:</translation>
    </message>
    <message>
        <source>it was not there</source>
        <translation>no existía</translation>
    </message>
    <message>
        <source>it was there: {values}</source>
        <translation>existía: {values}</translation>
    </message>
    <message>
        <source>another geometry</source>
        <translation>otra geometría</translation>
    </message>
    <message>
        <source>{file} no longer exists.</source>
        <translation>{file} ya no existe.</translation>
    </message>
    <message>
        <source>Bring the file back</source>
        <translation>Recuperar el archivo</translation>
    </message>
    <message>
        <source>The layer “{layer}” is no longer in the file.</source>
        <translation>La capa «{layer}» ya no está en el archivo.</translation>
    </message>
    <message>
        <source>{n} layers that backups have are no longer in the file.</source>
        <translation>{n} capas que están en copias ya no están en el archivo.</translation>
    </message>
    <message>
        <source>Bring the layer back</source>
        <translation>Recuperar la capa</translation>
    </message>
    <message>
        <source>Bring a layer back</source>
        <translation>Recuperar una capa</translation>
    </message>
    <message>
        <source>as it was {time}</source>
        <translation>como estaba: {time}</translation>
    </message>
    <message>
        <source>1 feature</source>
        <translation>1 objeto</translation>
    </message>
    <message>
        <source>{n} features</source>
        <translation>{n} objetos</translation>
    </message>
    <message>
        <source>{file} cannot be read.</source>
        <translation>No se puede leer {file}.</translation>
    </message>
    <message>
        <source>geokeep was not found at {place}.</source>
        <translation>No se encontró geokeep en {place}.</translation>
    </message>
    <message>
        <source>Whoever gave you this plugin may have the program as a file, geokeep-….whl: “I have it: where…” takes it as it is.</source>
        <translation>Quien le dio este complemento quizá tenga el programa como archivo, geokeep-….whl: «Lo tengo: dónde…» lo acepta tal cual.</translation>
    </message>
    <message>
        <source>geokeep could not be downloaded from {place}.</source>
        <translation>No se pudo descargar geokeep de {place}.</translation>
    </message>
    <message>
        <source>The index of Python packages gave no answer that can be read.</source>
        <translation>El índice de paquetes de Python no dio una respuesta legible.</translation>
    </message>
    <message>
        <source>There is no geokeep for this kind of computer ({computer}) yet.</source>
        <translation>Todavía no hay geokeep para este tipo de equipo ({computer}).</translation>
    </message>
    <message>
        <source>What was downloaded is not what the index promises; it is not used.</source>
        <translation>Lo descargado no es lo que promete el índice; no se usa.</translation>
    </message>
    <message>
        <source>Try again. If it stays so, something between here and there changes what is downloaded.</source>
        <translation>Inténtelo de nuevo. Si sigue igual, algo en el camino cambia lo que se descarga.</translation>
    </message>
    <message>
        <source>This file does not have the program geokeep in it for this kind of computer.</source>
        <translation>Este archivo no contiene el programa geokeep para este tipo de equipo.</translation>
    </message>
    <message>
        <source>The program could not be written to {folder}.</source>
        <translation>No se pudo escribir el programa en {folder}.</translation>
    </message>
    <message>
        <source>“How to install it” tells other ways.</source>
        <translation>«Cómo instalarlo» explica otras maneras.</translation>
    </message>
    <message>
        <source>{layer} lost {n} features.</source>
        <translation>{layer} ha perdido {n} objetos.</translation>
    </message>
    <message>
        <source>Show them</source>
        <translation>Mostrarlos</translation>
    </message>
    <message>
        <source>Backups</source>
        <translation>Copias de seguridad</translation>
    </message>
    <message>
        <source>Choose a folder…</source>
        <translation>Elegir una carpeta…</translation>
    </message>
    <message>
        <source>Back up</source>
        <translation>Hacer una copia</translation>
    </message>
    <message>
        <source>when editing starts</source>
        <translation>al empezar a editar</translation>
    </message>
    <message>
        <source>after each save</source>
        <translation>después de cada guardado</translation>
    </message>
    <message>
        <source>when the project is saved: the project, and what it shows</source>
        <translation>al guardar el proyecto: el proyecto y lo que muestra</translation>
    </message>
    <message>
        <source>when QGIS closes</source>
        <translation>al cerrar QGIS</translation>
    </message>
    <message>
        <source>{n} %</source>
        <translation>{n} %</translation>
    </message>
    <message>
        <source>Alarm if a layer loses more than</source>
        <translation>Avisar si una capa pierde más del</translation>
    </message>
    <message>
        <source>Remove old backups</source>
        <translation>Eliminar las copias antiguas</translation>
    </message>
    <message>
        <source>Unticked: every backup stays, until the disk is full</source>
        <translation>Sin marcar: todas las copias se quedan, hasta que el disco esté lleno</translation>
    </message>
    <message>
        <source>All of the last two days stay, pinned ones, and the last one before a loss. Of older ones:</source>
        <translation>Se quedan todas las de los dos últimos días, las fijadas y la última antes de una pérdida. De las más antiguas:</translation>
    </message>
    <message>
        <source>one a day, {n} times</source>
        <translation>una por día, {n} veces</translation>
    </message>
    <message>
        <source>one a week, {n} times</source>
        <translation>una por semana, {n} veces</translation>
    </message>
    <message>
        <source>one a month, {n} times</source>
        <translation>una por mes, {n} veces</translation>
    </message>
    <message>
        <source>Time of the nightly backup</source>
        <translation>Hora de la copia nocturna</translation>
    </message>
    <message>
        <source>Set up</source>
        <translation>Programar</translation>
    </message>
    <message>
        <source>Asking…</source>
        <translation>Consultando…</translation>
    </message>
    <message>
        <source>Every night, whether QGIS runs or not</source>
        <translation>Cada noche, esté abierto QGIS o no</translation>
    </message>
    <message>
        <source>at</source>
        <translation>a las</translation>
    </message>
    <message>
        <source>not found</source>
        <translation>no encontrado</translation>
    </message>
    <message>
        <source>Program</source>
        <translation>Programa</translation>
    </message>
    <message>
        <source>Choose the program…</source>
        <translation>Elegir el programa…</translation>
    </message>
    <message>
        <source>Find</source>
        <translation>Buscar</translation>
    </message>
    <message>
        <source>Look in all the usual places again</source>
        <translation>Buscar de nuevo en todos los lugares habituales</translation>
    </message>
    <message>
        <source>geokeep {version}, {place}</source>
        <translation>geokeep {version}, {place}</translation>
    </message>
    <message>
        <source>Not chosen: nothing is backed up.</source>
        <translation>Sin elegir: no se copia nada.</translation>
    </message>
    <message>
        <source>It is not there now.</source>
        <translation>Ahora no está.</translation>
    </message>
    <message>
        <source>On the same disk as the maps: if it fails, both are gone.</source>
        <translation>En el mismo disco que los mapas: si falla, se pierde todo.</translation>
    </message>
    <message>
        <source>On another disk than the maps.</source>
        <translation>En otro disco que los mapas.</translation>
    </message>
    <message>
        <source>Back up before and after each edit</source>
        <translation>Copiar antes y después de cada edición</translation>
    </message>
    <message>
        <source>Also every night, whether QGIS runs or not</source>
        <translation>También cada noche, con QGIS abierto o no</translation>
    </message>
    <message>
        <source>Best on another disk than the maps.</source>
        <translation>Mejor en otro disco que los mapas.</translation>
    </message>
    <message>
        <source>Each GeoPackage of the project is backed up at once. Backups never hold up a save.</source>
        <translation>Se hace enseguida una copia de cada GeoPackage del proyecto. Las copias nunca retrasan un guardado.</translation>
    </message>
    <message>
        <source>Get geokeep</source>
        <translation>Obtener geokeep</translation>
    </message>
    <message>
        <source>Downloads it from pypi.org (about 6 MB) into the folder of this QGIS profile. Nothing else on this computer is changed.</source>
        <translation>Lo descarga de pypi.org (unos 6 MB) a la carpeta de este perfil de QGIS. No se cambia nada más en este equipo.</translation>
    </message>
    <message>
        <source>The command that installs it</source>
        <translation>La orden que lo instala</translation>
    </message>
    <message>
        <source>Copy</source>
        <translation>Copiar</translation>
    </message>
    <message>
        <source>I have it: where…</source>
        <translation>Lo tengo: dónde…</translation>
    </message>
    <message>
        <source>The program, or the file geokeep-….whl that you were given</source>
        <translation>El programa o el archivo geokeep-….whl que le hayan dado</translation>
    </message>
    <message>
        <source>Look again</source>
        <translation>Buscar de nuevo</translation>
    </message>
    <message>
        <source>In a terminal:</source>
        <translation>En un terminal:</translation>
    </message>
    <message>
        <source>How to install it</source>
        <translation>Cómo instalarlo</translation>
    </message>
    <message>
        <source>Cancel</source>
        <translation>Cancelar</translation>
    </message>
    <message>
        <source>&amp;Back up now</source>
        <translation>&amp;Copiar ahora</translation>
    </message>
    <message>
        <source>Make a backup of this file now, if it has changed since the last one</source>
        <translation>Hacer ahora una copia de este archivo, si ha cambiado desde la última</translation>
    </message>
    <message>
        <source>&amp;Show as layer</source>
        <translation>&amp;Mostrar</translation>
    </message>
    <message>
        <source>Show this version on the map, over the layer as it is now</source>
        <translation>Mostrar esta versión en el mapa, sobre la capa actual</translation>
    </message>
    <message>
        <source>&amp;Restore…</source>
        <translation>&amp;Restaurar…</translation>
    </message>
    <message>
        <source>Bring back what is lost or changed since this version</source>
        <translation>Recuperar lo que se ha perdido o cambiado desde esta versión</translation>
    </message>
    <message>
        <source>More</source>
        <translation>Más</translation>
    </message>
    <message>
        <source>Show as layer</source>
        <translation>Mostrar como capa</translation>
    </message>
    <message>
        <source>What has changed since</source>
        <translation>Qué ha cambiado desde entonces</translation>
    </message>
    <message>
        <source>What changed between the two</source>
        <translation>Qué cambió entre las dos</translation>
    </message>
    <message>
        <source>Bring back the whole layer as it was…</source>
        <translation>Recuperar la capa entera tal como era…</translation>
    </message>
    <message>
        <source>Replace the whole file with this version…</source>
        <translation>Sustituir todo el archivo por esta versión…</translation>
    </message>
    <message>
        <source>What is missing was removed on purpose…</source>
        <translation>Lo que falta se eliminó a propósito…</translation>
    </message>
    <message>
        <source>Pin, so that it is never removed…</source>
        <translation>Fijar, para que nunca se elimine…</translation>
    </message>
    <message>
        <source>Unpin</source>
        <translation>Dejar de fijar</translation>
    </message>
    <message>
        <source>Check this backup</source>
        <translation>Comprobar esta copia</translation>
    </message>
    <message>
        <source>Report in the browser</source>
        <translation>Informe en el navegador</translation>
    </message>
    <message>
        <source>Remove old versions from the map</source>
        <translation>Quitar las versiones antiguas del mapa</translation>
    </message>
    <message>
        <source>Options…</source>
        <translation>Opciones…</translation>
    </message>
    <message>
        <source>Help</source>
        <translation>Ayuda</translation>
    </message>
    <message>
        <source>Select a layer of a GeoPackage to see its versions.</source>
        <translation>Seleccione una capa de un GeoPackage para ver sus versiones.</translation>
    </message>
    <message>
        <source>This version does not have the layer “{layer}”.</source>
        <translation>Esta versión no tiene la capa «{layer}».</translation>
    </message>
    <message>
        <source>geokeep {version} is too old for this plugin.</source>
        <translation>geokeep {version} es demasiado antiguo para este complemento.</translation>
    </message>
    <message>
        <source>It does not know all that the plugin asks of it.</source>
        <translation>No conoce todo lo que el complemento le pide.</translation>
    </message>
    <message>
        <source>Install a newer one: pip install --upgrade geokeep</source>
        <translation>Instale uno más reciente: pip install --upgrade geokeep</translation>
    </message>
    <message>
        <source>This version cannot be read by QGIS.</source>
        <translation>QGIS no puede leer esta versión.</translation>
    </message>
    <message>
        <source>“Write them exactly” does not need QGIS for it.</source>
        <translation>«Escribirlos exactamente» no necesita QGIS para ello.</translation>
    </message>
    <message>
        <source>Restore 1 feature</source>
        <translation>Restaurar 1 objeto</translation>
    </message>
    <message>
        <source>Restore {n} features</source>
        <translation>Restaurar {n} objetos</translation>
    </message>
    <message>
        <source>A layer of this file is being edited.</source>
        <translation>Se está editando una capa de este archivo.</translation>
    </message>
    <message>
        <source>Save or end the edit session first.</source>
        <translation>Guarde o termine antes la edición.</translation>
    </message>
    <message>
        <source>Restore of “{layer}” from {time}</source>
        <translation>Restaurar «{layer}»: {time}</translation>
    </message>
    <message>
        <source>Comparing with the file as it is now…</source>
        <translation>Comparando con el archivo tal como está ahora…</translation>
    </message>
    <message>
        <source>The features come back into the edit session. Look at them, then save, or undo.</source>
        <translation>Los objetos vuelven a la sesión de edición. Revíselos y después guarde o deshaga.</translation>
    </message>
    <message>
        <source>geokeep writes them into the file itself, to the last bit, after a backup. Only while nothing of the file is edited.</source>
        <translation>geokeep los escribe en el archivo mismo, hasta el último bit, después de una copia. Solo mientras no se edite nada del archivo.</translation>
    </message>
    <message>
        <source>The features have other numbers now than in this version, so that it is not known which is which. Show the version as a layer, and copy what you need.</source>
        <translation>Los objetos tienen ahora otros números que en esta versión, así que no se sabe cuál es cuál. Muestre la versión como capa y copie lo que necesite.</translation>
    </message>
    <message>
        <source>{n} features are lost or changed: too many for an edit session.</source>
        <translation>{n} objetos se han perdido o cambiado: demasiados para una sesión de edición.</translation>
    </message>
    <message>
        <source>what is lost: 1 feature</source>
        <translation>lo perdido: 1 objeto</translation>
    </message>
    <message>
        <source>what is lost: {n} features</source>
        <translation>lo perdido: {n} objetos</translation>
    </message>
    <message>
        <source>lost and changed: 1 feature</source>
        <translation>lo perdido y lo cambiado: 1 objeto</translation>
    </message>
    <message>
        <source>lost and changed: {n} features</source>
        <translation>lo perdido y lo cambiado: {n} objetos</translation>
    </message>
    <message>
        <source>only my selection: 1 feature</source>
        <translation>solo mi selección: 1 objeto</translation>
    </message>
    <message>
        <source>only my selection: {n} features</source>
        <translation>solo mi selección: {n} objetos</translation>
    </message>
    <message>
        <source>only my selection: nothing of it is lost or changed</source>
        <translation>solo mi selección: nada de ella se perdió ni cambió</translation>
    </message>
    <message>
        <source>only this feature</source>
        <translation>solo este objeto</translation>
    </message>
    <message>
        <source>only these {n} features</source>
        <translation>solo estos {n} objetos</translation>
    </message>
    <message>
        <source>Nothing is lost or changed since this version.</source>
        <translation>No se ha perdido ni cambiado nada desde esta versión.</translation>
    </message>
    <message>
        <source>{fid} cannot come back: {reason}.</source>
        <translation>{fid} no puede volver: {reason}.</translation>
    </message>
    <message>
        <source>… and {n} more.</source>
        <translation>… y {n} más.</translation>
    </message>
    <message>
        <source>Not set up.</source>
        <translation>Sin programar.</translation>
    </message>
    <message>
        <source>Set up, next at {time}.</source>
        <translation>Programado, la próxima vez: {time}.</translation>
    </message>
    <message>
        <source>Set up.</source>
        <translation>Programado.</translation>
    </message>
    <message>
        <source>Another schedule is set up; it stays as it is.</source>
        <translation>Ya hay otra programación; se queda como está.</translation>
    </message>
    <message>
        <source>Choose a folder of backups and open a project first.</source>
        <translation>Elija antes una carpeta de las copias y abra un proyecto.</translation>
    </message>
    <message>
        <source>Another schedule is set up; it stays as it is. Add these lines to its geokeep.toml; they are in the clipboard.</source>
        <translation>Ya hay otra programación; se queda como está. Añada estas líneas a su geokeep.toml; están en el portapapeles.</translation>
    </message>
    <message>
        <source>Written by the plugin geokeep of QGIS; changes are lost.</source>
        <translation>Escrito por el complemento geokeep de QGIS; los cambios se pierden.</translation>
    </message>
    <message>
        <source>Set up: every night at {time}.</source>
        <translation>Programado: cada noche a las {time}.</translation>
    </message>
    <message>
        <source>being backed up…</source>
        <translation>haciendo una copia…</translation>
    </message>
    <message>
        <source>being backed up… {n} %</source>
        <translation>haciendo una copia… {n} %</translation>
    </message>
    <message>
        <source>not backed up yet</source>
        <translation>aún sin copia</translation>
    </message>
    <message>
        <source>the file is damaged; its backup is as it is</source>
        <translation>el archivo está dañado; su copia es como él</translation>
    </message>
    <message>
        <source>safe: backed up {age}, sound</source>
        <translation>a salvo: copiado {age}, correcto</translation>
    </message>
    <message>
        <source>safe: backed up {age}, sound, unchanged since</source>
        <translation>a salvo: copiado {age}, correcto, sin cambios desde entonces</translation>
    </message>
    <message>
        <source>something was lost since an earlier version</source>
        <translation>algo se ha perdido desde una versión anterior</translation>
    </message>
    <message>
        <source>1 layer has edits that are not saved yet</source>
        <translation>1 capa tiene cambios sin guardar</translation>
    </message>
    <message>
        <source>{n} layers have edits that are not saved yet</source>
        <translation>{n} capas tienen cambios sin guardar</translation>
    </message>
    <message>
        <source>no folder of backups is chosen</source>
        <translation>no se ha elegido ninguna carpeta de copias</translation>
    </message>
    <message>
        <source>no GeoPackage in this project</source>
        <translation>ningún GeoPackage en este proyecto</translation>
    </message>
    <message>
        <source>1 file is safe</source>
        <translation>1 archivo está a salvo</translation>
    </message>
    <message>
        <source>all {n} files are safe</source>
        <translation>los {n} archivos están a salvo</translation>
    </message>
    <message>
        <source>{n} of {of} files cannot be backed up</source>
        <translation>no se puede copiar {n} de {of} archivos</translation>
    </message>
    <message>
        <source>{n} of {of} files are being backed up</source>
        <translation>haciendo copia de {n} de {of} archivos</translation>
    </message>
    <message>
        <source>{n} of {of} files need a look</source>
        <translation>{n} de {of} archivos por revisar</translation>
    </message>
    <message>
        <source>{n} of {of} files are not backed up yet</source>
        <translation>{n} de {of} archivos aún sin copia</translation>
    </message>
    <message>
        <source>Backups: {state}</source>
        <translation>Copias de seguridad: {state}</translation>
    </message>
    <message>
        <source>Versions of this layer</source>
        <translation>Versiones de esta capa</translation>
    </message>
    <message>
        <source>Features</source>
        <translation>Objetos</translation>
    </message>
    <message>
        <source>Features more or fewer than in the version before</source>
        <translation>Objetos de más o de menos que en la versión anterior</translation>
    </message>
    <message>
        <source>something was lost</source>
        <translation>algo se ha perdido</translation>
    </message>
    <message>
        <source>pinned: {reason}</source>
        <translation>fijada: {reason}</translation>
    </message>
    <message>
        <source>pinned</source>
        <translation>fijada</translation>
    </message>
    <message>
        <source>sound</source>
        <translation>correcta</translation>
    </message>
    <message>
        <source>damaged</source>
        <translation>dañada</translation>
    </message>
    <message>
        <source>cannot be read</source>
        <translation>ilegible</translation>
    </message>
    <message>
        <source>did not pass its last check</source>
        <translation>no superó su última comprobación</translation>
    </message>
    <message>
        <source>of another user</source>
        <translation>de otro usuario</translation>
    </message>
    <message>
        <source>{size}, {verdict}</source>
        <translation>{size}, {verdict}</translation>
    </message>
    <message>
        <source>backup {id}</source>
        <translation>copia {id}</translation>
    </message>
    <message>
        <source>today {time}</source>
        <translation>hoy {time}</translation>
    </message>
    <message>
        <source>yesterday {time}</source>
        <translation>ayer {time}</translation>
    </message>
    <message>
        <source>1 day ago</source>
        <translation>hace 1 día</translation>
    </message>
    <message>
        <source>{n} days ago</source>
        <translation>hace {n} días</translation>
    </message>
    <message>
        <source>1 hour ago</source>
        <translation>hace 1 hora</translation>
    </message>
    <message>
        <source>{n} hours ago</source>
        <translation>hace {n} horas</translation>
    </message>
    <message>
        <source>1 minute ago</source>
        <translation>hace 1 minuto</translation>
    </message>
    <message>
        <source>{n} minutes ago</source>
        <translation>hace {n} minutos</translation>
    </message>
    <message>
        <source>just now</source>
        <translation>ahora mismo</translation>
    </message>
    <message>
        <source>first backup</source>
        <translation>primera copia</translation>
    </message>
    <message>
        <source>opened in QGIS</source>
        <translation>abierto en QGIS</translation>
    </message>
    <message>
        <source>after a restore</source>
        <translation>tras restaurar</translation>
    </message>
    <message>
        <source>before editing</source>
        <translation>antes de editar</translation>
    </message>
    <message>
        <source>after save</source>
        <translation>después de guardar</translation>
    </message>
    <message>
        <source>by hand</source>
        <translation>a mano</translation>
    </message>
    <message>
        <source>found changed</source>
        <translation>encontrado cambiado</translation>
    </message>
    <message>
        <source>project saved</source>
        <translation>proyecto guardado</translation>
    </message>
    <message>
        <source>QGIS closed</source>
        <translation>QGIS cerrado</translation>
    </message>
    <message>
        <source>The folder of backups is not there: {folder}. Nothing is backed up until it is back.</source>
        <translation>La carpeta de las copias no está: {folder}. No se copia nada hasta que vuelva.</translation>
    </message>
</context>
</TS>
