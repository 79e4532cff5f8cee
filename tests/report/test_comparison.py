"""Several runs on one page and in a terminal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tcpprobe.report import comparison, embedded, html
from tcpprobe.results.jsonl import ResultsError, dump
from tcpprobe.results.model import Result, Run, Verdict

from .conftest import Opened
from .hostile import SMUGGLED, everywhere
from .sample import a_run, an_end, results, two_connections

Visit = Callable[..., Opened]


def stored(path: Path, run: Run, found: list[Result]) -> Path:
    path.write_bytes(b"".join([dump(run), *map(dump, found), dump(an_end(found))]))
    return path


def later() -> list[Result]:
    """Another run of the sample: one thing newly broken, one newly held, one no longer tested."""
    found = list(results(30))
    found[0].verdict = found[3].verdict = Verdict.PASS
    found[0].transcript[1].note = "met"
    found[0].transcript[1].text = found[0].transcript[1].text.replace("ack 0", "ack 1")
    found[5].verdict = Verdict.FAIL
    found[5].transcript.insert(7, replace(found[5].transcript[6], time=0.4))
    return found[:-1]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("runs")
    return [
        stored(folder / "old.jsonl", a_run(), list(results(30))),
        stored(folder / "new.jsonl", a_run(target="lab:memory", started="2026-03-15T00:00:00+00:00"), later()),
    ]


@pytest.fixture(scope="module")
def page(files: list[Path]) -> Path:
    runs = comparison.sources(files)
    path = files[0].with_name("compared.html")
    comparison.write(runs, comparison.compared(runs), path)
    return path


def test_the_text_names_each_change_and_sets_nothing_off(files: list[Path]) -> None:
    runs = comparison.sources(files)
    said = comparison.text(runs, comparison.compared(runs))
    assert (
        "requirements: 2 differ, 8 are the same\n  newly broken: 1 requirement\n    held → broken  RFC6298-S5-4\n"
        in said
    )
    assert "  newly held: 1 requirement\n    broken → held  RFC9293-S3.10.7.1-2\n" in said
    assert "\x1b" not in said
    assert max(map(len, said.splitlines())) <= 80
    assert "\x1b[31;1mnewly broken" in comparison.text(runs, comparison.compared(runs), color=True).replace("  ", "")


def test_long_and_hostile_names_stay_within_80_columns(tmp_path: Path) -> None:
    before = stored(tmp_path / f"{'long ' * 30}.jsonl", a_run(target=SMUGGLED), [everywhere()])
    after = stored(tmp_path / "b.jsonl", a_run(), [everywhere(Verdict.PASS)])
    runs = comparison.sources([before, after])
    lines = comparison.text(runs, comparison.compared(runs)).splitlines()
    assert all(line.isprintable() and len(line) <= 80 for line in lines)


def test_many_changes_are_cut(files: list[Path]) -> None:
    runs = comparison.sources(files)
    nothing = replace(runs[1], results=[])
    said = comparison.text([runs[0], nothing], comparison.compared([runs[0], nothing]), listed=3)
    assert "  no longer tested: 28 scenarios\n" in said
    assert "    and 25 more" in said


def test_a_report_is_read_like_its_results(files: list[Path], page: Path) -> None:
    path = files[0].with_name("report.html")
    html.write(a_run(), results(30), an_end(list(results(30))), path)
    run, found, end = embedded.read(path)
    assert (run, list(found), end) == (a_run(), list(results(30)), an_end(list(results(30))))
    assert embedded.read(page)[0].target == "lab:memory"  # of several, the page's own: the last


@pytest.mark.parametrize(
    "content", ["", "<html></html>", '<script type="application/x-tcpprobe" data-kind="run">AAAA</script>']
)
def test_a_page_that_is_no_report_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.html").write_text(content)
    with pytest.raises(ResultsError, match=r"x\.html: "):
        embedded.read(tmp_path / "x.html")


def test_the_same_file_twice_has_two_names(files: list[Path]) -> None:
    assert len({source.name for source in comparison.sources([files[0], files[0], files[0]])}) == 3


def changes(opened: Page) -> list[tuple[str, str, str]]:
    """(change, what, verdicts or standings) of every row."""
    found = opened.evaluate(
        """[...document.querySelectorAll('.change')].flatMap(group => [...group.querySelectorAll('tbody tr')].map(row =>
             [group.querySelector('h2').firstChild.textContent.toLowerCase(), row.querySelector('code').textContent,
              [...row.querySelectorAll('td')].map(cell => cell.textContent.replace(/^[^a-z–]/, '')).join(' → ')]))"""
    )
    return [tuple(row) for row in found]


def test_the_page_opens_with_what_differs_as_the_terminal_tells_it(visit: Visit, files: list[Path], page: Path) -> None:
    opened = visit(page).page
    expect(opened.locator("#compare h1")).to_have_text("2 runs compared")
    expect(opened.locator("#compare .judgement")).to_contain_text(
        "1 requirement newly broken; 1 requirement newly held."
    )
    found = comparison.compared(comparison.sources(files))
    wanted = {
        (str(row.change), row.id, " → ".join(cell or "–" for cell in row.found))
        for row in (*found.requirements, *found.cases)
    }
    assert set(changes(opened)) == wanted
    opened.locator("#compare a", has_text="The last run in full").click()
    expect(opened.locator("#landing h1")).to_have_text("lab:memory")


def test_ladders_stand_side_by_side_and_the_first_difference_is_marked(visit: Visit, page: Path) -> None:
    opened = visit(page, "diff=rto-doubles").page
    expect(opened.locator("#parting")).to_contain_text("in run 1 there is nothing; in run 2 received [PA] seq 1 ack 1")
    expect(opened.locator(".beside svg.ladder")).to_have_count(2)
    heights = opened.locator(".beside .ladder .parted").evaluate_all("all => all.map(one => one.getAttribute('y'))")
    assert len(heights) == 2
    assert len(set(heights)) == 1
    expect(opened.locator(".parted-word")).to_have_text("nothing here")
    opened.keyboard.press("Escape")
    expect(opened.locator("#compare h1")).to_have_text("2 runs compared")


def test_an_answer_that_is_another_stands_in_the_same_row(visit: Visit, page: Path) -> None:
    opened = visit(page, "diff=closed-port-syn").page
    expect(opened.locator("#parting")).to_have_text(
        "The first difference: in run 1 received [RA] seq 0 ack 0 win 0 (missed); "
        "in run 2 received [RA] seq 0 ack 1 win 0 (met)."
    )
    expect(opened.locator(".parted-word")).to_have_count(0)


def test_plays_that_are_the_same_say_so(visit: Visit, page: Path) -> None:
    opened = visit(page).page
    opened.locator("#compare summary").click()
    opened.locator(".same a", has_text="too-big-obeyed").first.click()
    expect(opened.locator("#parting")).to_have_text("The exchanges are the same, packet by packet.")


RUNGS = """[...document.querySelectorAll('.beside .ladder')].map(one => Object.fromEntries(
  [...one.querySelectorAll('.rung')].map(rung => [
    rung.querySelector('.hit').getAttribute('y'),
    rung.querySelector('title').textContent.replace(/ \\(.*/, '')])))"""


def test_three_runs_are_aligned(visit: Visit, tmp_path: Path) -> None:
    plays = [two_connections() for _ in range(3)]
    plays[1].transcript.pop(6)
    plays[2].transcript.pop(3)
    files = [
        stored(tmp_path / f"{n}.jsonl", a_run(), [replace(play, verdict=verdict)])
        for n, (play, verdict) in enumerate(zip(plays, (Verdict.PASS, Verdict.FAIL, Verdict.PASS), strict=True))
    ]
    runs = comparison.sources(files)
    comparison.write(runs, comparison.compared(runs), tmp_path / "three.html")
    opened = visit(tmp_path / "three.html").page
    expect(opened.locator(".change h2")).to_contain_text("Otherwise different")
    opened.locator(".change a").click()
    expect(opened.locator(".beside svg.ladder")).to_have_count(3)
    rungs = opened.evaluate(RUNGS)
    assert [len(each) for each in rungs] == [len(play.transcript) for play in plays]
    for height in {*rungs[0]} & {*rungs[1]} & {*rungs[2]}:
        assert len({each[height] for each in rungs}) == 1


def test_a_file_that_is_dropped_is_compared_offline(visit: Visit, files: list[Path]) -> None:
    report = files[0].with_name("open.html")
    html.write(a_run(), results(30), None, report)
    opened = visit(report).page
    opened.locator("#compare-with").set_input_files(files[1])
    expect(opened.locator("#compare h1")).to_have_text("2 runs compared")
    expect(opened.locator(".runs")).to_contain_text("(cut short)")
    assert ("newly broken", "rto-doubles", "pass → fail") in changes(opened)
    opened.go_back()
    expect(opened.locator("#landing h1")).to_have_text("lab:linux")


DROP = """async ([text, name]) => {
  const carried = new DataTransfer();
  carried.items.add(new File([text], name));
  for (const kind of ["dragenter", "dragover", "drop"])
    dispatchEvent(new DragEvent(kind, {dataTransfer: carried, bubbles: true, cancelable: true}));
}"""


def test_an_older_report_that_is_dropped_comes_first(visit: Visit, files: list[Path]) -> None:
    report = files[0].with_name("newer.html")
    html.write(embedded.read(files[1])[0], later(), None, report)
    opened = visit(report).page
    older = files[0].with_name("older.html")
    html.write(a_run(), results(30), None, older)
    opened.evaluate(DROP, [older.read_text(), "older.html"])
    expect(opened.locator(".runs tbody th").first).to_have_text("1 older.html")
    assert ("newly broken", "RFC6298-S5-4", "held → broken") in changes(opened)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "there are no tcpprobe results inside"),
        ("<html></html>", "there are no tcpprobe results inside"),
        ("hello\nworld\n", "line 1 is no line of tcpprobe results"),
        ('{"run":{"schema":99}}\n', "it was written by a newer tcpprobe"),
    ],
)
def test_what_cannot_be_compared_is_told(visit: Visit, page: Path, text: str, said: str) -> None:
    opened = visit(page).page
    opened.evaluate(DROP, [text, "other.txt"])
    expect(opened.locator("#notice")).to_have_text(f"other.txt cannot be compared: {said}")


def test_a_hostile_file_stays_text(visit: Visit, page: Path) -> None:
    poison = everywhere()
    lines = (
        dump(a_run(target=SMUGGLED)) + dump(poison) + b'{"result":{"id":5,"transcript":[null,{"packet":"!"}]}}\n{"re'
    )
    opened = visit(page).page
    opened.evaluate(DROP, [lines.decode(), SMUGGLED])
    expect(opened.locator("#compare h1")).to_have_text("3 runs compared")
    opened.locator(".changes a", has_text="alert(1)").first.click()
    expect(opened.locator(".beside")).to_be_visible()
    assert opened.evaluate("document.querySelectorAll('#compare img, #compare script').length") == 0


def test_without_javascript_the_comparison_is_there(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert "newly broken: 1 requirement" in text
    assert text.count('data-run="0"') == 3
