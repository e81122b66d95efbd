//! The styles in which QGIS shows what has changed. Red and blue, and not by colour alone: what was
//! before is dashed and not filled.

const STYLE: &str = include_str!("style.qml");

/// The style of a layer: of points, lines or areas.
pub(super) fn style(kind: &str) -> String {
    let symbol = if kind.contains("POINT") {
        "marker"
    } else if ["LINE", "CURVE", "CIRCULAR"]
        .iter()
        .any(|w| kind.contains(w))
        && !kind.contains("POLYGON")
    {
        "line"
    } else {
        "fill"
    };
    let layers = [
        ("before", "244,165,130,0", "202,0,32,255", "dash"),
        ("deleted", "202,0,32,150", "120,0,20,255", "solid"),
        ("added", "5,113,176,150", "3,60,100,255", "solid"),
        ("after", "146,197,222,150", "5,113,176,255", "solid"),
        ("attributes", "255,255,191,120", "150,150,60,255", "solid"),
    ];
    let mut categories = String::new();
    let mut symbols = String::new();
    for (nth, (value, fill, line, dash)) in layers.into_iter().enumerate() {
        categories.push_str(&format!(
            "<category render=\"true\" symbol=\"{nth}\" value=\"{value}\" label=\"{value}\" type=\"string\"/>"
        ));
        let option = |name: &str, value: &str| {
            format!("<Option name=\"{name}\" value=\"{value}\" type=\"QString\"/>")
        };
        let (class, options) = match symbol {
            "marker" => (
                "SimpleMarker",
                [
                    option(
                        "name",
                        if value == "before" {
                            "diamond"
                        } else {
                            "circle"
                        },
                    ),
                    option("color", if value == "before" { line } else { fill }),
                    option("outline_color", line),
                    option("size", "3"),
                ]
                .concat(),
            ),
            "line" => (
                "SimpleLine",
                [
                    option("line_color", line),
                    option("line_style", dash),
                    option("line_width", "0.7"),
                ]
                .concat(),
            ),
            _ => (
                "SimpleFill",
                [
                    option("color", fill),
                    option("outline_color", line),
                    option("outline_style", dash),
                    option("outline_width", "0.5"),
                    option("style", if value == "before" { "no" } else { "solid" }),
                ]
                .concat(),
            ),
        };
        symbols.push_str(&format!(
            "<symbol name=\"{nth}\" type=\"{symbol}\" alpha=\"1\"><layer class=\"{class}\" enabled=\"1\" pass=\"0\" locked=\"0\"><Option type=\"Map\">{options}</Option></layer></symbol>"
        ));
    }
    STYLE
        .replace("CATEGORIES", &categories)
        .replace("SYMBOLS", &symbols)
}
