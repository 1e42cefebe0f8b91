"""Names of copies, screenshots and edited pictures, as programs in several languages write them."""

from __future__ import annotations

import unicodedata

import pytest

from fingerprint.dedupe.filenames import is_of_a_copy, is_of_a_screenshot, is_of_what_was_made

SCREENSHOTS = (
    *("Screenshot_20240102-101112", "Screenshot 2024-01-02 at 10.11.12", "Screen Shot 2019-01-02 at 10.11.12 AM"),
    *("Screenshots (3)", "ScreenCapture_2", "screengrab", "Snipaste_2024-01-02_10-11-12"),
    *("Bildschirmfoto vom 2024-01-02 10-11-12", "Capture d\u2019écran 2024-01-02 à 10.11.12", "Capture d'écran (1)"),
    *("Captura de pantalla 2024-01-02 a las 10.11.12", "Captura de Tela 2024-01-02", "Captura de ecrã 2024"),
    *("Schermata 2024-01-02 alle 10.11.12", "Schermafbeelding 2024-01-02 om 10.11.12", "Skärmavbild 2024-01-02"),
    *("Skjermbilde 2024-01-02", "Skærmbillede 2024-01-02", "Näyttökuva 2024-1-2", "Zrzut ekranu 2024-01-02"),
    *("Snímek obrazovky 2024-01-02", "Képernyőfotó 2024-01-02", "Ekran Resmi 2024-01-02", "Снимок экрана 2024-01-02"),
    *("スクリーンショット 2024-01-02 10.11.12", "截屏2024-01-02 10.11.12", "屏幕截图(12)", "스크린샷 2024-01-02"),
)
MADE = (
    *("IMG_1234-edited", "IMG_1234-bearbeitet", "PXL_20240102-modifié", "IMG_1234-editado", "20240102-modificato"),
    *("IMG_E1234", "IMG-20240102-WA0003", "WhatsApp Image 2024-01-02 at 10.11.12", "FB_IMG_1700000000000"),
    *("received_1234567890123", "signal-2024-01-02-101112", "photo_2024-01-02_10-11-12", "beach-1024x768"),
    *("beach-scaled", "beach_thumb", "beach-compressed"),
)
COPIES = (
    *("beach (1)", "beach - Copy", "beach - Kopie", "beach copie", "beach - copia", "beach - Cópia", "beach~2"),
    *("beach — kopia", "beach - Kopio", "beach \u2013 kopie", "пляж — копия", "beach - Kopya", "beach - Másolat"),
    *("沙滩 - 副本", "沙滩副本", "ビーチ - コピー", "해변 - 복사본", "beach - Kopi"),
)
PLAIN = (
    *("IMG_1234", "DSC01234", "PXL_20240102_101112123", "beach", "first shot", "second-shot", "Screening room"),
    *("copyright", "photocopy", "editor", "edition 3", "smaller town", "thumbelina", "photo_1", "signal tower"),
    *("received with thanks", "20240102_101112", "IMG_20240102_101112", "Ekran", "captura", "kopienhagen"),
)


@pytest.mark.parametrize("name", SCREENSHOTS)
def test_screenshots(name: str) -> None:
    for written in (name, name.upper(), unicodedata.normalize("NFD", name)):
        assert is_of_a_screenshot(written)
        assert is_of_what_was_made(written)


@pytest.mark.parametrize("name", MADE)
def test_what_was_made(name: str) -> None:
    assert is_of_what_was_made(name)
    assert is_of_what_was_made(unicodedata.normalize("NFD", name))
    assert not is_of_a_screenshot(name)


@pytest.mark.parametrize("name", COPIES)
def test_copies(name: str) -> None:
    assert is_of_a_copy(name)
    assert is_of_a_copy(unicodedata.normalize("NFD", name))
    assert not is_of_what_was_made(name)


@pytest.mark.parametrize("name", PLAIN)
def test_plain_names(name: str) -> None:
    assert not is_of_a_copy(name)
    assert not is_of_what_was_made(name)
