"""Provenance: from what, by what, under which conventions and when; whole params and their changes; adopted code."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from seglossbench.reporting.elements import joined, tag
from seglossbench.reporting.parts import Part, Source


def provenance(source: Source) -> Part:
    """A list of terms, then what is long, folded up."""
    facts, known = source.facts, source.provenance
    by = _flat(known.get("by") or {})
    terms: list[tuple[str, Markup | str]] = [
        (name, line) for name, text in facts.conventions.items() for line in text.split("\n")
    ]
    terms += [(name, text) for name, text in facts.versions.items()]
    terms += [
        (f"analysed with {name}", text) for name, text in by.items() if text and name not in facts.versions
    ]
    if known.get("made"):
        terms.append(("analysed", str(known["made"])))
    if known.get("decides") or source.decides:
        terms.append(("decided by", f"{source.decides}, mean over the classes"))
    terms += [(name, tag("a", address, href=address)) for name, address in facts.links.items()]
    datasets: Mapping[str, Any] = known.get("datasets") or {}
    for name, of in datasets.items():
        said = (
            {key: value for key, value in of.items() if key != "citation"} if isinstance(of, Mapping) else of
        )
        terms.append((f"data of {name}", _one_line(said)))
    for file, digest in dict(known.get("scores") or {}).items():
        terms.append(("scores", tag("span", f"{file}: ", tag("code", f"sha256 {digest}"))))
    changed = known.get("changed") or {}
    if changed:
        codes = [
            tag("code", f"{key} {json.dumps(value, ensure_ascii=False)}") for key, value in changed.items()
        ]
        terms.append(("differs from the defaults", Markup(" ").join(codes)))
    terms.append(
        (
            "all numbers",
            Markup("{} {}").format(
                tag("a", "tables/summary.csv", href="tables/summary.csv"),
                "a row per dataset, metric, network, loss and class, with mean, sd and the counts of empty masks",
            ),
        )
    )
    adopted = list(known.get("adopted") or ())
    return Part(
        "Conventions, versions, provenance",
        "conventions",
        joined(
            [
                tag("dl", *_listed(terms)),
                _adoptions(adopted) if adopted else None,
                _folded("All params", known["params"]) if known.get("params") else None,
            ]
        ),
    )


def _listed(terms: Sequence[tuple[str, Markup | str]]) -> Iterator[Markup]:
    """Each term once, before all that is said of it."""
    former = None
    for name, text in terms:
        if name != former:
            yield tag("dt", name)
        yield tag("dd", text)
        former = name


def _adoptions(adopted: list[Mapping[str, Any]]) -> Markup:
    """Which changes of code are taken to change no digit, why, and what showed it."""
    rows = []
    for one in adopted:
        shown = ", ".join(one.get("shown_by") or ())
        words = (
            f"shown by the first epochs of {shown}"
            if shown
            else "on somebody's word, without repeating a run"
        )
        where = f"{', '.join(one.get('modules') or ())}; {words}"
        rows.append(
            tag(
                "li", tag("b", str(one.get("because", ""))), f" ({one.get('date', '')}) ", tag("small", where)
            )
        )
    summary = (
        f"{len(rows)} change{'s' * (len(rows) != 1)} of code adopted: runs made before them stand as they are"
    )
    return tag("details", tag("summary", summary), tag("ul", *rows))


def _folded(title: str, value: Any) -> Markup:
    text = json.dumps(value, indent=1, ensure_ascii=False, default=str)
    return tag("details", tag("summary", title), tag("pre", text, tabindex="0"), class_="aside")


def _flat(known: Mapping[str, Any]) -> dict[str, str]:
    """The versions of libraries beside those of what else is known."""
    return {
        name: str(value)
        for key, of in known.items()
        for name, value in (of.items() if isinstance(of, Mapping) else [(key, of)])
    }


def _one_line(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(
            f"{key} {_one_line(of)}" for key, of in value.items() if of not in (None, "", {}, [])
        )
    return str(value)
