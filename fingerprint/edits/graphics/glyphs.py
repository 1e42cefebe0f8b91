r"""Letters as strokes of a pen, so that one set of shapes gives any number of faces.

A glyph is a string: its width, then strokes. A stroke begins with ``-`` (straight lines) or ``~`` (a smooth curve) and
goes on with points, two digits each, x and y. Digits are 0 to 9, then letters from ``a``, which is 10. The unit is a
twelfth of the height of capitals: y is 0 at their top, 4 at the top of small letters, 12 on the baseline and 16 at the
foot of ``p``.
"""

from __future__ import annotations

from functools import cache
from types import MappingProxyType

import numpy as np

from fingerprint.types import F64

#: Height of capitals in the units of the glyphs.
CAPITAL = 12

_LINES = r"""
A 8 -0c408c -1979
B 7 -000c ~00406173654606 ~064667796b4c0c
C 8 ~82604012061a4c6c8a
D 8 -000c ~003072867a3c0c
E 6 -60000c6c -0656
F 6 -60000c -0656
G 8 ~82604012061a4c6c8b -8b8757
H 8 -000c -808c -0686
I 0 -000c
J 5 -5058 ~585a3c1c0a
K 7 -000c -7007 -347c
L 6 -000c6c
M a -0c0058a0ac
N 8 -0c008c80
O 8 ~4012061a4c7a867240
P 7 -000c ~00406173654606
Q 8 ~4012061a4c7a867240 -598d
R 7 -000c ~00406173654606 -367c
S 7 ~72502002154667795c2c0a
T 8 -0080 -404c
U 8 -0008 ~081b4c7b88 -8088
V 8 -004c80
W c -003c629cc0
X 8 -008c -800c
Y 8 -004680 -464c
Z 8 -00800c8c
a 6 ~66543415081b3c5b6a -646c
b 6 -000c ~06143455685b3c1b0a
c 6 ~65543415081b3c5b6a
d 6 -606c ~66543415081b3c5b6a
e 6 -0868 ~6866543415081b3c5b6a
f 5 ~5040212c -0444
g 6 ~66543415081b3c5b6a -646d ~6d5f3g1f
h 6 -000c ~0624445567 -676c
i 0 -040c -0001
j 2 -242e ~2e1g0g -2021
k 5 -000c -5409 -275c
l 0 -000c
m a -040c ~0624344557 -575c ~57748495a7 -a7ac
n 6 -040c ~0624445567 -676c
o 6 ~3415081b3c5b68553 4
p 6 -040g ~06143455685b3c1b0a
q 6 -646g ~66543415081b3c5b6a
r 4 -040c ~07153444
s 5 ~5534140617495a4c2c0b
t 4 -202a ~2a3c4c -0444
u 6 -0409 ~091b3c5b69 -646c
v 6 -043c64
w 8 -042c456c84
x 6 -046c -640c
y 6 -043c -641g
z 6 -04640c6c
0 6 ~3011061b3c5b665130
1 3 -03303c
2 6 ~0311305163560c -0c6c
3 6 ~02113051635536 ~3657695b3c1b0a
4 6 -4c400868
5 6 -601005 ~053455676a5b3c1b0a
6 6 ~5130110609 1b3c5b69573608
7 6 -00602c
8 6 ~301103153655635130 ~3617091b3c5b695736
9 6 ~1b3c5b6663513011031 5365564
. 0 -0b0c
, 1 -1b0e
: 0 -0506 -0b0c
; 1 -1516 -1b0e
- 4 -0747
+ 6 -0767 -343a
/ 5 -0d50
! 0 -0008 -0b0c
? 6 ~031130516355373 8 -3b3c
$ 7 ~72502002154667795c2c0a -4e4e
% 8 -0c80 ~1011131313 -7a7b
& 8 ~8c320 1204143130 8 0a2c4c88
( 2 ~2003092c
) 2 ~0023290c
# 8 -2c40 -6c80 -0484 -0888
= 6 -0565 -0969
@ 8 ~6764340616384868 8684514013090b3c6c
* 4 -2026 -0145 -4105
' 0 -0003
" 2 -0003 -2023
< 5 -52075c
> 5 -02570c
[ 2 -20000c2c
] 2 -00202c0c
_ 6 -0d6d
{ 3 ~301116073c
} 3 ~002126370c
| 0 -000d
\ 5 -005d
~ 6 ~0816385868
^ 5 -052055
"""


def _parse(line: str) -> tuple[str, tuple[float, tuple[tuple[bool, F64], ...]]]:
    """Return the character, its width, and for each stroke whether it is smooth, and its points."""
    character, width, *rest = line.split()
    strokes: list[tuple[bool, F64]] = []
    text = " ".join(rest)
    for part in text.replace(" -", "\n-").replace(" ~", "\n~").split("\n"):
        digits = [int(digit, 36) for digit in part[1:].replace(" ", "")]
        strokes.append((part[0] == "~", np.array(digits, dtype=np.float64).reshape(-1, 2)))
    return character, (float(int(width, 36)), tuple(strokes))


_GLYPHS = MappingProxyType(dict(_parse(line) for line in _LINES.strip().splitlines()))


@cache
def glyph(character: str) -> tuple[float, tuple[F64, ...]]:
    """Return a character's width and its strokes, smooth ones as many short lines.

    Parameters
    ----------
    character : str
        One character. A blank has no strokes; an unknown character is drawn as a box.

    Returns
    -------
    width : float
        In twelfths of the height of capitals.
    strokes : tuple of float64 array, shape (n, 2)
        Points ``(x, y)`` in the same unit, y down from the top of capitals.
    """
    if character == " ":
        return 4.0, ()
    if character not in _GLYPHS:
        return 6.0, (np.array([[0, 2], [6, 2], [6, 12], [0, 12], [0, 2]], dtype=np.float64),)
    width, strokes = _GLYPHS[character]
    return width, tuple(_smooth(points) if smooth else points for smooth, points in strokes)


def _smooth(points: F64, steps: int = 5) -> F64:
    """Return a Catmull-Rom spline through the points; it is closed if the first is the last."""
    closed = bool((points[0] == points[-1]).all())
    before, after = (points[-2], points[1]) if closed else (points[0], points[-1])
    p = np.vstack([before, points, after])
    t = (np.arange(steps) / steps)[:, None]
    pieces = [
        0.5
        * (
            2 * p[i]
            + (p[i + 1] - p[i - 1]) * t
            + (2 * p[i - 1] - 5 * p[i] + 4 * p[i + 1] - p[i + 2]) * t**2
            + (3 * p[i] - p[i - 1] - 3 * p[i + 1] + p[i + 2]) * t**3
        )
        for i in range(1, len(p) - 2)
    ]
    return np.vstack([*pieces, points[-1:]])
