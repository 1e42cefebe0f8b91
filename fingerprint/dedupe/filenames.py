"""What programs and people write into the names of copies, of screenshots and of what they made from a picture.

Names are those of desktops, phones, messengers and online albums, in the languages in which these are used most.
"""

from __future__ import annotations

import re
import unicodedata

#: Words of edited pictures, and names that messengers give to what they have compressed.
_MADE = re.compile(
    r"\b(edited|edit|bearbeitet|modifiée?|editad[oa]|modificat[oa]|bewerkt|edytowane|redigerad|изменено)\b"
    r"|\b(resized|compressed|small|thumb|thumbnail|scaled|cropped)\b"
    r"|\bimg e\d{4}\b"  # of an iPhone
    r"|\bimg \d{8} wa\d{4}\b|\bwhatsapp image\b|\bfb img \d+\b|\breceived \d{9,}\b|\bsignal \d{4} \d\d \d\d\b"
    r"|\bphoto \d{4} \d\d \d\d \d\d \d\d \d\d\b"  # of Telegram
    r"|\d{2,5}x\d{2,5}$"
)
#: Words of copies, which may be better than what has the plain name.
_COPY = re.compile(
    r"\((\d+)\)|~\d+$"
    r"|\b(copy|copie|copia|cópia|kopie|kopia|kopi|kopio|kopya|kópia|másolat|копия|копія|αντίγραφο)\b"
    r"|副本|拷贝|拷貝|コピー|복사본"
)
#: What phones and desktops call screenshots. In Chinese, Japanese and Korean no space parts words.
_SCREENSHOT = re.compile(
    r"\b(screenshots?|screen shot|screen ?cap(ture)?|screen ?grab|snipaste|snipping tool"
    r"|bildschirmfoto|bildschirmausschnitt|capture d['\u2019]écran|captura de (pantalla|tela|ecrã)|schermata"
    r"|schermafbeelding|schermafdruk|skärmavbild|skärmbild|skjermbilde|skærmbillede|näyttökuva|zrzut ekranu"
    r"|snímek obrazovky|képernyőkép|képernyőfotó|captură de ecran|ekran (resmi|görüntüsü|al\u0131nt\u0131s\u0131)"
    r"|снимок экрана|скриншот|знімок екрана|στιγμιότυπο)\b"
    r"|截屏|截图|截圖|屏幕快照|螢幕快照|スクリーンショット|스크린샷"
)


def is_of_a_copy(stem: str) -> bool:
    """Return whether a file name, without its ending, is one that copies have."""
    return _COPY.search(_words(stem)) is not None


def is_of_a_screenshot(stem: str) -> bool:
    """Return whether a file name, without its ending, is one that phones and desktops give to screenshots."""
    return _SCREENSHOT.search(_words(stem)) is not None


def is_of_what_was_made(stem: str) -> bool:
    """Return whether a file name, without its ending, is that of a screenshot, an editor's result, or a messenger's."""
    return is_of_a_screenshot(stem) or _MADE.search(_words(stem)) is not None


def _words(stem: str) -> str:
    """Return a name in small letters, with single spaces between words, however a disk keeps its accents."""
    return re.sub(r"[-_.\s]+", " ", unicodedata.normalize("NFC", stem).casefold())
