"""Decoding in a process of its own: the same pixels, limits on time and memory, and a new process after each death."""

from __future__ import annotations

import io
import logging
import os
import signal
import struct
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from fingerprint.config import ReadLimits
from fingerprint.errors import ImageError
from fingerprint.images import decode as door
from fingerprint.images import decoder_pool, sandbox
from fingerprint.images.decode import read_as_pillow, read_grey, read_planes, read_rgb
from fingerprint.images.decoder_pool import POOL, SandboxUnavailableError
from fingerprint.types import U8
from tests import hostile

LINUX = sys.platform == "linux"
pytestmark = pytest.mark.usefixtures("pool")


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Decode in this process whatever the file is."""

    def refuse(*_: object) -> None:
        raise SandboxUnavailableError

    monkeypatch.setattr(door, "decode_apart", refuse)
    return monkeypatch


@pytest.fixture(scope="module")
def files(photos: dict[str, U8]) -> dict[str, bytes]:
    """Files that are not plain, of each format."""
    scene = Image.fromarray(photos["chelsea"]).resize((96, 64))
    tags = Image.Exif()
    tags[0x0112] = 6

    def encode(image: Image.Image, form: str, **options: object) -> bytes:
        out = io.BytesIO()
        image.save(out, form, **options)
        return out.getvalue()

    deep = Image.fromarray((np.asarray(scene.convert("L")).astype(np.uint16) << 8) + 7)
    return {
        "gif": encode(scene, "GIF"),
        "tiff": encode(scene, "TIFF", exif=tags),
        "tiff16": encode(deep, "TIFF"),
        "png16": encode(deep, "PNG"),
        "apng": encode(scene, "PNG", save_all=True, append_images=[scene.rotate(90)]),
        "webp": encode(scene, "WEBP", save_all=True, append_images=[scene.rotate(90)]),
        "bmp": encode(scene, "BMP"),
        "avif": encode(scene, "AVIF"),
        "ppm": encode(scene, "PPM"),
        "alpha": encode(scene.convert("LA"), "TIFF"),
        "jpeg": hostile.jpeg(40, 30, before=hostile.segment(0xE5, b"x") * 600),
    }


def test_the_pixels_are_those_of_this_process(files: dict[str, bytes], here: pytest.MonkeyPatch) -> None:
    for name, data in files.items():
        for read in (read_grey, read_rgb, read_planes, read_as_pillow):
            alone = read(data)
            with here.context() as patch:
                patch.setattr(door, "decode_apart", sandbox.decode_apart)
                apart = read(data)
            assert np.array_equal(alone.pixels, apart.pixels), name
            assert (alone.width, alone.height, alone.name) == (apart.width, apart.height, apart.name), name
            assert apart.pixels.flags.writeable, name
    assert POOL.n_started == 1


def test_a_large_file_is_read_by_its_path(
    files: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fingerprint.images import files as reading

    path = tmp_path / "a\udcff.tif"
    path.write_bytes(files["tiff"])
    whole = read_rgb(path)
    monkeypatch.setattr(reading, "_SMALL", 0)
    monkeypatch.chdir(tmp_path)
    streamed = read_rgb(path.name)
    assert np.array_equal(whole.pixels, streamed.pixels)
    assert streamed.name == path.name


def test_neither_arrays_nor_plain_files_start_a_process(photos: dict[str, U8]) -> None:
    read_rgb(photos["chelsea"])
    for data in (hostile.png(8, 8), hostile.jpeg(8, 8), hostile.riff((b"VP8L", hostile.vp8l(8, 8)))):
        read_rgb(data)
    assert POOL.n_started == 0


def test_one_process_serves_many_files_and_as_many_as_threads_at_most(files: dict[str, bytes]) -> None:
    for _ in range(20):
        read_grey(files["gif"])
    assert POOL.n_started == 1
    alone = [read_grey(data).pixels for data in files.values()]
    with ThreadPoolExecutor(3) as threads:
        together = list(threads.map(lambda data: read_grey(data).pixels, [*files.values()] * 10))
    assert all(np.array_equal(a, alone[i % len(alone)]) for i, a in enumerate(together))
    assert POOL.n_started <= 4


def test_what_takes_too_long_is_refused_and_the_next_one_is_read(files: dict[str, bytes]) -> None:
    slow = hostile.jpeg(4_000, 4_000, sof=0xC2, n_scans=60_000)
    with pytest.raises(ImageError) as caught:
        read_grey(slow, limits=ReadLimits(timeout=0.2))
    assert caught.value.reason == "decoding took longer than the limit of 0.2 seconds"
    assert read_grey(files["gif"]).width == 96
    assert POOL.n_started == 2


def test_any_time_can_be_given(files: dict[str, bytes]) -> None:
    assert read_grey(files["gif"], limits=ReadLimits(timeout=1e300)).width == 96


def test_the_timer_of_platforms_without_one(files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    real = decoder_pool.Deadline
    monkeypatch.setattr(sandbox, "Deadline", lambda decoder, needed=True: real(decoder, needed=needed))
    monkeypatch.setattr(
        decoder_pool, "_START", decoder_pool._START.replace("main()", "import signal; del signal.setitimer; main()")
    )
    slow = hostile.jpeg(4_000, 4_000, sof=0xC2, n_scans=60_000)
    with pytest.raises(ImageError, match=r"took longer than the limit of 0\.2 seconds"):
        read_grey(slow, limits=ReadLimits(timeout=0.2))
    assert read_grey(files["gif"]).width == 96


@pytest.mark.skipif(not LINUX, reason="memory is limited on Linux only")
def test_what_takes_too_much_memory_is_refused_and_the_next_one_is_read(files: dict[str, bytes]) -> None:
    with pytest.raises(ImageError) as caught:
        read_rgb(hostile.tiff(5_000, 5_000), limits=ReadLimits(max_memory=60_000_000))
    assert caught.value.reason.startswith("not enough memory to decode this TIFF file")
    assert read_grey(files["gif"]).width == 96
    assert POOL.n_started == 1  # it was refused, and the process lives on


@pytest.mark.skipif(not LINUX, reason="memory is read from /proc")
def test_a_process_has_freed_a_picture_before_another_may_take_as_much(monkeypatch: pytest.MonkeyPatch) -> None:
    data = hostile.tiff(6_000, 6_000)
    sizes = []
    give = POOL.give

    def giving(decoder: decoder_pool.Decoder) -> None:
        pages = int(Path(f"/proc/{decoder._process.pid}/statm").read_text(encoding="ascii").split()[1])
        sizes.append(pages * os.sysconf("SC_PAGESIZE"))
        give(decoder)

    monkeypatch.setattr(POOL, "give", giving)
    read_grey(hostile.tiff(8, 8))
    for _ in range(5):
        read_rgb(data)
    assert max(sizes) < sizes[0] + 30_000_000


@pytest.mark.skipif(os.name == "nt", reason="no such signals")
@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (signal.SIGSEGV, "the decoder of GIF files crashed (SIGSEGV)"),
        (signal.SIGKILL, "the process that decoded it was killed, as happens where a machine has no memory left"),
    ],
)
def test_a_crash_is_a_refusal_and_the_next_one_is_read(
    number: signal.Signals, expected: str, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    crash = "import os, fingerprint.images.decoder as d; d.OpenFile.read = lambda *_: os.kill(os.getpid(), %d); main()"
    with monkeypatch.context() as patch:
        patch.setattr(decoder_pool, "_START", decoder_pool._START.replace("main()", crash % number))
        with pytest.raises(ImageError) as caught:
            read_grey(files["gif"])
    assert caught.value.reason == expected
    assert read_grey(files["gif"]).width == 96
    assert POOL.n_started == 2


@pytest.mark.parametrize(
    "reply", ['{"shape": [9000, 9000000], "width": 1, "height": 1}', "[]", "nonsense", '{"width": true, "height": 1}']
)
def test_a_reply_that_is_none_is_a_refusal(
    reply: str, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flaw in a codec may give somebody else control of the process: what it says is checked."""
    message = struct.pack(">I", len(reply)) + reply.encode()
    lie = (
        "import fingerprint.images.decoder as d\n"
        f"d._answer = lambda task, requests, replies, *_: (replies.write({message!r}), replies.flush(), exit())\n"
        "main()"
    )
    monkeypatch.setattr(
        decoder_pool, "_START", decoder_pool._START.replace("main()", lie).replace("; import", "\nimport")
    )
    with pytest.raises(ImageError):
        read_grey(files["gif"])


def test_a_process_that_died_while_it_was_idle_is_replaced(files: dict[str, bytes]) -> None:
    read_grey(files["gif"])
    (idle,) = POOL._idle
    idle.kill()
    idle._process.wait()
    assert read_grey(files["gif"]).width == 96


def unnamed(capfd: pytest.CaptureFixture[str]) -> list[str]:
    """Return the lines on stderr that are not those of the command line's log, which names their file."""
    return [line for line in capfd.readouterr().err.splitlines() if not line.startswith("fingerprint: ")]


def test_messages_of_codecs_are_put_with_their_file(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    exif = hostile.segment(0xE1, b"Exif\0\0MM\0*\0\0\0\x08" + b"\xff" * 30)
    odd = tmp_path / "odd.jpg"
    odd.write_bytes(hostile.jpeg(16, 16, before=exif + hostile.segment(0xE5, b"x") * 600))
    cut = tmp_path / "cut.tif"
    cut.write_bytes(hostile.tiff(64, 64, compression=5, data=b"no LZW codes, but of some length"))
    with caplog.at_level(logging.INFO, logger="fingerprint"):
        read_grey(odd)
    assert f"{odd}: Warning: Corrupt EXIF data" in caplog.text
    with pytest.raises(ImageError) as caught:
        read_grey(cut)
    assert "; the decoder said: " in caught.value.reason
    assert "EXIF" not in caught.value.reason  # that was the file before
    assert not unnamed(capfd)


def with_odd_tags(n: int) -> bytes:
    """Return a sound TIFF, of which Pillow says for each of its odd tags that it is longer than the file."""
    return hostile.tiff(16, 16, more=tuple((40_000 + k, 12, 0xFFFFFFFF, bytes(8)) for k in range(n)))


def test_many_messages_are_whole_lines_and_do_no_harm_to_sound_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[tuple[str, ...]] = []
    checked = sandbox._checked

    def listen(picture: object, messages: tuple[str, ...], *rest: str) -> object:
        heard.append(messages)
        return checked(picture, messages, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(sandbox, "_checked", listen)
    lines = [f"Warning: Tag data larger than file. Skipping tag {40_000 + k}" for k in range(2_000)]
    for _ in range(12):  # more than one file of messages may hold, in all
        assert read_grey(with_odd_tags(2_000)).width == 16
        assert heard.pop() == tuple(lines)
    with pytest.raises(ImageError, match=r"the decoder said: Warning: Tag data larger than file. Skipping tag 40000; "):
        read_grey(with_odd_tags(24_000))
    (said,) = heard
    assert said[-1] == decoder_pool.CUT_OFF
    assert all(line.startswith("Warning: Tag data larger than file. Skipping tag ") for line in said[:-1])
    assert read_grey(with_odd_tags(3)).width == 16  # the same process, with room again
    assert heard[1] == tuple(lines[:3])
    assert POOL.n_started == 1


def test_a_message_that_is_cut_says_so() -> None:
    assert sandbox._said(["Warning: " + 30 * "many words "]).endswith(" many words ...")
    assert sandbox._said(["x" * 200]) == "; the decoder said: " + "x" * 200


def test_zeros_among_what_a_decoder_says_are_left_out() -> None:
    assert sandbox._said(["\0" * 500 + "Warning: odd", "\0\0", " "]) == "; the decoder said: Warning: odd"
    assert not sandbox._said(["\0"])


@pytest.mark.parametrize("compression", ["group4", "tiff_ccitt"])
def test_what_a_codec_made_up_is_damage(compression: str, capfd: pytest.CaptureFixture[str]) -> None:
    """libtiff says that a code word is bad, leaves the line as it is, and goes on as if nothing was wrong."""
    saved = io.BytesIO()
    checks = np.kron(np.indices((40, 60)).sum(axis=0) % 3 > 0, np.ones((8, 8), bool))
    Image.fromarray(checks).save(saved, "TIFF", compression=compression)
    sound = saved.getvalue()
    assert read_grey(sound).width == 480
    changed = bytearray(sound)
    middle = len(sound) // 2
    changed[middle : middle + 200] = np.random.default_rng(1).bytes(200)
    with pytest.raises(ImageError, match=r"its decoder would make up pixels; the decoder said: Fax"):
        read_grey(bytes(changed))
    assert not unnamed(capfd)


def test_what_a_codec_says_of_tags_is_no_damage(caplog: pytest.LogCaptureFixture) -> None:
    saved = io.BytesIO()
    Image.new("L", (64, 48), 90).save(saved, "TIFF", compression="tiff_lzw", dpi=(72, 72))
    tag = struct.pack("<HHI", 296, 3, 1)  # the unit of its resolution
    at = saved.getvalue().index(tag) + len(tag)
    unit = saved.getvalue()[:at] + struct.pack("<H", 77) + saved.getvalue()[at + 2 :]
    with caplog.at_level(logging.INFO, logger="fingerprint"):
        assert read_grey(unit).pixels.shape == (48, 64)
    assert 'Bad value 77 for "ResolutionUnit" tag' in caplog.text


def test_where_no_process_can_be_started_this_one_decodes(
    files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sandbox, "_unavailable", type(sandbox._unavailable)())
    for _ in range(3):
        assert read_grey(files["gif"]).width == 96
    assert [record.levelname for record in caplog.records] == ["WARNING"]  # said once
    with pytest.raises(ImageError, match="96 x 64 pixels are more than the limit of 6,143"):
        read_grey(files["gif"], limits=ReadLimits(max_pixels=6_143))


def test_a_program_that_only_begins_like_an_interpreter(
    files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decoder_pool, "_START", "print('not what was asked for')")
    monkeypatch.setattr(sandbox, "_unavailable", type(sandbox._unavailable)())
    assert read_grey(files["gif"]).width == 96


PARENT = """
    import os, sys
    from fingerprint.images.decoder_pool import POOL
    from fingerprint.images.decode import read_grey
    from tests import hostile
    read_grey(hostile.gif(8, 8))
    (idle,) = POOL._idle
    print(idle._process.pid, flush=True)
    end = sys.argv[1]
    if end == "decoding":
        from fingerprint.config import ReadLimits
        read_grey(hostile.jpeg(4000, 4000, sof=0xC2, n_scans=60000), limits=ReadLimits(timeout=3))
    os._exit(0) if end == "abruptly" else None
"""


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="processes are looked up in /proc")
@pytest.mark.parametrize("end", ["normally", "abruptly", "decoding"])
def test_processes_end_with_their_parent(end: str) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PARENT), end],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert parent.stdout is not None
    with parent.stdout:
        child = int(parent.stdout.readline())
        if end == "decoding":
            parent.kill()
        parent.wait()
    for _ in range(3_000):  # half a minute, but it takes a few steps
        if not Path(f"/proc/{child}").exists() or "Z" in Path(f"/proc/{child}/stat").read_text().split()[2]:
            return
        signal.sigtimedwait([], 0.01)
    pytest.fail("the process is still there")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
def test_a_forked_process_has_its_own(files: dict[str, bytes]) -> None:
    code = """
        import os
        from fingerprint.images.decode import read_grey
        from tests import hostile
        data = hostile.gif(8, 8)
        read_grey(data)
        pid = os.fork()
        for _ in range(20):
            assert read_grey(data).width == 8
        if pid:
            assert os.waitpid(pid, 0)[1] == 0
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, cwd=Path(__file__).parents[2])


def test_the_process_loads_neither_numba_nor_opencv_nor_scipy() -> None:
    code = "import sys, fingerprint.images.decoder; print(sorted({'numba', 'cv2', 'scipy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


SMALL = ReadLimits(max_pixels=300_000, timeout=5, max_memory=200_000_000)


def outcome_of(data: bytes) -> str:
    try:
        picture = read_planes(data, at_least=512, limits=SMALL)
    except ImageError as error:
        return error.reason
    return "read" if picture.pixels.shape[2] == 3 else ""


@pytest.mark.parametrize("kind", hostile.KINDS, ids=lambda kind: kind.__name__)
def test_every_hostile_picture_is_a_picture_or_a_refusal(kind: hostile.Kind, capfd: pytest.CaptureFixture[str]) -> None:
    """The kinds at a twenty-fifth of the side, with limits to match; ``make fuzz`` has them at full size."""
    outcomes = set()
    for name, data in kind(536):
        outcome = outcome_of(data)
        assert outcome, name
        outcomes.add(outcome == "read")
    assert outcomes == {True, False}
    assert not unnamed(capfd)
