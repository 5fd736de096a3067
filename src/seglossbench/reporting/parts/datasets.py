"""The datasets: what their cases are like, tables of mean and sd with counts of empty masks, and figures for papers."""

from markupsafe import Markup

from seglossbench.reporting.elements import joined, tag
from seglossbench.reporting.formats import template
from seglossbench.reporting.parts import Part, Source


def datasets(source: Source) -> Part | None:
    """A chapter per dataset."""
    if not source.sections:
        return None
    shown = template("section.html")
    chapters = [
        tag(
            "div",
            tag("h3", tag("bdi", section.title), id=section.anchor, class_="chapter"),
            Markup(shown.render(section=section)),
            **source.view(dataset=section.name),
        )
        for section in source.sections
    ]
    links = [(section.anchor, section.title) for section in source.sections]
    return Part("Datasets: tables and figures for papers", "datasets", joined(chapters), tuple(links))
