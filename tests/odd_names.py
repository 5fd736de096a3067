"""Names that users give to classes, losses, networks, datasets and cases: any text, which comes out as it went in.

None begins or ends with a space or holds a control character, for such names are refused where they are read.
"""

ODD_NAMES = (
    # numbers, and words of formats and of our own tables, to whoever reads a table without being told
    *("1", "2", "1.0", "007", "1e3", "-1", "+1"),
    *("NA", "nan", "None", "null", "true", "no", "inf", "mean", "status"),
    # told apart by one sign, by capitals, or by what an encoding may turn a sign into
    *("<5mm", ">5mm", "≤5mm", "IDH+", "IDH*", "L/R", "L R", "L_R", "L-R", "L.R"),
    *("DSC", "dsc", "DSC@1", "DSC at 1", "50 %", "50 %25", "%2F", "a%2Fb"),
    # LaTeX and Matplotlib
    *("$x$", "$", "x_1^2", r"\alpha", r"\n", "{x}", "{}", "%", "#1", "~", "&", "a&b", "_loss"),
    # markup
    *("<b>bold</b>", "</td>", "&amp;", "<script>alert(1)</script>", "|", "`x`", "*x*", "[x](y)"),
    # paths and options
    *("a/b", "a\\b", "..", ".", "../../x", "/", "/etc", ".hidden", "-rf", "--help", "a:b", "con"),
    # spreadsheets, shells, YAML
    *("=1+1", "@x", "'quoted'", '"quoted"', "it's", "a,b", "a;b", "a=b", "a: b", "$(x)", "*", "?", "a  b"),
    # other scripts, also from right to left, and letters of two code points
    *("Größe", "Gro\u0308ße", "肝臓", "كبد", "\u202ekcab\u202c", "🫀", "ſ", "s"),
    # long, the last with 400 bytes, which no file system takes as one name
    *("x" * 200, "x" * 199 + "y", "é" * 200),
)
