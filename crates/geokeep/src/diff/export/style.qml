<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>
<qgis version="3.22.0"><renderer-v2 type="categorizedSymbol" attr="change" enableorderby="0" forceraster="0" symbollevels="0"><categories>CATEGORIES</categories><symbols>SYMBOLS</symbols></renderer-v2></qgis>
