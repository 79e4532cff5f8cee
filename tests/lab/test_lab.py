import pytest

from tcpprobe.lab import lab as room
from tcpprobe.lab.lab import Lab, LabError, open_lab
from tcpprobe.target.target import LABS, Target, TargetError


class FakeLink:
    closed = 0

    def close(self):
        self.closed += 1


@pytest.fixture
def opened(monkeypatch):
    """Labs that only say how they were opened; one of them cannot be."""
    opened = []

    def opener(name):
        def open_it(family):
            if name == "linux" and opened == ["forbidden"]:
                raise LabError("not here")
            opened.append((name, family))
            lab_name = name if family == 4 else f"{name}-ipv6"
            target = Target(f"lab:{lab_name}", f"lab:{lab_name}", b"", 7, lab=lab_name, family=family)
            return Lab(target, FakeLink(), notes=("as ever",), finish=lambda: opened.append("finished"))

        return open_it

    monkeypatch.setattr(room, "_opener", opener)
    return opened


def test_every_name_a_user_may_write_has_an_opener():
    assert {name.removesuffix("-ipv6") for name in LABS} == set(room.OPENERS)


@pytest.mark.parametrize("name", room.OPENERS)
def test_every_opener_is_there(name):
    assert callable(room._opener(name))


@pytest.mark.parametrize(
    ("name", "family", "wanted"),
    [
        ("lab:linux", 4, ("linux", 4)),
        ("linux", 6, ("linux", 6)),
        ("linux-ipv6", 4, ("linux", 6)),
        ("lab:memory", 4, ("memory", 4)),
        ("lab:memory-ipv6", 6, ("memory", 6)),
        ("lab", 4, ("linux", 4)),
        ("any", 6, ("linux", 6)),
    ],
)
def test_a_name_opens_its_lab(opened, name, family, wanted):
    with open_lab(name, family=family):
        assert opened == [wanted]
    assert opened == [wanted, "finished"]


def test_an_unknown_lab_is_a_plain_line():
    with pytest.raises(TargetError, match=r"^no lab is called 'memori' \(did you mean 'memory'\?\)"):
        open_lab("memori")


def test_lab_alone_says_which_it_is(opened):
    assert open_lab("lab").notes == ("lab is lab:linux", "as ever")
    opened[:] = ["forbidden"]
    lab = open_lab("lab")
    assert lab.notes == ("lab is lab:memory", "lab:linux cannot be used here: not here", "as ever")


def test_no_lab_at_all_says_why(monkeypatch):
    def opener(_):
        def refuse(_):
            raise LabError("not here")

        return refuse

    monkeypatch.setattr(room, "_opener", opener)
    with pytest.raises(LabError, match=r"^lab:linux cannot be used here: not here; lab:memory cannot"):
        open_lab("lab")


def test_closing_twice_closes_once(opened):
    lab = open_lab("linux")
    lab.close()
    lab.close()
    assert lab.link.closed == 1
    assert opened == [("linux", 4), "finished"]


def test_the_target_goes_even_when_the_link_fails(opened):
    lab = open_lab("linux")

    def fail():
        raise OSError("broken")

    lab.link.close = fail
    with pytest.raises(OSError, match="broken"):
        lab.close()
    assert opened[-1] == "finished"
