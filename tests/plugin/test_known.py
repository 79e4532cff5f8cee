"""The ledger of known deviations: what it holds, what is wrong in it, and what is a surprise."""

from types import SimpleNamespace

import pytest

from tcpprobe.marked.problem import Problems
from tcpprobe.plugin.known import Known, read, suggestion, surprise
from tcpprobe.results.model import Verdict
from tcpprobe.scenario.bundled import path as bundled_path
from tcpprobe.scenario.load import load_file

ALWAYS, SOMETIMES = Known("fail", "does so", "seen"), Known("fail", "does so", "seen", sometimes=True)
ENTRY = "a:\n  verdict: fail\n  does: so\n  source: seen\n"


def said(known, verdict):
    """What surprises about a verdict where this is known."""
    result = SimpleNamespace(id="a[1]", scenario="a", verdict=Verdict(verdict))
    return surprise({} if known is None else {"a": known}, result)[1]


@pytest.mark.parametrize(
    ("known", "verdict"),
    [
        (ALWAYS, "fail"),
        (ALWAYS, "inconclusive"),
        (None, "pass"),
        (None, "skip"),
        (SOMETIMES, "fail"),
        (SOMETIMES, "pass"),
    ],
)
def test_what_is_known_is_no_surprise(known, verdict):
    assert said(known, verdict) is None


@pytest.mark.parametrize(
    ("known", "verdict", "words"),
    [
        (None, "warn", "this warn is not in the ledger of known deviations"),
        (ALWAYS, "pass", "the ledger of known deviations says fail, but this is pass: does so"),
        (SOMETIMES, "warn", "the ledger of known deviations says fail, but this is warn: does so"),
    ],
)
def test_what_is_not_known_and_what_vanishes_are_surprises(known, verdict, words):
    assert said(known, verdict) == words


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1]", "a ledger maps ids of scenarios to what is known of them"),
        ("a: fail", "what is known has these keys: verdict, does, source, and perhaps sometimes: true or fatal: true"),
        (
            ENTRY + "  often: true\n",
            "what is known has these keys: verdict, does, source, and perhaps sometimes: true or fatal: true",
        ),
        (ENTRY + "  sometimes: never\n", "sometimes is true, or not there"),
        (ENTRY.replace("fail", "error"), "the verdict is "),
    ],
)
def test_a_mistake_in_a_ledger_is_said(tmp_path, text, words):
    file = tmp_path / "ledger.yaml"
    file.write_text(text)
    with pytest.raises(Problems) as caught:
        read(str(file))
    assert words in str(caught.value)


def test_a_file_is_read(tmp_path):
    file = tmp_path / "ledger.yaml"
    file.write_text(ENTRY + "  sometimes: true\n")
    assert read(str(file)) == {"a": Known("fail", "so", "seen", sometimes=True)}


@pytest.mark.parametrize("name", sorted(path.stem for path in (bundled_path() / "known").glob("*.yaml")))
def test_a_bundled_ledger_names_cases_that_there_are(name):
    cases = [case for path in bundled_path().rglob("*.probe.yaml") for case in load_file(path)]
    assert set(read(name)) <= {case.id for case in cases} | {case.scenario.id for case in cases}


def test_what_is_fatal_is_not_played(pytester):
    pytester.makefile(
        ".probe.yaml",
        one="title: T\nscenarios:\n  - id: a\n    title: A\n    level: info\n    steps:\n      - expect: nothing\n",
    )
    pytester.makefile(".yaml", ledger=ENTRY + "  fatal: true\n")
    options = ("--tcp-target=lab:memory", "--tcp-known=ledger.yaml", "--tcp-report=none", "-rs")
    done = pytester.runpytest("one.probe.yaml", *options)
    done.assert_outcomes(skipped=1)
    done.stdout.fnmatch_lines("*the target does not survive it, says the ledger of known deviations")


def seen_of(*names, but=0):
    """A run that found what these ledgers list, and as many failures besides."""
    listed = {id_: known for name in names for id_, known in read(name).items()}
    found = [SimpleNamespace(id=id_, scenario=id_, verdict=Verdict(known.verdict)) for id_, known in listed.items()]
    others = [SimpleNamespace(id=f"x{number}", scenario="x", verdict=Verdict.FAIL) for number in range(but)]
    return [*found, *others, SimpleNamespace(id="y", scenario="y", verdict=Verdict.PASS)]


@pytest.mark.parametrize(
    "names", [("linux",), ("linux", "linux-bbr"), ("linux", "linux-closed"), ("lwip",), ("slirp",)]
)
def test_the_ledgers_that_fit_are_suggested(names):
    """And no others: what they list is not seen."""
    told = suggestion(seen_of(*names))
    assert told is not None
    assert told.endswith(" ".join(f"--tcp-known {name}" for name in names))


def test_a_folder_of_the_same_name_is_not_taken_for_the_ledger(tmp_path, monkeypatch):
    (tmp_path / "linux").mkdir()
    monkeypatch.chdir(tmp_path)
    told = suggestion([SimpleNamespace(id="x", scenario="x", verdict=Verdict.FAIL)])
    assert told is None


def test_how_much_of_it_is_known_is_said():
    failures = sum(known.verdict == "fail" for known in read("linux").values())
    told = suggestion(seen_of("linux", but=1))
    assert told is not None
    assert f"looks like linux, of which {failures} of the {failures + 1} failures are known" in told


@pytest.mark.parametrize(
    "results", [[], seen_of(but=3), seen_of("linux", but=100)], ids=["none", "others", "mostly others"]
)
def test_without_half_of_the_failures_nothing_is_suggested(results):
    assert suggestion(results) is None
