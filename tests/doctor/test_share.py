from __future__ import annotations

from pathlib import Path

from callguard.doctor.share import asked
from callguard.doctor.site import Site
from callguard.store.share import Share
from tests.doctor.healthy import healthy, said, severities, with_host, with_plan

WEEK = (
    Share("sales", "announce", False, 20),
    Share("sales", "ask", True, 40),
    Share("support", "ask", False, 3),
    Share("private", "never", False, 7),
)


def test_the_share_is_a_figure_and_no_finding(tmp_path: Path) -> None:
    told = "43 of 70 calls of the last 7 days are asked (private 0 of 7, sales 40 of 60, support 3 of 3)"
    assert said(asked, with_host(tmp_path, share=WEEK)) == [("ok", told)]
    assert said(asked, healthy(tmp_path)) == []


def test_everybody_is_asked_because_nobody_said_where_agents_sit(tmp_path: Path) -> None:
    week = (Share("sales", "ask", True, 4),)
    site = with_host(tmp_path, share=week)
    [finding] = asked(site)
    assert (finding.severity, finding.where) == ("warning", "callguard.toml: places.agents")
    assert finding.what.startswith("4 of 4 calls")
    placed = Site(plan=with_plan(tmp_path, placed=True).plan, pbx=site.pbx, host=site.host)
    assert severities(asked, placed) == ["ok"]
    assert severities(asked, with_host(tmp_path, share=(*week, Share("sales", "ask", False, 1)))) == ["ok"]


def test_what_cannot_be_counted_is_no_zero(tmp_path: Path) -> None:
    [finding] = asked(with_host(tmp_path, share="Postgres is not reachable"))
    assert finding.severity == "warning" and finding.what.startswith("not checked")
