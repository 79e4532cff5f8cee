"""The page in a real browser."""

from __future__ import annotations

import io
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import expect
from pypdf import PdfReader
from scapy.utils import RawPcapNgReader

from tcpprobe.report import html
from tcpprobe.report.capture import comment
from tcpprobe.report.capture import write as write_capture
from tcpprobe.results.jsonl import dump

from .conftest import Opened
from .flows import long_talk
from .sample import HOSTILE, a_run, an_end, closed_port, path_mtu, poisoned, results, timer_doubles

Visit = Callable[..., Opened]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report") / "report.html"
    found = list(results(150))
    html.write(a_run(), found, an_end(found), path)
    return path


def test_the_landing_view_opens_quietly(visit: Visit, report: Path) -> None:
    page = visit(report).page
    expect(page.locator("h1")).to_have_text("lab:linux")
    expect(page.locator("#shown")).to_have_text("150 scenarios")


def test_a_hostile_result_stays_text(visit: Visit, tmp_path: Path) -> None:
    path = tmp_path / "poison.html"
    html.write(a_run(target="</title><script>alert(9)</script>"), [poisoned()], None, path)
    page = visit(path).page
    page.locator("tr[data-n='0'] a").first.click()
    expect(page.locator("#detail h1")).to_contain_text("</script><script>alert(1)</script>")
    expect(page.locator("#detail h1")).to_contain_text("\\u202eltr")
    expect(page.locator("svg.ladder")).to_be_visible()
    page.locator(".twin summary").click()
    page.locator("#capture").hover()
    assert page.evaluate("document.querySelectorAll('#detail img, #detail script, #detail iframe').length") == 0
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_megabyte_where_a_word_was_expected_is_shown_in_part_and_as_text(visit: Visit, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    much = (HOSTILE * 10000)[: 1 << 20]
    result = replace(closed_port(), title=much, reason=much)
    result.transcript[1].text = result.transcript[1].note = result.steps[1].seen = much
    html.write(a_run(notes=[much]), [result], None, path)
    page = visit(path).page
    page.locator(".finding a").first.click()
    # More than 1 << 20: what UTF-8 cannot say is spelled in the results.
    assert re.search(r"… \(1,\d{3},\d{3} characters\)$", page.locator("#detail .judgement").inner_text())
    assert page.evaluate("document.querySelectorAll('#detail img, #detail script').length") == 0
    assert page.evaluate("document.body.textContent.length") < 1 << 20
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_from_the_landing_view_two_clicks_lead_to_the_first_broken_must_and_its_packet(
    visit: Visit, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    found = list(results(40))
    lesser = replace(closed_port(), id="lesser", title="Something that should be", level="should")
    html.write(a_run(), [lesser, *found[5:], *found[:5]], an_end(found), path)
    page = visit(path).page
    first = page.locator(".findings li").first
    expect(first).to_be_in_viewport(ratio=0.5)  # nobody has to scroll to it
    expect(first).to_contain_text("RFC9293-S3.10.7.1-2")
    first.locator(".finding a").first.click()
    expect(page.locator("#detail .meta")).to_contain_text("MUST")
    page.locator("#detail .near-miss a").click()
    expect(page.locator("#packet-title")).to_be_in_viewport()
    expect(page.locator("#packet-line")).to_contain_text("[RA] seq 0 ack 0")
    expect(page.locator(".hexline b.wrong").first).to_be_in_viewport()


def test_each_filter_of_the_form_narrows_the_list(visit: Visit, report: Path) -> None:
    page = visit(report).page
    for choice, said in (("#rfc", "6298"), ("#need", "agent"), ("#tag", "timer")):
        page.locator(choice).select_option(said)
        expect(page.locator("#shown")).to_contain_text("of 150")
        expect(page).to_have_url(re.compile(f"#{choice[1:]}={said}$"))
        page.locator("#filters button[type=reset]").click()
        expect(page.locator("#shown")).to_have_text("150 scenarios")
    for name in ("v", "l"):
        for chip in page.locator(f"#filters label.chip:has(input[name={name}])").all():
            chip.click()
            expect(page.locator("#shown")).to_contain_text("of 150")
            chip.click()
            expect(page.locator("#shown")).to_have_text("150 scenarios")


def test_the_printed_report_says_what_was_found(visit: Visit, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    html.write(a_run(), [*results(10), long_talk()], None, report)
    for hash_, wanted in (
        ("case=long-talk", ["Much is said", *(f"seq {1 + 10 * number} ack" for number in range(198))]),
        ("", ["lab:linux", "breaks 1 of the 7 MUST", "SYN to a closed port draws RST,ACK", "Passport", "Results"]),
        (
            "case=closed-port-syn",
            ["What must be", "acknowledgment number", "ack: 1001", "pytest --tcp-target lab:linux"],
        ),
    ):
        paper = tmp_path / "report.pdf"
        paper.write_bytes(visit(report, hash_, color_scheme="dark").page.pdf(format="A4"))
        text = " ".join(" ".join(sheet.extract_text() for sheet in PdfReader(paper).pages).split())
        assert [said for said in wanted if said not in text] == []


def test_squares_and_ladders_are_whole_on_paper(visit: Visit, report: Path) -> None:
    page = visit(report, media="print").page
    adjusted = "getComputedStyle(document.querySelector('button.sq-held')).printColorAdjust"
    assert page.evaluate(adjusted) == "exact"
    page = visit(report, "case=rto-doubles", media="print").page
    assert page.evaluate("getComputedStyle(document.querySelector('svg.ladder')).maxWidth") == "100%"


def test_tshark_finds_no_malformed_packet_in_the_capture(visit: Visit, report: Path, tmp_path: Path) -> None:
    for case in ("rto-doubles", "too-big-obeyed"):
        page = visit(report, f"case={case}").page
        with page.expect_download() as download:
            page.locator("#capture").click()
        kept = tmp_path / f"{case}.pcapng"
        download.value.save_as(kept)
        read = ["tshark", "-r", str(kept), "-T", "fields", "-e", "frame.number", "-e", "frame.comment"]
        lines = subprocess.run(read, capture_output=True, text=True, check=True).stdout.splitlines()
        assert len(lines) > 4
        assert all(line.partition("\t")[2] for line in lines)
        bad = subprocess.run([*read, "-Y", "_ws.malformed"], capture_output=True, text=True, check=True).stdout
        assert bad == ""


def test_filters_narrow_the_list_and_stand_in_the_address(visit: Visit, report: Path) -> None:
    page = visit(report).page
    page.locator("#filters .chip", has_text="fail").click()
    expect(page.locator("#shown")).to_contain_text("of 150")
    shown = page.locator(".group tr[data-n]:visible")
    assert set(shown.evaluate_all("rows => rows.map(row => row.dataset.v)")) == {"fail"}
    expect(page).to_have_url(re.compile("#v=fail$"))
    page.locator("#q").fill("no such thing")
    expect(page.locator("#none")).to_be_visible()
    page.locator("#clear").click()
    expect(page.locator("#shown")).to_have_text("150 scenarios")


@pytest.mark.parametrize(
    ("hash_", "said"),
    [
        ("v=warn", "2 of 150"),
        ("q=retransmission timer 6298", "of 150"),
        ("q=RFC8201-S4-1", "of 150"),
        ("rfc=5961", "2 of 150"),
        ("need=agent", "of 150"),
        ("tag=timer", "of 150"),
        ("l=should", "2 of 150"),
        ("req=RFC5961-S3.2-3", "about RFC5961-S3.2-3"),
    ],
)
def test_a_filter_can_be_linked_to(visit: Visit, report: Path, hash_: str, said: str) -> None:
    page = visit(report, hash_).page
    expect(page.locator("#shown")).to_contain_text(said)
    assert 0 < page.locator(".group tr[data-n]:visible").count() < 150


def test_a_packet_of_a_scenario_can_be_linked_to(visit: Visit, report: Path) -> None:
    page = visit(report, "case=rto-doubles&pkt=2&scale=time").page
    expect(page.locator("#detail h1")).to_have_text("Each expiry of the retransmission timer doubles it")
    expect(page.locator("#packet-line")).to_contain_text("[SA] seq 0 ack 1")
    expect(page.locator("[data-scale=time]")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".rung.again")).to_have_count(2)


def test_the_failing_scenario_shows_why(visit: Visit, report: Path) -> None:
    page = visit(report, "case=closed-port-syn").page
    expect(page.locator(".yaml .caret code")).to_have_text(" " * 30 + "^^^^^^^^^", use_inner_text=False)
    expect(page.locator(".differences tbody")).to_have_text("ack10")
    expect(page.locator(".layers tr.wrong")).to_contain_text("acknowledgment number")
    expect(page.locator(".hexline b.wrong")).to_have_count(4)
    expect(page.locator(".rung.missed .note")).to_have_text("missed, step 2")
    expect(page.locator(".rule")).to_contain_text("RFC9293-S3.10.7.1-2")


def test_ipv6_and_icmp_are_read(visit: Visit, report: Path) -> None:
    page = visit(report, "case=too-big-obeyed&pkt=5").page
    expect(page.locator(".layers summary").nth(0)).to_contain_text("IPv6")
    expect(page.locator(".layers summary").nth(1)).to_contain_text("ICMPv6")
    expect(page.locator(".layers summary").nth(2)).to_contain_text("quoted IPv6")
    expect(page.locator(".layers")).to_contain_text("1280")
    expect(page.locator(".layers")).to_contain_text("2001:db8::1")


def test_the_capture_is_what_scapy_reads(visit: Visit, report: Path) -> None:
    page = visit(report, "case=rto-doubles").page
    with page.expect_download() as download:
        page.locator("#capture").click()
    assert download.value.suggested_filename == "rto-doubles.pcapng"
    result = timer_doubles()
    packets = list(RawPcapNgReader(str(download.value.path())))
    sent = [entry for entry in result.transcript if entry.packet]
    assert [packet for packet, _ in packets] == [entry.packet for entry in sent]
    assert [meta.comments[0].decode() for _, meta in packets] == [comment(result, entry) for entry in sent]
    times = [((meta.tshigh << 32) + meta.tslow) / meta.tsresol for _, meta in packets]
    assert times[-1] - times[0] == pytest.approx(0.613, abs=1e-6)


def test_the_capture_of_the_page_is_the_capture_of_the_library(visit: Visit, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    html.write(a_run(started=""), [path_mtu()], None, path)
    page = visit(path, "case=too-big-obeyed").page
    with page.expect_download() as download:
        page.locator("#capture").click()
    ours = io.BytesIO()
    write_capture(path_mtu(), ours)
    assert Path(download.value.path()).read_bytes() == ours.getvalue()


def test_the_results_file_can_be_saved(visit: Visit, report: Path) -> None:
    page = visit(report).page
    with page.expect_download() as download:
        page.locator("#save-results").click()
    found = list(results(150))
    wanted = b"".join([dump(a_run()), *map(dump, found), dump(an_end(found))])
    assert Path(download.value.path()).read_bytes() == wanted


def test_keys_move_open_and_come_back(visit: Visit, report: Path) -> None:
    page = visit(report, "v=fail").page
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page.locator("#detail")).to_be_visible()
    expect(page).to_have_url(re.compile("case=closed-port-syn"))
    page.keyboard.press("ArrowUp")
    expect(page.locator("#packet-line")).to_contain_text("[S] seq 0")
    page.keyboard.press("t")
    expect(page).to_have_url(re.compile("scale=time"))
    page.keyboard.press("Escape")
    expect(page.locator("#landing")).to_be_visible()
    expect(page).to_have_url(re.compile("#v=fail$"))
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()


def test_next_walks_through_what_the_filters_show(visit: Visit, report: Path) -> None:
    page = visit(report, "q=christmas&case=christmas-tree-listen%5BFPU%5D").page
    page.keyboard.press("ArrowRight")
    expect(page.locator("#detail .overline code")).to_have_text("christmas-tree-listen[F]")
    page.go_back()
    expect(page.locator("#detail .overline code")).to_have_text("christmas-tree-listen[FPU]")


def test_a_square_of_the_map_filters_by_its_requirement(visit: Visit, report: Path) -> None:
    page = visit(report).page
    page.locator("button.sq-broken").first.click()
    expect(page.locator("#shown")).to_contain_text("about RFC9293-S3.10.7.1-2")
    page.locator("button.sq[tabindex='0']").focus()
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.activeElement.dataset.rule").startswith("RFC9293-")


def test_the_theme_is_in_the_address(visit: Visit, report: Path) -> None:
    page = visit(report, color_scheme="light").page
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator("#theme").click()
    expect(page).to_have_url(re.compile("#theme=dark$"))
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.locator("td.n-fail a").first.click()
    expect(page).to_have_url(re.compile("#theme=dark&v=fail&"))


@pytest.mark.parametrize("hash_", ["", "case=closed-port-syn", "case=rto-doubles", "case=closing-one-leaves-the-other"])
def test_a_narrow_screen_never_scrolls_sideways(visit: Visit, report: Path, hash_: str) -> None:
    page = visit(report, hash_).page
    page.set_viewport_size({"width": 360, "height": 700})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_every_control_has_a_name(visit: Visit, report: Path) -> None:
    page = visit(report, "case=closed-port-syn").page
    nameless = """
      [...document.querySelectorAll('button, a[href], input, select, summary')].filter(node =>
        !(node.textContent.trim() || node.ariaLabel || node.closest('label')?.textContent.trim()))
        .map(node => node.outerHTML)"""
    assert page.evaluate(nameless) == []
    assert page.evaluate("document.documentElement.lang") == "en"
    assert page.locator("h1:visible").count() == 1


def test_the_browser_shows_all_that_the_sample_has(visit: Visit, report: Path) -> None:
    page = visit(report, "case=closed-port-syn").page
    expect(page.locator("#detail .command code")).to_have_text(closed_port().reproduce)
    expect(page.locator(".attempts li")).to_have_count(3)


@pytest.mark.parametrize("hash_", ["", "theme=dark"])
def test_paper_is_white_whatever_the_screen_is(visit: Visit, report: Path, hash_: str) -> None:
    page = visit(report, hash_, color_scheme="dark", media="print").page
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(29, 28, 25)"


def test_what_came_nearest_is_told_in_a_sentence(visit: Visit, report: Path) -> None:
    page = visit(report, "case=closed-port-syn&pkt=0").page
    expect(page.locator(".near-miss")).to_have_text("Packet 2 after 0.9 ms came nearest; it differs in ack.")
    page.locator(".near-miss a").click()
    expect(page.locator("#packet-title")).to_have_text("Packet 2")
    page.goto(page.url.replace("closed-port-syn", "too-big-obeyed"))
    expect(page.locator(".near-miss")).to_have_text("Nothing came that was nearly that.")


def test_a_chosen_field_stays_lit_in_the_bytes(visit: Visit, report: Path) -> None:
    page = visit(report, "case=rto-doubles&pkt=2").page
    page.get_by_role("button", name="sequence number", exact=True).press("Enter")
    page.locator("#packet-title").hover()
    lit = page.locator(".hexline b.lit")
    expect(lit).to_have_text(["1c", "44", "0b", "07"])
    page.get_by_role("button", name="window", exact=True).click()
    expect(lit).to_have_text(["fa", "f0"])
    page.get_by_role("button", name="window", exact=True).click()
    page.locator("#packet-title").hover()
    expect(lit).to_have_count(0)


def test_a_long_ladder_scrolls_by_itself_to_what_is_chosen(visit: Visit, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    html.write(a_run(), [long_talk()], None, path)
    page = visit(path, "case=long-talk&pkt=200").page
    assert page.evaluate("document.querySelector('#ladder').clientHeight") < 900
    page.evaluate("document.querySelector('#ladder').scrollIntoView()")
    expect(page.locator(".rung.selected")).to_be_in_viewport()
    page.keyboard.press("ArrowDown")
    expect(page.locator("#packet-title")).to_have_text("Packet 202")
    expect(page.locator(".rung.selected")).to_be_in_viewport()


def test_an_empty_run_says_so(visit: Visit, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    html.write(a_run(), [], None, path)
    page = visit(path).page
    expect(page.locator("#results")).to_contain_text("No scenario was played.")
    expect(page.locator("#none")).to_be_hidden()
    expect(page.locator("#filters")).to_be_hidden()
