"""Hostile pictures: small files that cost a decoder much memory or time, of every format that the package reads.

They are made here, byte by byte where no encoder would, so that none needs to be kept. `pictures` makes all of them for
a side: with the default they are as large as the limits allow, with a small one the same kinds are cheap enough for
tests.
Run this module with a folder to write them: ``python tests/hostile.py FOLDER [SIDE]``.
"""

from __future__ import annotations

import io
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

from PIL import Image

#: Just within the default limit of 180 million pixels.
LARGEST_SIDE = 13_400
_ADLER = 65_521


# --- PNG --------------------------------------------------------------------------------------------------------------


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def zeros_deflated(n: int) -> bytes:
    """Return a zlib stream of so many zero bytes, without compressing them all."""
    block = 1 << 20
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    once = packer.compress(bytes(block)) + packer.flush(zlib.Z_FULL_FLUSH)
    rest = zlib.compressobj(9, zlib.DEFLATED, -15)
    end = rest.compress(bytes(n % block)) + rest.flush()
    return b"\x78\xda" + once * (n // block) + end + struct.pack(">I", (n % _ADLER) << 16 | 1)


_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def png(
    width: int,
    height: int,
    bits: int = 8,
    colour: int = 2,
    *,
    interlaced: bool = False,
    before: bytes = b"",
    parts: int = 1,
    pixels: bytes | None = None,
) -> bytes:
    """Return a black PNG; `before` goes before its pixels, which are divided into `parts`."""
    row = 1 + (width * bits * _SAMPLES[colour] + 7) // 8
    data = zeros_deflated(row * height + (64 * height if interlaced else 0)) if pixels is None else pixels
    size = max(1, -(-len(data) // parts))
    idat = b"".join(chunk(b"IDAT", data[at : at + size]) for at in range(0, len(data), size))
    palette = chunk(b"PLTE", bytes(range(6))) if colour == 3 else b""
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, interlaced)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + before + palette + idat + chunk(b"IEND", b"")


def apng(side: int, n_frames: int) -> bytes:
    control = struct.pack(">IIIIIHHBB", 0, side, side, 0, 0, 1, 10, 0, 0)
    frames = b"".join(
        chunk(b"fcTL", struct.pack(">I", 2 * i + 1) + control[4:])
        + chunk(b"fdAT", struct.pack(">I", 2 * i + 2) + zeros_deflated((1 + 3 * side) * side))
        for i in range(n_frames - 1)
    )
    whole = png(side, side, before=chunk(b"acTL", struct.pack(">II", n_frames, 0)) + chunk(b"fcTL", control))
    return whole[:-12] + frames + whole[-12:]


def pngs(side: int) -> Iterator[tuple[str, bytes]]:
    for bits, colour, name in (
        *((1, 0, "1bit"), (8, 0, "grey"), (16, 0, "grey16"), (8, 2, "rgb"), (16, 2, "rgb16"), (1, 3, "palette1")),
        *((8, 3, "palette"), (8, 4, "la"), (16, 4, "la16"), (8, 6, "rgba"), (16, 6, "rgba16")),
    ):
        yield f"{name}.png", png(side, side, bits, colour)
    yield "key.png", png(side, side, before=chunk(b"tRNS", bytes(6)))
    yield "key16.png", png(side, side, 16, 0, before=chunk(b"tRNS", bytes(2)))
    yield "interlaced.png", png(side, side, interlaced=True)
    yield "over-the-limit.png", png(side + side // 19, side + side // 19)
    yield "huge-header.png", png(0x7FFFFFFF, 0x7FFFFFFF, pixels=zeros_deflated(100))
    yield "1x65000.png", png(1, 65_000)
    yield "65000x1.png", png(65_000, 1)
    yield "1x2000000.png", png(1, 2_000_000)
    yield "wide.png", png(side * side // 180, 180)
    yield "more-than-its-size.png", png(8, 8, pixels=zeros_deflated(side * side * 3))
    yield "less-than-its-size.png", png(side, side, pixels=zeros_deflated(100))
    yield (
        "parts.png",
        png(side // 10, side // 10, pixels=zlib.compress(bytes((side // 10 * 3 + 1) * (side // 10)), 0), parts=10**6),
    )
    yield "empty-parts.png", png(8, 8)[:33] + chunk(b"IDAT", b"") * (side * 20) + png(8, 8)[33:]
    yield "texts.png", png(8, 8, before=chunk(b"tEXt", b"k\0v") * (side * 10))
    yield "text-bombs.png", png(8, 8, before=chunk(b"zTXt", b"k\0\0" + zeros_deflated(1_000_000)) * 100)
    yield "text-bomb.png", png(8, 8, before=chunk(b"zTXt", b"k\0\0" + zeros_deflated(side * side)))
    yield "long-text.png", png(8, 8, before=chunk(b"tEXt", b"k\0" + b"v" * (side * 1000)))
    yield "profile-bomb.png", png(8, 8, before=chunk(b"iCCP", b"p\0\0" + zeros_deflated(side * side)))
    yield "frames.png", apng(8, side // 4)
    yield "large-frames.png", apng(side // 4, 20)


# --- JPEG -------------------------------------------------------------------------------------------------------------


def segment(marker: int, body: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, 2 + len(body)) + body


def jpeg(
    width: int,
    height: int,
    n_components: int = 3,
    *,
    sof: int = 0xC0,
    bits: int = 8,
    before: bytes = b"",
    n_scans: int = 0,
    pixels: bool = True,
) -> bytes:
    """Return a grey JPEG whose blocks are a few bits each; with `n_scans` a progressive one that many scans refine."""
    tables = segment(0xDB, bytes([0]) + bytes([1] * 64))
    # DC: one code, '0', for a difference of 0. AC: '0' ends a block; in scans of AC alone it ends 2^14 blocks.
    dc = segment(0xC4, bytes([0x00, 1, *[0] * 15, 0]))
    ac = segment(0xC4, bytes([0x10, 1, *[0] * 15, 0xE0 if sof == 0xC2 else 0]))
    shape = b"".join(bytes([i + 1, 0x11, 0]) for i in range(n_components))
    frame = segment(sof, struct.pack(">BHHB", bits, height, width, n_components) + shape)
    n_blocks = -(-width // 8) * -(-height // 8)
    parts = [b"\xff\xd8", before, tables, frame, dc, ac]

    def scan(components: range, spectrum: tuple[int, int], approximation: int, n_bits: int) -> bytes:
        chosen = b"".join(bytes([i + 1, 0x00]) for i in components)
        return segment(0xDA, bytes([len(components)]) + chosen + bytes([*spectrum, approximation])) + bytes(
            -(-n_bits // 8)
        )

    everything = range(n_components)
    if sof == 0xC2:
        parts.append(scan(everything, (0, 0), 0x0D, n_blocks * n_components))
        refining = [scan(everything, (0, 0), 0xDC, n_blocks * n_components)]
        for number in range(n_scans):
            component = range(number % n_components, number % n_components + 1)
            parts.append(scan(component, (1, 63), 0x00, (n_blocks // (1 << 14) + 1) * 15))
        parts += refining if n_scans else []
    else:
        parts.append(scan(everything, (0, 63), 0, 2 * n_blocks * n_components if pixels else 0))
    return b"".join(parts) + b"\xff\xd9"


def jpegs(side: int) -> Iterator[tuple[str, bytes]]:
    yield "grey.jpg", jpeg(side, side, 1)
    yield "ycc.jpg", jpeg(side, side)
    yield "cmyk.jpg", jpeg(side, side, 4)
    yield "extended.jpg", jpeg(side, side, 1, sof=0xC1)
    yield "progressive.jpg", jpeg(side, side, sof=0xC2, n_scans=3)
    yield "progressive-grey.jpg", jpeg(side, side, 1, sof=0xC2, n_scans=3)
    yield "scans.jpg", jpeg(side // 2, side // 2, sof=0xC2, n_scans=800)
    yield "scans-small.jpg", jpeg(side // 20, side // 20, sof=0xC2, n_scans=5_000)
    yield "scans-large.jpg", jpeg(side, side, 1, sof=0xC2, n_scans=2_000)
    yield "largest-header.jpg", jpeg(65_500, 65_500, pixels=False)
    yield "header-within-the-limit.jpg", jpeg(side, side, pixels=False)
    yield "1x65000.jpg", jpeg(1, 65_000)
    yield "65000x1.jpg", jpeg(65_000, 1)
    yield "wide.jpg", jpeg(65_000, max(8, side * side // 65_000))
    yield "segments.jpg", jpeg(64, 64, before=segment(0xE5, b"x") * (side * 10))
    yield "long-segments.jpg", jpeg(64, 64, before=segment(0xE5, bytes(65_000)) * (side // 50))
    yield (
        "profiles.jpg",
        jpeg(
            64,
            64,
            before=b"".join(segment(0xE2, b"ICC_PROFILE\0" + bytes([i, 255]) + bytes(60_000)) for i in range(256)),
        ),
    )
    yield "fill.jpg", jpeg(64, 64, before=b"\xff" * (side * 500))
    yield "arithmetic.jpg", jpeg(side, side, 1, sof=0xC9)
    yield "lossless.jpg", jpeg(side, side, 1, sof=0xC3)
    yield "12bits.jpg", jpeg(side, side, 1, bits=12)
    yield "no-end.jpg", jpeg(side, side)[:-2]
    yield "frames.jpg", jpeg(64, 64) * (side // 4)
    yield "exif.jpg", jpeg(64, 64, before=segment(0xE1, b"Exif\0\0MM\0*" + struct.pack(">I", 8) + b"\xff\xff" * 30_000))


# --- GIF, WebP --------------------------------------------------------------------------------------------------------


def gif(width: int, height: int, *, n_frames: int = 1, before: bytes = b"", real: bool = True) -> bytes:
    """Return a black GIF; its LZW codes grow as long as they can."""
    screen = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6)
    codes = _lzw_zeros(width * height) if real else b"\x04\x00"
    blocks = b"".join(bytes([len(codes[i : i + 255])]) + codes[i : i + 255] for i in range(0, len(codes), 255))
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02" + blocks + b"\0"
    return screen + before + frame * n_frames + b";"


def _lzw_zeros(n: int) -> bytes:
    """Return the codes of so many zero pixels with two bits each."""
    out, held, n_held = bytearray(), 0, 0

    def put(code: int, bits: int) -> None:
        nonlocal held, n_held
        held |= code << n_held
        n_held += bits
        while n_held >= 8:
            out.append(held & 255)
            held >>= 8
            n_held -= 8

    while n > 0:
        put(4, 3 if not out else 12)
        following, bits, run = 6, 3, 1
        put(0, bits)
        n -= 1
        while n > 0 and following < 4096:
            run += 1
            put(following, bits) if run <= n else put(0, bits)
            n -= run if run <= n else 1
            following += 1
            bits = min(12, following.bit_length())
        if n > 0 and bits != 12:
            raise AssertionError("a table of codes is full when its codes have 12 bits")
    put(5, bits)
    return bytes(out) + bytes([held & 255])


def riff(*chunks: tuple[bytes, bytes]) -> bytes:
    body = b"WEBP" + b"".join(
        kind + struct.pack("<I", len(data)) + data + b"\0" * (len(data) % 2) for kind, data in chunks
    )
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _saved(image: Image.Image, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def vp8l(width: int, height: int) -> bytes:
    """Return the lossless WebP bitstream of one colour: five Huffman tables of one symbol each, and no further bits."""
    bits, n = 0x2F, 8

    def put(value: int, width: int) -> None:
        nonlocal bits, n
        bits |= value << n
        n += width

    put(width - 1, 14)
    put(height - 1, 14)
    put(0, 1 + 3)  # alpha, version
    put(0, 1 + 1 + 1)  # no transform, no colour cache, no meta codes
    for _ in range(5):
        put(1, 1)  # a simple code
        put(0, 1)  # of one symbol
        put(0, 1)  # of one bit
        put(0, 1)
    return bits.to_bytes(-(-n // 8), "little") + bytes(8)


def animated_webp(width: int, height: int, n_frames: int) -> bytes:
    size = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    inner = vp8l(width, height)
    image = b"VP8L" + struct.pack("<I", len(inner)) + inner + b"\0" * (len(inner) % 2)
    frame = (b"ANMF", bytes(6) + size + b"\x0a\0\0\0" + image)
    return riff((b"VP8X", b"\x02\0\0\0" + size), (b"ANIM", bytes(6)), *[frame] * n_frames)


def gifs_and_webps(side: int) -> Iterator[tuple[str, bytes]]:
    yield "large.gif", gif(side, side)
    yield "frames.gif", gif(16, 16, n_frames=side // 2)
    yield "large-frames.gif", gif(side // 10, side // 10, n_frames=100)
    yield "largest-header.gif", gif(65_535, 65_535, real=False)
    yield "header-within-the-limit.gif", gif(side, side, real=False)
    yield "1x65000.gif", gif(1, 65_000)
    yield "comments.gif", gif(16, 16, before=b"!\xfe\x01x\0" * (side * 10))
    yield "long-comment.gif", gif(16, 16, before=b"!\xfe" + (b"\xff" + bytes(255)) * side + b"\0")
    yield "no-end.gif", gif(side // 10, side // 10)[:-20]
    yield "large.webp", riff((b"VP8L", vp8l(min(side, 16_383), min(side, 16_383))))
    yield "largest.webp", riff((b"VP8L", vp8l(16_383, 16_383)))
    yield "middle.webp", riff((b"VP8L", vp8l(side // 2, side // 2)))
    yield "frames.webp", animated_webp(64, 64, side // 4)
    yield "large-frames.webp", animated_webp(min(side, 16_383), min(side, 16_383), 50)
    yield "largest-canvas.webp", riff((b"VP8X", b"\x02\0\0\0" + b"\xff" * 6), (b"ANIM", bytes(6)))
    yield "canvas.webp", riff((b"VP8X", bytes(4) + b"\xff\x3f\0" * 2), (b"VP8L", vp8l(8, 8)))
    yield "chunks.webp", riff((b"VP8X", bytes(10)), *[(b"XXXX", b"")] * (side * 5), (b"VP8L", vp8l(1, 1)))
    yield "1x16000.webp", riff((b"VP8L", vp8l(1, 16_000)))


# --- TIFF, BMP, AVIF, PPM ---------------------------------------------------------------------------------------------


def tiff(
    width: int,
    height: int,
    bits: tuple[int, ...] = (8, 8, 8),
    *,
    compression: int = 8,
    photometric: int = 2,
    rows: int | None = None,
    data: bytes | None = None,
    more: tuple[tuple[int, int, int, bytes], ...] = (),
    n_pages: int = 1,
    following: int | None = None,
) -> bytes:
    """Return a black TIFF in strips of so many rows; `more` are (tag, type, count, value) entries."""
    row = -(-width * sum(bits) // 8)
    rows = rows or max(1, (1 << 20) // row)
    n_strips = -(-height // rows)
    packed = data if data is not None else zeros_deflated(row * rows)
    out = bytearray(b"II*\0" + struct.pack("<I", 8 + len(packed)) + packed)
    for page in range(n_pages):
        entries = {
            256: (4, 1, struct.pack("<I", width)),
            257: (4, 1, struct.pack("<I", height)),
            258: (3, len(bits), struct.pack(f"<{len(bits)}H", *bits)),
            259: (3, 1, struct.pack("<H", compression)),
            262: (3, 1, struct.pack("<H", photometric)),
            273: (4, n_strips, struct.pack("<I", 8) * n_strips),  # every strip is the same bytes
            277: (3, 1, struct.pack("<H", len(bits))),
            278: (4, 1, struct.pack("<I", rows)),
            279: (4, n_strips, struct.pack("<I", len(packed)) * n_strips),
        } | {tag: (kind, count, value) for tag, kind, count, value in more}
        at = len(out) + 2 + 12 * len(entries) + 4
        table, values = bytearray(struct.pack("<H", len(entries))), bytearray()
        for tag, (kind, count, value) in sorted(entries.items()):
            table += struct.pack("<HHI", tag, kind, count)
            if len(value) <= 4:
                table += value.ljust(4, b"\0")
            else:
                table += struct.pack("<I", at + len(values))
                values += value + b"\0" * (len(value) % 2)
        after = at + len(values) if page + 1 < n_pages else following or 0
        out += table + struct.pack("<I", after) + values
    return bytes(out)


def _packbits_zeros(n: int) -> bytes:
    return b"\x81\0" * (n // 128) + bytes([256 - (n % 128 - 1) & 255, 0]) * (n % 128 > 1) + b"\0\0" * (n % 128 == 1)


def _strips_of_planes(side: int, n: int) -> tuple[tuple[int, int, int, bytes], ...]:
    """Return the entries of strips that each hold a plane of 16 bits, all in the same bytes."""
    packed = len(zeros_deflated(side * side * 2 * n))
    return (273, 4, n, struct.pack("<I", 8) * n), (279, 4, n, struct.pack("<I", packed) * n)


def tiffs(side: int) -> Iterator[tuple[str, bytes]]:
    yield "rgb.tif", tiff(side, side)
    yield "one-strip.tif", tiff(side, side, rows=side)
    yield "grey16.tif", tiff(side, side, (16,), photometric=1)
    yield "rgb16.tif", tiff(side, side, (16, 16, 16))
    planes = ((284, 3, 1, struct.pack("<H", 2)),)
    yield "rgb16-planes.tif", tiff(side, side, (16, 16, 16), rows=side, more=(*planes, *_strips_of_planes(side, 3)))
    yield "float64.tif", tiff(side, side, (64,), photometric=1, more=((339, 3, 1, struct.pack("<H", 3)),))
    yield "rgba.tif", tiff(side, side, (8,) * 4, more=((338, 3, 1, struct.pack("<H", 2)),))
    yield "cmyk.tif", tiff(side, side, (8,) * 4, photometric=5)
    yield "lab.tif", tiff(side, side, photometric=8)
    yield "float.tif", tiff(side, side, (32,), photometric=1, more=((339, 3, 1, struct.pack("<H", 3)),))
    yield "int32.tif", tiff(side, side, (32,), photometric=1, more=((339, 3, 1, struct.pack("<H", 2)),))
    yield "1bit.tif", tiff(side, side, (1,), photometric=1)
    yield "palette.tif", tiff(side, side, (8,), photometric=3, more=((320, 3, 768, bytes(1536)),))
    row = side * 3
    yield "packbits.tif", tiff(side, side, compression=32773, rows=64, data=_packbits_zeros(row) * 64)
    yield "largest-header.tif", tiff(0x7FFFFFFF, 0x7FFFFFFF, rows=0x7FFFFFFF, data=b"")
    yield "pages.tif", tiff(16, 16, n_pages=side // 4)
    yield "page-loop.tif", tiff(16, 16, following=8 + len(zeros_deflated(16 * 16 * 3)) if side else None)
    yield "many-tags.tif", tiff(16, 16, more=tuple((tag, 3, 1, b"\1\0") for tag in range(1000, 60_000)))
    yield "long-tag.tif", tiff(16, 16, more=((700, 1, side * 1000, bytes(side * 1000)),))
    yield "long-numbers.tif", tiff(16, 16, more=((700, 12, side * 100, bytes(side * 800)),))
    yield "lying-count.tif", tiff(16, 16, more=((700, 12, 0xFFFFFFFF, bytes(8)),))
    yield (
        "tile.tif",
        tiff(
            *(16, 16),
            more=(
                (322, 4, 1, struct.pack("<I", side)),
                (323, 4, 1, struct.pack("<I", side)),
                (324, 4, 1, struct.pack("<I", 8)),
                (325, 4, 1, struct.pack("<I", 900)),
            ),
        ),
    )
    yield "samples.tif", tiff(side // 4, side // 4, (8,) * 200)
    yield "1x65000.tif", tiff(1, 65_000)
    yield "cut.tif", tiff(side, side)[: -side // 4]


def bmp(width: int, height: int, bits: int, compression: int, data: bytes) -> bytes:
    palette = b"" if bits > 8 else bytes(4 << bits)
    start = 54 + len(palette)
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, compression, len(data), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", start + len(data), 0, 0, start) + header + palette + data


def others(side: int) -> Iterator[tuple[str, bytes]]:
    line = b"\xff\0" * (side // 255) + bytes([side % 255, 0]) * (side % 255 > 0) + b"\0\0"
    yield "rle8.bmp", bmp(side, side, 8, 1, line * side + b"\0\1")
    yield "rle8-empty.bmp", bmp(side, side, 8, 1, b"\0\1")
    yield "rle8-jumps.bmp", bmp(side, side, 8, 1, b"\0\2\xff\xff" * (side // 2) + b"\0\1")
    yield "1bit.bmp", bmp(side // 2, side // 2, 1, 0, bytes((side // 2 + 31) // 32 * 4 * (side // 2)))
    yield "largest-header.bmp", bmp(0x7FFFFFFF, 0x7FFFFFFF, 24, 0, b"")
    yield "negative.bmp", bmp(-side, -side, 24, 0, b"")
    yield "cut.bmp", bmp(side, side, 24, 0, bytes(1000))
    yield "bits.pbm", b"P4 %d %d\n" % (side // 2, side // 2) + bytes((side // 2 + 7) // 8 * (side // 2))
    yield "text.ppm", b"P3 %d %d 255\n" % (side // 10, side // 10) + b"0 " * (3 * (side // 10) ** 2)
    yield "text-cut.pgm", b"P2 %d %d 255\n" % (side, side) + b"0 " * 1000
    yield "long-number.pgm", b"P2 10 10 255\n" + b"0" * (side * 100)
    yield "largest-header.ppm", b"P6 999999999 999999999 255\n"
    yield "comment.ppm", b"P6 #" + b"x" * (side * 1000) + b"\n8 8 255\n" + bytes(192)
    yield "comments.ppm", b"P6 " + b"#\n" * (side * 100) + b"8 8 255\n" + bytes(192)
    yield "spaces.ppm", b"P6" + b" " * (side * 1000) + b"8 8 255\n" + bytes(192)
    yield "deep.pgm", b"P5 %d %d 65535\n" % (side // 4, side // 4) + bytes(2 * (side // 4) ** 2)
    yield "float.pfm", b"Pf\n%d %d\n-1.0\n" % (side // 4, side // 4) + bytes(4 * (side // 4) ** 2)
    yield "empty.jpg", b""
    yield "zeros.png", bytes(side * 1000)


def avifs(side: int) -> Iterator[tuple[str, bytes]]:
    frames = [Image.new("L", (64, 64), i % 256) for i in range(min(300, side // 40))]
    yield "frames.avif", _saved(frames[0], "AVIF", save_all=True, append_images=frames[1:], speed=10)
    small = _saved(Image.new("RGB", (side // 4, side // 4)), "AVIF", speed=10)
    yield "large.avif", small
    at = small.index(b"ispe") + 8
    yield "lying-size.avif", small[:at] + struct.pack(">II", side, side) + small[at + 8 :]
    yield "largest-header.avif", small[:at] + struct.pack(">II", 0x7FFFFFFF, 0x7FFFFFFF) + small[at + 8 :]
    yield "cut.avif", small[: len(small) // 2]


#: Makes (name, bytes) of the pictures of one kind, for a side.
Kind: TypeAlias = Callable[[int], Iterator[tuple[str, bytes]]]
KINDS: tuple[Kind, ...] = (pngs, jpegs, gifs_and_webps, tiffs, others, avifs)


def pictures(side: int = LARGEST_SIDE) -> Iterator[tuple[str, bytes]]:
    """Yield (name, bytes) of each hostile picture."""
    for kind in KINDS:
        yield from kind(side)


def write(folder: Path, side: int = LARGEST_SIDE) -> list[Path]:
    """Write all of them to a folder, and return the files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, data in pictures(side):
        paths.append(folder / name)
        paths[-1].write_bytes(data)
    return paths


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else LARGEST_SIDE)
