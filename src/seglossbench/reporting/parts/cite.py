"""How to cite: the papers of the losses, the datasets, and this software, as BibTeX to copy."""

from collections.abc import Mapping
from typing import Any

from seglossbench import __version__
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


SOFTWARE = """@software{{seglossbench,
  title = {{seglossbench: a benchmark and reproducibility harness for boundary-aware segmentation losses}},
  author = {{{{The seglossbench authors}}}},
  version = {{{version}}}{commit}
}}"""


def cite(source: Source) -> Part:
    """The papers and the datasets in words; papers and software to copy."""
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
    datasets: Mapping[str, Any] = source.provenance.get("datasets") or {}
    of_datasets: dict[str, list[str]] = {}
    for name, about in datasets.items():
        if isinstance(about, Mapping) and about.get("citation"):
            of_datasets.setdefault(str(about["citation"]), []).append(str(name))
    commit = str((source.provenance.get("by") or {}).get("commit") or "")
    software = SOFTWARE.format(
        version=__version__, commit=f",\n  note = {{commit {commit}}}" if commit else ""
    )
    return Part(
        "How to cite",
        "cite",
        joined(
            [
                tag(
                    "p",
                    "The losses that this benchmark is about come from two papers; please cite the ones whose losses "
                    "you use, the datasets, and this software, which is what others need to repeat it.",
                ),
                tag("ul", *papers),
                tag("h3", "Datasets") if of_datasets else None,
                tag(
                    "ul",
                    *(
                        tag("li", tag("b", tag("bdi", ", ".join(names))), f": {citation}")
                        for citation, names in of_datasets.items()
                    ),
                )
                if of_datasets
                else None,
                tag("pre", f"{BIBTEX}\n{software}", tabindex="0"),
            ]
        ),
    )
