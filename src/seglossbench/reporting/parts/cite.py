"""How to cite: the papers of the losses, and this software, as BibTeX to copy."""

from seglossbench.reporting.elements import joined, tag
from seglossbench.reporting.parts import Part, Source

_PAPERS = (
    (
        "Huang and Sui, ",
        "Contour-weighted loss for class-imbalanced image segmentation",
        ", ICIP 2024, ",
        "2407.06176",
        " (cwcd).",
    ),
    (
        "Valverde and Tohka, ",
        "Region-wise loss for biomedical image segmentation",
        ", Pattern Recognition 2023, ",
        "2108.01405",
        " (rrw).",
    ),
)
BIBTEX = """@inproceedings{huang2024contour,
  title = {Contour-weighted loss for class-imbalanced image segmentation},
  author = {Huang, Zhengyong and Sui, Yao},
  booktitle = {IEEE International Conference on Image Processing (ICIP)},
  year = {2024}, eprint = {2407.06176}, archivePrefix = {arXiv}
}
@article{valverde2023regionwise,
  title = {Region-wise loss for biomedical image segmentation},
  author = {Valverde, Juan Miguel and Tohka, Jussi},
  journal = {Pattern Recognition}, volume = {136}, pages = {109208}, year = {2023}
}"""


def cite(source: Source) -> Part:
    """The papers in words, and to copy."""
    papers = [
        tag(
            "li",
            authors,
            tag("cite", title),
            where,
            tag("a", f"arXiv {number}", href=f"https://arxiv.org/abs/{number}"),
            whose,
        )
        for authors, title, where, number, whose in _PAPERS
    ]
    return Part(
        "How to cite",
        "cite",
        joined(
            [
                tag(
                    "p",
                    "The losses that this benchmark is about come from two papers; "
                    "please cite the ones whose losses you use.",
                ),
                tag("ul", *papers),
                tag("pre", BIBTEX, tabindex="0"),
            ]
        ),
    )
