"""The report as one HTML page that needs nothing else: no script, no request, light and dark, screen and paper."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from typing import Final

from buster_tasks.analyst.findings import Check, Finding
from buster_tasks.analyst.report.content import (
    STATUSES,
    VERDICTS,
    Content,
    origin,
    segments,
    usage_lines,
)
from buster_tasks.analyst.report.figure import dashboard, figure, link, tile
from buster_tasks.analyst.report.markup import Markup, element, verbatim
from buster_tasks.analyst.report.prose import inline, prose
from buster_tasks.analyst.report.statement import statement

# The page may show itself and nothing else.
_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
_TONES: Final = {
    "verified": "good",
    "contradicted": "bad",
    "unsupported": "bad",
    "failed": "bad",
    "refused": "bad",
    "completed": "good",
}
_ICONS: Final = {
    "good": '<path d="M3.5 8.5l3 3 6-7"/>',
    "bad": '<path d="M4 4l8 8M12 4l-8 8"/>',
    "unsure": '<path d="M8 3.5v5.5M8 12.2v.3"/>',
}
_SEVERITIES: Final = {"info": "Note", "warning": "Warning", "error": "Error"}


def page(content: Content) -> str:
    """The whole document."""
    title = content.question or "Analysis"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        verbatim(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title[:200]),
        element(
            "style",
            verbatim(
                files("buster_tasks.analyst.report").joinpath("html_page.css").read_text("utf-8")
            ),
        ),
    )
    body = element(
        "body", element("div", _header(content), _main(content), class_="page"), _footer()
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def _header(content: Content) -> Markup:
    result = content.result
    facts = [
        ", ".join(result.used_data_sources),
        content.metadata.model,
        content.finished_at.strftime("%d %B %Y, %H:%M %Z").strip() if content.finished_at else "",
    ]
    return element(
        "header",
        element("p", "Analysis", class_="kicker"),
        element("h1", content.question or "Analysis", dir="auto"),
        element(
            "p",
            _badge(STATUSES[result.status], _TONES.get(result.status, "unsure")),
            [element("span", fact, dir="auto") for fact in facts if fact],
            class_="meta",
        ),
    )


def _main(content: Content) -> Markup:
    on_boards = content.shown_on_dashboards()
    metrics = [one for one in content.metrics if one.id not in on_boards]
    charts = [one for one in content.charts if one.id not in on_boards]
    tiles = element("div", [tile(one, content) for one in metrics], class_="tiles")
    pictures = element("div", [figure(one, content) for one in charts], class_="figures")
    return element(
        "main",
        element("section", element("h2", "Answer"), prose(_answer(content)), class_="answer"),
        _section("Metrics", [tiles] if metrics else []),
        [dashboard(one, content) for one in content.dashboards],
        _section("Charts", [pictures] if charts else [], note=_no_pictures(content)),
        _findings(content),
        _section("Warnings", [_checks(content.result.warnings)] if content.result.warnings else []),
        _section(
            "Assumptions", [_list(content.result.assumptions)] if content.result.assumptions else []
        ),
        _plan(content),
        _statements(content),
        _work(content),
    )


def _answer(content: Content) -> str:
    return content.result.clarification or content.result.response


def _section(
    title: str, children: Iterable[Markup], *, note: Markup | None = None
) -> Markup | None:
    inner = list(children)
    if not inner:
        return note
    return element("section", element("h2", title), note, inner)


def _no_pictures(content: Content) -> Markup | None:
    if not content.charts or not content.missing:
        return None
    which = "Some charts" if content.drawings else "Charts"
    told = f"{which} are shown as tables. {' '.join(content.missing)}"
    return element("p", told, class_="note")


def _findings(content: Content) -> Markup | None:
    placed: set[str] = set()
    findings = [_finding(one, content, placed) for one in content.result.findings]
    if not findings:
        return None
    return element("section", element("h2", "Findings"), findings, class_="findings")


def _finding(finding: Finding, content: Content, placed: set[str]) -> Markup:
    label, meaning = VERDICTS[finding.verdict]
    tone = _TONES.get(finding.verdict, "unsure")
    claim = [
        inline(text)
        if value is None
        else element("mark", text, title=f"{value.name}: {origin(value)}")
        for text, value in segments(finding)
    ]
    return element(
        "article",
        element("h3", claim, class_="claim", dir="auto"),
        element(
            "p", _badge(label, tone), element("span", meaning, class_="quiet"), class_="verdict"
        ),
        _checks(finding.checks) if finding.checks else None,
        _proof(finding, content, placed),
        class_=f"finding {tone}",
    )


def _proof(finding: Finding, content: Content, placed: set[str]) -> Markup | None:
    """The values and statements behind a finding; a statement that stands further up already is pointed to."""
    numbers = content.numbers()
    known = [name for name in dict.fromkeys(finding.evidence) if name in numbers]
    if not known and not finding.values:
        return None
    new = [name for name in known if name not in placed]
    placed.update(new)
    values = [
        [
            element("dt", element("code", value.name)),
            element(
                "dd",
                element("strong", value.text),
                " ",
                element("span", origin(value), class_="quiet"),
            ),
        ]
        for value in finding.values
    ]
    return element(
        "details",
        element("summary", "Evidence"),
        element("dl", values, class_="values") if values else None,
        [statement(content.queries[name], numbers[name]) for name in new],
        [link(name, content) for name in known if name not in new],
    )


def _statements(content: Content) -> Markup | None:
    placed = {name for finding in content.result.findings for name in finding.evidence}
    numbers = content.numbers()
    others = [query for name, query in content.queries.items() if name not in placed]
    shown = [
        element(
            "details",
            element("summary", f"Statement {numbers[query.evidence.id]}: {query.name}", dir="auto"),
            statement(query, numbers[query.evidence.id]),
        )
        for query in others
    ]
    return _section("Further statements", shown)


def _plan(content: Content) -> Markup | None:
    plan = content.result.plan
    if plan is None or not plan.steps:
        return None
    steps = [
        element(
            "li",
            element("span", "Done: " if step.done else "Open: ", class_="state"),
            inline(step.question),
            element("span", " ", inline(step.method), class_="quiet") if step.method else None,
            dir="auto",
        )
        for step in plan.steps
    ]
    return _section(
        "Plan", [element("ol", steps), _list(plan.assumptions) if plan.assumptions else Markup()]
    )


def _work(content: Content) -> Markup:
    usage = [[element("dt", name), element("dd", value)] for name, value in usage_lines(content)]
    steps = [
        element(
            "li",
            element("code", step.tool),
            " ",
            inline(step.summary),
            element(
                "span", "" if step.ok else " (refused)", f" {step.seconds:.1f} s", class_="quiet"
            ),
            dir="auto",
        )
        for step in content.result.execution_steps
    ]
    told = f"What was done, {len(steps)} steps"
    details = element("details", element("summary", told), element("ol", steps)) if steps else None
    return element("section", element("h2", "Work"), element("dl", usage, class_="facts"), details)


def _checks(checks: Iterable[Check]) -> Markup:
    items = [
        element(
            "li",
            element("strong", _SEVERITIES[check.severity], ": "),
            inline(check.message),
            class_=check.severity,
            dir="auto",
        )
        for check in checks
    ]
    return element("ul", items, class_="checks")


def _list(texts: Iterable[str]) -> Markup:
    return element("ul", [element("li", inline(text), dir="auto") for text in texts])


def _badge(text: str, tone: str) -> Markup:
    icon = f'<svg viewBox="0 0 16 16" aria-hidden="true">{_ICONS[tone]}</svg>'
    return element("span", verbatim(icon), text, class_=f"badge {tone}")


def _footer() -> Markup:
    text = (
        "Numbers were filled in from the results of the statements above, "
        "and the statements were run again before a finding was called verified."
    )
    return element("footer", element("p", text))
